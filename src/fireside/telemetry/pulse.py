"""The pulse of a process: whether its event loop is on time, and how long the garbage collector stops everything."""

import asyncio
import gc
import time

from fireside.core.measures import Histogram

EVERY_S = 0.5
PAUSES = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


class Pulse:
    """`start()` on the loop that is watched, `stop()` at the end."""

    def __init__(self) -> None:
        self.lag = Histogram(PAUSES)
        """Seconds by which a timer was late; one every `EVERY_S`."""
        self.collections = tuple(Histogram(PAUSES) for _ in gc.get_stats())
        """Seconds that collections took, by generation."""
        self._due_at = self._collecting_since = 0.0
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to watch."""
        gc.callbacks.append(self._collected)
        self._schedule()

    def stop(self) -> None:
        """Watch no longer."""
        gc.callbacks.remove(self._collected)
        if self._next is not None:
            self._next.cancel()

    def _schedule(self) -> None:
        # Not by the loop's own clock: uvloop's stands still while a callback runs.
        self._due_at = time.perf_counter() + EVERY_S
        self._next = asyncio.get_running_loop().call_later(EVERY_S, self._beat)

    def _beat(self) -> None:
        self.lag.observe(max(0.0, time.perf_counter() - self._due_at))
        self._schedule()

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting_since = time.perf_counter()
        elif self._collecting_since:
            self.collections[info["generation"]].observe(time.perf_counter() - self._collecting_since)
