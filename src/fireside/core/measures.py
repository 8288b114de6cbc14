"""Measures: plain numbers that cost next to nothing to keep. Whoever watches reads them when they are asked.

A part of the server keeps its own, and never knows who looks. `telemetry.metrics` names them for monitors.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from fireside.core.errors import ChatError, Internal

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Histogram:
    """How often something was at most each of `bounds`, which rise, and above the last of them."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@contextmanager
def counted(outcomes: Counter[str]) -> Iterator[None]:
    """Count what comes of the block: `ok`, or the code with which it is refused. Who gives up is not counted."""
    try:
        yield
    except ChatError as refusal:
        outcomes[refusal.code] += 1
        raise
    except Exception:
        outcomes[Internal.code] += 1
        raise
    outcomes["ok"] += 1
