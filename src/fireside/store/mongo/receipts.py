"""Receipts in MongoDB: three numbers in the document of each member."""

from collections.abc import Sequence

import msgspec
from pymongo import UpdateOne

from fireside.core.together import Together
from fireside.features.receipts.service import NOTHING, Mark, Receipt
from fireside.store.mongo.engine import Collection, MongoEngine
from fireside.store.mongo.errors import translated
from fireside.store.mongo.places import oid, pair
from fireside.store.mongo.reads import KEYS_AT_ONCE, UNDER_WAY


class MongoReceipts:
    """The `ReceiptStore` of the receipts feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine
        self._marks = Together(self._of, KEYS_AT_ONCE, UNDER_WAY)

    async def of(self, conversation_ids: Sequence[str]) -> dict[str, dict[str, Mark]]:
        return await self._marks.some(conversation_ids)

    async def _of(self, conversation_ids: list[str]) -> dict[str, dict[str, Mark]]:
        wanted = {"conversation": {"$in": [oid(each) for each in conversation_ids]}, "delivered": {"$gt": 0}}
        found: dict[str, dict[str, Mark]] = {}
        with translated():
            async for each in self._members.find(wanted, {"delivered": 1, "read": 1, "shown": 1}):
                user, conversation = each["_id"][:12].hex(), each["_id"][12:].hex()
                found.setdefault(conversation, {})[user] = Mark(each["delivered"], each["read"], each["shown"])
        return found

    async def raise_to(self, receipts: Sequence[Receipt]) -> None:
        updates = [
            UpdateOne(
                {"_id": pair(each.user, each.conversation)},
                {"$max": msgspec.structs.asdict(each.mark.raised(NOTHING))},
            )
            for each in receipts
        ]
        if updates:
            with translated():
                await self._members.bulk_write(updates, ordered=False)

    @property
    def _members(self) -> Collection:
        return self._engine.database["members"]
