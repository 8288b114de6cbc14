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

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from fireside.features.messages.service import Message
from fireside.store.mongo.engine import WRITE_CONCERN, Collection, MongoEngine
from fireside.store.mongo.errors import outage, translated
from fireside.store.mongo.schema import Document

DUPLICATE_KEY = 11000
ROWS_AT_ONCE = 1000
"""Per insert: with the largest contents well below the 48 MB that a server reads."""
HEADS_AT_ONCE = 100
"""Per aggregation: an answer's first batch, and far from the 1,000 stages a pipeline may have."""
FIRST, LAST = 0, (1 << 48) - 1


class MongoMessages:
    """The `MessageStore` of the messages feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine

    async def append(self, messages: Sequence[Message]) -> int:
        stored = 0
        while stored < len(messages):
            some = messages[stored : stored + ROWS_AT_ONCE]
            inserted = await self._insert(some)
            stored += inserted
            if inserted < len(some):
                break
        return stored

    async def heads(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        places: list[bytes] = []
        with translated():
            for start in range(0, len(conversation_ids), HEADS_AT_ONCE):
                pipeline = _newest_of_each(conversation_ids[start : start + HEADS_AT_ONCE])
                places += [found["_id"] async for found in await self._messages.aggregate(pipeline)]
        if places:
            await self._engine.settle()
        return {place[:12].hex(): int.from_bytes(place[12:]) for place in places}

    async def sent(self, keys: Sequence[tuple[str, str]]) -> list[Message]:
        if not keys:
            return []
        wanted = {"$or": [{"sender": ObjectId(sender), "clientId": client_id} for sender, client_id in keys]}
        with translated():
            found = [_message(each) async for each in self._messages.find(wanted)]
        if found:
            await self._engine.settle()
        return found

    async def before(self, conversation_id: str, seq: int, limit: int) -> list[Message]:
        return (await self._page(_between(conversation_id, FIRST, seq), -1, limit))[::-1]

    async def after(self, conversation_id: str, seq: int, limit: int) -> list[Message]:
        return await self._page(_between(conversation_id, seq, LAST), 1, limit)

    async def _insert(self, messages: Iterable[Message]) -> int:
        # A plain command costs a fifth less than `insert_many`, and the driver does not repeat it by itself: the
        # message log resolves unknown outcomes better than a second attempt does.
        command = {
            "insert": "messages",
            "ordered": True,
            "documents": [_document(each) for each in messages],
            "writeConcern": WRITE_CONCERN,
        }
        with translated():
            return _inserted(await self._engine.database.command(command))

    async def _page(self, wanted: Document, direction: int, limit: int) -> list[Message]:
        with translated():
            return [_message(found) async for found in self._messages.find(wanted).sort("_id", direction).limit(limit)]

    @property
    def _messages(self) -> Collection:
        return self._engine.database["messages"]


def _inserted(reply: Document) -> int:
    """How many rows an ordered insert stored, durably."""
    concern = reply.get("writeConcernError")
    errors = reply.get("writeErrors", ())
    if concern or any(error["code"] != DUPLICATE_KEY for error in errors):
        raise outage(f"insert, code {(concern or errors[0])['code']}")
    inserted: int = reply["n"]
    return inserted


def _newest_of_each(conversation_ids: Sequence[str]) -> list[Document]:
    """A pipeline that reads one row of each conversation: the end of its range."""
    first, *others = (_newest(each) for each in conversation_ids)
    return first + [{"$unionWith": {"coll": "messages", "pipeline": newest}} for newest in others]


def _newest(conversation_id: str) -> list[Document]:
    place = _between(conversation_id, FIRST, LAST)
    return [{"$match": place}, {"$sort": {"_id": -1}}, {"$limit": 1}, {"$project": {"_id": 1}}]


def _between(conversation_id: str, low: int, high: int) -> Document:
    """A filter for the places between two numbers, both left out."""
    return {"_id": {"$gt": _place(conversation_id, low), "$lt": _place(conversation_id, high)}}


def _place(conversation_id: str, seq: int) -> bytes:
    return bytes.fromhex(conversation_id) + seq.to_bytes(6)


@lru_cache(maxsize=10_000)
def _object_id(user_id: str) -> ObjectId:
    """Making one costs as much as encoding a whole message."""
    return ObjectId(user_id)


def _document(message: Message) -> dict[str, Any]:
    return {
        "_id": _place(message.conversation, message.seq),
        "sender": _object_id(message.sender),
        "clientId": message.client_id,
        "content": message.content,
        "sentAt": DatetimeMS(message.sent_at),
    }


def _message(found: Document) -> Message:
    place: bytes = found["_id"]
    return Message(
        place[:12].hex(),
        int.from_bytes(place[12:]),
        str(found["sender"]),
        found["clientId"],
        found["content"],
        int(found["sentAt"]),
    )
