"""How often the script repeats what it is doing: the length of the loop of epochs around the line it stands at."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from typing import Any, Final

SIMPLE: Final = (
    ast.Expression,
    ast.Call,
    ast.Name,
    ast.Attribute,
    ast.Subscript,
    ast.Constant,
    ast.BinOp,
    ast.UnaryOp,
    ast.operator,
    ast.unaryop,
    ast.Load,
)
"""Parts of an expression that can be evaluated a second time without doing anything."""

COUNTING: Final = frozenset({"range", "trange", "prange"})
CALLED: Final = COUNTING | {"int", "len", "float", "round", "max", "min"}


def epochs(script: str, tree: ast.Module) -> int | None:
    """The epochs of the loop that the script at path ``script`` is in; None where it does not say."""
    for frame in frames(script):
        for loop in _around(tree, frame):
            if "epoch" not in ast.unparse(loop.target).lower() + ast.unparse(loop.iter).lower():
                continue
            count = _count(loop.iter, frame)
            if count is not None:
                return count
    return None


def frames(script: str) -> Iterator[Any]:
    """The script's own frames, innermost first."""
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_code.co_filename == script:
            yield frame
        frame = frame.f_back


def _around(tree: ast.Module, frame: Any) -> list[ast.For]:
    """The loops of a frame's own code around its line, innermost first."""
    start, line = frame.f_code.co_firstlineno, frame.f_lineno
    whole = frame.f_code.co_name == "<module>"
    loops = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.For)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        and (whole or node.lineno >= start)
    ]
    return sorted(loops, key=lambda node: -node.lineno)


def _count(iterated: ast.expr, frame: Any) -> int | None:
    """The length of the range in what a loop iterates, worked out in its frame."""
    for node in ast.walk(iterated):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in COUNTING:
            numbers = [_value(argument, frame) for argument in node.args]
            if all(isinstance(number, int) for number in numbers) and numbers:
                return len(range(*[int(number) for number in numbers if number is not None])) or None
    return None


def _value(expression: ast.expr, frame: Any) -> Any:
    plain = all(isinstance(node, SIMPLE) for node in ast.walk(expression))
    calls = [node.func for node in ast.walk(expression) if isinstance(node, ast.Call)]
    if not plain or any(not isinstance(called, ast.Name) or called.id not in CALLED for called in calls):
        return None
    code = compile(ast.Expression(expression), "<epochs>", "eval")
    try:
        return eval(code, frame.f_globals, frame.f_locals)
    except Exception:  # noqa: BLE001  whatever the script's own objects raise: then the number is unknown
        return None
