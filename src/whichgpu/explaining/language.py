"""The language of what is printed: gettext catalogues, one language active at a time.

Message ids are the English sentences, so English needs no catalogue; ``locale/ja`` holds the Japanese ones.
"""

from __future__ import annotations

import contextlib
import gettext
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from whichgpu.errors import UnknownName, nearest

LANGUAGES: Final = ("en", "ja")
DOMAIN: Final = "whichgpu"
LOCALES: Final = Path(__file__).parent / "locale"

_ACTIVE: ContextVar[str] = ContextVar("language", default="en")
_LOADED: dict[str, gettext.NullTranslations] = {}


def _(message: str) -> str:
    """``message`` in the active language, or as it is where the catalogue lacks it."""
    return _translations(_ACTIVE.get()).gettext(message) if message else message


def N_(message: str) -> str:  # noqa: N802 (gettext's own name for it)
    """``message`` unchanged: marks it for the catalogue where it is translated later."""
    return message


def language() -> str:
    """The active language."""
    return _ACTIVE.get()


@contextlib.contextmanager
def active(chosen: str) -> Iterator[None]:
    """Makes ``chosen`` the language of everything printed inside, click's own sentences too.

    Raises UnknownName for a language that there is no catalogue for.
    """
    with speaking(chosen):
        before = os.environ.get("LANGUAGE")
        # click asks gettext's global domain, which reads LANGUAGE at every call
        gettext.bindtextdomain(DOMAIN, str(LOCALES))
        gettext.textdomain(DOMAIN)
        os.environ["LANGUAGE"] = chosen
        try:
            yield
        finally:
            if before is None:
                os.environ.pop("LANGUAGE", None)
            else:
                os.environ["LANGUAGE"] = before


@contextlib.contextmanager
def speaking(chosen: str) -> Iterator[None]:
    """Makes ``chosen`` the language of this thread's or task's sentences alone; raises UnknownName as ``active``."""
    if chosen not in LANGUAGES:
        close = nearest(chosen, LANGUAGES) or "en"
        raise UnknownName(
            "there is no language {name!r}",
            name=chosen,
            close=close,
            known=", ".join(LANGUAGES),
            field="lang",
            hint="languages: {known}",
        )
    token = _ACTIVE.set(chosen)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


def _translations(chosen: str) -> gettext.NullTranslations:
    if chosen not in _LOADED:
        _LOADED[chosen] = gettext.translation(DOMAIN, str(LOCALES), [chosen], fallback=True)
    return _LOADED[chosen]


def default_language() -> str:
    """The language of the locale; English where there is no catalogue for it."""
    names = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    locale_name = next((name for name in names if name), "") or _windows_locale()
    code = locale_name.split(".")[0].split("_")[0].lower()
    preferred = os.environ.get("LANGUAGE", "").split(":")[0].split("_")[0].lower()
    if preferred in LANGUAGES and code not in ("", "c", "posix"):
        return preferred
    return code if code in LANGUAGES else "en"


def _windows_locale() -> str:
    if sys.platform != "win32":
        return ""
    import ctypes
    import locale

    return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
