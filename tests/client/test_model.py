"""The model test: whatever people do, and whatever happens to their lines and programs, in any order, every device ends
with what a fresh one gets; on both engines, where the devices are on two nodes whose bus is lost now and then, and
where their client is the TypeScript one, which is held to what a fresh Python one gets.

`FIRESIDE_MODEL_RUNS` says how many runs there are of each.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fireside.features.inbox import missed
from tests.client.house import House
from tests.client.javascript import JavaScriptHouse, build
from tests.client.world import STEPS, Step, World
from tests.cluster.town import Town
from tests.engines import Mongod
from tests.valkey import Valkey

RUNS = int(os.environ.get("FIRESIDE_MODEL_RUNS", "25"))
LEAST_STEPS, MOST_STEPS = 10, 60
OFTEN = ("send", "send", "again", "edit", "delete", "react", "read", "deafen", "cut")

small = st.integers(0, 7)
steps = st.builds(Step, st.sampled_from([*STEPS, *OFTEN]), small, small, small, st.integers(0, 25))


class Place:
    """A server, or two nodes, that many runs share, each with people of its own."""

    def __init__(self, kind: type[House], folder: Path, **given: str) -> None:
        self._runner = asyncio.Runner()
        self._house = kind(folder, **given)
        self._runner.run(self._house.start())
        self.counts: Counter[str] = Counter()

    def run(self, steps: list[Step]) -> None:
        self._runner.run(self._run(steps))

    async def _run(self, steps: list[Step]) -> None:
        world = World(self._house)
        try:
            await world.begin()
            for step in steps:
                await world.take(step)
            await world.end()
            await world.compare()
        finally:
            await world.close()
        self.counts += world.counts
        self.counts["runs"] += 1

    def close(self) -> None:
        self._runner.run(self._house.stop())
        self._runner.close()


@pytest.fixture(params=["sqlite", "mongo", "nodes", "javascript"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    given = {}
    kind = House
    if request.param in ("mongo", "nodes"):
        mongod: Mongod = request.getfixturevalue("mongo_standalone")
        given["MONGO_URI"] = mongod.fresh_uri()
    if request.param == "nodes":
        # Its own: whoever takes part loses the bus now and then.
        valkey: Valkey = request.getfixturevalue("own_valkey")
        given["VALKEY_URL"] = valkey.url
        kind = Town
        monkeypatch.setattr(missed, "COMPANY_S", 1e6)
    if request.param == "javascript":
        build()
        kind = JavaScriptHouse
    place = Place(kind, tmp_path, **given)
    yield place
    place.close()
    steps = sum(count for name, count in place.counts.items() if name != "runs")
    print(f"\n{request.param}: {place.counts['runs']} runs, {steps} steps: {dict(place.counts)}")


@pytest.mark.timeout(0)
def test_every_device_ends_with_what_a_fresh_one_gets(place: Place) -> None:
    @settings(
        deadline=None,
        max_examples=RUNS,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(st.lists(steps, min_size=LEAST_STEPS, max_size=MOST_STEPS))
    def run(steps: list[Step]) -> None:
        place.run(steps)

    run()
