"""Conversations in MongoDB.

What a conversation is stands in one document and is read whole; `members`, clustered by person, finds it by its people
and says what they may see.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from bson.datetime_ms import DatetimeMS
from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from fireside.core.together import Together
from fireside.features.conversations.service import PLAIN, Conversation, Gone, Info, Member
from fireside.store.mongo.engine import Collection, MongoEngine
from fireside.store.mongo.errors import translated
from fireside.store.mongo.places import oid, pair
from fireside.store.mongo.reads import KEYS_AT_ONCE, UNDER_WAY
from fireside.store.mongo.schema import Document

FRESH: Document = {"since": 0, "asOf": 0, "delivered": 0, "read": 0, "shown": 0}


class MongoConversations:
    """The `ConversationStore` of the conversations feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine
        self._found = Together(self._find, KEYS_AT_ONCE, UNDER_WAY)

    async def ensure(self, conversation: Conversation) -> Conversation:
        document = {
            "_id": oid(conversation.id),
            "kind": conversation.kind,
            "members": [oid(each) for each in conversation.members],
            "createdAt": DatetimeMS(conversation.created_at),
        }
        with translated():
            await self._members.bulk_write([_ensured(conversation.id, each) for each in conversation.members])
            try:
                await self._conversations.insert_one(document)
            except DuplicateKeyError:
                # The answer waited for the journal and the majority all the same, so the first one is durable.
                return (await self.by_ids([conversation.id])).get(conversation.id, conversation)
        return conversation

    async def keep(self, conversation: Conversation, changed: Sequence[str]) -> None:
        # People first: a group is never kept further than they are, so a node that dies in between is made up for.
        people = [_ensured(conversation.id, each) for each in changed]
        people += [_kept(conversation, each) for each in changed]
        is_behind = {"_id": oid(conversation.id), "asOf": {"$lt": conversation.as_of}}
        update = {"$set": _group(conversation), "$setOnInsert": {"createdAt": DatetimeMS(conversation.created_at)}}
        with translated():
            if people:
                await self._members.bulk_write(people)
            try:
                await self._conversations.update_one(is_behind, update, upsert=True)
            except DuplicateKeyError:
                # It is there: further than this, or since a moment ago.
                await self._conversations.update_one(is_behind, update)

    async def by_ids(self, conversation_ids: Sequence[str]) -> dict[str, Conversation]:
        return await self._found.some(conversation_ids)

    async def _find(self, conversation_ids: list[str]) -> dict[str, Conversation]:
        wanted = {"_id": {"$in": [oid(each) for each in conversation_ids]}}
        with translated():
            return {str(found["_id"]): _conversation(found) async for found in self._conversations.find(wanted)}

    @property
    def _conversations(self) -> Collection:
        return self._engine.database["conversations"]

    @property
    def _members(self) -> Collection:
        return self._engine.database["members"]


def _ensured(conversation_id: str, user_id: str) -> UpdateOne:
    fresh = {"conversation": oid(conversation_id), **FRESH}
    return UpdateOne({"_id": pair(user_id, conversation_id)}, {"$setOnInsert": fresh}, upsert=True)


def _kept(conversation: Conversation, user_id: str) -> UpdateOne:
    """Of somebody whose row is there."""
    is_behind = {"_id": pair(user_id, conversation.id), "asOf": {"$lt": conversation.as_of}}
    member = conversation.members.get(user_id)
    if member is not None:
        said: Document = {"since": member.since, "asOf": conversation.as_of}
        return UpdateOne(is_behind, {"$set": said, "$unset": {"until": 1, "leaving": 1, "goneStamp": 1}})
    gone = conversation.gone[user_id]
    said = {"since": gone.since, "until": gone.until, "leaving": True, "asOf": conversation.as_of}
    return UpdateOne(is_behind, {"$set": said, "$unset": {"goneStamp": 1}})


def _group(conversation: Conversation) -> Document:
    return {
        "kind": conversation.kind,
        "members": [{"user": oid(each), **_plain(member)} for each, member in conversation.members.items()],
        "gone": [{"user": oid(each), **_plain(gone)} for each, gone in conversation.gone.items()],
        "info": _plain(conversation.info),
        "asOf": conversation.as_of,
    }


def _plain(value: Member | Gone | Info | None) -> Any:
    return msgspec.to_builtins(value)


def _conversation(found: Document) -> Conversation:
    conversation_id, created_at = str(found["_id"]), int(found["createdAt"])
    if found["kind"] == "direct":
        return Conversation(conversation_id, "direct", dict.fromkeys(map(str, found["members"]), PLAIN), created_at)
    return Conversation(
        conversation_id,
        "group",
        {str(each["user"]): Member(each["role"], each["since"]) for each in found["members"]},
        created_at,
        found["asOf"],
        msgspec.convert(found["info"], Info | None),
        {str(each["user"]): Gone(each["since"], each["until"], each["rev"], each["title"]) for each in found["gone"]},
    )
