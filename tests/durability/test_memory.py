"""Many who do not read, and little memory (F22): some are given up before there is none left, and nobody else notices.

What one of them may have waiting is bounded. Here are more of them than there is room for.
"""

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.durability.accounts import Pairs, read_histories, register_pairs
from tests.durability.checker import Violation, check
from tests.durability.client import QUIET
from tests.durability.crowd import Crowd
from tests.durability.runs import new_seed
from tests.durability.slow import NeverPolls
from tests.journeys.conftest import assert_nothing_broke
from tests.serving import FiresideProcess, metric

MIB = 1024 * 1024
SLOW = 64
EACH = 48
"""Long messages for each of them: less than what one may have waiting, so that nobody is given up for that."""
ROOM = 32 * MIB
"""What the process may take of address space beyond what it has. They would take 48."""
WARM_UP = 24
TICK_S = 0.02

pytestmark = pytest.mark.timeout(300)


class Scene:
    """Many who are written to and do not read, and two others who talk."""

    def __init__(self, server: FiresideProcess, pairs: Pairs) -> None:
        self.crowd = Crowd(server.port, new_seed())
        self._server, self._pairs, self._process = server, pairs, psutil.Process(server.pid)
        self._writers = self.crowd.add(pairs[1:], 0, replace(QUIET, in_flight=4, long=1))
        self._others = self.crowd.add([pairs[0], pairs[0][::-1]], 0, QUIET)
        self.grown, self.cut_off = 0, 0.0

    async def warm_up(self) -> None:
        """While those who do not read are not there, all is stored and forgotten."""
        await self._write(WARM_UP)

    async def flood(self, room: int | None = None) -> None:
        """They are there; with so much memory."""
        async with self._present():
            before = self._process.memory_info().vms
            if room is not None:
                resource.prlimit(self._process.pid, resource.RLIMIT_AS, (before + room, before + room))
            await self._write(EACH)
            self.grown = self._process.memory_info().vms - before
            async with httpx2.AsyncClient(base_url=self._server.url) as http:
                self.cut_off = await metric(http, "fireside_slow_clients_total")

    async def violations(self) -> list[Violation]:
        """What of it was lost, if anything was."""
        return list(check(self.crowd.notes.events, await read_histories(self._server.url, self._pairs)))

    async def _write(self, messages: int) -> None:
        for person in self._writers:
            person.say(messages)
        while not all(person.is_done for person in self._writers):
            for person in self._others:
                person.say(1)
            await asyncio.sleep(TICK_S)
            self.crowd.look()
        await self.crowd.finish()

    @asynccontextmanager
    async def _present(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for _, victim in self._pairs[1:]:
                slow = NeverPolls(self._server.port, victim.token)
                await slow.come()
                stack.push_async_callback(slow.go)
            yield


async def test_where_memory_is_short_slow_ones_are_given_up_and_nobody_else_notices(tmp_path: Path) -> None:
    async with FiresideProcess(tmp_path, {"FIRESIDE_BACKLOG_MIB": "8"}) as server:
        scene = Scene(server, await register_pairs(server.url, SLOW + 1))
        async with scene.crowd.connected():
            await scene.warm_up()
            await scene.flood(ROOM)
        violations = await scene.violations()
    assert violations == []
    assert scene.cut_off > SLOW // 2
    ends = {name: count for name, count in scene.crowd.notes.counts.items() if name.startswith("connections ")}
    assert ends == {"connections left": SLOW + 2}, "somebody who reads has lost a connection"
    assert_nothing_broke(server)


async def test_there_would_not_be_room_for_all_of_them(tmp_path: Path) -> None:
    """The measuring is seen to turn red."""
    async with FiresideProcess(tmp_path) as server:
        scene = Scene(server, await register_pairs(server.url, SLOW + 1))
        async with scene.crowd.connected():
            await scene.warm_up()
            await scene.flood()
    assert scene.cut_off == 0
    assert scene.grown > ROOM, f"{scene.grown / MIB:.0f} MiB"
