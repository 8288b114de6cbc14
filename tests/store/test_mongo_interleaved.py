"""What comes between the several writes of one call in MongoDB, a crash or another node, does no harm."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from fireside.core.errors import Unavailable
from fireside.core.ids import new_id
from fireside.features.conversations.activity import Activity
from fireside.features.conversations.groups import GroupChange, GroupCreated, MemberLeft, MembersAdded
from fireside.store.mongo import MongoActivity, MongoConversations, MongoEngine, MongoInbox
from fireside.store.mongo.schema import META, Document
from tests.contract.samples import history


@asynccontextmanager
async def refusing(mongo: MongoEngine, collection: str) -> AsyncIterator[None]:
    """The server takes no document into the collection until the block ends."""
    await mongo.database.command({"collMod": collection, "validator": {"nothing": "has this"}})
    try:
        yield
    finally:
        await mongo.database.command({"collMod": collection, "validator": {}})


async def test_a_group_is_never_kept_further_than_its_people(mongo: MongoEngine) -> None:
    ada, bob = new_id(), new_id()
    created, grown = history((ada, GroupCreated("Friends")), (ada, MembersAdded((bob,))))
    conversations = MongoConversations(mongo)
    await conversations.keep(created, [ada])
    async with refusing(mongo, "members"):
        with pytest.raises(Unavailable):
            await conversations.keep(grown, [bob])
    assert await conversations.by_ids([grown.id]) == {grown.id: created}


class Overtaken:
    """An engine with which, once the counter of stamps has risen, somebody else goes first."""

    def __init__(self, engine: MongoEngine, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._database = engine.database
        self._meanwhile = meanwhile

    @property
    def database(self) -> "Overtaken":
        return self

    def __getitem__(self, name: str) -> Any:
        return self if name == META else self._database[name]

    async def find_one_and_update(self, *given: Any, **options: Any) -> Document | None:
        counter = await self._database[META].find_one_and_update(*given, **options)
        await self._meanwhile()
        return counter


async def test_who_leaves_by_way_of_one_node_while_another_takes_a_stamp_finds_that_from_there_on(
    mongo: MongoEngine,
) -> None:
    ada, bob = new_id(), new_id()
    group, without = history((ada, GroupCreated("Friends", (bob,))), (bob, MemberLeft()))
    conversations, activity, inbox = MongoConversations(mongo), MongoActivity(mongo), MongoInbox(mongo)
    await conversations.keep(group, [ada, bob])
    for node in ("one", "two"):
        await activity.wake([group.id], node)

    async def bob_catches_up_and_leaves() -> None:
        assert [row.until for row in await inbox.changed(bob, await activity.stamp(), "", 10)] == [None]
        await conversations.keep(without, [bob])

    overtaken = MongoActivity(cast(MongoEngine, Overtaken(mongo, bob_catches_up_and_leaves)))
    await overtaken.sleep([Activity(group.id, 1)], "one")
    stamp = await activity.stamp()
    await activity.sleep([Activity(group.id, 2)], "two")
    assert [row.until for row in await inbox.changed(bob, stamp, "", 10)] == [2]


async def test_of_states_of_a_new_group_that_come_at_once_the_furthest_stays(mongo: MongoEngine) -> None:
    """An upsert that finds nothing and then its key taken has lost to any other state, not to a further one."""
    conversations = MongoConversations(mongo)
    for _ in range(20):
        ada = new_id()
        newcomers: list[tuple[str, GroupChange]] = [(ada, MembersAdded((new_id(),))) for _ in range(10)]
        states = history((ada, GroupCreated("Friends")), *newcomers)
        await asyncio.gather(*(conversations.keep(each, [ada]) for each in states))
        assert await conversations.by_ids([states[0].id]) == {states[0].id: states[-1]}
