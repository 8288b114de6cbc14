"""A MongoDB replica set of three on this machine, whose members can be killed and cut off from whom they serve.

Each member is known by the address of a proxy before it, to its peers and to drivers alike. Whose a connection is, its
first message says (`appName`), so a node can be cut off while the members go on to hear each other.
"""

import asyncio
import re
import resource
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pymongo
from pymongo.errors import PyMongoError

from fireside.torture.proxy import HALF_OPEN, Proxy
from tests.engines import mongod_binary
from tests.hanging import hanging
from tests.torture.ports import free_port

MEMBERS = 3
NAME = "torture"
ELECTION_TIMEOUT_MS = 2000
"""A primary that is gone is missed so soon; the default is 10 s."""
AHEAD_S = 4.0
STEPPED_DOWN_S = 12
HANGS_S = (5.0, 15.0)
START_ATTEMPTS = 600
APP_NAME = re.compile(rb"fireside-node-\d+")


def label(first: bytes) -> str:
    """The node that begins a connection with this, or nothing for everybody else."""
    found = APP_NAME.search(first)
    return found[0].decode() if found else ""


class Member:
    """One `mongod`, and the proxy by which it is known."""

    def __init__(self, folder: Path, random: Random) -> None:
        folder.mkdir()
        self.folder = folder
        self.port = free_port()
        self.proxy = Proxy([("127.0.0.1", self.port)], random, label)
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Start it on what is in its folder."""
        command: list[str | Path] = [mongod_binary(), "--dbpath", self.folder, "--port", str(self.port)]
        command += ["--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]
        command += ["--replSet", NAME, "--oplogSize", "64", "--logpath", self.folder / "log"]
        # Where there is no room a write is an error, not a signal: so Python has it, and mongod is to have it too.
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, restore_signals=False)

    async def fill_disk(self) -> None:
        """It can write nothing more, and ends itself: it cannot keep what it has promised to."""
        assert self._process is not None
        _, hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (0, hard))
        await asyncio.to_thread(self._process.wait, 30)

    def kill(self) -> None:
        """End it as a power cut would (kill -9)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def hanging(self) -> AbstractContextManager[None]:
        """It answers nobody until the block ends."""
        assert self._process is not None
        return hanging(self._process)

    async def come_back(self, random: Random) -> None:
        """Start it again some seconds later, and wait until it is there."""
        await asyncio.sleep(random.uniform(1.0, 5.0))
        self.run()
        await _until(lambda: bool(self.ask("ping")))

    def ask(self, command: str, argument: object = 1) -> dict[str, Any]:
        """Ask it itself, past the proxy."""
        with self._client() as client:
            return client.admin.command(command, argument)

    @contextmanager
    def _client(self) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
        uri = f"mongodb://127.0.0.1:{self.port}/?directConnection=true"
        with pymongo.MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=1000) as client:
            yield client


class ReplicaSet:
    """Made by `running_replica_set`."""

    def __init__(self, members: list[Member]) -> None:
        self._members = members

    def uri(self, node: str) -> str:
        """For the node of this name."""
        hosts = ",".join(f"127.0.0.1:{each.proxy.port}" for each in self._members)
        return f"mongodb://{hosts}/fireside?replicaSet={NAME}&appName={node}"

    async def begin(self) -> None:
        """Start them all, and wait until there is a primary."""
        for member in self._members:
            member.run()
        for member in self._members:
            await _until(lambda member=member: bool(member.ask("ping")))
        hosts = [{"_id": at, "host": f"127.0.0.1:{each.proxy.port}"} for at, each in enumerate(self._members)]
        settings = {"electionTimeoutMillis": ELECTION_TIMEOUT_MS}
        config = {"_id": NAME, "members": hosts, "settings": settings}
        await asyncio.to_thread(self._members[0].ask, "replSetInitiate", config)
        await self.primary()

    async def primary(self) -> Member:
        """The one there is, or will be in a moment."""
        found: list[Member] = []

        def look() -> bool:
            found[:] = [each for each in self._members if _is_primary(each)]
            return bool(found)

        await _until(look)
        return found[0]

    async def kill_primary(self, random: Random) -> None:
        """kill -9, and start again some seconds later: by then there is another."""
        primary = await self.primary()
        primary.kill()
        await primary.come_back(random)

    async def kill_primary_ahead(self, random: Random) -> None:
        """kill -9 of a primary that has written what no other has: when it comes back, it has to take that back."""
        primary = await self.primary()
        with ExitStack() as hang:
            for member in self._members:
                if member is not primary:
                    hang.enter_context(member.hanging())
            await asyncio.sleep(AHEAD_S)
            primary.kill()
        await primary.come_back(random)

    async def step_down_primary(self, _random: Random) -> None:
        """It is told to be the primary no more, and lives on: another follows it."""
        primary = await self.primary()
        # It does not while there is none that could follow.
        await _until(lambda: not _is_primary(primary) or bool(primary.ask("replSetStepDown", STEPPED_DOWN_S)))

    async def hang_primary(self, random: Random) -> None:
        """It does nothing until there has long been another, and then goes on as if it were the primary still."""
        primary = await self.primary()
        with primary.hanging():
            await asyncio.sleep(random.uniform(*HANGS_S))

    async def fill_disk_of_primary(self, random: Random) -> None:
        """There is no room on it any more, and a while later there is."""
        primary = await self.primary()
        await primary.fill_disk()
        await primary.come_back(random)

    async def cut_off(self, node: str, seconds: float) -> None:
        """Nothing gets through between this node and the database, and nobody is told."""
        for member in self._members:
            member.proxy.set(HALF_OPEN, label=node)
        await asyncio.sleep(seconds)
        for member in self._members:
            member.proxy.clear()


def _is_primary(member: Member) -> bool:
    try:
        return bool(member.ask("hello").get("isWritablePrimary"))
    except PyMongoError:
        return False


async def _until(so: Any) -> None:
    for _ in range(START_ATTEMPTS):
        try:
            if await asyncio.to_thread(so):
                return
        except PyMongoError:
            pass
        await asyncio.sleep(0.1)
    raise RuntimeError("the replica set does not come up")


@asynccontextmanager
async def running_replica_set(folder: Path, random: Random) -> AsyncIterator[ReplicaSet]:
    """Three members, until the block ends."""
    members = [Member(folder / f"mongod-{number}", random) for number in range(MEMBERS)]
    async with AsyncExitStack() as everything:
        for member in members:
            everything.callback(member.kill)
            await everything.enter_async_context(member.proxy)
        replica_set = ReplicaSet(members)
        await replica_set.begin()
        yield replica_set
