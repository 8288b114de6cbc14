"""When people were last seen, in MongoDB: a date in the document of each user."""

from collections.abc import Mapping, Sequence

from bson.datetime_ms import DatetimeMS
from pymongo import UpdateOne

from fireside.store.mongo.engine import Collection, MongoEngine
from fireside.store.mongo.errors import translated
from fireside.store.mongo.places import oid


class MongoPresence:
    """The `PresenceStore` of the presence feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine

    async def saw(self, seen: Mapping[str, int]) -> None:
        updates = [UpdateOne({"_id": oid(user)}, {"$max": {"lastSeen": DatetimeMS(at)}}) for user, at in seen.items()]
        if updates:
            with translated():
                await self._users.bulk_write(updates, ordered=False)

    async def last_seen(self, user_ids: Sequence[str]) -> dict[str, int]:
        wanted = {"_id": {"$in": [oid(each) for each in user_ids]}, "lastSeen": {"$exists": True}}
        with translated():
            found = self._users.find(wanted, {"lastSeen": 1})
            return {str(each["_id"]): int(each["lastSeen"]) async for each in found}

    @property
    def _users(self) -> Collection:
        return self._engine.database["users"]
