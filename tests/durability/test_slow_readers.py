"""A client that never reads and one that only posts pongs: the server's memory stays put, and others notice nothing.

Somebody floods them, two others talk. It takes six seconds each, and thirty with `FIRESIDE_TEST_LONG=1`.
"""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from tests.durability import weakened
from tests.durability.accounts import Pairs, read_histories, register_pairs
from tests.durability.checker import check
from tests.durability.client import LONGEST, QUIET
from tests.durability.crowd import Crowd
from tests.durability.runs import new_seed, weak_server
from tests.durability.slow import NeverPolls, NeverReads, SlowReader
from tests.serving import FiresideProcess

MIB = 1024 * 1024
BOUND = 12 * MIB
"""What the server may grow by."""
FLOOD = 5 * BOUND
"""What is sent to the slow reader, at least. Without a bound the server would hold all of it."""
LASTS_S = 30 if os.environ.get("FIRESIDE_TEST_LONG") else 6
FLOOD_PER_S = 20 * MIB
AHEAD = 8 * MIB // LONGEST
"""Messages that may wait to be acknowledged. Where a machine is slower than the flood, they would pile up here."""
WARM_UP = 24 * MIB
"""Sent before it is there, so that caches are full when the measuring begins."""
QUIET_S = 1.0
TICK_S = 0.02

SLOW_READERS = (NeverReads, NeverPolls)
FLOODING = replace(QUIET, in_flight=32, long=1)

pytestmark = pytest.mark.timeout(300)


@dataclass
class Observed:
    """What there was to see at a moment of the flood."""

    rss_before: int
    rss_highest: int
    flooded: int = 0
    lasted_s: float = 0
    others_settled: int = 0

    @property
    def grown(self) -> int:
        return self.rss_highest - self.rss_before

    def __str__(self) -> str:
        return (
            f"{self.flooded / MIB:.0f} MiB sent in {self.lasted_s:.1f} s and {self.others_settled} messages of others, "
            f"the server had {self.rss_before / MIB:.1f} MiB before and {self.rss_highest / MIB:.1f} MiB at most"
        )


class Scene:
    """One who floods, one who takes nothing, and two others who talk."""

    def __init__(self, server: FiresideProcess, pairs: Pairs, slow: type[SlowReader]) -> None:
        (flooder, victim), others = pairs
        self.crowd = Crowd(server.port, new_seed())
        (self._flooder,) = self.crowd.add([(flooder, victim)], 0, FLOODING)
        self._others = self.crowd.add([others, others[::-1]], 0, QUIET)
        self.slow = slow(server.port, victim.token)
        self._process = psutil.Process(server.pid)

    async def warm_up(self) -> None:
        """What is written to the one who is not there is stored."""
        self._flooder.say(WARM_UP // LONGEST)
        while not self._flooder.is_done:
            await self._tick()

    async def flood(self, enough: Callable[[Observed], bool]) -> Observed:
        """Write to the one who takes nothing, until it is enough."""
        rss: int = self._process.memory_info().rss
        seen = Observed(rss, rss)
        began, said, settled, others = time.monotonic(), 0, self._flooder.settled, self._settled_by_others()
        while not enough(seen):
            due = int(FLOOD_PER_S * seen.lasted_s) // LONGEST
            more = max(0, min(due, self._flooder.settled - settled + AHEAD) - said)
            self._flooder.say(more)
            said += more
            await self._tick()
            seen.rss_highest = max(seen.rss_highest, self._process.memory_info().rss)
            seen.flooded = (self._flooder.settled - settled) * LONGEST
            seen.lasted_s = time.monotonic() - began
            seen.others_settled = self._settled_by_others() - others
        return seen

    def _settled_by_others(self) -> int:
        return sum(person.settled for person in self._others)

    async def _tick(self) -> None:
        for person in self._others:
            person.say(1)
        await asyncio.sleep(TICK_S)
        self.crowd.look()


@pytest.mark.parametrize("slow", SLOW_READERS)
async def test_a_slow_reader_costs_no_memory_and_nobody_notices(
    slow: type[SlowReader], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with FiresideProcess(tmp_path) as server:
        pairs = await register_pairs(server.url, 2)
        scene = Scene(server, pairs, slow)
        async with scene.crowd.connected():
            await scene.warm_up()
            async with scene.slow.present():
                await asyncio.sleep(QUIET_S)
                assert scene.slow.cuts == 0, "its pongs keep it alive"
                seen = await scene.flood(lambda seen: seen.lasted_s > LASTS_S and seen.flooded > FLOOD)
            await scene.crowd.finish()
        violations = check(scene.crowd.notes.events, await read_histories(server.url, pairs))
    with capsys.disabled():
        print(f"\n{slow.__name__}: {seen}, cut off {scene.slow.cuts} times")
    assert scene.slow.cuts
    assert seen.grown < BOUND, str(seen)
    # Everything it missed is in its history, and the others were handed everything.
    assert violations == []
    assert seen.others_settled > 10
    ends = {name: count for name, count in scene.crowd.notes.counts.items() if name.startswith("connections ")}
    assert ends == {"connections left": 3}, "somebody else has lost a connection"


@pytest.mark.parametrize("slow", SLOW_READERS)
async def test_without_a_bound_the_memory_would_grow(slow: type[SlowReader], tmp_path: Path) -> None:
    """The measuring is seen to turn red."""
    async with weak_server(tmp_path, weakened.never_gives_up_on_slow_readers) as server:
        scene = Scene(server, await register_pairs(server.url, 2), slow)
        async with scene.crowd.connected():
            await scene.warm_up()
            async with scene.slow.present():
                seen = await scene.flood(lambda seen: seen.grown > BOUND or seen.flooded > FLOOD)
            await scene.crowd.finish()
    assert seen.grown > BOUND, str(seen)
    assert scene.slow.cuts == 0
