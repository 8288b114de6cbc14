"""The SQLite engine: group commit, who gets which outcome, and what happens when the disk says no."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest

from fireside.core.errors import Conflict, Unavailable
from fireside.store.errors import DatabaseInUse, StoreError
from fireside.store.sqlite import SqliteEngine
from fireside.store.sqlite import engine as engine_module
from tests.engines import running

Work = Callable[[apsw.Connection], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "fireside.db"


@pytest.fixture
async def engine(path: Path) -> AsyncIterator[SqliteEngine]:
    async with running(SqliteEngine(path)) as engine:
        await engine.write(lambda connection: connection.execute("CREATE TABLE notes (note TEXT UNIQUE) STRICT"))
        yield engine


def noting(note: str) -> Work:
    def insert(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO notes VALUES (?)", (note,))

    return insert


def failing(note: str, error: Exception) -> Work:
    def insert_and_fail(connection: apsw.Connection) -> None:
        noting(note)(connection)
        raise error

    return insert_and_fail


async def notes(engine: SqliteEngine) -> list[str]:
    query = "SELECT note FROM notes ORDER BY rowid"
    return await engine.read(lambda connection: [row[0] for row in connection.execute(query)])


@asynccontextmanager
async def held_up(engine: SqliteEngine) -> AsyncIterator[None]:
    """The writing thread is busy until the block ends, so that what is written meanwhile waits together."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_connection: apsw.Connection) -> None:
        begun.set()
        go_on.wait()

    holding = asyncio.ensure_future(engine.write(hold))
    await asyncio.to_thread(begun.wait)
    try:
        yield
    finally:
        go_on.set()
        await holding


async def together(engine: SqliteEngine, *works: Work) -> list[object]:
    """What becomes of writes that wait at the same time."""
    async with held_up(engine):
        waiting = [asyncio.ensure_future(engine.write(work)) for work in works]
        await asyncio.sleep(0)
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_writes_that_wait_together_share_one_commit(engine: SqliteEngine) -> None:
    commits: list[None] = []

    def count_and_let_pass() -> bool:
        commits.append(None)
        return False

    await engine.write(lambda connection: connection.set_commit_hook(count_and_let_pass))
    await together(engine, *(noting(str(number)) for number in range(20)))
    # The one that set the hook, the one that held the others up, and theirs.
    assert len(commits) == 3
    assert await notes(engine) == [str(number) for number in range(20)]


async def test_a_write_that_fails_takes_nothing_of_its_neighbours_with_it(engine: SqliteEngine) -> None:
    refusal = Conflict("taken")
    outcomes = await together(engine, noting("one"), failing("two", refusal), noting("three"))
    assert outcomes == [None, refusal, None]
    assert await notes(engine) == ["one", "three"]


async def test_a_write_that_fails_alone_leaves_no_trace(engine: SqliteEngine) -> None:
    with pytest.raises(Conflict):
        await engine.write(failing("one", Conflict("taken")))
    await engine.write(noting("two"))
    assert await notes(engine) == ["two"]


async def test_a_bug_of_ours_comes_back_as_it_is(engine: SqliteEngine) -> None:
    with pytest.raises(apsw.SQLError):
        await engine.write(lambda connection: connection.execute("nonsense"))
    with pytest.raises(apsw.SQLError):
        await engine.read(lambda connection: connection.execute("nonsense"))
    with pytest.raises(apsw.ConstraintError):
        await engine.write(lambda connection: [noting("one")(connection), noting("one")(connection)])


@pytest.mark.parametrize("neighbours", [0, 2])
async def test_on_a_full_disk_nobody_is_told_that_it_worked(
    engine: SqliteEngine, neighbours: int, caplog: pytest.LogCaptureFixture
) -> None:
    pages = await engine.read(lambda connection: connection.pragma("page_count"))
    await engine.write(lambda connection: connection.pragma("max_page_count", pages))
    others = [noting(f"small {number}") for number in range(neighbours)]
    outcomes = await together(engine, *others, noting("large" * 100_000))
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert "FullError" in caplog.text
    assert "large" not in caplog.text
    await engine.write(lambda connection: connection.pragma("max_page_count", 1_000_000))
    await engine.write(noting("later"))
    assert await notes(engine) == ["later"]


async def test_while_another_program_writes_the_database_is_unavailable(
    engine: SqliteEngine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.write(lambda connection: connection.set_busy_timeout(0))
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable):
        await engine.write(noting("one"))
    assert await notes(engine) == []
    other.execute("ROLLBACK")
    await engine.write(noting("two"))
    other.close()
    assert await notes(engine) == ["two"]


