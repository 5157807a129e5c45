"""How often a client may ask: a bucket each, which fills at a steady rate."""

from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from time import monotonic
from typing import Final, NamedTuple

CLIENTS: Final = 10_000
"""So many clients are remembered; the one that was silent longest is forgotten first."""


class _Bucket(NamedTuple):
    left: float
    seen: float


class RateLimit:
    """Token buckets of clients, in bounded memory."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str, questions: int = 1) -> int:
        """Take questions out of a client's bucket.

        Returns:
            0, or the seconds after which the client may ask again; nothing was taken then. More questions than fit
            into a full bucket pass when it is full, and are owed.
        """
        if not self._rate:
            return 0
        now = self._clock()
        last = self._buckets.pop(client, _Bucket(self._burst, now))
        left = min(self._burst, last.left + (now - last.seen) * self._rate)
        missing = min(questions, self._burst) - left
        self._buckets[client] = _Bucket(left if missing > 0 else left - questions, now)
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        return ceil(missing / self._rate) if missing > 0 else 0
