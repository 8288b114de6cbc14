"""A clock that jumps an hour either way changes what stands beside a message, and nothing else."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest

from tests.clock import Clock
from tests.journeys.people import House

HOUR_S = 3600


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path / "clock")


@pytest.fixture
def settings(clock: Clock) -> Mapping[str, str]:
    return {**clock.settings, "FIRESIDE_RATE_LIMITS": "on"}


async def test_order_tokens_connections_and_limits_do_not_depend_on_the_time(own_house: House, clock: Clock) -> None:
    ann, bob = await own_house.person("ann"), await own_house.person("bob")
    async with ann.device() as anns, bob.device("polling") as bobs:
        said = [await anns.send(bob, "at the right time")]
        clock.put(HOUR_S)
        said.append(await bobs.send(ann, "an hour too late"))
        late = await own_house.person("late")
        clock.put(-HOUR_S)
        said.append(await anns.send(bob, "an hour too early"))
        said.append(await bobs.send(late, "to somebody from the future"))
        assert (await late.get("/api/users/me")).status_code == 200
        clock.put(0)
        assert await anns.heard() == said[1]
        assert [await bobs.heard(), await bobs.heard()] == [said[0], said[2]]
        assert (anns.connects, bobs.connects) == (1, 1)
    assert await ann.history(bob) == said[:3]
    assert [each["seq"] for each in said[:3]] == [1, 2, 3]
    right, later, earlier = (datetime.fromisoformat(each["timestamp"]).timestamp() for each in said[:3])
    assert later - right >= HOUR_S
    assert right - earlier > 0
