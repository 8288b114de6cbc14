"""What MongoDB looks at to answer: what was asked for, however much else there is.

It walks through the whole of a clustered collection for several keys of it (`$in`, `$or`), unless they are in a range.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from fireside.core.ids import new_id
from fireside.features.conversations.activity import Activity
from fireside.features.messages.service import State
from fireside.store.mongo import MongoActivity, MongoConversations, MongoEngine, MongoInbox, MongoMessages
from tests.contract.samples import direct, run

MANY, FEW = 500, 20


class Looked:
    """How many documents were looked at in a block, by those of its commands that looked at most."""

    docs = 0


@asynccontextmanager
async def looking(mongo: MongoEngine) -> AsyncIterator[Looked]:
    """The server writes down what it does until the block ends."""
    looked = Looked()
    await mongo.database.command("profile", 2)
    yield looked
    await mongo.database.command("profile", 0)
    commands = [each async for each in mongo.database["system.profile"].find({"ns": {"$not": {"$regex": "profile"}}})]
    assert commands
    looked.docs = max(each.get("docsExamined", 0) for each in commands)


async def test_f4_messages_at_several_places_are_found_without_looking_at_the_others(mongo: MongoEngine) -> None:
    store, one, other = MongoMessages(mongo), new_id(), new_id()
    for conversation in (one, other):
        await store.append(run(conversation, 1, MANY))
    places = [(one, 1), (one, 2), (one, MANY), (other, 7), (other, 5), (other, MANY + 1), (new_id(), 1)]
    async with looking(mongo) as looked:
        found = await store.at(places)
    assert sorted((each.conversation, each.seq) for each in found) == sorted(places[:5])
    assert looked.docs < FEW


async def test_f4_messages_are_brought_up_without_looking_at_the_others(mongo: MongoEngine) -> None:
    store, conversation = MongoMessages(mongo), new_id()
    messages = run(conversation, 1, MANY)
    await store.append(messages)
    changed = [msgspec.structs.replace(each, rev=each.seq, state=State(edited_at=1)) for each in messages[::100]]
    async with looking(mongo) as looked:
        await store.bring_up(changed)
    assert looked.docs < FEW
    found = await store.at([(conversation, each.seq) for each in changed])
    assert {each.seq: each for each in found} == {each.seq: each for each in changed}


async def test_f4_what_has_changed_is_found_without_looking_at_what_others_have(mongo: MongoEngine) -> None:
    conversations, activity, me = MongoConversations(mongo), MongoActivity(mongo), new_id()
    mine = [direct(me, new_id()) for _ in range(3)]
    for each in [*mine, *(direct(new_id(), new_id()) for _ in range(MANY // 10))]:
        await conversations.ensure(each)
        await activity.sleep([Activity(each.id, seq=1)], "node")
    await activity.wake([each.id for each in mine], "node")
    async with looking(mongo) as looked:
        found = await MongoInbox(mongo).changed(me, 0, "", 10)
    assert [each.activity.conversation for each in found] == sorted(each.id for each in mine)
    assert looked.docs < FEW
