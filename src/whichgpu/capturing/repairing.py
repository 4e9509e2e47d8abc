"""A pasted listing as Python text: what a web page or an editor did to it is undone where that is plain.

Nothing is touched in a script that Python can already read. Every repair keeps the lines where they are, so that
line numbers in messages are the user's own.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from whichgpu.errors import SourceSyntaxError, SourceUnreadable
from whichgpu.units import MIB

LARGEST_SCRIPT_BYTES: Final = MIB
MOST_LINE_REPAIRS: Final = 400
MOST_PARSED_CHARACTERS: Final = 8_000_000
"""Lines mended one by one before the script is given up, and characters parsed for it: each costs one parse."""

BYTE_ORDER_MARKS: Final[Mapping[bytes, str]] = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
QUOTES: Final = str.maketrans({**dict.fromkeys("“”„‟«»″〝〞＂", '"'), **dict.fromkeys("‘’‚‛′＇`´", "'")})
DASHES: Final = str.maketrans(dict.fromkeys("‐‑‒–—−﹣", "-"))
INVISIBLE: Final = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"), None)
WIDE: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {ord("、"): ord(",")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """Python text that parses, with how often each repair was made, by its code (``quotes``, ``spaces`` …)."""

    text: str
    repairs: Mapping[str, int]


def repair(content: bytes, name: str) -> Repaired:
    """The text of the script ``name``; raises SourceUnreadable or SourceSyntaxError (with its line)."""
    text, counts = _decode(content, name)
    error = syntax_error(text)
    if error is None:
        return Repaired(text=text, repairs=counts)
    for code, mend in STRUCTURAL.items():
        mended, changes = mend(text)
        if changes:
            text = mended
            counts[code] += changes
    text, left = _mend_lines(text, counts)
    if left is not None:
        original = error if not counts else left
        raise _syntax(original, name)
    return Repaired(text=text, repairs=counts)


def _syntax(error: SyntaxError, name: str) -> SourceSyntaxError:
    return SourceSyntaxError(
        "{file}, line {line}: {problem}",
        file=name,
        line=error.lineno or 1,
        problem=error.msg,
        hint="this line is not valid Python; mend it and try again",
    )


def _decode(content: bytes, name: str) -> tuple[str, Counter[str]]:
    if len(content) > LARGEST_SCRIPT_BYTES:
        raise SourceUnreadable(
            "{file} is larger than the {largest} bytes that a script may have",
            file=name,
            largest=LARGEST_SCRIPT_BYTES,
            hint="give the script that builds the model, without its data",
        )
    counts: Counter[str] = Counter()
    text = _text_of(content, counts)
    if text is None or _looks_binary(text):
        raise SourceUnreadable("{file} is not a text file", file=name, hint="give a Python script")
    if not text.strip():
        raise SourceUnreadable("{file} is empty", file=name, hint="give a script that builds a model")
    return text, counts


def _text_of(content: bytes, counts: Counter[str]) -> str | None:
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            counts["byte_order_mark"] += 1
            return _decoded(content, encoding)
    declared = re.match(rb"(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-\w.]+)", content)
    first = declared.group(1).decode("ascii") if declared else "utf-8"
    text = _decoded(content, first)
    if text is None:
        text = _decoded(content, "cp932")  # what Japanese editions of Windows wrote before UTF-8
        counts["encoding"] += text is not None
    return text


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except (UnicodeDecodeError, LookupError):
        return None


def _looks_binary(text: str) -> bool:
    control = sum(1 for character in text if unicodedata.category(character) == "Cc" and character not in "\n\t\f\x0b")
    return "\0" in text or control > len(text) // 100


def syntax_error(text: str) -> SyntaxError | None:
    """Why Python cannot read ``text``, or None where it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<script>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error
    except ValueError as error:
        return SyntaxError(str(error), ("<script>", 1, 1, ""))
    except (RecursionError, MemoryError):
        return SyntaxError("too deeply nested", ("<script>", 1, 1, ""))
    return None


def _fences(text: str) -> tuple[str, int]:
    """Without Markdown's code fences; prose outside complete blocks goes too where only that leaves Python."""
    lines = text.split("\n")
    fences = [number for number, line in enumerate(lines) if re.fullmatch(r"\s*(?:```|~~~)\s*[\w+-]*\s*", line)]
    stripped = ["" if number in set(fences) else line for number, line in enumerate(lines)]
    if not fences or len(fences) % 2 or syntax_error("\n".join(stripped)) is None:
        return "\n".join(stripped), len(fences)
    inside: set[int] = set()
    for start, end in zip(fences[::2], fences[1::2], strict=True):
        inside.update(range(start + 1, end))
    return "\n".join(line if number in inside else "" for number, line in enumerate(lines)), len(fences)


