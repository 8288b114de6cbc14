"""Servers for journeys: one on each engine that the session shares, and others that a test may stop or kill."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.engines import Mongod
from tests.journeys.people import House, Person
from tests.journeys.stores import MongoStore, SqliteStore, Store
from tests.journeys.workers import COUNT, Workers
from tests.reference import hold_to_reference
from tests.serving import FiresideProcess
from tests.valkey import Valkey

ENGINES = ("sqlite", "mongo")
Running = tuple[FiresideProcess, Store]

on_sqlite_alone = pytest.mark.parametrize("running", ["sqlite"], indirect=True)
"""For what does not know which engine there is: transports, examples."""


def on_sqlite(folder: Path, settings: Mapping[str, str] | None = None) -> Running:
    """A server to start, on a file of its own."""
    return FiresideProcess(folder, settings), SqliteStore(folder / "data" / "fireside.db")


def on_mongo(folder: Path, uri: str, settings: Mapping[str, str] | None = None) -> Running:
    """A server to start, on a database of its own."""
    return FiresideProcess(folder, {"MONGO_URI": uri, **(settings or {})}), MongoStore(uri)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Shared: others' people are there too."""
    server, store = on_sqlite(tmp_path_factory.mktemp("sqlite"))
    async with server:
        yield server, store
    assert_nothing_broke(server)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def mongo_server(tmp_path_factory: pytest.TempPathFactory, mongo_standalone: Mongod) -> AsyncIterator[Running]:
    """Shared: others' people are there too."""
    server, store = on_mongo(tmp_path_factory.mktemp("mongo"), mongo_standalone.fresh_uri())
    async with server:
        yield server, store
    assert_nothing_broke(server)


def open_http(server: FiresideProcess) -> httpx2.AsyncClient:
    """A client to which nothing may be answered that is not documented."""
    return httpx2.AsyncClient(base_url=server.url, timeout=30, event_hooks={"response": [hold_to_reference]})


def assert_nothing_broke(server: FiresideProcess) -> None:
    """Whatever the tests did, it was refused in words: no bug of ours came to light."""
    log = server.log.read_text()
    for alarm in ("[error", "[critical", "Traceback", "py.warnings"):
        assert alarm not in log, log


@pytest.fixture(params=ENGINES)
def running(request: pytest.FixtureRequest) -> Running:
    """The shared server on each engine."""
    shared: Running = request.getfixturevalue(f"{request.param}_server")
    return shared


@pytest.fixture
def settings() -> Mapping[str, str]:
    """What is set up otherwise where a test has a server of its own."""
    return {}


def to_start(request: pytest.FixtureRequest, folder: Path, settings: Mapping[str, str]) -> Running:
    """A server to start, on the engine that the fixture is asked for."""
    if request.param == "sqlite":
        return on_sqlite(folder, settings)
    mongod: Mongod = request.getfixturevalue("mongo_standalone")
    return on_mongo(folder, mongod.fresh_uri(), settings)


@pytest.fixture(params=ENGINES)
def startable(request: pytest.FixtureRequest, tmp_path: Path, settings: Mapping[str, str]) -> Running:
    """A server of one's own on each engine, not started yet."""
    return to_start(request, tmp_path, settings)


@pytest.fixture
async def house(running: Running) -> AsyncIterator[House]:
    """The shared house, with an HTTP client of one's own."""
    server, store = running
    async with open_http(server) as http:
        yield House(server, store, http)


@pytest.fixture
async def own_house(startable: Running) -> AsyncIterator[House]:
    """A house of one's own, to be stopped, killed and started again."""
    server, store = startable
    async with server, open_http(server) as http:
        yield House(server, store, http)
    assert_nothing_broke(server)


def with_workers(folder: Path, mongod: Mongod, valkey: Valkey, settings: Mapping[str, str] | None = None) -> Running:
    """A server to start that has workers."""
    given = {"VALKEY_URL": valkey.url, "FIRESIDE_WORKERS": str(COUNT), "FIRESIDE_LOG_LEVEL": "info"}
    return on_mongo(folder, mongod.fresh_uri(), {**given, **(settings or {})})


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def workers_server(
    tmp_path_factory: pytest.TempPathFactory, mongo_standalone: Mongod, valkey: Valkey
) -> AsyncIterator[Running]:
    """Shared: others' people are there too."""
    server, store = with_workers(tmp_path_factory.mktemp("workers"), mongo_standalone, valkey)
    async with server:
        await Workers(server).all_serve()
        yield server, store
    assert_nothing_broke(server)


@pytest.fixture
async def workers(
    tmp_path: Path, mongo_standalone: Mongod, valkey: Valkey, settings: Mapping[str, str]
) -> AsyncIterator[Workers]:
    """A server of one's own, whose workers a test may kill and replace."""
    server, _ = with_workers(tmp_path, mongo_standalone, valkey, settings)
    async with server:
        workers = Workers(server)
        await workers.all_serve()
        yield workers


@pytest.fixture
async def ann(house: House) -> Person:
    return await house.person("ann")


@pytest.fixture
async def bob(house: House) -> Person:
    return await house.person("bob")


@pytest.fixture
async def eve(house: House) -> Person:
    """She has nothing to do with Ann and Bob."""
    return await house.person("eve")
