"""SQLite's schema goes forward, one version at a time, and never back."""

import json
import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import apsw
import msgspec
import pytest

from fireside.core.ids import new_id
from fireside.features.accounts.service import User, fold
from fireside.features.conversations.service import Conversation
from fireside.features.messages.service import Message
from fireside.features.receipts.service import Mark, Receipt
from fireside.store.errors import NewerDatabase, StoreError
from fireside.store.sqlite import SqliteEngine, SqliteMessages, schema
from fireside.store.sqlite.schema import blob
from tests.contract.samples import message
from tests.engines import SqliteBackend, running
from tests.store.version_1 import Version1

Row = tuple[bytes | str | int, ...]


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


@pytest.fixture
async def version_1(path: Path, monkeypatch: pytest.MonkeyPatch) -> Version1:
    """A database of version 1, closed, and what is in it."""
    old = Version1()
    rows = {
        "users": [_user(each) for each in (old.ada, old.bob)],
        "conversations": [_conversation(each) for each in (*old.begun, old.empty)],
        "messages": [_message(each) for log in old.logs for each in log],
    }
    with monkeypatch.context() as then:
        then.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        async with running(SqliteEngine(path)) as engine:
            for table, some in rows.items():
                await engine.write(partial(_insert, table=table, rows=some))
    assert version(path) == 1
    return old


def _insert(connection: apsw.Connection, *, table: str, rows: Sequence[Row]) -> None:
    connection.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)


def _user(each: User) -> Row:
    return blob(each.id), each.username, fold(each.username), each.email, each.password_hash, each.created_at


def _conversation(each: Conversation) -> Row:
    return blob(each.id), "direct", json.dumps(list(each.members)), each.created_at


def _message(each: Message) -> Row:
    return blob(each.conversation), each.seq, blob(each.sender), each.client_id, each.content, each.sent_at


async def test_version_1_becomes_one_in_which_everybody_finds_what_is_theirs(path: Path, version_1: Version1) -> None:
    async with SqliteBackend(path).open() as stores:
        await version_1.require_all_in(stores)
        assert await stores.activity.stamp() == 1
    async with SqliteBackend(path).open() as stores:
        await version_1.require_all_in(stores)
        await version_1.require_the_empty_one_in(stores)
    assert version(path) == len(schema.MIGRATIONS)


async def test_what_is_written_into_one_of_version_1_goes_on_where_it_was(path: Path, version_1: Version1) -> None:
    talk, log = version_1.begun[0], version_1.logs[0]
    async with SqliteBackend(path).open() as stores:
        again = msgspec.structs.replace(log[0], seq=301)
        assert await stores.messages.append([again]) == await stores.messages.append([log[-1]]) == 0
        assert await stores.messages.append([message(talk.id, 301)]) == 1
        await stores.receipts.raise_to([Receipt(talk.id, version_1.bob.id, Mark(301))])
        read = {version_1.ada.id: Mark(300, 300), version_1.bob.id: Mark(301, 300)}
        assert await stores.receipts.of([talk.id]) == {talk.id: read}


async def test_version_1_stays_as_it_is_where_the_way_forward_fails(
    path: Path, version_1: Version1, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = schema.MIGRATIONS
    with monkeypatch.context() as then:
        then.setattr(schema, "MIGRATIONS", (first, second + "nonsense"))
        with pytest.raises(StoreError, match="cannot be opened"):
            await SqliteEngine(path).start()
    assert version(path) == 1
    async with SqliteBackend(path).open() as stores:
        await version_1.require_all_in(stores)
