"""Houses to be in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.client.house import House
from tests.engines import Mongod


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A server on a database file."""
    house = House(tmp_path)
    await house.start()
    yield house
    await house.stop()


@pytest.fixture
async def houses(tmp_path: Path, mongo_standalone: Mongod) -> AsyncIterator[list[House]]:
    """Three servers on one MongoDB."""
    uri = mongo_standalone.fresh_uri()
    houses = [House(tmp_path, MONGO_URI=uri) for _ in range(3)]
    for house in houses:
        await house.start()
    yield houses
    for house in houses:
        await house.stop()
