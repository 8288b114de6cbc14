"""SQLite's schema goes forward, one version at a time, and never back."""

import logging
from pathlib import Path

import apsw
import pytest

from fireside.core.ids import new_id
from fireside.store.errors import NewerDatabase, StoreError
from fireside.store.sqlite import SqliteEngine, SqliteMessages, schema
from tests.contract.samples import message
from tests.engines import running


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fireside.db"


def version(path: Path) -> int:
    connection = apsw.Connection(str(path))
    found: int = connection.pragma("user_version")
    connection.close()
    return found


async def test_a_new_database_gets_todays_version_and_says_so(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with running(SqliteEngine(path)):
            pass
    assert version(path) == len(schema.MIGRATIONS)
    assert f"from version 0 to {len(schema.MIGRATIONS)}" in caplog.text


async def test_a_database_of_today_is_left_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running(SqliteEngine(path)):
        pass
    caplog.clear()
    with caplog.at_level(logging.INFO):
        async with running(SqliteEngine(path)):
            pass
    assert "the schema of" not in caplog.text


async def test_a_newer_database_is_refused_in_one_line_and_left_alone(path: Path) -> None:
    async with running(SqliteEngine(path)) as engine:
        await engine.write(lambda connection: connection.pragma("user_version", 7))
    with pytest.raises(NewerDatabase) as refusal:
        await SqliteEngine(path).start()
    assert str(refusal.value) == (
        f"The database {path} was written by a newer Fireside (schema 7; this one knows {len(schema.MIGRATIONS)}). "
        "Upgrade Fireside."
    )
    assert version(path) == 7


async def test_an_older_database_goes_forward_with_all_it_has(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = message(new_id(), 1)
    async with running(SqliteEngine(path)) as engine:
        await SqliteMessages(engine).append([kept])
    later = (*schema.MIGRATIONS, "CREATE TABLE extra (x TEXT) STRICT", "DROP TABLE extra")
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    async with running(SqliteEngine(path)) as engine:
        assert await SqliteMessages(engine).after(kept.conversation, 0, 10) == [kept]
    assert version(path) == len(later)


async def test_a_step_that_fails_takes_back_those_before_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(SqliteEngine(path)):
        pass
    today = version(path)
    broken = (*schema.MIGRATIONS, "CREATE TABLE extra (x TEXT) STRICT", "nonsense")
    monkeypatch.setattr(schema, "MIGRATIONS", broken)
    with pytest.raises(StoreError, match="cannot be opened"):
        await SqliteEngine(path).start()
    assert version(path) == today
    monkeypatch.setattr(schema, "MIGRATIONS", broken[:-1])
    async with running(SqliteEngine(path)):
        pass
    assert version(path) == today + 1
