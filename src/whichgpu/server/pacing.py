"""How many requests one client may make: a bucket of tokens for each, refilled as time goes by."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MINUTE_S: Final = 60.0
_BURST_S: Final = 10.0
"""A bucket holds the requests of so many seconds: a page with what it loads comes at once."""

_MOST_CLIENTS: Final = 10_000
"""The clients that are remembered; the one that has been silent for longest is forgotten first."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Pace:
    """The pace that each client is held to, ``per_minute`` requests; 0 holds nobody."""

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` gives seconds."""
        self._per_s = per_minute / _MINUTE_S
        self._most = max(1.0, self._per_s * _BURST_S)
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, client: str) -> float:
        """Takes a token and gives 0; without one, the seconds until there is one."""
        if self._per_s == 0.0:
            return 0.0
        now = self._clock()
        bucket = self._buckets.pop(client, None) or _Bucket(self._most, now)
        bucket.tokens = min(self._most, bucket.tokens + (now - bucket.at_s) * self._per_s)
        bucket.at_s = now
        self._buckets[client] = bucket
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        if bucket.tokens < 1.0:
            return (1.0 - bucket.tokens) / self._per_s
        bucket.tokens -= 1.0
        return 0.0
