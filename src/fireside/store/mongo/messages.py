"""The message log in MongoDB.

A message's `_id` is its place: twelve bytes of conversation id, six of seq, big-endian. The collection is clustered,
so a conversation is one range on disk, and its two unique keys, `_id` and (sender, clientId), decide what is stored.

What must stay true:

- `append` knows what was stored only from an answer without a write concern error whose one write error is a
  duplicate. MongoDB waits for the majority and the journal before it answers, also where it refuses: so the rows
  before a duplicate are durable, and the row that was in the way is, too, and can be read at once.
- A head that could be rolled back would make a hole: a number above it would be given, then it would vanish. And a
  message that `sent` finds is acknowledged. Hence read concern `majority` (the engine's) and `settle`.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from bson import ObjectId
from bson.datetime_ms import DatetimeMS
from pymongo import UpdateOne

from fireside.features.conversations.groups import GroupChange
from fireside.features.conversations.mending import SystemRow
from fireside.features.messages.service import NEWEST, Extra, Message, State, Tail
from fireside.store.mongo.engine import Collection, MongoEngine, inserted
from fireside.store.mongo.errors import translated
from fireside.store.mongo.places import FIRST, LAST, between, number_of, place, ranges
from fireside.store.mongo.reads import Pipelines, united
from fireside.store.mongo.schema import Document

ROWS_AT_ONCE = 1000
"""Per insert: with the largest contents well below the 48 MB that a server reads."""


class MongoMessages:
    """The `MessageStore` of the messages feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine
        self._tails = Pipelines(engine, "messages", _tail, _page)
        self._spans = Pipelines(engine, "messages", _silent, _seqs)

    async def append(self, messages: Sequence[Message]) -> int:
        stored = 0
        while stored < len(messages):
            some = messages[stored : stored + ROWS_AT_ONCE]
            count = await self._insert(some)
            stored += count
            if count < len(some):
                break
        return stored

    async def heads(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        pipelines = [_newest(each, FIRST, LAST, 1, {"_id": 1}) for each in conversation_ids]
        places = [found["_id"] async for found in united(self._messages, pipelines)]
        if places:
            await self._engine.settle()
        return {key[:12].hex(): number_of(key) for key in places}

    async def sent(self, keys: Sequence[tuple[str, str]]) -> list[Message]:
        if not keys:
            return []
        wanted = {"$or": [{"sender": ObjectId(sender), "clientId": client_id} for sender, client_id in keys]}
        with translated():
            found = [_message(each) async for each in self._messages.find(wanted)]
        if found:
            await self._engine.settle()
        return found

    async def before(self, conversation_id: str, seq: int, limit: int, *, above: int = 0) -> list[Message]:
        return (await self._page(between(conversation_id, above, seq), -1, limit))[::-1]

    async def after(self, conversation_id: str, seq: int, limit: int, *, below: int = NEWEST) -> list[Message]:
        return await self._page(between(conversation_id, seq, below), 1, limit)

    async def tails(self, wanted: Sequence[Tail]) -> dict[str, list[Message]]:
        return {tail.conversation: page for tail, page in (await self._tails.some(wanted)).items()}

    async def at(self, places: Sequence[tuple[str, int]]) -> list[Message]:
        near = ranges(place(conversation, seq) for conversation, seq in places)
        return [_message(found) async for found in united(self._messages, [[{"$match": each}] for each in near])]

    async def bring_up(self, messages: Sequence[Message]) -> None:
        updates = [
            UpdateOne({"_id": place(m.conversation, m.seq), "rev": {"$not": {"$gte": m.rev}}}, _changed(m))
            for m in messages
        ]
        if updates:
            with translated():
                await self._messages.bulk_write(updates, ordered=False)

    async def system(self, after: Mapping[str, int]) -> dict[str, list[SystemRow]]:
        found: dict[str, list[SystemRow]] = {}
        for conversation, seq in after.items():
            rows = [
                _system(each)
                async for each in self._silent(conversation, seq, LAST)
                # What is deleted is silent, too.
                if "system" in each.get("extra", ())
            ]
            if rows:
                found[conversation] = rows
        return found

    async def silent(self, spans: Mapping[str, tuple[int, int]]) -> dict[str, list[int]]:
        found = await self._spans.some((each, low, high) for each, (low, high) in spans.items())
        return {each: seqs for (each, _, _), seqs in found.items()}

    async def last_of_each(self, after: Mapping[str, int]) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for conversation, seq in after.items():
            group = {"_id": "$sender", "last": {"$max": "$_id"}}
            pipeline = [{"$match": between(conversation, seq, LAST)}, {"$group": group}]
            with translated():
                last = {
                    str(each["_id"]): number_of(each["last"]) async for each in await self._messages.aggregate(pipeline)
                }
            if last:
                found[conversation] = last
        return found

    async def _insert(self, messages: Iterable[Message]) -> int:
        return await inserted(self._engine.database, "messages", [_document(each) for each in messages])

    async def _page(self, wanted: Document, direction: int, limit: int) -> list[Message]:
        with translated():
            found = await self._messages.find(wanted).sort("_id", direction).limit(limit).to_list()
        return [_message(each) for each in found]

    async def _silent(self, conversation: str, above: int, below: int) -> AsyncIterator[Document]:
        with translated():
            async for found in self._messages.find({"silent": True} | between(conversation, above, below)).sort("_id"):
                yield found

    @property
    def _messages(self) -> Collection:
        return self._engine.database["messages"]


def _tail(wanted: Tail) -> list[Document]:
    return _newest(wanted.conversation, wanted.above, wanted.below, wanted.limit)


def _page(found: list[Document]) -> list[Message]:
    return [_message(each) for each in reversed(found)]


def _silent(span: tuple[str, int, int]) -> list[Document]:
    conversation, low, high = span
    within = {"silent": True} | between(conversation, low, high + 1)
    return [{"$match": within}, {"$sort": {"_id": 1}}, {"$project": {"_id": 1}}]


def _seqs(found: list[Document]) -> list[int]:
    return [number_of(each["_id"]) for each in found]


def _newest(conversation_id: str, above: int, below: int, limit: int, fields: Document | None = None) -> list[Document]:
    """A pipeline that reads the end of a conversation's range, newest first."""
    pipeline: list[Document] = [
        {"$match": between(conversation_id, above, below)},
        {"$sort": {"_id": -1}},
        {"$limit": limit},
    ]
    return [*pipeline, {"$project": fields}] if fields else pipeline


@lru_cache(maxsize=10_000)
def _object_id(user_id: str) -> ObjectId:
    """Making one costs as much as encoding a whole message."""
    return ObjectId(user_id)


def _document(message: Message) -> dict[str, Any]:
    document: dict[str, Any] = {
        "_id": place(message.conversation, message.seq),
        "sender": _object_id(message.sender),
        "clientId": message.client_id,
        "content": message.content,
        "sentAt": DatetimeMS(message.sent_at),
    }
    if message.extra is not None:
        document["extra"] = msgspec.to_builtins(message.extra)
        if message.is_silent:
            document["silent"] = True
    return document


def _changed(message: Message) -> Document:
    """What brings a message up to its changes."""
    values = {
        "content": message.content,
        "rev": message.rev,
        "state": None if message.state is None else msgspec.to_builtins(message.state),
        "extra": None if message.extra is None else msgspec.to_builtins(message.extra),
        "silent": message.is_silent or None,
    }
    there = {name: value for name, value in values.items() if value is not None}
    missing = {name: 1 for name, value in values.items() if value is None}
    return {"$set": there, "$unset": missing} if missing else {"$set": there}


def _message(found: Document) -> Message:
    key: bytes = found["_id"]
    extra, state = found.get("extra"), found.get("state")
    return Message(
        key[:12].hex(),
        int.from_bytes(key[12:]),
        str(found["sender"]),
        found["clientId"],
        found["content"],
        int(found["sentAt"]),
        None if extra is None else msgspec.convert(extra, Extra),
        found.get("rev", 0),
        None if state is None else msgspec.convert(state, State),
    )


def _system(found: Document) -> SystemRow:
    change: GroupChange = msgspec.convert(found["extra"]["system"], GroupChange)
    return SystemRow(number_of(found["_id"]), str(found["sender"]), int(found["sentAt"]), change)
