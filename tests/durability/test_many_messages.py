"""Messages between 64 pairs, who lose their connections and send again, and a server that is killed meanwhile.

There are 15,000 of them, and 100,000 with `FIRESIDE_TEST_LONG=1`.

Every acknowledged message is in the history exactly once, in order, unchanged, at the number that was acknowledged,
and the numbers have no hole: all of `checker.py`. `FIRESIDE_TEST_MESSAGES` is another number of messages,
`FIRESIDE_TEST_SEED` repeats the choices of a run.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.durability.client import Habits
from tests.durability.crowd import Incident
from tests.durability.incidents import Happening, hanging_database, killing, killing_database
from tests.durability.runs import Run, new_seed, run
from tests.engines import Mongod, running_mongod
from tests.serving import FiresideProcess

PAIRS = 64
LONG = bool(os.environ.get("FIRESIDE_TEST_LONG"))
MESSAGES = int(os.environ.get("FIRESIDE_TEST_MESSAGES") or (100_000 if LONG else 15_000))

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def standalone() -> Iterator[Mongod]:
    """A server that the test may kill."""
    with running_mongod(replica_set=False) as server:
        yield server


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str, Run], None]:
    """Says what happened, also when all went well."""

    def show(name: str, result: Run) -> None:
        with capsys.disabled():
            print(f"\n{name}: {result}")

    return show


async def talk(server: FiresideProcess, messages: int, *happenings: Happening, seed: int | None = None) -> Run:
    """Everybody talks; the happenings are spread over the run, at points of chance."""
    seed = new_seed() if seed is None else seed
    random = Random(seed)
    share = messages / (len(happenings) + 1)
    incidents = [
        Incident(int(share * (number + random.uniform(-0.4, 0.4))), happens)
        for number, happens in enumerate(happenings, 1)
    ]
    # A hundred at least, so that each kind of them is among them.
    habits = Habits(sends_between_drops=min(150, messages / 100))
    return await run(server.port, pairs=PAIRS, messages=messages, habits=habits, seed=seed, incidents=incidents)


def require_green(result: Run, messages: int) -> None:
    """Nothing was broken, and what was to happen has happened."""
    assert not result.violations, str(result)
    counts = result.notes.counts
    assert counts["messages"] == messages
    for what in ("resends", "sent twice at once", "connections reset", "connections cut", "connections left"):
        assert counts[what], f"nothing of this has happened: {what}"


async def test_sqlite_keeps_every_message_though_the_server_is_killed(
    tmp_path: Path, report: Callable[[str, Run], None]
) -> None:
    async with FiresideProcess(tmp_path) as server:
        result = await talk(server, MESSAGES, killing(server))
    report("SQLite, server killed", result)
    require_green(result, MESSAGES)


async def test_mongodb_keeps_every_message_though_the_server_and_then_the_database_is_killed(
    tmp_path: Path, standalone: Mongod, report: Callable[[str, Run], None]
) -> None:
    async with FiresideProcess(tmp_path, {"MONGO_URI": standalone.uri("fireside")}) as server:
        result = await talk(server, MESSAGES, killing(server), killing_database(standalone))
    report("MongoDB standalone, server killed, then the database", result)
    require_green(result, MESSAGES)


async def test_a_replica_set_keeps_every_message_though_the_server_is_killed(
    tmp_path: Path, mongo_replica_set: Mongod, report: Callable[[str, Run], None]
) -> None:
    messages = MESSAGES if LONG else MESSAGES // 5
    async with FiresideProcess(tmp_path, {"MONGO_URI": mongo_replica_set.fresh_uri()}) as server:
        result = await talk(server, messages, killing(server))
    report("MongoDB replica set, server killed", result)
    require_green(result, messages)


async def test_mongodb_keeps_every_message_though_it_hangs_for_longer_than_the_server_waits(
    tmp_path: Path, standalone: Mongod, report: Callable[[str, Run], None]
) -> None:
    async with FiresideProcess(tmp_path, {"MONGO_URI": standalone.uri("fireside")}) as server:
        result = await talk(server, MESSAGES // 5, hanging_database(standalone))
    report("MongoDB standalone, database hung", result)
    require_green(result, MESSAGES // 5)
