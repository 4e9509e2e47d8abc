"""Stand-ins for plotting and data libraries that are not installed: they accept everything and do nothing.

A stub may be called, indexed, entered, iterated and computed with, and gives stubs. It never gives a number: a script
that builds its model from data that are not here must be told so, not answered with an invented size.
"""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final, NoReturn

from whichgpu.capturing.words import words
from whichgpu.errors import ScriptFailed

UNKNOWN_NUMBER: Final = (
    "the script needs a number out of data that {source} would read, and {source} is not installed",
    "install {source} where whichgpu is installed, or write the number into the script",
)


class NoNumber(ScriptFailed, TypeError):
    """A stub was asked for a number; a TypeError, so that Python asks for no length where it can do without."""


class Stub:
    """Anything of a library that is not installed; ``name`` is what the script would have called it."""

    _wording: ClassVar[tuple[str, str]] = UNKNOWN_NUMBER

    def __init__(self, name: str) -> None:
        self.__dict__["_stub_name"] = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return type(self)(f"{self._stub_name}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        # a decorator gives back what it decorates
        if len(arguments) == 1 and not options and isinstance(arguments[0], types.FunctionType | type):
            return arguments[0]
        return type(self)(self._stub_name)

    def __getitem__(self, key: Any) -> Any:
        return type(self)(self._stub_name)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Nothing."""

    def __delitem__(self, key: Any) -> None:
        """Nothing."""

    def __iter__(self) -> Iterator[Any]:
        return iter([type(self)(self._stub_name) for _ in range(_unpacked_by_caller())])

    def __contains__(self, key: Any) -> bool:
        return False

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: Any) -> None:
        """Nothing; exceptions pass."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self._stub_name}, not installed>"

    def __format__(self, specification: str) -> str:
        return repr(self)

    def __mro_entries__(self, bases: Any) -> tuple[type, ...]:
        return (object,)

    def __array_ufunc__(self, *arguments: Any, **options: Any) -> Any:
        return type(self)(self._stub_name)

    def __array_function__(self, *arguments: Any, **options: Any) -> Any:
        return type(self)(self._stub_name)

    def _no_number(self, *arguments: Any) -> NoReturn:
        template, hint = self._wording
        raise NoNumber(template, hint=hint, source=self._source())

    def _source(self) -> str:
        """What a message names: the library."""
        return str(self._stub_name.split(".")[0])

    __int__ = __float__ = __index__ = __len__ = __complex__ = _no_number


def _stub_again(self: Stub, *arguments: Any) -> Stub:
    return type(self)(self._stub_name)


for _operation in words("add sub mul matmul truediv floordiv mod pow and or xor lshift rshift"):
    for _side in ("", "r", "i"):
        setattr(Stub, f"__{_side}{_operation}__", _stub_again)
for _operation in words("neg pos abs invert round lt le gt ge"):
    setattr(Stub, f"__{_operation}__", _stub_again)


def _unpacked_by_caller() -> int:
    """How many names the script unpacks the stub into (``fig, ax = plt.subplots()``); 0 for a loop."""
    frame = sys._getframe(2)
    code = frame.f_code.co_code
    operation, argument = code[frame.f_lasti], code[frame.f_lasti + 1]
    return argument if operation == dis.opmap["UNPACK_SEQUENCE"] else 0


Attributes = Mapping[str, Any]
PARTS: dict[str, Callable[[], Attributes]] = {}
"""What a stubbed module really does where that is simple, by module name."""


class StubModule(types.ModuleType):
    """A module of which every name exists."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self.__version__ = "0"
        vars(self).update(PARTS[name]() if name in PARTS else {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Stub(f"{self.__name__}.{name}")


class Progress:
    """A bar of tqdm that shows nothing: what it is given, one by one; all else that a bar is told does nothing."""

    def __init__(self, iterable: Any = (), *arguments: Any, **options: Any) -> None:
        self.iterable = iterable
        self.n = 0

    def __iter__(self) -> Iterator[Any]:
        return iter(self.iterable)

    def __len__(self) -> int:
        return len(self.iterable)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: Any) -> None:
        """Nothing; exceptions pass."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing

    @staticmethod
    def write(*arguments: Any, **options: Any) -> None:
        """Nothing is printed."""


def _nothing(*arguments: Any, **options: Any) -> None:
    return None


def _progress() -> Attributes:
    def trange(*bounds: int, **options: Any) -> Progress:
        return Progress(range(*bounds))

    return {"tqdm": Progress, "trange": trange, "tqdm_notebook": Progress}


PARTS.update(dict.fromkeys(("tqdm", "tqdm.auto", "tqdm.notebook"), _progress))
