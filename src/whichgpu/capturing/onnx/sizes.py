"""Sizes that an ONNX file leaves open: given by name, the batch, the sequence length, or a stated assumption."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from whichgpu.capturing.bounded import said
from whichgpu.capturing.onnx.loading import sizes_of
from whichgpu.errors import InvalidValue, UnknownName, nearest

DEFAULT_IMAGE: Final = 224
DEFAULT_LENGTH: Final = 128
SEQUENCE: Final = re.compile(r"seq|len|token|time|text|frame|words|steps", re.IGNORECASE)
PAST: Final = re.compile(r"past|cache", re.IGNORECASE)
TOTAL: Final = re.compile(r"total|attention_mask|all_", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class Sizes:
    """What open sizes become. ``given`` are the user's by name; ``tokens`` come in, ``past`` ones are cached.

    ``fixed`` is the batch that the file states, replaced by ``batch`` where the two differ.
    """

    batch: int
    fixed: int | None
    given: Mapping[str, int]
    tokens: int | None
    past: int
    assumed: dict[str, int] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)

    def shape(self, entry: Any) -> list[int]:
        """The shape of an input; scalars have none."""
        stated = list(sizes_of(entry))
        return [self._size(entry.name, axis, len(stated), size) for axis, size in enumerate(stated)]

    def _size(self, name: str, axis: int, rank: int, stated: int | str) -> int:
        if isinstance(stated, int) and stated > 0:
            return self.batch if axis == 0 and stated == self.fixed else stated
        label = stated if isinstance(stated, str) and stated else f"{name}.{axis}"
        self.met.add(label)
        if label in self.given:
            return self.given[label]
        computed = _computed(label, self._known)
        if computed is not None:
            return computed
        return self.batch if axis == 0 else self._guessed(label, f"{name}.{label}", axis, rank)

    def _known(self, label: str) -> int | None:
        """A size inside an expression of names."""
        if label in self.given:
            return self.given[label]
        if PAST.search(label):
            return self.past
        return self._tokens(label) if SEQUENCE.search(label) else None

    def _tokens(self, label: str) -> int:
        if self.tokens is None:
            self.assumed[label] = DEFAULT_LENGTH
        return self.tokens or DEFAULT_LENGTH

    def _guessed(self, label: str, text: str, axis: int, rank: int) -> int:
        if TOTAL.search(text):
            return self.past + self._tokens(label)
        if PAST.search(text):
            return self.past
        if SEQUENCE.search(text):
            return self._tokens(label)
        if rank in (4, 5) and axis >= 2:
            self.assumed[label] = DEFAULT_IMAGE
            return DEFAULT_IMAGE
        if rank in (2, 3) and axis == 1:
            return self._tokens(label)
        self.assumed[label] = 1
        return 1

    def check(self, file: str) -> None:
        """Raise UnknownName for a size given by a name that no input has."""
        for name in self.given:
            if name not in self.met:
                close = nearest(name, [said(label) for label in self.met])
                raise UnknownName(
                    "{file} has no open dimension {name!r}",
                    file=file,
                    name=name,
                    field="dim",
                    close=close,
                    known=said(", ".join(sorted(self.met)) or "none", 400),
                    hint="did you mean {close!r}?" if close else "its open dimensions: {known}",
                )


def _computed(label: str, known: Any) -> int | None:
    """The value of a sum or product of names, as in ``past_sequence_length + 1``; None for a plain name."""
    if len(label) > 200 or not re.search(r"[-+*/]", label):
        return None
    try:
        tree = ast.parse(label, mode="eval").body
        return _evaluated(tree, known, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError, ZeroDivisionError):
        return None


def _evaluated(node: ast.expr, known: Any, depth: int) -> int:
    if depth > 20:
        raise ValueError
    if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 2**40:
        return node.value
    if isinstance(node, ast.Name):
        value = known(node.id)
        if value is None:
            raise ValueError
        return int(value)
    if isinstance(node, ast.BinOp):
        left, right = _evaluated(node.left, known, depth + 1), _evaluated(node.right, known, depth + 1)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return max(left - right, 0)
        if isinstance(node.op, ast.Mult) and abs(left * right) < 2**60:
            return left * right
        if isinstance(node.op, ast.FloorDiv):
            return left // right
    raise ValueError


def checked_dims(given: Any) -> dict[str, int]:
    """The user's ``--dim name=value`` as a mapping; raises InvalidValue."""
    pairs = dict(given or {})
    for name, size in pairs.items():
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= 10**9:
            raise InvalidValue(
                "dimension {name} is {size!r}, but must be a whole number", name=name, size=size, field="dim"
            )
    return pairs
