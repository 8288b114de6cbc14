"""Buses on a Valkey, what they have heard, and ways to wait for it."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any

from fireside.cluster.bus import Bus
from fireside.cluster.line import Lines

HUNG_S = 20.0
"""What has not come by then never will."""


async def until(condition: Callable[[], Any]) -> None:
    """Return when this is so."""
    async with asyncio.timeout(HUNG_S):
        while not condition():  # noqa: ASYNC110 - nobody says when it is so
            await asyncio.sleep(0.01)


class Ears(Bus):
    """A bus that notes what it hears of kind `k`, and how often it came back."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.heard: list[tuple[list[str], bytes]] = []
        self.returns = 0
        self.on("k", self._note)
        self.to_return(self._note_return)

    def _note(self, topics: Sequence[str], body: bytes) -> None:
        self.heard.append((list(topics), body))

    def _note_return(self) -> None:
        self.returns += 1

    async def join_now(self, *topics: str) -> None:
        """Join these, and wait until that is so."""
        for topic in topics:
            self.join(topic)
        for topic in topics:
            await self.in_force(topic)

    async def flushed(self) -> None:
        """All that was sent until now has arrived where it was to go."""
        await self.joined(["*"])

    async def hears(self, *bodies: bytes) -> None:
        """Wait until it has heard exactly these."""
        await until(lambda: len(self.heard) >= len(bodies))
        assert [body for _, body in self.heard] == list(bodies)
        self.heard.clear()


async def redis(url: str, *command: str) -> Any:
    """Ask Valkey itself."""
    async with Lines(url).open() as line:
        return await line._ask(*command)


async def members(url: str, key: str) -> Collection[str]:
    return {each.decode() for each in await redis(url, "SMEMBERS", key)}


async def dies(bus: Bus) -> None:
    """It ends as in a process that is killed: without a farewell."""
    assert bus._task is not None
    bus._task.cancel()
    await asyncio.gather(bus._task, return_exceptions=True)
    bus._lose()
