"""Users in MongoDB. The unique index on `folded` decides who has a name."""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId
from bson.datetime_ms import DatetimeMS
from pymongo.errors import DuplicateKeyError

from fireside.core.errors import Conflict
from fireside.features.accounts.service import User, fold
from fireside.store.mongo.engine import Collection, MongoEngine
from fireside.store.mongo.errors import translated
from fireside.store.mongo.schema import Document

LAST = "\U0010ffff"
"""Sorts after every character a name can have."""


class MongoAccounts:
    """The `AccountStore` of the accounts feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine

    async def add(self, user: User) -> None:
        document = {
            "_id": ObjectId(user.id),
            "username": user.username,
            "folded": fold(user.username),
            "email": user.email,
            "passwordHash": user.password_hash,
            "createdAt": DatetimeMS(user.created_at),
            "readReceipts": user.read_receipts,
        }
        with translated():
            try:
                await self._users.insert_one(document)
            except DuplicateKeyError as error:
                if "folded" not in (error.details or {}).get("keyPattern", ()):
                    raise
                raise Conflict("This username is taken.", details={"field": "username"}) from None

    async def by_id(self, user_id: str) -> User | None:
        return await self._one({"_id": ObjectId(user_id)})

    async def by_ids(self, user_ids: Sequence[str]) -> dict[str, User]:
        wanted = {"_id": {"$in": [ObjectId(each) for each in user_ids]}}
        with translated():
            return {str(found["_id"]): _user(found) async for found in self._users.find(wanted)}

    async def by_username(self, username: str) -> User | None:
        return await self._one({"folded": fold(username)})

    async def by_usernames(self, usernames: Sequence[str]) -> list[User]:
        wanted = {"folded": {"$in": [fold(each) for each in usernames]}}
        with translated():
            return [_user(found) async for found in self._users.find(wanted)]

    async def show_reading(self, user_id: str, shown: bool) -> None:
        await self._set(user_id, {"readReceipts": shown})

    async def set_password(self, user_id: str, password_hash: str) -> None:
        await self._set(user_id, {"passwordHash": password_hash})

    async def existing(self, user_ids: Sequence[str]) -> set[str]:
        wanted = {"_id": {"$in": [ObjectId(each) for each in user_ids]}}
        with translated():
            return {str(found["_id"]) async for found in self._users.find(wanted, {"_id": 1})}

    async def search(self, prefix: str, after: str, limit: int) -> list[User]:
        start = fold(prefix)
        wanted = {"folded": {"$gte": start, "$lt": start + LAST, "$gt": fold(after)}}
        with translated():
            return [_user(found) async for found in self._users.find(wanted).sort("folded").limit(limit)]

    async def _set(self, user_id: str, values: Mapping[str, Any]) -> None:
        with translated():
            await self._users.update_one({"_id": ObjectId(user_id)}, {"$set": values})

    async def _one(self, wanted: Mapping[str, Any]) -> User | None:
        with translated():
            found = await self._users.find_one(wanted)
        return _user(found) if found else None

    @property
    def _users(self) -> Collection:
        return self._engine.database["users"]


def _user(found: Document) -> User:
    return User(
        str(found["_id"]),
        found["username"],
        found["email"],
        found["passwordHash"],
        int(found["createdAt"]),
        found.get("readReceipts", True),
    )
