"""Rate limits: the generic cell rate algorithm (ITU-T I.371), one number per key.

The number is the theoretical arrival time: when the next call would be due if the caller kept exactly
to the rate. A call is admitted while that lies no further ahead than the burst allows. Time is monotonic,
so a clock that jumps neither locks anyone out nor lets anyone in.
"""

import time
from collections import OrderedDict
from collections.abc import Callable


class RateLimiter:
    """Admits `burst` calls at once per key, and `per_second` over time.

    Holds at most `max_keys` keys; past that the least recently refused or admitted one is forgotten, which
    errs on the side of letting it in.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        *,
        max_keys: int = 100_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 1 / per_second
        self._tolerance = self._interval * (burst - 1)
        self._max_keys = max_keys
        self._monotonic = monotonic
        self._due: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Seconds until a call of this key would be admitted; 0 if now. Takes nothing."""
        return max(0.0, self._due.get(key, 0.0) - self._tolerance - self._monotonic())

    def take(self, key: str) -> float:
        """Admit a call: 0 when it is within the rate, else the seconds to wait (and nothing is taken)."""
        now = self._monotonic()
        due = max(self._due.get(key, 0.0), now)
        early = due - self._tolerance - now
        if early > 0:
            return early
        self._due[key] = due + self._interval
        self._due.move_to_end(key)
        if len(self._due) > self._max_keys:
            self._due.popitem(last=False)
        return 0.0
