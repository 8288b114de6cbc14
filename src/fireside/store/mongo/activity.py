"""What is going on where, in MongoDB. The leases of the nodes count by the server's clock."""

from collections.abc import Sequence

from bson.datetime_ms import DatetimeMS
from pymongo import ReturnDocument, UpdateOne

from fireside.core.together import Together
from fireside.features.conversations.activity import Activity
from fireside.store.mongo.engine import Collection, MongoEngine
from fireside.store.mongo.errors import translated
from fireside.store.mongo.places import oid
from fireside.store.mongo.schema import META, Document

STAMP = "stamp"
FRESH: Document = {"seq": 0, "rev": 0, "at": DatetimeMS(0), "stamp": 0}


class MongoActivity:
    """The `ActivityStore` of the conversations feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine
        self._stamp = Together(self._read_stamp, 1)

    async def wake(self, conversation_ids: Sequence[str], node: str) -> dict[str, Activity]:
        update = {"$addToSet": {"awake": node}, "$setOnInsert": FRESH}
        updates = [UpdateOne({"_id": oid(each)}, update, upsert=True) for each in conversation_ids]
        if not updates:
            return {}
        with translated():
            await self._activity.bulk_write(updates, ordered=False)
        return await self.rows(conversation_ids)

    async def sleep(self, rows: Sequence[Activity], node: str) -> None:
        meta = self._engine.database[META]
        leaving = {"conversation": {"$in": [oid(row.conversation) for row in rows]}, "leaving": True}
        with translated():
            # Before the stamp: who leaves later, by way of another node, may know the stamp by then, and gets a higher.
            left = [found async for found in self._members.find(leaving, {"asOf": 1})]
            counter = await meta.find_one_and_update(
                {"_id": STAMP}, {"$inc": {"last": 1}}, upsert=True, return_document=ReturnDocument.AFTER
            )
            assert counter is not None
            stamp: int = counter["last"]
            if left:
                gone = {"$set": {"goneStamp": stamp}, "$unset": {"leaving": 1}}
                stamped = [UpdateOne(each | {"leaving": True}, gone) for each in left]
                await self._members.bulk_write(stamped, ordered=False)
            if rows:
                await self._activity.bulk_write([_asleep(row, stamp, node) for row in rows], ordered=False)

    async def stamp(self) -> int:
        return await self._stamp.one(STAMP) or 0

    async def _read_stamp(self, _keys: list[str]) -> dict[str, int]:
        # A cursor that could be rolled back would be given twice, and what happened in between missed.
        counter = await self._engine.settled(META, {"_id": STAMP})
        return {STAMP: counter["last"]} if counter else {}

    async def rows(self, conversation_ids: Sequence[str]) -> dict[str, Activity]:
        wanted = {"_id": {"$in": [oid(each) for each in conversation_ids]}}
        with translated():
            return {str(found["_id"]): activity(found) async for found in self._activity.find(wanted)}

    async def renew(self, node: str, lease_s: float) -> None:
        until = {"$dateAdd": {"startDate": "$$NOW", "unit": "millisecond", "amount": round(lease_s * 1000)}}
        with translated():
            await self._nodes.update_one({"_id": node}, [{"$set": {"until": until}}], upsert=True)

    async def dead(self, node: str) -> list[str]:
        alive = {"$expr": {"$gt": ["$until", "$$NOW"]}}
        with translated():
            # Where nobody has something awake, the index of an empty list says None.
            others = set(await self._activity.distinct("awake")) - {node, None}
            living = {found["_id"] async for found in self._nodes.find(alive)} if others else set()
        return sorted(others - living)

    async def awake_on(self, node: str, limit: int) -> list[str]:
        with translated():
            return [str(found["_id"]) async for found in self._activity.find({"awake": node}, {"_id": 1}).limit(limit)]

    async def forget(self, node: str, conversation_ids: Sequence[str]) -> None:
        wanted = {"_id": {"$in": [oid(each) for each in conversation_ids]}}
        with translated():
            await self._activity.update_many(wanted, {"$pull": {"awake": node}})
            if not await self._activity.find_one({"awake": node}, {"_id": 1}):
                await self._nodes.delete_one({"_id": node})

    @property
    def _activity(self) -> Collection:
        return self._engine.database["activity"]

    @property
    def _members(self) -> Collection:
        return self._engine.database["members"]

    @property
    def _nodes(self) -> Collection:
        return self._engine.database["nodes"]


def _asleep(row: Activity, stamp: int, node: str) -> UpdateOne:
    highest = {"seq": row.seq, "rev": row.rev, "stamp": stamp}
    changed: Document = {field: {"$max": [f"${field}", number]} for field, number in highest.items()}
    # All of it is told by the row as it was.
    changed["at"] = {"$cond": [{"$gte": [row.seq, "$seq"]}, DatetimeMS(row.at), "$at"]}
    changed["awake"] = {"$setDifference": [{"$ifNull": ["$awake", []]}, [node]]}
    return UpdateOne({"_id": oid(row.conversation)}, [{"$set": changed}])


def activity(found: Document) -> Activity:
    """A row."""
    return Activity(
        str(found["_id"]),
        found["seq"],
        found["rev"],
        int(found["at"]),
        found["stamp"],
        tuple(sorted(found.get("awake", ()))),
    )
