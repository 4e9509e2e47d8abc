"""Collect every sentence the program prints, bring the Japanese catalogue up to date, and compile it.

``make messages`` runs this; a test fails where a sentence has no translation. Sentences are found in the source by
their place: arguments of ``_`` and ``N_``, messages and hints of the errors, notes of the support table and of the
catalogue, and click's own sentences, listed below.
"""

from __future__ import annotations

import ast
import io
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "whichgpu"
FOLDER = PACKAGE / "explaining" / "locale" / "ja" / "LC_MESSAGES"
PO = FOLDER / "whichgpu.po"
MO = FOLDER / "whichgpu.mo"
DAY = datetime(2026, 1, 1, tzinfo=UTC)

CLICK = (
    "Usage:",
    "Options",
    "Commands",
    "Positional arguments",
    "Show this message and exit.",
    "Missing command.",
    "No such command {name!r}.",
    "Argument {name!r} takes {nargs} values.",
    "default: {default}",
    "Invalid value for {param_hint}: {message}",
)
"""What click itself says of a command line where ``cli/usage.py`` does not; it looks these up in our catalogue."""

MAKERS = {"unreadable": 1, "_broken": 1, "Mismatch": 0, "_other": 0}
"""What makes an error, or a detail of one, of a sentence: which argument the sentence is."""


def sentences() -> dict[str, list[str]]:
    """Every sentence with the places it stands in, in the order of the files."""
    found: dict[str, list[str]] = {}
    errors = _error_names()
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for sentence in _of_module(tree, errors):
            places = found.setdefault(sentence, [])
            name = str(path.relative_to(PACKAGE))
            if name not in places:
                places.append(name)
    for sentence, place in (*_of_data(), *((text, "click") for text in CLICK)):
        found.setdefault(sentence, []).append(place)
    return found


def _error_names() -> frozenset[str]:
    tree = ast.parse((PACKAGE / "errors.py").read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.ClassDef))


def _of_module(tree: ast.Module, errors: frozenset[str]) -> Iterator[str]:
    constants = _constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and _is_wording(node) and node.value is not None:
            yield from _texts(node.value, constants)
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in ("_", "N_") and node.args:
            yield from _texts(node.args[0], constants)
        elif name in errors or name in MAKERS:
            position = MAKERS.get(name, 0)
            hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
            for value in (*node.args[position : position + 1], *hints):
                yield from _texts(value, constants)


def _is_wording(node: ast.AnnAssign) -> bool:
    return "Wording" in ast.unparse(node.annotation) or ast.unparse(node.target) == "_wording"


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    """The module's constants by name, for messages that are named before they are raised."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id] = node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
    return found


def _texts(node: ast.expr, constants: dict[str, ast.expr]) -> Iterator[str]:
    """The constant texts of an expression: itself, a constant by its name, or the branches of a choice."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.Name) and node.id in constants:
        parts = [constants[node.id]]
    elif isinstance(node, ast.IfExp):
        parts = [node.body, node.orelse]
    elif isinstance(node, ast.BoolOp):
        parts = node.values
    elif isinstance(node, ast.Tuple):
        parts = node.elts
    elif isinstance(node, ast.Call):
        parts = node.args
    for part in parts:
        yield from _texts(part, constants)


def _of_data() -> Iterator[tuple[str, str]]:
    support = PACKAGE / "catalog" / "support.toml"
    for rule in tomllib.loads(support.read_text(encoding="utf-8"))["rule"]:
        if rule.get("note"):
            yield rule["note"], support.name
    for path in sorted((PACKAGE / "catalog" / "gpus").glob("*.toml")):
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["gpu"]:
            if entry.get("note"):
                yield entry["note"], path.name


def updated() -> Catalog:
    """The catalogue as it stands with every sentence of today, obsolete ones dropped, nothing guessed."""
    known = {}
    if PO.exists():
        with PO.open("rb") as file:
            known = {message.id: message.string for message in read_po(file, locale="ja") if message.id}
    catalog = Catalog(locale="ja", project="whichgpu", version="1", charset="utf-8", fuzzy=False)
    for sentence, places in sentences().items():
        catalog.add(sentence, known.get(sentence, ""), locations=[(place, None) for place in places])
    return catalog


def compiled() -> bytes:
    """The sentences as the program loads them; the same wherever and whenever it is made."""
    with PO.open("rb") as source:
        catalog = read_po(source, locale="ja")
    catalog.creation_date = catalog.revision_date = DAY
    written = io.BytesIO()
    write_mo(written, catalog)
    return written.getvalue()


def main() -> int:
    """Write the .po and the .mo; 1 where a sentence is not translated yet."""
    catalog = updated()
    FOLDER.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalog, omit_header=False, sort_output=False, include_lineno=False, width=110)
    _without_dates(PO)
    MO.write_bytes(compiled())
    missing = [message.id for message in catalog if message.id and not message.string]
    for sentence in missing:
        print(f"not translated: {sentence}", file=sys.stderr)
    print(f"{len(catalog)} sentences, {len(missing)} without a translation")
    return 1 if missing else 0


def _without_dates(path: Path) -> None:
    """Leave out what changes with the day: the file is then the same wherever it is made."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    dated = ("POT-Creation-Date", "PO-Revision-Date", "Generated-By", "Last-Translator", "# FIRST AUTHOR")
    kept = [line for line in lines if not any(word in line for word in dated)]
    path.write_text("".join(kept), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