async def test_a_caller_who_gives_up_stops_nobody_else(engine: SqliteEngine) -> None:
    async with held_up(engine):
        impatient = asyncio.ensure_future(engine.write(failing("one", Conflict("taken"))))
        patient = asyncio.ensure_future(engine.write(noting("two")))
        await asyncio.sleep(0)
        impatient.cancel()
    await patient
    assert impatient.cancelled()
    assert await notes(engine) == ["two"]


async def test_a_full_queue_refuses_at_once_and_takes_more_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "MAX_WRITES", 3)
    async with running(SqliteEngine(path)) as engine:
        async with held_up(engine):
            waiting = [asyncio.ensure_future(engine.write(lambda _: None)) for _ in range(2)]
            await asyncio.sleep(0)
            with pytest.raises(Unavailable):
                await engine.write(lambda _: None)
        await asyncio.gather(*waiting)
        await engine.write(lambda _: None)


async def test_reading_does_not_wait_for_writing(engine: SqliteEngine) -> None:
    await engine.write(noting("before"))
    async with held_up(engine):
        assert await notes(engine) == ["before"]


async def test_fifty_reads_at_once_are_all_answered(engine: SqliteEngine) -> None:
    await engine.write(noting("one"))
    assert await asyncio.gather(*(notes(engine) for _ in range(50))) == [["one"]] * 50


async def test_a_reader_cannot_write(engine: SqliteEngine) -> None:
    with pytest.raises(Unavailable):
        await engine.read(noting("one"))
    assert await notes(engine) == []


async def test_a_write_is_synced_before_it_returns(engine: SqliteEngine) -> None:
    names = ("journal_mode", "synchronous", "foreign_keys", "fullfsync")
    for ask in (engine.read, engine.write):
        assert await ask(lambda connection: [connection.pragma(name) for name in names]) == ["wal", 2, 1, 1]


async def test_stopping_finishes_what_was_accepted(path: Path) -> None:
    async with running(SqliteEngine(path)) as engine:
        await engine.write(lambda connection: connection.execute("CREATE TABLE notes (note TEXT) STRICT"))
        async with held_up(engine):
            waiting = [asyncio.ensure_future(engine.write(noting(str(number)))) for number in range(5)]
            await asyncio.sleep(0)
            stopping = asyncio.ensure_future(engine.stop())
        await stopping
        await asyncio.gather(*waiting)
    async with running(SqliteEngine(path)) as engine:
        assert len(await notes(engine)) == 5


async def test_an_engine_that_does_not_run_is_unavailable(path: Path) -> None:
    engine = SqliteEngine(path)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await engine.write(lambda _: None)
        with pytest.raises(Unavailable):
            await engine.read(lambda _: None)
        with pytest.raises(Unavailable):
            await engine.ping()
        await engine.start()
        await engine.ping()
        await engine.stop()
    await engine.stop()


async def test_stopping_leaves_one_file_with_everything_in_it(path: Path) -> None:
    async with running(SqliteEngine(path)):
        pass
    assert sorted(each.name for each in path.parent.iterdir()) == ["fireside.db", "fireside.lock"]


@pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")
async def test_nobody_but_the_owner_may_read_the_files(engine: SqliteEngine, path: Path) -> None:
    await engine.write(noting("one"))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    modes = {each.name: each.stat().st_mode & 0o777 for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(["fireside.db", "fireside.db-shm", "fireside.db-wal", "fireside.lock"], 0o600)


async def test_a_second_engine_on_one_file_is_refused_until_the_first_has_stopped(path: Path) -> None:
    async with running(SqliteEngine(path)) as first:
        with pytest.raises(DatabaseInUse, match="Stop that one first"):
            await SqliteEngine(path).start()
        await first.write(lambda connection: connection.execute("CREATE TABLE notes (note TEXT) STRICT"))
    async with running(SqliteEngine(path)) as second:
        assert await notes(second) == []


DIARY = b"This is a diary, not a database.\n" * 100


@pytest.fixture
def diary(path: Path) -> Path:
    path.parent.mkdir()
    path.write_bytes(DIARY)
    return path


async def test_a_file_that_is_no_database_is_refused_in_one_line(diary: Path) -> None:
    with pytest.raises(StoreError, match=r"fireside\.db cannot be opened: .*not a database") as refusal:
        await SqliteEngine(diary).start()
    assert "\n" not in str(refusal.value)


async def test_a_folder_that_cannot_be_made_is_refused_in_one_line(diary: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        await SqliteEngine(diary / "fireside.db").start()
