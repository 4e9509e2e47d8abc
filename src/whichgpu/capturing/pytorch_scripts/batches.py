"""The script's own constants for the size of a batch, so that it can be run again with another size."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

NAMES: Final = frozenset({"bs", "bsz", "batch", "batchsize", "n"})
ACCUMULATING: Final = "accum"

STEPPED: Final = frozenset({"linspace"})
"""Calls whose last argument is the number of rows."""

MAKERS: Final = STEPPED | {
    *("rand", "randn", "zeros", "ones", "empty", "full", "randint", "normal", "uniform", "random", "standard_normal"),
}
"""Calls that make a tensor or an array of a shape."""


def sizes(tree: ast.Module) -> list[int]:
    """Whole numbers that the script calls a batch size: variables, arguments, keys, defaults of options."""
    return [value for name, node in _expressions(tree) if is_batch(name) and (value := _number(node)) is not None]


def is_accumulation(name: str) -> bool:
    """Whether a name is that of the passes to one step of the optimizer."""
    return ACCUMULATING in name.lower()


def accumulation(tree: ast.Module) -> tuple[int, list[ast.expr]]:
    """How many passes the script accumulates by its own constants, and where they stand; 1 where it has none."""
    found = [node for name, node in _expressions(tree) if is_accumulation(name)]
    values = [value for value in map(_number, found) if value is not None]
    return (max(values), found) if values and max(values) > 1 else (1, [])


def with_size(text: str, old: int, new: int) -> str:
    """The script with ``new`` where it says that a batch is of ``old`` samples; a script that names no size of a batch
    says it where it makes tensors of so many rows."""
    tree = ast.parse(text)
    named = [node for name, node in _expressions(tree) if is_batch(name) and _number(node) == old]
    return _replaced(text, named or [node for node in _rows(tree) if _number(node) == old], new)


def _rows(tree: ast.Module) -> Iterator[ast.expr]:
    """The first dimension in every call that makes a tensor or an array by its shape."""
    for node in ast.walk(tree):
        name = getattr(node.func, "attr", getattr(node.func, "id", "")) if isinstance(node, ast.Call) else ""
        if not isinstance(node, ast.Call) or name not in MAKERS:
            continue
        shapes = [each for each in (*node.args, *(keyword.value for keyword in node.keywords)) if _is_shape(each)]
        if shapes:
            yield from (shape.elts[0] for shape in shapes if isinstance(shape, ast.Tuple | ast.List))
        elif node.args:
            yield node.args[-1 if name in STEPPED else 0]


def _is_shape(node: ast.expr) -> bool:
    return isinstance(node, ast.Tuple | ast.List) and bool(node.elts)


def without_accumulation(text: str) -> tuple[str, int]:
    """The script with one pass a step, and how many it had."""
    passes, places = accumulation(ast.parse(text))
    return (_replaced(text, places, 1), passes) if passes > 1 else (text, 1)


def is_batch(name: str) -> bool:
    """Whether a name is that of the size of a batch that is learnt from."""
    plain = name.lower().strip("-_").replace("-", "_")
    eval_only = any(word in plain for word in ("test", "val", "eval", "num_batch", "n_batch", "max_batch", "norm"))
    return (plain in NAMES or "batch_size" in plain or "batchsize" in plain) and not eval_only


def _expressions(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Every expression that the script gives a name, with that name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _assigned(target, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from _assigned(node.target, node.value)
        elif isinstance(node, ast.Call):
            yield from ((keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg)
            default = next((keyword.value for keyword in node.keywords if keyword.arg == "default"), None)
            options = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if default is not None:
                yield from ((option, default) for option in options)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value
        elif isinstance(node, ast.arguments):
            positional = [*node.posonlyargs, *node.args]
            yield from (
                (argument.arg, value)
                for argument, value in zip(reversed(positional), reversed(node.defaults), strict=False)
            )
            yield from ((a.arg, d) for a, d in zip(node.kwonlyargs, node.kw_defaults, strict=True) if d is not None)


def _assigned(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for part, its in zip(target.elts, value.elts, strict=True):
            yield from _assigned(part, its)
    elif isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Attribute):
        yield target.attr, value


def _number(node: ast.expr) -> int | None:
    """A whole number, or the product of some; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and not isinstance(node.value, bool):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        left, right = _number(node.left), _number(node.right)
        return None if left is None or right is None else left * right
    return None


def _replaced(text: str, places: list[ast.expr], number: int) -> str:
    """The text with ``number`` at each place; lines stay where they are."""
    lines = text.encode().split(b"\n")
    for node in sorted(places, key=lambda node: (-node.lineno, -node.col_offset)):
        if node.end_lineno != node.lineno or _number(node) is None:
            continue
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line[: node.col_offset] + str(number).encode() + line[node.end_col_offset :]
    return b"\n".join(lines).decode()
