"""Sizes of batches and accumulated passes among the arguments that a script is given."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from whichgpu.capturing.pytorch_scripts.batches import is_accumulation, is_batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A whole number among the arguments: its place, what stands before it in the same word, and the number."""

    place: int
    prefix: str
    number: int


class Arguments:
    """The arguments of a script whose options are those of its text."""

    def __init__(self, words: Sequence[str], tree: ast.Module) -> None:
        self.words = tuple(words)
        self._options = list(_options(tree))

    @property
    def sizes(self) -> list[int]:
        """Whole numbers that are given as the size of a batch."""
        return [found.number for found in self._named(is_batch)]

    @property
    def accumulation(self) -> int | None:
        """How many passes a step accumulates, where that is given."""
        return next((found.number for found in self._named(is_accumulation)), None)

    def with_size(self, old: int, new: int) -> tuple[str, ...]:
        """The arguments with batches of ``new`` samples where they are of ``old``."""
        return self._replaced([found for found in self._named(is_batch) if found.number == old], new)

    def without_accumulation(self) -> tuple[str, ...]:
        """The arguments with one pass a step."""
        return self._replaced(list(self._named(is_accumulation)), 1)

    def _replaced(self, places: Sequence[Given], number: int) -> tuple[str, ...]:
        words = list(self.words)
        for found in places:
            words[found.place] = f"{found.prefix}{number}"
        return tuple(words)

    def _named(self, meant: Callable[[str], bool]) -> Iterator[Given]:
        """The numbers of options one of whose names is meant."""
        for place, word in enumerate(self.words):
            name, equals, value = word.partition("=")
            if not word.startswith("-") or not any(meant(each) for each in self._names(name)):
                continue
            if equals and value.isdecimal():
                yield Given(place=place, prefix=name + equals, number=int(value))
            elif not equals and place + 1 < len(self.words) and self.words[place + 1].isdecimal():
                yield Given(place=place + 1, prefix="", number=int(self.words[place + 1]))

    def _names(self, name: str) -> Sequence[str]:
        """All names of the option called ``name``."""
        return next((names for names in self._options if name in names), [name])


def _options(tree: ast.Module) -> Iterator[list[str]]:
    """The names of each option that the script adds to a parser, its attribute's among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_argument":
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            kept = [k.value.value for k in node.keywords if k.arg == "dest" and isinstance(k.value, ast.Constant)]
            yield [*texts, *(str(name) for name in kept)]
