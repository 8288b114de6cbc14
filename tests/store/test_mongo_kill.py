"""A MongoDB that is killed has lost nothing that was acknowledged, and service returns by itself."""

import asyncio
import datetime
from itertools import count

import pytest
from bson import ObjectId
from pymongo import WriteConcern

from fireside.core.errors import Unavailable
from fireside.core.ids import new_id
from fireside.store.mongo import MongoEngine, MongoMessages
from tests.contract.samples import message, run
from tests.engines import Mongod, running


async def write_until_it_fails(messages: MongoMessages, conversation: str, enough: asyncio.Event) -> int:
    """Append batches of five; the last number that was acknowledged."""
    for first in count(1, 5):
        try:
            assert await messages.append(run(conversation, first, first + 4)) == 5
        except Unavailable:
            return first - 1
        if first > 200:
            enough.set()
    raise AssertionError


async def test_a_killed_server_has_kept_all_it_acknowledged(own_server: Mongod) -> None:
    here, enough = new_id(), asyncio.Event()
    async with running(MongoEngine(own_server.uri("x"))) as engine:
        messages = MongoMessages(engine)
        writing = asyncio.ensure_future(write_until_it_fails(messages, here, enough))
        await enough.wait()
        own_server.kill()
        acknowledged = await writing
        await asyncio.to_thread(own_server.start)
        kept = [each.seq for each in await messages.after(here, 0, 1_000_000)]
        assert kept == list(range(1, len(kept) + 1))
        assert acknowledged <= len(kept) <= acknowledged + 5
        assert await messages.append([message(here, len(kept) + 1)]) == 1


@pytest.mark.parametrize("own_server", ["standalone"], indirect=True)
@pytest.mark.parametrize("asked", ["heads", "sent"])
async def test_what_was_found_survives_a_crash_though_its_writer_did_not_wait(own_server: Mongod, asked: str) -> None:
    """A row that another node is still writing: whoever has seen it builds on it at once."""
    here = new_id()
    async with running(MongoEngine(own_server.uri("x"))) as engine:
        messages = MongoMessages(engine)
        await store_lazily(engine, here)
        if asked == "heads":
            assert await messages.heads([here]) == {here: 1}
        else:
            assert len(await messages.sent([("a" * 24, "lazy")])) == 1
        own_server.kill()
        await asyncio.to_thread(own_server.start)
        assert await messages.heads([here]) == {here: 1}


async def store_lazily(engine: MongoEngine, conversation: str) -> None:
    """Store a first message without waiting for the journal."""
    lazy = engine.database["messages"].with_options(write_concern=WriteConcern(w=1, j=False))
    row = {"_id": bytes.fromhex(conversation) + (1).to_bytes(6), "sender": ObjectId("a" * 24), "clientId": "lazy"}
    await lazy.insert_one({**row, "content": "hello", "sentAt": datetime.datetime.now(datetime.UTC)})
