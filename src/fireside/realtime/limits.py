"""Limits at the source: how much one connection may send, and how many connections there may be."""

from collections import Counter
from typing import Protocol


class Flow:
    """A leaky bucket: every packet pours one in, and it drains at a constant rate.

    Over `burst` the bucket is full: what asks for an answer is told so. It fills on all the same, so hammering on
    does not help, and over `FLOOD` bursts the connection is closed.
    """

    __slots__ = ("at", "level")

    def __init__(self) -> None:
        self.level = 0.0
        self.at = 0.0

    def pour(self, now: float, per_second: float) -> float:
        """Count a packet; how full the bucket is with it."""
        left = self.level - (now - self.at) * per_second
        self.level = level = left + 1 if left > 0 else 1.0
        self.at = now
        return level


FLOOD = 5


class Handshakes:
    """A budget of so many a second, and of a second's worth at once.

    When a server is back, all who were connected want in at the same time. To look at more of them than can be let in
    would keep those waiting who are in already.
    """

    def __init__(self, per_second: float | None) -> None:
        self._per_second = per_second
        self._flow = Flow()

    def take(self, now: float) -> bool:
        """One handshake, if there is something left of the budget."""
        if self._per_second is None:
            return True
        drained = max(0.0, self._flow.level - (now - self._flow.at) * self._per_second)
        if drained + 1 > self._per_second:
            return False
        self._flow.level, self._flow.at = drained + 1, now
        return True


class Slow(Protocol):
    """A client for which much waits."""

    def give_up(self) -> None:
        """Drop what waits, and close it."""


class Backlog:
    """What waits for clients that are behind, all of them together, in bytes.

    What one may have waiting is bounded; how many do not read is not. Past `limit` those are given up who have been
    behind for longest.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._behind: dict[Slow, int] = {}
        self.size = 0

    def has(self, client: Slow, size: int) -> None:
        """So much waits for this one now."""
        self.size += size - self._behind.get(client, 0)
        self._behind[client] = size
        while self.size > self._limit:
            first = next(iter(self._behind))
            self.forget(first)
            first.give_up()

    def forget(self, client: Slow) -> None:
        """It is not behind any more."""
        self.size -= self._behind.pop(client, 0)


class Seats:
    """How many connections each key (an address, say) holds, and how many it may."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._taken: Counter[str] = Counter()

    def free(self, key: str) -> bool:
        """Whether there is one more for this key."""
        return self._limit is None or self._taken[key] < self._limit

    def take(self, key: str) -> None:
        """One more."""
        self._taken[key] += 1

    def leave(self, key: str) -> None:
        """One less."""
        self._taken[key] -= 1
        if self._taken[key] <= 0:
            del self._taken[key]
