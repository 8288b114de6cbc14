"""Everybody's conversations, in MongoDB.

A range of `members`, and of those the rows of `activity` that tell of a change. All of that stays in the server: what
comes back is of the few conversations that have changed.
"""

from typing import NamedTuple

from fireside.features.conversations.activity import Activity
from fireside.features.inbox.service import InboxRow
from fireside.features.receipts.service import Mark
from fireside.store.mongo.activity import activity
from fireside.store.mongo.engine import Collection, MongoEngine
from fireside.store.mongo.errors import translated
from fireside.store.mongo.places import oid, pair
from fireside.store.mongo.reads import Pipelines
from fireside.store.mongo.schema import Document

ZERO, ONES = "0" * 24, "f" * 24


class Asked(NamedTuple):
    """Which of somebody's conversations."""

    user: str
    stamp: int
    after: str
    limit: int


class MongoInbox:
    """The `InboxStore` of the inbox feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine
        self._changed = Pipelines(engine, "members", _changes, _rows)

    async def changed(self, user_id: str, stamp: int, after: str, limit: int) -> list[InboxRow]:
        return await self._changed.one(Asked(user_id, stamp, after, limit)) or []

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

    @property
    def _members(self) -> Collection:
        return self._engine.database["members"]

    @property
    def _activity(self) -> Collection:
        return self._engine.database["activity"]


def _changes(asked: Asked) -> list[Document]:
    mine = {"_id": {"$gt": pair(asked.user, asked.after or ZERO), "$lte": pair(asked.user, ONES)}}
    # Who has left a conversation hears of the leaving, and of nothing after it.
    gone = {"until": {"$exists": True}, "leaving": {"$exists": False}, "goneStamp": {"$lte": asked.stamp}}
    is_left = {"$expr": {"$in": ["$_id", "$$left.conversation"]}}
    moved = {"$match": {"$or": [{"stamp": {"$gt": asked.stamp}}, {"awake.0": {"$exists": True}}, is_left]}}
    return [
        {"$match": mine | {"$nor": [gone]}},
        # In one document: so the next step is one look-up for all of them, a tenth of the work of one for each.
        {"$group": {"_id": None, "members": {"$push": "$$ROOT"}}},
        {
            "$lookup": {
                "from": "activity",
                "localField": "members.conversation",
                "foreignField": "_id",
                "let": {"left": _those("members", {"$gt": ["$$this.until", None]})},
                "pipeline": [moved, {"$sort": {"_id": 1}}, {"$limit": asked.limit}],
                "as": "found",
            }
        },
        {"$project": {"found": 1, "members": _those("members", {"$in": ["$$this.conversation", "$found._id"]})}},
    ]


def _rows(answers: list[Document]) -> list[InboxRow]:
    members = {each["conversation"]: each for answer in answers for each in answer["members"]}
    return [_row(activity(each), members[each["_id"]]) for answer in answers for each in answer["found"]]


def _those(field: str, condition: Document) -> Document:
    """The elements of a list that meet a condition."""
    return {"$filter": {"input": f"${field}", "cond": condition}}


def _row(found: Activity, member: Document) -> InboxRow:
    mark = Mark(member["delivered"], member["read"], member["shown"])
    return InboxRow(found, member["since"], member.get("until"), mark)
