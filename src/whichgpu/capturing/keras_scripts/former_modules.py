"""Small libraries that old scripts lean on and that need not be installed: ``six``."""

from __future__ import annotations

import builtins
import pickle
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from whichgpu.capturing.stand_ins.stubs import PARTS, Attributes
from whichgpu.capturing.words import words


def _moves() -> Attributes:
    kept = {name: getattr(builtins, name) for name in words("range zip map filter input")}
    addresses = SimpleNamespace(request=urllib.request, parse=urllib.parse, error=urllib.error)
    return {**kept, "xrange": range, "cPickle": pickle, "urllib": addresses}


def _six() -> Attributes:
    def with_metaclass(meta: type, *bases: type) -> Any:
        return meta("with_metaclass", bases, {})

    def same(function: Callable[..., Any]) -> Callable[..., Any]:
        return function

    return {
        "PY2": False,
        "PY3": True,
        "moves": SimpleNamespace(**_moves()),
        "string_types": (str,),
        "integer_types": (int,),
        "text_type": str,
        "binary_type": bytes,
        "iteritems": lambda mapping: iter(mapping.items()),
        "itervalues": lambda mapping: iter(mapping.values()),
        "iterkeys": lambda mapping: iter(mapping),
        "add_metaclass": lambda meta: same,
        "with_metaclass": with_metaclass,
    }


def _addresses() -> Attributes:
    return {"request": urllib.request, "parse": urllib.parse, "error": urllib.error}


def register() -> None:
    """Let the stub of ``six`` have what scripts use of it."""
    PARTS.update(
        {
            "six": _six,
            "six.moves": _moves,
            "six.moves.urllib": _addresses,
            "six.moves.urllib.request": lambda: {
                "urlopen": urllib.request.urlopen,
                "urlretrieve": urllib.request.urlretrieve,
            },
        }
    )
