"""A copy of an SQLite database: of whatever is there, for its owner alone, and all of it or nothing."""

import errno
import os
import stat
from pathlib import Path

import apsw
import pytest

from fireside.store.errors import StoreError
from fireside.store.sqlite import SqliteEngine, back_up
from fireside.store.sqlite import backup as module
from tests.engines import running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "fireside.db"


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "copy.db"


def rows(path: Path) -> list[int]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    found = [number for (number,) in connection.execute("SELECT number FROM numbers")]
    connection.close()
    return found


def numbering(first: int, last: int) -> str:
    return (
        f"WITH RECURSIVE each (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM each WHERE n < {last}) "
        "INSERT INTO numbers SELECT n FROM each"
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def damage(path: Path) -> None:
    """Its last pages are nonsense."""
    path.write_bytes(path.read_bytes()[:-8192] + b"\xff" * 8192)


def without_links(_source: Path, _to: Path) -> None:
    """As on a stick, or in many a network's folder."""
    raise OSError(errno.EPERM, "Operation not permitted")


async def write(engine: SqliteEngine, query: str) -> None:
    await engine.write(lambda connection: connection.execute(query).fetchall())


async def test_a_copy_has_what_was_there_when_it_began_with_a_server_or_without(path: Path, to: Path) -> None:
    to.parent.mkdir()
    async with running(SqliteEngine(path)) as engine:
        await write(engine, "CREATE TABLE numbers (number INTEGER PRIMARY KEY) STRICT")
        await write(engine, numbering(1, 1000))
        back_up(path, to)
        await write(engine, numbering(1001, 1010))
        assert rows(to) == list(range(1, 1001))
        assert mode(to) == 0o600
        assert [each.name for each in to.parent.iterdir()] == ["copy.db"], "one file, and nothing beside it"
    later = to.with_name("later.db")
    back_up(path, later)
    assert rows(later) == list(range(1, 1011))


async def test_a_copy_is_a_database_like_any_other(path: Path, to: Path) -> None:
    async with running(SqliteEngine(path)) as engine:
        await write(engine, "CREATE TABLE numbers (number INTEGER PRIMARY KEY) STRICT")
    to.parent.mkdir()
    back_up(path, to)
    async with running(SqliteEngine(to)) as engine:
        await write(engine, numbering(1, 3))
    assert rows(to) == [1, 2, 3]


async def test_a_copy_replaces_nothing(path: Path, to: Path) -> None:
    async with running(SqliteEngine(path)) as engine:
        await write(engine, "CREATE TABLE numbers (number INTEGER PRIMARY KEY) STRICT")
        to.parent.mkdir()
        back_up(path, to)
        await write(engine, numbering(1, 3))
        with pytest.raises(StoreError, match="there already"):
            back_up(path, to)
    assert rows(to) == []


@pytest.mark.parametrize("has_links", [True, False])
async def test_nor_what_has_come_there_meanwhile(
    path: Path, to: Path, has_links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(SqliteEngine(path)):
        pass
    to.parent.mkdir()
    copy = module._copy

    def slowly(path: Path, part: Path) -> None:
        copy(path, part)
        to.write_text("another's")

    monkeypatch.setattr(module, "_copy", slowly)
    if not has_links:
        monkeypatch.setattr(os, "link", without_links)
    with pytest.raises(StoreError, match="there already"):
        back_up(path, to)
    assert [(each.name, each.read_text()) for each in to.parent.iterdir()] == [("copy.db", "another's")]


async def test_a_copy_is_made_where_files_have_one_name_each(
    path: Path, to: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(SqliteEngine(path)) as engine:
        await write(engine, "CREATE TABLE numbers (number INTEGER PRIMARY KEY) STRICT")
        await write(engine, numbering(1, 3))
    to.parent.mkdir()
    monkeypatch.setattr(os, "link", without_links)
    back_up(path, to)
    assert rows(to) == [1, 2, 3]
    assert [each.name for each in to.parent.iterdir()] == ["copy.db"]


def test_without_a_database_nothing_is_made(path: Path, to: Path) -> None:
    to.parent.mkdir()
    with pytest.raises(StoreError, match="no database at"):
        back_up(path, to)
    assert not path.exists()
    assert not to.exists()


async def test_a_folder_that_is_not_there_is_said(path: Path, to: Path) -> None:
    async with running(SqliteEngine(path)):
        pass
    with pytest.raises(StoreError, match="cannot be copied"):
        back_up(path, to)


async def test_of_a_database_that_is_damaged_no_copy_is_made(path: Path, to: Path) -> None:
    async with running(SqliteEngine(path)) as engine:
        await write(engine, "CREATE TABLE numbers (number INTEGER PRIMARY KEY) STRICT")
        await write(engine, numbering(1, 100_000))
    damage(path)
    to.parent.mkdir()
    with pytest.raises(StoreError, match="cannot be copied"):
        back_up(path, to)
    assert list(to.parent.iterdir()) == []
