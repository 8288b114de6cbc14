"""Nodes: several Firesides in this process, on one MongoDB and one Valkey."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.client.house import House
from tests.engines import Mongod
from tests.valkey import Valkey


@asynccontextmanager
async def open_nodes(folder: Path, mongo_uri: str, valkey_url: str, count: int) -> AsyncIterator[list[House]]:
    """So many nodes, until the block ends."""
    nodes = [House(folder, MONGO_URI=mongo_uri, VALKEY_URL=valkey_url) for _ in range(count)]
    for node in nodes:
        await node.start()
    try:
        yield nodes
    finally:
        for node in nodes:
            await node.stop()


@pytest.fixture
async def nodes(tmp_path: Path, mongo_standalone: Mongod, valkey: Valkey) -> AsyncIterator[list[House]]:
    """Three nodes."""
    async with open_nodes(tmp_path, mongo_standalone.fresh_uri(), valkey.url, 3) as nodes:
        yield nodes


@pytest.fixture
async def own_nodes(tmp_path: Path, mongo_standalone: Mongod, own_valkey: Valkey) -> AsyncIterator[list[House]]:
    """Two nodes with a Valkey of their own, to be killed."""
    async with open_nodes(tmp_path, mongo_standalone.fresh_uri(), own_valkey.url, 2) as nodes:
        yield nodes
