"""Receipts in SQLite: three numbers in the row of each member."""

from collections.abc import Sequence

import apsw
import msgspec

from fireside.features.receipts.service import NOTHING, Mark, Receipt
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob

SELECT = "SELECT conversation, user, delivered, read, shown FROM members WHERE conversation = ? AND delivered > 0"
RAISE = """
    UPDATE members SET delivered = max(delivered, ?), read = max(read, ?), shown = max(shown, ?)
    WHERE user = ? AND conversation = ?
"""


class SqliteReceipts:
    """The `ReceiptStore` of the receipts feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def of(self, conversation_ids: Sequence[str]) -> dict[str, dict[str, Mark]]:
        keys = [(blob(each),) for each in conversation_ids]

        def look(connection: apsw.Connection) -> dict[str, dict[str, Mark]]:
            found: dict[str, dict[str, Mark]] = {}
            for conversation, user, *numbers in connection.executemany(SELECT, keys):
                found.setdefault(conversation.hex(), {})[user.hex()] = Mark(*numbers)
            return found

        return await self._engine.read(look)

    async def raise_to(self, receipts: Sequence[Receipt]) -> None:
        rows = [
            (*msgspec.structs.astuple(each.mark.raised(NOTHING)), blob(each.user), blob(each.conversation))
            for each in receipts
        ]
        await self._engine.write(lambda connection: connection.executemany(RAISE, rows).fetchall())
