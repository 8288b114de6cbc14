"""Telling a caller that their calls were too many. What counts them is `core.limits`."""

import math

from fireside.core.errors import RateLimited
from fireside.core.limits import RateLimiter


def require_patience(limiter: RateLimiter | None, key: str, what: str) -> None:
    """Take a call of this key from the limiter; without one, there is no limit.

    Raises:
        RateLimited: it is not within the rate. Says how long to wait.
    """
    if limiter is not None:
        refuse_until(limiter.take(key), what)


def refuse_until(wait_s: float, what: str) -> None:
    """The same, for who has asked the limiter already."""
    if wait_s > 0:
        seconds = math.ceil(wait_s)
        raise RateLimited(f"Too many {what}. Try again in {seconds} s.", retry_after_s=seconds)
