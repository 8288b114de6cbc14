"""Databases of a real MongoDB, on each kind of server."""

from collections.abc import AsyncIterator, Iterator

import pytest

from fireside.store.mongo import MongoEngine
from tests.engines import Mongod, running, running_mongod


@pytest.fixture(params=["mongo_standalone", "mongo_replica_set"])
def server(request: pytest.FixtureRequest) -> Mongod:
    """A server that the session shares."""
    server: Mongod = request.getfixturevalue(request.param)
    return server


@pytest.fixture
def uri(server: Mongod) -> str:
    """The address of a new database there."""
    return server.fresh_uri()


@pytest.fixture
async def mongo(uri: str) -> AsyncIterator[MongoEngine]:
    """A running engine on it."""
    async with running(MongoEngine(uri)) as engine:
        yield engine


@pytest.fixture(params=["standalone", "replica set"])
def own_server(request: pytest.FixtureRequest) -> Iterator[Mongod]:
    """A server that the test may kill."""
    with running_mongod(replica_set=request.param == "replica set") as server:
        yield server
