"""The MongoDB engine: what it asks of the server, and what callers are told when the server cannot."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from bson import ObjectId

from fireside.core.errors import Unavailable
from fireside.core.ids import new_id
from fireside.features.messages.service import NEWEST
from fireside.store.errors import StoreError
from fireside.store.mongo import MongoAccounts, MongoConversations, MongoEngine, MongoMessages
from tests.contract.samples import direct, message, run, user
from tests.engines import Mongod, running

CARELESS = "w=1&journal=false&readConcernLevel=local&readPreference=secondaryPreferred&wTimeoutMS=1"


async def profiled(engine: MongoEngine) -> list[dict[str, Any]]:
    """The commands that the server has run since profiling was set to 2."""
    return [
        each["command"] async for each in engine.database["system.profile"].find({"ns": {"$not": {"$regex": "sys"}}})
    ]


async def test_whatever_the_address_says_writes_are_durable_and_reads_cannot_be_rolled_back(uri: str) -> None:
    talk, ada = direct(new_id(), new_id()), user("ada")
    async with running(MongoEngine(uri + ("&" if "?" in uri else "?") + CARELESS)) as engine:
        messages = MongoMessages(engine)
        await engine.database.command("profile", 2)
        await MongoAccounts(engine).add(ada)
        await MongoAccounts(engine).by_id(ada.id)
        await MongoAccounts(engine).existing([ada.id])
        await MongoConversations(engine).ensure(talk)
        await messages.append(run(talk.id, 1, 3))
        await messages.heads([talk.id])
        await messages.sent([("a" * 24, "x")])
        await messages.before(talk.id, NEWEST, 2)
        commands = await profiled(engine)
    writes = [command for command in commands if "insert" in command]
    reads = [command for command in commands if "find" in command or "aggregate" in command]
    assert len(writes) == 3
    assert len(reads) >= 5
    assert {(command["writeConcern"]["w"], command["writeConcern"]["j"]) for command in writes} == {("majority", True)}
    assert {command["readConcern"]["level"] for command in reads} == {"majority"}


async def test_messages_lie_in_the_order_of_their_place(mongo: MongoEngine) -> None:
    (options,) = [each async for each in await mongo.database.list_collections(filter={"name": "messages"})]
    assert options["options"]["clusteredIndex"]["key"] == {"_id": 1}
    here = new_id()
    await MongoMessages(mongo).append(run(here, 1, 2))
    place = {"_id": bytes.fromhex(here) + b"\0\0\0\0\0\2"}
    stored = await mongo.database["messages"].find_one(place)
    assert stored is not None
    assert set(stored) == {"_id", "sender", "clientId", "content", "sentAt"}
    assert stored["sender"] == ObjectId("a" * 24)


@pytest.mark.parametrize("step", [("before", NEWEST), ("before", 500), ("after", 0), ("after", 900)])
async def test_a_page_reads_its_own_rows_and_no_others(mongo: MongoEngine, step: tuple[str, int]) -> None:
    here, (name, seq) = new_id(), step
    messages = MongoMessages(mongo)
    await messages.append([*run(here, 1, 1000), *run(new_id(), 1, 500)])
    await mongo.database.command("profile", 2)
    page = await getattr(messages, name)(here, seq, 10)
    await messages.heads([here, new_id()])
    await mongo.database.command("profile", 0)
    assert len(page) == 10
    looks = mongo.database["system.profile"].find({"ns": {"$regex": "messages$"}})
    examined = [each["docsExamined"] async for each in looks]
    assert len(examined) == 2
    # One more where MongoDB steps onto a bound before it leaves it out.
    assert all(count <= limit + 2 for count, limit in zip(examined, (10, 2), strict=True))


async def test_an_address_without_a_database_means_fireside(own_server: Mongod) -> None:
    async with running(MongoEngine(own_server.uri(""))) as engine:
        assert engine.database.name == "fireside"


async def test_the_same_engine_can_start_again(mongo: MongoEngine) -> None:
    here = new_id()
    await MongoMessages(mongo).append(run(here, 1, 2))
    await mongo.stop()
    for asked in (MongoMessages(mongo).heads([here]), mongo.ping()):
        with pytest.raises(Unavailable):
            await asked
    await mongo.start()
    await mongo.ping()
    assert await MongoMessages(mongo).heads([here]) == {here: 2}


async def test_a_write_concern_that_fails_leaves_the_outcome_unknown(
    mongo: MongoEngine, monkeypatch: pytest.MonkeyPatch, server: Mongod
) -> None:
    here, messages = new_id(), MongoMessages(mongo)
    monkeypatch.setattr("fireside.store.mongo.engine.WRITE_CONCERN", {"w": 3, "j": True, "wtimeout": 50})
    with pytest.raises(Unavailable):
        await messages.append(run(here, 1, 3))
    with pytest.raises(Unavailable):
        await messages.append([message(here, 1)])


async def test_an_error_that_is_no_duplicate_leaves_the_outcome_unknown(
    mongo: MongoEngine, caplog: pytest.LogCaptureFixture
) -> None:
    await mongo.database.command({"collMod": "messages", "validator": {"content": {"$ne": "forbidden"}}})
    here = new_id()
    with pytest.raises(Unavailable):
        await MongoMessages(mongo).append([message(here, 1), message(here, 2, content="forbidden")])
    assert "code 121" in caplog.text
    assert "forbidden" not in caplog.text


@pytest.fixture
def silence() -> Iterator[str]:
    """The address of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def test_a_server_that_never_answers_ends_the_start_in_one_line(silence: str) -> None:
    engine = MongoEngine(f"mongodb://{silence}/x", server_selection_timeout_ms=200)
    with pytest.raises(StoreError, match=rf"No MongoDB that takes writes answers at {silence}\.") as refusal:
        await engine.start()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://ada:geheim@:pass@127.0.0.1/x",
        "mongodb://ada:geheim@127.0.0.1:geheim/x",
        "mongodb://ada:geheim@127.0.0.1:99999/x",
        "postgres://ada:geheim@127.0.0.1/x",
        "mongodb://ada:ge/heim@127.0.0.1/x",
    ],
)
async def test_an_address_that_cannot_be_read_is_refused_without_quoting_it(uri: str) -> None:
    with pytest.raises(StoreError, match="MONGO_URI cannot be read") as refusal:
        await MongoEngine(uri).start()
    assert "heim" not in str(refusal.value)
    assert refusal.value.__suppress_context__


async def test_a_server_that_hangs_makes_callers_wait_for_no_longer_than_agreed(own_server: Mongod) -> None:
    here = new_id()
    async with running(MongoEngine(own_server.uri("x"), timeout_ms=500)) as engine:
        messages = MongoMessages(engine)
        await messages.append(run(here, 1, 2))
        with own_server.hanging():
            for asked in (messages.append([message(here, 3)]), messages.heads([here]), messages.before(here, 2, 1)):
                with pytest.raises(Unavailable):
                    await asked
        # What hung may have been stored after all; that is why its outcome was called unknown.
        assert (await messages.heads([here]))[here] in (2, 3)


# The driver leaves a connection that was being opened to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_cancelled_call_leaves_the_engine_in_order(mongo: MongoEngine) -> None:
    here, messages = new_id(), MongoMessages(mongo)
    for seq in range(1, 21):
        calling = asyncio.ensure_future(messages.append([message(here, seq)]))
        for _ in range(seq % 7):
            await asyncio.sleep(0)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
    there = new_id()
    assert await messages.append(run(there, 1, 5)) == 5
    assert await messages.heads([there]) == {there: 5}
