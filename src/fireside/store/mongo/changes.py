"""Changes in MongoDB: clustered by (conversation, rev), and found by the place of the message they are about."""

from collections.abc import Mapping, Sequence

import msgspec
from bson import ObjectId
from bson.datetime_ms import DatetimeMS

from fireside.features.changes.service import Change, ChangeKind, ChangeTail
from fireside.store.mongo.engine import Collection, MongoEngine, inserted
from fireside.store.mongo.errors import translated
from fireside.store.mongo.places import LAST, between, number_of, place
from fireside.store.mongo.reads import united
from fireside.store.mongo.schema import Document


class MongoChanges:
    """The `ChangeStore` of the changes feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine

    async def append(self, changes: Sequence[Change]) -> int:
        if not changes:
            return 0
        return await inserted(self._engine.database, "changes", [_document(each) for each in changes])

    async def after(self, conversation_id: str, rev: int, limit: int) -> list[Change]:
        wanted = between(conversation_id, rev, LAST)
        with translated():
            return [_change(found) async for found in self._changes.find(wanted).sort("_id").limit(limit)]

    async def tails(self, wanted: Sequence[ChangeTail]) -> dict[str, list[Change]]:
        found: dict[str, list[Change]] = {}
        pipelines = [_newest(*each) for each in wanted]
        async for each in united(self._changes, pipelines):
            change = _change(each)
            found.setdefault(change.conversation, []).append(change)
        return {conversation: changes[::-1] for conversation, changes in found.items()}

    async def of(self, places: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], list[Change]]:
        wanted = {"of": {"$in": [place(conversation, seq) for conversation, seq in places]}}
        found: dict[tuple[str, int], list[Change]] = {}
        with translated():
            async for each in self._changes.find(wanted).sort("_id"):
                change = _change(each)
                found.setdefault((change.conversation, change.seq), []).append(change)
        return found

    async def erase(self, conversation_id: str, seqs: Sequence[int]) -> None:
        edits = {"of": {"$in": [place(conversation_id, seq) for seq in seqs]}, "what.type": "edit"}
        with translated():
            await self._changes.update_many(edits, {"$set": {"what.content": ""}, "$unset": {"what.was": 1}})

    @property
    def _changes(self) -> Collection:
        return self._engine.database["changes"]


def _newest(conversation_id: str, above: int, below: int, limit: int) -> list[Document]:
    return [{"$match": between(conversation_id, above, below)}, {"$sort": {"_id": -1}}, {"$limit": limit}]


def _document(change: Change) -> Document:
    return {
        "_id": place(change.conversation, change.rev),
        "of": place(change.conversation, change.seq),
        "actor": ObjectId(change.actor),
        "at": DatetimeMS(change.at),
        "token": change.token,
        "what": msgspec.to_builtins(change.what),
    }


def _change(found: Document) -> Change:
    key: bytes = found["_id"]
    what: ChangeKind = msgspec.convert(found["what"], ChangeKind)
    return Change(
        key[:12].hex(),
        number_of(key),
        number_of(found["of"]),
        str(found["actor"]),
        int(found["at"]),
        found["token"],
        what,
    )
