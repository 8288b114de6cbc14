"""MongoDB's schema goes forward, one process at a time, and never back."""

import asyncio
import datetime
import logging

import pytest

from fireside.core.ids import new_id
from fireside.store.errors import NewerDatabase, StoreError
from fireside.store.mongo import MongoEngine, MongoMessages, schema
from fireside.store.mongo.schema import META, Database
from tests.contract.samples import message
from tests.engines import running

FUTURE = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
PAST = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


async def version(engine: MongoEngine) -> int:
    found = await engine.database[META].find_one({"_id": "schema"})
    assert found is not None
    return int(found["version"])


async def forget_version(engine: MongoEngine) -> None:
    await engine.database[META].delete_one({"_id": "schema"})


async def test_a_new_database_gets_todays_version_and_says_so(uri: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with running(MongoEngine(uri)) as engine:
            assert await version(engine) == len(schema.MIGRATIONS)
            assert await engine.database[META].find_one({"_id": "lock"}) is None
    assert f"is now version {len(schema.MIGRATIONS)}" in caplog.text


async def test_five_that_start_at_once_all_start(uri: str) -> None:
    async def start_and_write(conversation: str) -> int:
        async with running(MongoEngine(uri)) as engine:
            return await MongoMessages(engine).append([message(conversation, 1)])

    here = new_id()
    assert sorted(await asyncio.gather(*(start_and_write(here) for _ in range(5)))) == [0, 0, 0, 0, 1]


async def test_a_newer_database_is_refused_in_one_line_and_left_alone(mongo: MongoEngine, uri: str) -> None:
    await mongo.database[META].update_one({"_id": "schema"}, {"$set": {"version": 7}})
    with pytest.raises(NewerDatabase) as refusal:
        await MongoEngine(uri).start()
    assert str(refusal.value) == (
        f"The database {mongo.database.name} was written by a newer Fireside "
        f"(schema 7; this one knows {len(schema.MIGRATIONS)}). Upgrade Fireside."
    )
    assert await version(mongo) == 7


async def test_a_step_that_was_interrupted_runs_again_and_loses_nothing(mongo: MongoEngine, uri: str) -> None:
    kept = message(new_id(), 1)
    await MongoMessages(mongo).append([kept])
    await forget_version(mongo)
    async with running(MongoEngine(uri)) as again:
        assert await version(again) == len(schema.MIGRATIONS)
        assert await MongoMessages(again).after(kept.conversation, 0, 10) == [kept]


async def test_an_older_database_goes_forward_with_all_it_has(
    mongo: MongoEngine, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def extend(database: Database) -> None:
        await database["messages"].update_many({}, {"$set": {"content": "migrated"}})

    await MongoMessages(mongo).append([message("c" * 24, 1)])
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, extend))
    async with running(MongoEngine(uri)) as newer:
        assert await version(newer) == len(schema.MIGRATIONS)
        assert [each.content for each in await MongoMessages(newer).after("c" * 24, 0, 10)] == ["migrated"]


async def test_the_lock_of_one_that_died_is_taken_over(mongo: MongoEngine, uri: str) -> None:
    await forget_version(mongo)
    await mongo.database[META].insert_one({"_id": "lock", "owner": "somebody", "until": PAST})
    async with running(MongoEngine(uri)) as engine:
        assert await version(engine) == len(schema.MIGRATIONS)
        assert await engine.database[META].find_one({"_id": "lock"}) is None


async def test_one_that_waits_for_the_lock_in_vain_says_so(
    mongo: MongoEngine, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "PAUSE_S", 0.001)
    monkeypatch.setattr(schema, "PATIENCE_S", 0.005)
    await forget_version(mongo)
    await mongo.database[META].insert_one({"_id": "lock", "owner": "somebody", "until": FUTURE})
    with pytest.raises(StoreError, match="has been migrating"):
        await MongoEngine(uri).start()
    assert await mongo.database[META].find_one({"_id": "lock", "owner": "somebody"}) is not None


async def test_an_index_that_got_lost_is_back_after_a_start(mongo: MongoEngine, uri: str) -> None:
    await mongo.database["messages"].drop_index("sent")
    here = new_id()
    async with running(MongoEngine(uri)) as engine:
        twice = [message(here, 1, client_id="x"), message(here, 2, client_id="x")]
        assert await MongoMessages(engine).append(twice) == 1
