"""Ending tasks, for certain.

A task can miss that it is cancelled: `asyncio.wait_for` of Python 3.11 returns its result instead, if there is one in
the same moment (python/cpython#86296), and the driver of MongoDB waits with it. The task then goes on as if nothing
had been, and whoever waits for its end would do so for ever.
"""

import asyncio
from typing import Any

AGAIN_S = 6.0
"""After so long it is told once more. Longer than anything takes that has heard of it and is putting things away."""


async def ended(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel these, until they have ended. What they end with is nobody's business any more."""
    running = set(tasks)
    while running:
        for each in running:
            each.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_S)
    for each in tasks:
        if not each.cancelled():
            each.exception()
