"""Everybody's conversations, in SQLite: `members` by their people, joined with what is going on in them."""

from typing import Any

import apsw

from fireside.features.inbox.service import InboxRow
from fireside.features.receipts.service import Mark
from fireside.store.sqlite.activity import activity
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob

SELECT = """
    SELECT since, until, delivered, read, shown, activity.conversation, seq, rev, at, stamp,
        (SELECT group_concat(node, ' ') FROM awake WHERE awake.conversation = activity.conversation) AS nodes
    FROM members JOIN activity USING (conversation) WHERE user = ?
"""
CHANGED = f"""{SELECT} AND members.conversation > ? AND CASE
        WHEN until IS NULL THEN stamp > ? OR nodes IS NOT NULL
        ELSE gone_stamp IS NULL OR gone_stamp > ? END
    ORDER BY members.conversation LIMIT ?
"""
ONE = """
    SELECT since, until, delivered, read, shown, members.conversation,
        ifnull(seq, 0), ifnull(rev, 0), ifnull(at, 0), ifnull(stamp, 0),
        (SELECT group_concat(node, ' ') FROM awake WHERE awake.conversation = members.conversation)
    FROM members LEFT JOIN activity USING (conversation) WHERE user = ? AND members.conversation = ?
"""


class SqliteInbox:
    """The `InboxStore` of the inbox feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def changed(self, user_id: str, stamp: int, after: str, limit: int) -> list[InboxRow]:
        return await self._select(CHANGED, (blob(user_id), blob(after), stamp, stamp, limit))

    async def one(self, user_id: str, conversation_id: str) -> InboxRow | None:
        rows = await self._select(ONE, (blob(user_id), blob(conversation_id)))
        return rows[0] if rows else None

    async def all(self, user_id: str) -> list[InboxRow]:
        return await self._select(SELECT, (blob(user_id),))

    async def _select(self, query: str, key: tuple[Any, ...]) -> list[InboxRow]:
        def look(connection: apsw.Connection) -> list[InboxRow]:
            return [
                InboxRow(activity(*row), since, until, Mark(delivered, read, shown))
                for since, until, delivered, read, shown, *row in connection.execute(query, key)
            ]

        return await self._engine.read(look)
