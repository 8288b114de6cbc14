"""What befalls a server while people talk."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.engines import Mongod
from tests.serving import FiresideProcess

HANGS_S = 13
"""Longer than the engine waits for an answer (10 s), and shorter than the message log does (15 s)."""

Happening = Callable[[], Awaitable[None]]


def killing(server: FiresideProcess, *, later_s: float = 0.0) -> Happening:
    """kill -9, and start again.

    What is settled is seen just after a batch is written: a little later is amid the next one.
    """

    async def happens() -> None:
        await asyncio.sleep(later_s)
        server.kill()
        await server.start()

    return happens


def killing_database(mongod: Mongod) -> Happening:
    """kill -9, and start again on the same files."""

    async def happens() -> None:
        mongod.kill()
        await asyncio.to_thread(mongod.start)

    return happens


def hanging_database(mongod: Mongod) -> Happening:
    """It stops to answer, for longer than anybody waits; what it was asked meanwhile it does afterwards."""

    async def happens() -> None:
        with mongod.hanging():
            await asyncio.sleep(HANGS_S)

    return happens
