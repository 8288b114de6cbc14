"""A timing wheel (Varghese and Lauck, 1987): one timer of the event loop for all deadlines of all connections.

Time is cut into ticks; a deadline lands in the bucket of its tick, and each tick empties one bucket. Setting and
cancelling cost the same with ten connections and with a hundred thousand. Deadlines are late by up to one tick and
never early. An owner has one deadline per wheel: setting it again moves it.
"""

import asyncio
import logging
from math import ceil
from typing import Protocol

logger = logging.getLogger(__name__)


class Timed(Protocol):
    """Has a deadline. The wheel keeps the number of its tick in `bucket`; -1 when none is set."""

    bucket: int

    def on_deadline(self) -> None:
        """The time has come. May set the next one."""


class TimingWheel:
    """Buckets of `tick_s` seconds for `horizon_s`; a longer delay goes round more than once."""

    def __init__(self, tick_s: float, horizon_s: float) -> None:
        self._tick_s = tick_s
        self._buckets: list[set[Timed]] = [set() for _ in range(int(horizon_s / tick_s) + 3)]
        self._now = 0
        self._next: asyncio.TimerHandle | None = None
        self._due_at = 0.0

    def start(self) -> None:
        """Begin to turn, on the running loop."""
        self._due_at = asyncio.get_running_loop().time() + self._tick_s
        self._schedule()

    def stop(self) -> None:
        """Stand still. Deadlines that are set stay unmet."""
        if self._next is not None:
            self._next.cancel()

    def set(self, owner: Timed, delay_s: float) -> None:
        """Call `owner.on_deadline()` once, `delay_s` seconds from now."""
        self.cancel(owner)
        from_last_tick_s = asyncio.get_running_loop().time() + delay_s - (self._due_at - self._tick_s)
        owner.bucket = self._now + max(1, ceil(from_last_tick_s / self._tick_s))
        self._buckets[owner.bucket % len(self._buckets)].add(owner)

    def cancel(self, owner: Timed) -> None:
        """Forget the deadline, if there is one."""
        if owner.bucket >= 0:
            self._buckets[owner.bucket % len(self._buckets)].discard(owner)
            owner.bucket = -1

    def _schedule(self) -> None:
        self._next = asyncio.get_running_loop().call_at(self._due_at, self._turn)

    def _turn(self) -> None:
        # Ticks missed while the loop was busy are made up for here, so a stall delays deadlines but loses none.
        now = asyncio.get_running_loop().time()
        while self._due_at <= now:
            self._due_at += self._tick_s
            self._now += 1
            self._meet_deadlines()
        self._schedule()

    def _meet_deadlines(self) -> None:
        at = self._now % len(self._buckets)
        bucket = self._buckets[at]
        self._buckets[at] = {owner for owner in bucket if owner.bucket > self._now}
        for owner in bucket:
            # One that is due no more has been moved or cancelled by one before it.
            if owner.bucket == self._now:
                owner.bucket = -1
                try:
                    owner.on_deadline()
                except Exception:
                    # Everybody else's time goes on.
                    logger.exception("a deadline could not be met")
