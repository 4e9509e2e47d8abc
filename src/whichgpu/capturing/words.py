"""Lists of names as text: one line holds ten of them."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The words of ``text``, in order."""
    return tuple(text.split())
