"""The shape of the code: who may import whom, where units stand, how long a file is, what an import costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "whichgpu"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From what everything may use to what nothing may use; a module imports only from earlier lines and its own part
# (nouns from each other).
NOUNS = {"graph", "gpu", "workload", "estimate", "requirement", "recommendation", "stack"}
LAYERS = (
    {"errors"},
    {"units", "offload"},
    NOUNS,
    {"capturing"},
    {"costing"},
    {"catalog"},
    {"predicting"},
    {"measurements"},
    {"zoo"},
    {"calibrating"},
    {"recommending"},
    {"explaining"},
    {"guiding"},
    {"asking"},
    {"documents"},
    {"answering"},
    {"validating", "benching"},
    {"reporting"},
    {"cli", "server", "api", "assistant"},
    {"__main__"},
)
FRAMEWORKS = {"torch", "keras", "tensorflow", "onnx", "transformers", "jax", "diffusers"}


STARTS = {"cli/serve.py": "server", "cli/mcp.py": "assistant"}
"""The commands that start another face."""


def part_of(path: Path) -> str:
    """The part of the program a file belongs to: its module at the top, or its package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def layer(part: str) -> int:
    return next(index for index, parts in enumerate(LAYERS) if part in parts)


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module of a file, and whether only a type checker reads the import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, id(node) in typing_only
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield node.module, id(node) in typing_only
            if node.module == "whichgpu":
                for name in node.names:
                    yield f"whichgpu.{name.name}", id(node) in typing_only


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_the_layers_above_it(path: Path) -> None:
    mine = part_of(path)
    if mine == "__init__":
        return
    for module, typing_only in imports(path):
        if not module.startswith("whichgpu.") or typing_only:
            continue
        other = module.split(".")[1]
        allowed = other == mine or layer(other) < layer(mine) or {other, mine} <= NOUNS
        allowed = allowed or STARTS.get(path.relative_to(PACKAGE).as_posix()) == other
        assert allowed, f"{path.relative_to(PACKAGE)} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_capturing_and_the_builders_of_the_zoo_import_frameworks(path: Path) -> None:
    used = {module.split(".")[0] for module, _ in imports(path)} & FRAMEWORKS
    builds = path.is_relative_to(PACKAGE / "zoo" / "building")
    assert not used or part_of(path) == "capturing" or builds, used


SCALES = {1e3, 1e6, 1e9, 1e12, 1e15, 2**10, 2**20, 2**30, 2**40, 3600.0}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_scale_factors_stand_in_units_alone(path: Path) -> None:
    """A product or quotient with 1e9, 2**30 … is a conversion of units, and belongs to ``units``."""
    if part_of(path) == "units":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult | ast.Div):
            continue
        for side in (node.left, node.right):
            value = _constant(side)
            where = f"{path.relative_to(PACKAGE)}:{node.lineno}: {ast.unparse(node)}"
            assert value is None or value not in SCALES, where


def _constant(node: ast.expr) -> float | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base, power = node.left, node.right
        if isinstance(base, ast.Constant) and isinstance(power, ast.Constant):
            return float(base.value) ** float(power.value)  # type: ignore[arg-type]
    return None


WRITTEN = [*MODULES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "scripts").glob("*.py"))]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_has_less_than_500_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 500


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_functions_are_short_and_modules_say_what_they_are(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{path.relative_to(PACKAGE)} has no docstring"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 50, f"{path.relative_to(PACKAGE)}: {node.name} has {length} lines"
        public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if public and node in tree.body:
            assert ast.get_docstring(node), f"{path.relative_to(PACKAGE)}: {node.name} has no docstring"


def test_there_is_no_module_for_leftovers() -> None:
    assert not {path.stem for path in MODULES} & {"utils", "helpers", "common", "manager", "misc"}


def test_faces_are_the_last_layer_and_every_part_stands_in_a_layer() -> None:
    known = set().union(*LAYERS)
    assert {part_of(path) for path in MODULES} - {"__init__"} <= known


def test_importing_the_program_imports_no_array_library_and_no_framework() -> None:
    heavy = ["numpy", "rich", "babel", "pandas", "pyarrow", *FRAMEWORKS]
    script = (
        "import sys, whichgpu, whichgpu.cli.main, whichgpu.cli.gpus, whichgpu.catalog\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


PUBLIC = {
    "whichgpu.catalog": {"Catalog", "default_catalog", "load_files"},
    "whichgpu.predicting": {"predict"},
    "whichgpu.recommending": {"Question", "Standing", "recommend", "reference_estimates", "top"},
    "whichgpu.explaining": {"LANGUAGES", "N_", "_", "active", "default_language", "language"},
    "whichgpu.zoo": {"entries", "load", "names", "reference_workloads", "workload"},
    "whichgpu.capturing": {"CaptureRequest", "capture"},
}


@pytest.mark.parametrize("module", sorted(PUBLIC))
def test_the_public_surface_of_a_package_holds_what_others_rely_on(module: str) -> None:
    imported = __import__(module, fromlist=["__all__"])
    assert set(imported.__all__) >= PUBLIC[module]
    assert all(hasattr(imported, name) for name in imported.__all__)
