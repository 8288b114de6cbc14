"""When all is well again: what is late is noted, and waited for before anybody judges."""

import asyncio

import pytest

from fireside.torture.ending import LONGER, run_dry
from fireside.torture.record import Failed, Record

WITHIN_S = 0.25


@pytest.mark.parametrize(
    ("times", "said"),
    [(0.0, []), (1.5, ["1 sends were not settled in time (0 s)"]), (100.0, ["1 sends were not settled at all (0 s)"])],
)
async def test_what_is_late_is_noted_and_waited_for(times: float, said: list[str]) -> None:
    assert 1.5 < LONGER < 100
    unsettled, record = {"one"}, Record()
    settling = asyncio.get_running_loop().call_later(WITHIN_S * times, unsettled.clear)
    assert await run_dry(unsettled, WITHIN_S, record) == (not said)
    assert [each.what for each in record.lines if isinstance(each, Failed)] == said
    assert bool(unsettled) == (times > LONGER)
    settling.cancel()
