"""The pulse: a loop that is held up and a collection are seen."""

import asyncio
import gc
import time

import pytest

from fireside.telemetry import pulse
from fireside.telemetry.pulse import Pulse


@pytest.fixture
def beating(monkeypatch: pytest.MonkeyPatch) -> Pulse:
    monkeypatch.setattr(pulse, "EVERY_S", 0.01)
    return Pulse()


async def test_a_loop_that_is_held_up_is_late(beating: Pulse) -> None:
    beating.start()
    time.sleep(0.1)  # noqa: ASYNC251 - it is what is to be seen
    while not sum(beating.lag.counts):  # noqa: ASYNC110 - there is nothing to wait for but the timer itself
        await asyncio.sleep(0)
    beating.stop()
    assert beating.lag.total > 0.05


async def test_collections_are_counted_by_generation_until_the_end() -> None:
    watching = Pulse()
    watching.start()
    gc.collect(1)
    gc.collect(2)
    watching.stop()
    gc.collect(2)
    assert [sum(each.counts) for each in watching.collections][1:] == [1, 1]
    assert watching.collections[2].total > 0


async def test_one_that_was_under_way_when_it_began_counts_for_nothing() -> None:
    watching = Pulse()
    watching._collected("stop", {"generation": 2})
    assert sum(watching.collections[2].counts) == 0
