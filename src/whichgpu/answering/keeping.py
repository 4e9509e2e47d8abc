"""What a process keeps between questions: built-in workloads as they were asked for, and their predictions."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from whichgpu.asking.question import builtin
from whichgpu.capturing.request import CaptureRequest
from whichgpu.catalog import Catalog
from whichgpu.recommending import Predicted, Question, depends_on
from whichgpu.workload import Workload

_V = TypeVar("_V")


class Latest(Generic[_V]):
    """The ``most`` values used last, by key; threads may share it."""

    def __init__(self, most: int) -> None:
        """``most`` values are kept."""
        self._most = most
        self._kept: OrderedDict[Hashable, _V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], _V]) -> _V:
        """The value of a key, made where it is not kept; two threads may make it at once, and one is kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


class Keeping:
    """Built-in workloads and what was predicted for them. Answers are not kept, and no upload is."""

    def __init__(self, most: int = 64) -> None:
        """``most`` workloads are kept, and as many predictions."""
        self._workloads: Latest[Workload] = Latest(most)
        self._predicted: Latest[Predicted] = Latest(most)

    def builtin(self, name: str, wanted: CaptureRequest) -> Workload:
        """A workload of the zoo under a request; raises what ``asking.question.builtin`` raises."""
        key = (name, json.dumps(wanted.document(), sort_keys=True))
        return self._workloads.get(key, lambda: builtin(name, wanted))

    def predicted(self, workload: Workload, catalog: Catalog, question: Question) -> Predicted:
        """What is predicted for a workload that ``builtin`` gave, on every GPU of the one catalogue."""
        # the kept prediction holds its workload, so that no other can have its identity meanwhile
        key = (id(workload), depends_on(question))
        return self._predicted.get(key, lambda: Predicted(workload, catalog, question))
