"""Pauses between attempts: exponential backoff with full jitter, so that a thousand clients whose server restarts do
not all come back at once (M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
"""

import random

FIRST_S, LONGEST_S = 0.5, 30.0


class Pauses:
    """How long to wait before each next attempt; `reset` when one has worked."""

    def __init__(self, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._attempts = 0

    def next_s(self, at_least: float = 0.0) -> float:
        """Seconds: somewhere between `at_least` and that plus a span that doubles each time."""
        span = min(self._longest_s, self._first_s * 2**self._attempts)
        self._attempts = min(self._attempts + 1, 32)
        return at_least + random.uniform(0, span)  # noqa: S311 - nobody is to guess it, and nobody gains if they do

    def reset(self) -> None:
        """It has worked."""
        self._attempts = 0
