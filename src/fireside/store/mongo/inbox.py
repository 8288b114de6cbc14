"""Everybody's conversations, in MongoDB.

First their ids, a range of `members`; then which of them have changed, by `activity`; then the rest of what is kept of
the few. Nothing is read of a conversation that has not changed but its id.
"""

from bson import ObjectId

from fireside.features.conversations.activity import Activity
from fireside.features.inbox.service import InboxRow
from fireside.features.receipts.service import Mark
from fireside.store.mongo.activity import activity
from fireside.store.mongo.engine import Collection, MongoEngine
from fireside.store.mongo.errors import translated
from fireside.store.mongo.places import oid, pair
from fireside.store.mongo.schema import Document

ZERO, ONES = "0" * 24, "f" * 24


class MongoInbox:
    """The `InboxStore` of the inbox feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine

    async def changed(self, user_id: str, stamp: int, after: str, limit: int) -> list[InboxRow]:
        mine = {"_id": {"$gt": pair(user_id, after or ZERO), "$lte": pair(user_id, ONES)}}
        # Who has left a conversation hears of the leaving, and of nothing after it.
        gone = {"until": {"$exists": True}, "leaving": {"$exists": False}, "goneStamp": {"$lte": stamp}}
        with translated():
            ids: list[ObjectId] = []
            left: list[ObjectId] = []
            async for each in self._members.find(mine | {"$nor": [gone]}, {"until": 1}):
                (left if "until" in each else ids).append(ObjectId(each["_id"][12:]))
            moved = [{"stamp": {"$gt": stamp}}, {"awake.0": {"$exists": True}}]
            wanted = {"$or": [{"_id": {"$in": ids}, "$or": moved}, {"_id": {"$in": left}}]}
            found = [activity(each) async for each in self._activity.find(wanted).sort("_id").limit(limit)]
        return await self._with_members(user_id, found)

    async def one(self, user_id: str, conversation_id: str) -> InboxRow | None:
        with translated():
            member = await self._members.find_one({"_id": pair(user_id, conversation_id)})
            if member is None:
                return None
            found = await self._activity.find_one({"_id": oid(conversation_id)})
        return _row(Activity(conversation_id) if found is None else activity(found), member)

    async def all(self, user_id: str) -> list[InboxRow]:
        mine = {"_id": {"$gte": pair(user_id, ZERO), "$lte": pair(user_id, ONES)}}
        with translated():
            members = {each["_id"][12:].hex(): each async for each in self._members.find(mine)}
            wanted = {"_id": {"$in": [oid(each) for each in members]}}
            found = [activity(each) async for each in self._activity.find(wanted)]
        return [_row(each, members[each.conversation]) for each in found]

    async def _with_members(self, user_id: str, found: list[Activity]) -> list[InboxRow]:
        keys = sorted(pair(user_id, each.conversation) for each in found)
        if not keys:
            return []
        # With its bounds it is a range of their own conversations; without, all of everybody's would be looked at.
        wanted = {"_id": {"$in": keys, "$gte": keys[0], "$lte": keys[-1]}}
        with translated():
            members = {each["_id"][12:].hex(): each async for each in self._members.find(wanted)}
        return [_row(each, members[each.conversation]) for each in found if each.conversation in members]

    @property
    def _members(self) -> Collection:
        return self._engine.database["members"]

    @property
    def _activity(self) -> Collection:
        return self._engine.database["activity"]


def _row(found: Activity, member: Document) -> InboxRow:
    mark = Mark(member["delivered"], member["read"], member["shown"])
    return InboxRow(found, member["since"], member.get("until"), mark)
