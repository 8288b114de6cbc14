"""Two nodes that look like one to those who live there: devices are here or there, and both have the same time."""

import asyncio
from itertools import cycle
from pathlib import Path

from fireside.client.client import KEPT
from fireside.cluster.bus import Bus
from tests.client.house import Device, House
from tests.cluster.buses import redis, until

BARRIER = "~"


class Annex(House):
    """The other node."""

    def __init__(self, main: House, folder: Path, **given: str) -> None:
        self._main = main
        super().__init__(folder, **given)

    def clock(self) -> int:
        return self._main.clock()


class Town(House):
    """`VALKEY_URL` and `MONGO_URI` must be given. What was missed is looked for when somebody tells."""

    def __init__(self, folder: Path, **given: str) -> None:
        super().__init__(folder, **given)
        self._url = given["VALKEY_URL"]
        self._nodes: list[House] = [self, Annex(self, folder, **given)]
        self._next = cycle(self._nodes)
        self._arrived: list[bytes] = []
        for bus in self._buses():
            bus.on(BARRIER, lambda _, body: self._arrived.append(body))

    async def start(self) -> None:
        for node in self._nodes:
            await House.start(node)

    async def stop(self) -> None:
        for node in self._nodes:
            await House.stop(node)

    def device(self, user: str, keep: int | None = KEPT) -> Device:
        return Device(next(self._next), user, keep)

    async def tell(self) -> None:
        await self._hear_each_other()
        for node in self._nodes:
            await node.fireside.features.book.settle()
        for node in self._nodes:
            await node.fireside.features.missed.look()
            await House.tell(node)
        await self._hear_each_other()

    async def rest(self) -> None:
        for node in self._nodes:
            await House.rest(node)

    async def lose_bus(self, how: int) -> None:
        await redis(self._url, "CLIENT", "KILL", "TYPE", ("pubsub", "normal")[how % 2])

    async def _hear_each_other(self) -> None:
        """Whatever was sent has arrived; what was lost will be looked for."""
        one, other = self._buses()
        lost = asyncio.Event()
        while len(self._arrived) < len(self._nodes):
            await until(lambda: all(bus.is_up and not bus._has_lost for bus in self._buses()))
            self._arrived.clear()
            lost.clear()
            one.tell(other.node, BARRIER, b"", lost.set)
            other.tell(one.node, BARRIER, b"", lost.set)
            await until(lambda: lost.is_set() or len(self._arrived) == len(self._nodes))
        self._arrived.clear()

    def _buses(self) -> list[Bus]:
        return [node.fireside.bus for node in self._nodes if node.fireside.bus is not None]
