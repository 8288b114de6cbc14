"""MongoDB's schema goes forward, one process at a time, and never back."""

import asyncio
import datetime
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from bson.datetime_ms import DatetimeMS
from pymongo import AsyncMongoClient

from fireside.core.ids import new_id
from fireside.features.accounts.service import User, fold
from fireside.features.conversations.activity import Activity
from fireside.features.conversations.groups import GroupCreated, MemberLeft
from fireside.features.conversations.service import Conversation
from fireside.features.messages.service import Message
from fireside.features.receipts.service import Mark, Receipt
from fireside.store.errors import NewerDatabase, StoreError
from fireside.store.mongo import MongoEngine, MongoMessages, schema
from fireside.store.mongo.places import oid, place
from fireside.store.mongo.schema import META, Database, Document
from tests.contract.samples import direct, history, message, run
from tests.engines import MongoBackend, running
from tests.store.version_1 import Version1

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


@pytest.fixture
async def version_1(uri: str, monkeypatch: pytest.MonkeyPatch) -> Version1:
    """A database of version 1, and what is in it."""
    old = Version1()
    with monkeypatch.context() as then:
        then.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        then.setattr(schema, "INDEXES", [index for index in schema.INDEXES if index.unique])
        async with running(MongoEngine(uri)) as engine:
            await engine.database["users"].insert_many([_user(each) for each in (old.ada, old.bob)])
            await engine.database["conversations"].insert_many([_talk(each) for each in (*old.begun, old.empty)])
            await engine.database["messages"].insert_many([_message(each) for log in old.logs for each in log])
            assert sorted(await engine.database.list_collection_names()) == [META, "conversations", "messages", "users"]
    return old


def _user(each: User) -> Document:
    kept = {"username": each.username, "folded": fold(each.username), "email": each.email}
    return kept | {"_id": oid(each.id), "passwordHash": each.password_hash, "createdAt": DatetimeMS(each.created_at)}


def _talk(each: Conversation) -> Document:
    members = [oid(member) for member in each.members]
    return {"_id": oid(each.id), "kind": "direct", "members": members, "createdAt": DatetimeMS(each.created_at)}


def _message(each: Message) -> Document:
    kept = {"sender": oid(each.sender), "clientId": each.client_id, "content": each.content}
    return kept | {"_id": place(each.conversation, each.seq), "sentAt": DatetimeMS(each.sent_at)}


@asynccontextmanager
async def raw(uri: str) -> AsyncIterator[Database]:
    """The database as it is, which nobody migrates."""
    async with AsyncMongoClient[Document](uri) as client:
        yield client.get_default_database()


async def test_version_1_becomes_one_in_which_everybody_finds_what_is_theirs(uri: str, version_1: Version1) -> None:
    async with MongoBackend(uri).open() as stores:
        await version_1.require_all_in(stores)
        assert await stores.activity.stamp() == 1
    async with MongoBackend(uri).open() as stores:
        await version_1.require_all_in(stores)
        await version_1.require_the_empty_one_in(stores)


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_version_1_is_left_behind_though_the_first_attempt_was_interrupted(
    uri: str, version_1: Version1, at: int
) -> None:
    async with raw(uri) as database:
        refused = {"_id": {"$ne": oid(version_1.begun[at].id)}}
        await database.create_collection("activity", validator=refused)
        with pytest.raises(StoreError):
            await MongoEngine(uri).start()
        assert await database[META].find_one({"_id": "schema"}) == {"_id": "schema", "version": 1}
        await database.command({"collMod": "activity", "validator": {}})
    async with MongoBackend(uri).open() as stores:
        await version_1.require_all_in(stores)


async def test_what_a_server_of_version_1_writes_after_an_interruption_is_found_too(
    uri: str, version_1: Version1
) -> None:
    async with running(MongoEngine(uri)):
        pass
    new, log = direct(version_1.ada.id, new_id()), version_1.logs[1]
    async with raw(uri) as database:
        await database[META].update_one({"_id": "schema"}, {"$set": {"version": 1}})
        log.append(message(log[0].conversation, 2))
        version_1.unread[log[0].conversation] = 1
        version_1.begun.append(new)
        version_1.logs.append(run(new.id, 1, 3))
        await database["conversations"].insert_one(_talk(new))
        await database["messages"].insert_many(map(_message, [log[-1], *version_1.logs[-1]]))
    async with MongoBackend(uri).open() as stores:
        await version_1.require_all_in(stores)


async def test_a_step_that_runs_again_later_takes_nothing_back(uri: str, version_1: Version1) -> None:
    ada, bob, talk = version_1.ada.id, version_1.bob.id, version_1.begun[0]
    async with MongoBackend(uri).open() as stores:
        await stores.activity.wake([talk.id, version_1.empty.id], "node")
        await stores.messages.append(run(talk.id, 301, 302))
        await stores.receipts.raise_to([Receipt(talk.id, bob, Mark(302, 301))])
        await stores.activity.sleep([Activity(talk.id, 302, 5, 1_800_000_000_000)], "node")
        created, left = history((ada, GroupCreated("Friends", (bob,))), (bob, MemberLeft()))
        await stores.conversations.keep(created, [ada, bob])
        await stores.conversations.keep(left, [bob])
        stamp = await stores.activity.stamp()
        before = [await stores.inbox.changed(person, -1, "", 100) for person in (ada, bob)]
        marks = await stores.receipts.of([talk.id])
        assert marks == {talk.id: {ada: Mark(300, 300), bob: Mark(302, 301)}}
    async with raw(uri) as database:
        await database[META].update_one({"_id": "schema"}, {"$set": {"version": 1}})
    async with MongoBackend(uri).open() as stores:
        assert [await stores.inbox.changed(person, -1, "", 100) for person in (ada, bob)] == before
        assert await stores.receipts.of([talk.id]) == marks
        assert await stores.activity.stamp() == stamp == 2
        assert await stores.conversations.by_ids([left.id]) == {left.id: left}


async def test_what_lies_in_the_order_of_its_place_does_so_after_version_1_too(uri: str, version_1: Version1) -> None:
    async with running(MongoEngine(uri)) as engine:
        found = [each async for each in await engine.database.list_collections()]
    clustered = {each["name"] for each in found if "clusteredIndex" in each["options"]}
    assert clustered == {"messages", "members", "changes", "personal"}


async def test_five_that_leave_version_1_behind_at_once_all_do(uri: str, version_1: Version1) -> None:
    async def start_and_look() -> None:
        async with MongoBackend(uri).open() as stores:
            await version_1.require_all_in(stores)
            assert await stores.activity.stamp() == 1

    await asyncio.gather(*(start_and_look() for _ in range(5)))
