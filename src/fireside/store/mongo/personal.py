"""What is one's own, in MongoDB: clustered by (person, n), and found by its place."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from fireside.core.together import Together
from fireside.features.personal.service import Entry, Own, Place, Span
from fireside.store.mongo.engine import Collection, MongoEngine, inserted
from fireside.store.mongo.errors import translated
from fireside.store.mongo.places import FIRST, LAST, between, number_of, oid, place
from fireside.store.mongo.reads import KEYS_AT_ONCE, UNDER_WAY, Pipelines
from fireside.store.mongo.schema import Document

Somebodys = tuple[str, str, int]
"""A place, and whose word on it: the user, the conversation and the seq."""


class MongoPersonal:
    """The `PersonalStore` of the personal feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine
        self._after = Pipelines(engine, "personal", _above, _entries)
        self._own = Together(self._last_of, KEYS_AT_ONCE, UNDER_WAY)
        self._hiding = Together(self._who_hides, KEYS_AT_ONCE, UNDER_WAY)

    async def append(self, entry: Entry) -> bool:
        document = {
            "_id": place(entry.user, entry.n),
            "user": oid(entry.user),
            "conversation": oid(entry.conversation),
            "seq": entry.seq,
            "n": entry.n,
            "own": msgspec.to_builtins(entry.own),
            "at": DatetimeMS(entry.at),
        }
        return await inserted(self._engine.database, "personal", [document]) == 1

    async def head(self, user_id: str) -> int:
        newest = self._personal.find(between(user_id, FIRST, LAST), {"_id": 1}).sort("_id", -1).limit(1)
        with translated():
            found = [number_of(each["_id"]) async for each in newest]
        await self._engine.settle()
        return found[0] if found else 0

    async def after(self, user_id: str, n: int, limit: int) -> list[Entry]:
        return await self._after.one((user_id, n, limit)) or []

    async def last(self, user_id: str, places: Sequence[Place]) -> dict[Place, Own]:
        found = await self._own.some((user_id, conversation, seq) for conversation, seq in places)
        return {(conversation, seq): own for (_, conversation, seq), own in found.items()}

    async def _last_of(self, places: list[Somebodys]) -> dict[Somebodys, Own]:
        wanted = [{"user": oid(user), "conversation": oid(each), "seq": seq} for user, each, seq in places]
        found = await self._last({"$or": wanted})
        return {(entry.user, entry.conversation, entry.seq): entry.own for entry in found}

    async def hides(self, user_id: str, conversation_ids: Sequence[str]) -> set[str]:
        found = await self._hiding.some((user_id, each) for each in conversation_ids)
        return {conversation for _, conversation in found}

    async def _who_hides(self, asked: list[tuple[str, str]]) -> dict[tuple[str, str], bool]:
        """Those of these users and conversations in which they have hidden something."""
        places: dict[str, list[ObjectId]] = {}
        for user, conversation in asked:
            places.setdefault(user, []).append(oid(conversation))
        wanted = [{"user": oid(user), "conversation": {"$in": theirs}} for user, theirs in places.items()]
        pipeline: list[Document] = [
            {"$match": {"$or": wanted, "own.hidden": True}},
            {"$group": {"_id": {"user": "$user", "conversation": "$conversation"}}},
        ]
        with translated():
            found = await (await self._personal.aggregate(pipeline)).to_list()
        return {(str(each["_id"]["user"]), str(each["_id"]["conversation"])): True for each in found}

    async def hidden(self, user_id: str, spans: Mapping[str, Span]) -> dict[str, list[int]]:
        within = [
            {"conversation": oid(each), "seq": {"$gt": above, "$lte": up_to}} for each, (above, up_to) in spans.items()
        ]
        found: dict[str, list[int]] = {}
        for entry in await self._last({"user": oid(user_id), "$or": within}) if within else ():
            if entry.own.hidden:
                found.setdefault(entry.conversation, []).append(entry.seq)
        return {each: sorted(seqs) for each, seqs in found.items()}

    async def starred(self, user_id: str, below: int, limit: int) -> list[Entry]:
        found: list[Entry] = []
        while len(found) < limit:
            wanted = between(user_id, FIRST, below) | {"own.starred": True}
            with translated():
                rows = [_entry(each) async for each in self._personal.find(wanted).sort("_id", -1).limit(limit)]
            if not rows:
                break
            below = rows[-1].n
            # Those of which something else was said later are not, or not any more.
            places = [{"conversation": oid(each.conversation), "seq": each.seq} for each in rows]
            last = {
                (each.conversation, each.seq): each.n
                for each in await self._last({"user": oid(user_id), "$or": places})
            }
            found += [each for each in rows if last[each.conversation, each.seq] == each.n]
        return found[:limit]

    async def _last(self, wanted: Document) -> list[Entry]:
        """The last entry of each place."""
        newest = {"$first": "$$ROOT"}
        pipeline: list[dict[str, Any]] = [
            {"$match": wanted},
            {"$sort": {"n": -1}},
            {"$group": {"_id": {each: f"${each}" for each in ("user", "conversation", "seq")}, "last": newest}},
        ]
        with translated():
            return [_entry(found["last"]) async for found in await self._personal.aggregate(pipeline)]

    @property
    def _personal(self) -> Collection:
        return self._engine.database["personal"]


def _above(asked: tuple[str, int, int]) -> list[Document]:
    user_id, n, limit = asked
    return [{"$match": between(user_id, n, LAST)}, {"$sort": {"_id": 1}}, {"$limit": limit}]


def _entries(found: list[Document]) -> list[Entry]:
    return [_entry(each) for each in found]


def _entry(found: Document) -> Entry:
    own = msgspec.convert(found["own"], Own)
    return Entry(str(found["user"]), found["n"], str(found["conversation"]), found["seq"], own, int(found["at"]))
