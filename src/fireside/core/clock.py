"""Time: UTC milliseconds since the epoch inside, ISO 8601 with milliseconds and `Z` on the wire.

Wall time labels things for people. Order never comes from it: order is `seq`.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], int]
"""Returns UTC milliseconds since the epoch. Passed in, so that tests can move it."""


def now_ms() -> int:
    """UTC milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=1024)
def _second(epoch_s: int) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


# Whatever is stored in one millisecond is told in one batch.
@lru_cache(maxsize=1024)
def iso(epoch_ms: int) -> str:
    """`2026-11-22T09:42:00.123Z` for UTC milliseconds since the epoch."""
    seconds, millis = divmod(epoch_ms, 1000)
    return f"{_second(seconds)}.{millis:03d}Z"
