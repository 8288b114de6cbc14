"""Several workers on one port: they come and go, and there are always some."""

import os
import signal
from pathlib import Path

import pytest

from tests.journeys.workers import COUNT, Workers, lives
from tests.realtime.served import eventually
from tests.serving import FiresideProcess
from tests.valkey import Valkey

pytestmark = pytest.mark.timeout(300)


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
