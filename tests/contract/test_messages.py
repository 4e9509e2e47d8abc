"""Every code and every sentence exists in both languages, with the same placeholders."""

from __future__ import annotations

import ast
import re
import runpy
import string
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from whichgpu import errors
from whichgpu.capturing.onnx.reading import CODES as ONNX_CODES
from whichgpu.catalog import default_catalog
from whichgpu.catalog.acquisition import ways
from whichgpu.catalog.prices import default_prices
from whichgpu.catalog.support import STATUSES
from whichgpu.estimate import Bound, Evidence, Fit
from whichgpu.explaining import active, messages, sentences
from whichgpu.recommendation import Reason
from whichgpu.recommending.judging import VERDICTS
from whichgpu.recommending.notes import NOTES
from whichgpu.recommending.reasons import REASONS
from whichgpu.requirement import Goal

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "src" / "whichgpu"
FOLDER = PACKAGE / "explaining" / "locale" / "ja" / "LC_MESSAGES"
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "messages.py"))
with (FOLDER / "whichgpu.po").open("rb") as file:
    CATALOG = read_po(file, locale="ja")
TRANSLATED = {message.id: message.string for message in CATALOG if message.id}


def fields(template: str) -> set[str]:
    """The names of a template's placeholders."""
    return {name.split(".")[0] for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_every_sentence_of_the_program_is_translated():
    missing = [sentence for sentence in SCRIPT["sentences"]() if not TRANSLATED.get(sentence)]
    assert missing == [], "make messages"


def test_no_translation_is_a_guess_or_left_over():
    assert [message.id for message in CATALOG if message.fuzzy] == []
    assert set(TRANSLATED) == set(SCRIPT["sentences"]())
    assert not CATALOG.obsolete


@pytest.mark.parametrize("english", sorted(english for english in TRANSLATED if "{" in english))
def test_both_sentences_have_the_same_placeholders(english):
    assert not TRANSLATED[english] or fields(TRANSLATED[english]) == fields(english)


def test_the_compiled_catalogue_is_that_of_the_sentences():
    assert (FOLDER / "whichgpu.mo").read_bytes() == SCRIPT["compiled"](), "make messages"


def test_japanese_keeps_to_its_own_punctuation():
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
    for english, sentence in TRANSLATED.items():
        assert not re.search(r"[\u3040-\u30ff\u4e00-\u9fff][,.](\s|$)", sentence), sentence
        assert not (japanese.search(sentence) and re.search(r"！|\s。", sentence)), sentence
        assert not english.endswith(".") or sentence.rstrip("）)").endswith(("。", "、", ".", "…")), sentence


def test_every_code_has_its_sentence():
    assert set(messages.REASONS) == set(REASONS)
    assert set(messages.NOTES) == set(NOTES)
    assert set(messages.VERDICTS) == set(VERDICTS)
    assert set(messages.GOALS) == {str(goal) for goal in Goal}
    assert set(messages.BOUNDS) == {str(bound) for bound in Bound}
    assert set(messages.FITS) == {str(fit) for fit in Fit}
    assert set(messages.EVIDENCE) == {str(evidence) for evidence in Evidence}
    assert set(messages.STATES) == set(STATUSES)
    found = {way for gpu in default_catalog().gpus for way in ways(gpu, default_prices())}
    assert found <= set(messages.WAYS)


def test_every_flip_and_assumption_that_is_made_has_its_sentence():
    assert set(codes_of_flips()) == set(messages.FLIPS)
    assert set(codes_of_assumptions()) == set(messages.ASSUMPTIONS)


def codes_of_flips() -> set[str]:
    """Codes of the changes that the judging rules name: in dictionaries, or last in a verdict on numbers."""
    found: set[str] = set()
    for module in ("judging", "place", "software", "speed", "verdict", "ways_out"):
        tree = ast.parse((PACKAGE / "recommending" / f"{module}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Dict):
                found |= {
                    value.value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant) and key.value == "code" and isinstance(value, ast.Constant)
                }
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("above", "below"):
                found |= {node.args[-1].value} if isinstance(node.args[-1], ast.Constant) else set()
    return found


def codes_of_assumptions() -> set[str]:
    """Codes of the assumptions that capturing makes; those of a family are named by a prefix, ONNX's by a list."""
    found: set[str] = set(ONNX_CODES)
    for path in (*(PACKAGE / "capturing").rglob("*.py"), *(PACKAGE / "costing").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            if getattr(called, "id", "") == "Assumption" or getattr(called, "attr", "") == "assume":
                code = next((k.value for k in node.keywords if k.arg == "code"), node.args[0] if node.args else None)
                if isinstance(code, ast.Constant):
                    found.add(code.value)
                elif isinstance(code, ast.JoinedStr) and isinstance(code.values[0], ast.Constant):
                    prefix = code.values[0].value
                    found |= {name for name in messages.ASSUMPTIONS if name.startswith(prefix)}
    return found


def test_every_error_code_is_documented():
    def codes(base: type[errors.WhichGpuError]) -> set[str]:
        return {base.code}.union(*(codes(each) for each in base.__subclasses__()))

    abstract = {errors.WhichGpuError.code, errors.SourceError.code, errors.RequestError.code}
    assert codes(errors.WhichGpuError) - abstract == set(messages.ERRORS)


ERROR_NAMES = {name for name, value in vars(errors).items() if isinstance(value, type)}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_an_error_is_raised_with_a_template_that_can_be_translated(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in ERROR_NAMES or not node.args:
            continue
        hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
        for value in (node.args[0], *hints):
            parts = [part for part in ast.walk(value) if isinstance(part, ast.JoinedStr)]
            assert all(only_places(part) for part in parts), (
                f"{path.name}:{node.lineno}: an f-string cannot be translated"
            )


def only_places(text: ast.JoinedStr) -> bool:
    """Whether an f-string is a place, ``{file}: ``, before a sentence that stands elsewhere."""
    before = [part.value for part in text.values if isinstance(part, ast.Constant)]
    return before in (["{file}: "], ["{file}, line {line}: "], ["{file}, row {row}: "])


VALUES = {"os": ["linux"], "way": "new", "currency": "USD", "status": "official", "phase": "train"}


@pytest.mark.parametrize("code", sorted(messages.REASONS))
def test_a_reason_never_shows_a_placeholder(code):
    values = {name: VALUES.get(name, 3.0) for name in fields(messages.REASONS[code])}
    for language in ("en", "ja"):
        with active(language):
            text = sentences.reason(Reason(code=code, values=values))
        assert "{" not in text
        assert text.endswith((".", "。"))


def test_the_tables_in_the_docs_are_those_of_the_program():
    script = runpy.run_path(str(ROOT / "scripts" / "codes.py"))
    for name in script["FILES"]:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "<!-- codes:" in text
        assert script["updated"](text) == text, "make docs"
