"""The language of one thread's sentences, beside others in another."""

from __future__ import annotations

import os
import threading

import pytest

from whichgpu.errors import UnknownName
from whichgpu.explaining import language, speaking


def test_threads_speak_side_by_side_and_the_environment_is_left_alone() -> None:
    heard: dict[str, str] = {}
    both = threading.Barrier(2)
    before = os.environ.get("LANGUAGE")

    def speak(chosen: str) -> None:
        with speaking(chosen):
            both.wait(60)
            heard[chosen] = language()
            both.wait(60)

    threads = [threading.Thread(target=speak, args=(each,)) for each in ("en", "ja")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"en": "en", "ja": "ja"}
    assert (language(), os.environ.get("LANGUAGE")) == ("en", before)


def test_an_unknown_language_is_told() -> None:
    with pytest.raises(UnknownName), speaking("tlh"):
        pass