def _prompts(text: str) -> tuple[str, int]:
    """Only what was typed at ``>>>`` or ``In [1]:`` prompts; what the interpreter answered goes."""
    prompt = re.compile(r"\s*(?:>>>|\.\.\.|In \[\d*\]:|\s*\.\.\.:)(?: (.*)|)$")
    lines = text.split("\n")
    if not any(re.match(r"\s*(?:>>>|In \[\d*\]:)", line) for line in lines):
        return text, 0
    typed = [prompt.match(line) for line in lines]
    return "\n".join((match.group(1) or "") if match else "" for match in typed), sum(map(bool, typed))


def _line_numbers(text: str) -> tuple[str, int]:
    """Without numbers that count 1, 2, 3 … before every line of code."""
    numbered = re.compile(r"[ \t]*(\d+)(?:[.:|]|[ \t]|$)[ \t]?(.*)$")
    lines = text.split("\n")
    matches = [numbered.match(line) for line in lines]
    filled = [match for line, match in zip(lines, matches, strict=True) if line.strip()]
    numbers = [int(match.group(1)) for match in filled if match]
    first = numbers[0] if numbers else 0
    if len(numbers) < 2 or len(numbers) != len(filled) or numbers != list(range(first, first + len(numbers))):
        return text, 0
    bodies = [match.group(2) if match else "" for match in matches]
    return textwrap.dedent("\n".join(bodies)), len(numbers)


def _notebook_commands(text: str) -> tuple[str, int]:
    """With ``pass`` for a notebook's shell and magic commands (``!pip …``, ``%matplotlib …``)."""
    pattern = re.compile(r"^([ \t]*)(?:!|%%?[a-zA-Z])[^\n]*$", re.MULTILINE)
    return pattern.subn(r"\1pass", text)


def _indentation(text: str) -> tuple[str, int]:
    """Without the indentation that all lines share."""
    first = next((line for line in text.split("\n") if line.strip()), "x")
    mended = textwrap.dedent(text)
    return (mended, 1) if first[0] in " \t" and mended != text else (text, 0)


def _triple_quotes(text: str) -> tuple[str, int]:
    """With plain quotes for typographic ones that stand three together: their two ends are lines apart."""
    return re.subn("[“”„]{3}", '"""', text)


STRUCTURAL: Final[Mapping[str, Callable[[str], tuple[str, int]]]] = {
    "code_fences": _fences,
    "prompts": _prompts,
    "line_numbers": _line_numbers,
    "notebook_commands": _notebook_commands,
    "indentation": _indentation,
    "quotes": _triple_quotes,
}


def _mend_lines(text: str, counts: Counter[str]) -> tuple[str, SyntaxError | None]:
    """The text with characters mended on just the lines that Python refuses, and the error that is left."""
    lines = text.split("\n")
    for _ in range(min(MOST_LINE_REPAIRS, 1 + MOST_PARSED_CHARACTERS // (1 + len(text)))):
        error = syntax_error("\n".join(lines))
        if error is None:
            return "\n".join(lines), None
        number = (error.lineno or 1) - 1
        mended, code, changes = _mend_line(lines[number] if number < len(lines) else "")
        if not changes:
            return "\n".join(lines), error
        lines[number] = mended
        counts[code] += changes
    return "\n".join(lines), syntax_error("\n".join(lines))


def _mend_line(line: str) -> tuple[str, str, int]:
    """The line after the first repair that changes it, the repair's code, and how many characters it changed."""
    for code, mended in (
        ("spaces", "".join(" " if unicodedata.category(c) == "Zs" else c for c in line)),
        ("invisible_characters", line.translate(INVISIBLE)),
        ("quotes", line.translate(QUOTES)),
        ("dashes", line.translate(DASHES)),
        ("full_width_characters", line.translate(WIDE)),
    ):
        if mended != line:
            changed = sum(a != b for a, b in zip(line, mended, strict=False)) if len(mended) == len(line) else 0
            return mended, code, changed or len(line) - len(mended)
    return line, "", 0
