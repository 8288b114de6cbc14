"""The supervisor where processes cannot be started: it goes on, and it ends."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from fireside.realtime.serving import bind
from fireside.workers import READY, Supervisor, Worker
from tests.journeys.workers import COUNT, lives
from tests.realtime.served import eventually

WORKER = f"""#!{sys.executable}
import socket, sys

line = socket.socket(fileno=int(sys.argv[sys.argv.index("--line") + 1]))
line.send({READY!r})
line.recv(1)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return put(tmp_path / "worker")


def put(program: Path) -> Path:
    program.write_text(WORKER)
    program.chmod(0o755)
    return program


def take_away(program: Path) -> None:
    """For a moment no process can be started."""
    program.unlink()


@asynccontextmanager
async def supervised(program: Path) -> AsyncIterator[Callable[[], set[int]]]:
    """Workers; asked, who serves. At the end all are told to stop, and do."""
    supervisor = Supervisor([str(program)], COUNT, bind("127.0.0.1", 0))
    supervising = asyncio.create_task(supervisor.run())

    def serving() -> set[int]:
        return {worker.pid for worker in supervisor._workers.values() if lives(worker.pid)}

    try:
        await eventually(lambda: len(serving()) == COUNT)
        yield serving
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(supervising, 10)
        assert not serving()


def said(caplog: pytest.LogCaptureFixture, words: str) -> Callable[[], bool]:
    return lambda: words in caplog.text


async def test_a_worker_that_cannot_be_started_for_a_moment_is_started_later(
    program: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with supervised(program) as serving:
        take_away(program)
        os.kill(min(serving()), signal.SIGKILL)
        await eventually(said(caplog, "cannot be started: "))
        put(program)
        await eventually(lambda: len(serving()) == COUNT)


async def test_where_a_new_one_cannot_be_started_the_old_ones_stay_and_stop_when_told_to(
    program: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with supervised(program) as serving:
        pids = serving()
        take_away(program)
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(said(caplog, "the other workers stay"))
        assert serving() == pids


async def test_whatever_becomes_of_replacing_them_they_stop_when_told_to(
    program: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> Worker:
        raise ZeroDivisionError

    async with supervised(program):
        monkeypatch.setattr(Worker, "start", fail)
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(said(caplog, "the other workers stay"))


async def test_who_cannot_be_started_leaves_nothing_open(tmp_path: Path) -> None:
    with bind("127.0.0.1", 0) as listener:
        before = psutil.Process().num_fds()
        with pytest.raises(FileNotFoundError):
            await Worker.start([str(tmp_path / "nobody")], listener)
        assert psutil.Process().num_fds() == before
