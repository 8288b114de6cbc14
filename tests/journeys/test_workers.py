"""Several workers on one port: they come and go, and what clients have sent does not."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from fireside.client import Client
from tests.engines import Mongod
from tests.journeys.people import PATIENCE_S
from tests.realtime.served import eventually
from tests.serving import FiresideProcess
from tests.valkey import Valkey

COUNT = 2
STARTED_S = 100.0
"""What has not started by then never will: each is a new interpreter, and the machine may be busy."""

pytestmark = pytest.mark.timeout(300)


class Workers:
    """A server with workers."""

    def __init__(self, server: FiresideProcess) -> None:
        self.server = server

    @property
    def log(self) -> str:
        return self.server.log.read_text()

    @property
    def started(self) -> list[int]:
        """The processes of all that have ever served, in order."""
        return [int(pid) for pid in re.findall(r"worker \d+ serves \(pid (\d+)\)", self.log)]

    async def all_serve(self, count: int = COUNT) -> list[int]:
        """Wait until so many have served."""
        await self._until(lambda: len(self.started) >= count)
        return self.started

    async def said(self, line: str) -> None:
        """Wait for this in the log."""
        await self._until(lambda: line in self.log)

    @staticmethod
    async def _until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(STARTED_S):
            while not condition():  # noqa: ASYNC110 - a log file tells nobody
                await asyncio.sleep(0.05)


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def settings(mongod: Mongod, valkey: Valkey) -> dict[str, str]:
    return {
        "MONGO_URI": mongod.fresh_uri(),
        "VALKEY_URL": valkey.url,
        "FIRESIDE_WORKERS": str(COUNT),
        "FIRESIDE_LOG_LEVEL": "info",
    }


@pytest.fixture
async def workers(tmp_path: Path, mongo_standalone: Mongod, valkey: Valkey) -> AsyncIterator[Workers]:
    async with FiresideProcess(tmp_path, settings(mongo_standalone, valkey)) as server:
        workers = Workers(server)
        await workers.all_serve()
        yield workers


async def test_told_to_stop_all_of_them_stop(workers: Workers) -> None:
    pids = workers.started
    assert await workers.server.stop() == 0
    assert not any(map(lives, pids))


async def test_one_that_dies_is_replaced_while_the_other_serves(workers: Workers) -> None:
    first, second = workers.started
    os.kill(first, signal.SIGKILL)
    await workers.said(f"worker 1 (pid {first}) has ended with -9")
    await workers.server.register("ann")
    *_, third = await workers.all_serve(COUNT + 1)
    assert lives(second)
    assert lives(third)


async def test_without_their_supervisor_they_stop(workers: Workers) -> None:
    workers.server.kill()
    await eventually(lambda: not any(map(lives, workers.started)))
    assert "the supervisor is gone" in workers.log


async def test_a_rolling_restart_fails_no_send_and_loses_and_doubles_nothing(workers: Workers) -> None:
    old = workers.started
    ann, bob = await workers.server.register("ann"), await workers.server.register("bob")
    clients = [Client(workers.server.url, ann["token"]) for _ in range(2)]
    for client in clients:
        await client.start()
    enough = asyncio.Event()

    async def send_on_and_on(number: int, client: Client) -> list[tuple[str, int]]:
        sent: list[tuple[str, int]] = []
        while not enough.is_set():
            message = await client.send(f"{number}: {len(sent)}", to=bob["user"]["_id"])
            sent.append((message.content, message.seq))
        return sent

    sending = [asyncio.create_task(send_on_and_on(*each)) for each in enumerate(clients)]
    workers.server.tell(signal.SIGHUP)
    await workers.said("the workers have been replaced")
    enough.set()
    async with asyncio.timeout(PATIENCE_S):
        sent = [each for some in await asyncio.gather(*sending) for each in some]
    for client in clients:
        await client.close()
    assert not any(map(lives, old))
    async with Client(workers.server.url, bob["token"], keep=None) as bobs:
        await bobs.settled()
        (conversation,) = bobs.state.conversations
        while not bobs.state.conversations[conversation].is_whole:
            await bobs.older(conversation, 100)
        stored = [(each.content, each.seq) for each in bobs.state.conversations[conversation].history()]
    assert sorted(stored) == sorted(sent)
    assert [seq for _, seq in stored] == list(range(1, len(sent) + 1))


async def test_a_new_one_that_does_not_start_leaves_the_old_ones(workers: Workers) -> None:
    """A `.env` that is wrong, say, or code that is."""
    (workers.server.log.parent / ".env").write_text("FIRESIDE_EDIT_WINDOW_S=soon\n")
    workers.server.tell(signal.SIGHUP)
    await workers.said("the other workers stay")
    assert all(map(lives, workers.started))
    await workers.server.register("ann")


@pytest.mark.parametrize("missing", ["MONGO_URI", "VALKEY_URL"])
async def test_without_what_they_share_there_are_none(tmp_path: Path, missing: str) -> None:
    given = {"MONGO_URI": "mongodb://nowhere.invalid/db", "VALKEY_URL": "valkey://nowhere.invalid/0"}
    del given[missing]
    if missing == "MONGO_URI":
        given = {}
    status, said = await FiresideProcess(tmp_path, {**given, "FIRESIDE_WORKERS": "2"}).refuse_to_start()
    (line,) = said.splitlines()
    assert status == 2
    assert line.startswith("fireside: FIRESIDE_WORKERS above 1 needs MONGO_URI and VALKEY_URL")


async def test_where_the_first_does_not_start_there_are_no_others(tmp_path: Path, valkey: Valkey) -> None:
    given = {"MONGO_URI": "mongodb://127.0.0.1:1/db?serverSelectionTimeoutMS=100", "VALKEY_URL": valkey.url}
    status, said = await FiresideProcess(tmp_path, {**given, "FIRESIDE_WORKERS": "2"}).refuse_to_start()
    assert status == 1
    assert said.splitlines()[-1] == "fireside: the first worker has not started, so there will be no others"
    assert "No MongoDB" in said
