"""Deployments of our own, to be tried: a topology says what they are made of, and all of it may be killed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

import psutil

from fireside.torture.faults import Fault
from tests.clock import Clock
from tests.engines import Mongod, running_mongod
from tests.serving import FiresideProcess
from tests.torture.replica_set import running_replica_set
from tests.valkey import Valkey

CUT_OFF_S = 10.0
HANGS_S = (5.0, 20.0)
HOUR_S = 3600
SETTINGS = {"FIRESIDE_PING_INTERVAL_S": "5", "FIRESIDE_PING_TIMEOUT_S": "5"}
"""Who is cut off without being told notices it so soon."""


@dataclass(frozen=True)
class Topology:
    """What there is. More than one node needs a database that they share, and Valkey to be one service."""

    nodes: int = 1
    workers: int = 1
    database: Literal["sqlite", "mongod", "replica set"] = "sqlite"
    valkey: bool = False


@dataclass(frozen=True)
class Deployment:
    """One that runs."""

    nodes: Sequence[FiresideProcess]
    faults: dict[str, Fault]

    @property
    def urls(self) -> list[str]:
        return [node.url for node in self.nodes]


@asynccontextmanager
async def running_deployment(folder: Path, topology: Topology, random: Random) -> AsyncIterator[Deployment]:
    """All of it, until the block ends."""
    faults: dict[str, Fault] = {}
    names = [f"fireside-node-{number}" for number in range(topology.nodes)]
    settings = {name: dict(SETTINGS) for name in names}
    async with AsyncExitStack() as everything:
        if topology.database == "mongod":
            mongod = everything.enter_context(running_mongod(replica_set=False))
            faults["kill the database"] = _killing_and_starting(mongod, 3.0)
            for name in names:
                settings[name]["MONGO_URI"] = mongod.uri("fireside")
        elif topology.database == "replica set":
            replica_set = await everything.enter_async_context(running_replica_set(folder, random))
            faults["kill the primary"] = replica_set.kill_primary
            faults["kill the primary, which is ahead"] = replica_set.kill_primary_ahead
            faults["step the primary down"] = replica_set.step_down_primary
            faults["hang the primary"] = replica_set.hang_primary
            faults["fill the disk of the primary"] = replica_set.fill_disk_of_primary

            async def cut_off(random: Random) -> None:
                await replica_set.cut_off(random.choice(names), CUT_OFF_S)

            faults["cut a node off from the database"] = cut_off
            for name in names:
                settings[name]["MONGO_URI"] = replica_set.uri(name)
        if topology.valkey:
            valkey = Valkey()
            everything.callback(valkey.kill)
            await asyncio.to_thread(valkey.start)
            faults["kill Valkey"] = _killing_and_starting(valkey, 8.0)
            faults["hang Valkey"] = _hanging(valkey)
            for name in names:
                settings[name]["VALKEY_URL"] = valkey.url
        nodes, clocks = [], []
        for name in names:
            (folder / name).mkdir()
            clocks.append(Clock(folder / name / "clock"))
            settings[name].update(clocks[-1].settings)
            if topology.workers > 1:
                settings[name]["FIRESIDE_WORKERS"] = str(topology.workers)
            node = FiresideProcess(folder / name, settings[name])
            nodes.append(await everything.enter_async_context(node))
        faults["kill a worker"] = _killing_worker(nodes) if topology.workers > 1 else _killing_node(nodes)
        faults["hang a worker"] = _hanging_worker(nodes)
        faults["restart a node"] = _restarting(nodes)
        faults["put a clock wrong"] = _putting_wrong(clocks)
        yield Deployment(nodes, faults)


def _killing_worker(nodes: Sequence[FiresideProcess]) -> Fault:
    """kill -9 of a worker, which its node starts again: that is its own affair, and nobody waits for it."""

    async def kill(random: Random) -> None:
        (await _worker(random.choice(nodes), random)).kill()

    return kill


def _hanging_worker(nodes: Sequence[FiresideProcess]) -> Fault:
    """One does nothing for longer than its clients wait for it, and then goes on with them as if they were there."""

    async def hang(random: Random) -> None:
        worker = await _worker(random.choice(nodes), random)
        worker.suspend()
        try:
            await asyncio.sleep(random.uniform(*HANGS_S))
        finally:
            worker.resume()

    return hang


async def _worker(node: FiresideProcess, random: Random) -> psutil.Process:
    """One of its workers, or it itself where there are none."""
    process = psutil.Process(node.pid)
    if "FIRESIDE_WORKERS" not in process.environ():
        return process
    while not (workers := process.children()):  # noqa: ASYNC110 - a process tells nobody of its children
        await asyncio.sleep(0.1)  # the last one may have died a moment ago
    return random.choice(sorted(workers, key=lambda each: int(each.pid)))


def _killing_node(nodes: Sequence[FiresideProcess]) -> Fault:
    """kill -9 of a node that has no workers, which we start again."""

    async def kill(random: Random) -> None:
        node = random.choice(nodes)
        node.kill()
        await asyncio.sleep(random.uniform(0.0, 3.0))
        await node.start()

    return kill


def _restarting(nodes: Sequence[FiresideProcess]) -> Fault:
    """SIGTERM, and start again."""

    async def restart(random: Random) -> None:
        node = random.choice(nodes)
        await node.stop()
        await node.start()

    return restart


def _putting_wrong(clocks: Sequence[Clock]) -> Fault:
    """The clock of a node is an hour ahead or behind for a while, as if it had been moved to another machine."""

    async def put(random: Random) -> None:
        clock = random.choice(clocks)
        clock.put(random.choice((-HOUR_S, HOUR_S)))
        await asyncio.sleep(random.uniform(*HANGS_S))
        clock.put(0)

    return put


def _hanging(server: Valkey) -> Fault:
    """It keeps its connections, and answers nobody for a while."""

    async def hang(random: Random) -> None:
        with server.hanging():
            await asyncio.sleep(random.uniform(*HANGS_S))

    return hang


def _killing_and_starting(server: Mongod | Valkey, longest_s: float) -> Fault:
    """kill -9, and start again some seconds later: a database on the same files, Valkey empty."""

    async def kill(random: Random) -> None:
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(random.uniform(0.5, longest_s))
        await asyncio.to_thread(server.start)

    return kill
