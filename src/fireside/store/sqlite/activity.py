"""What is going on where, in SQLite. One process has the file, so whoever else had something awake is dead."""

from collections.abc import Sequence

import apsw

from fireside.features.conversations.activity import Activity
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob

SELECT = """
    SELECT conversation, seq, rev, at, stamp,
        (SELECT group_concat(node, ' ') FROM awake WHERE awake.conversation = activity.conversation) AS nodes
    FROM activity
"""
SLEEP = """
    UPDATE activity SET seq = max(seq, ?1), rev = max(rev, ?2), at = iif(?1 >= seq, ?3, at), stamp = ?4
    WHERE conversation = ?5
"""
LEFT = "UPDATE members SET gone_stamp = ? WHERE conversation = ? AND until IS NOT NULL AND gone_stamp IS NULL"


class SqliteActivity:
    """The `ActivityStore` of the conversations feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def wake(self, conversation_ids: Sequence[str], node: str) -> dict[str, Activity]:
        keys = [(blob(each),) for each in conversation_ids]

        def wake(connection: apsw.Connection) -> dict[str, Activity]:
            connection.executemany("INSERT INTO activity (conversation) VALUES (?) ON CONFLICT DO NOTHING", keys)
            marks = [(key, node) for (key,) in keys]
            connection.executemany("INSERT INTO awake VALUES (?,?) ON CONFLICT DO NOTHING", marks)
            return _rows(connection, keys)

        return await self._engine.write(wake)

    async def sleep(self, rows: Sequence[Activity], node: str) -> None:
        def sleep(connection: apsw.Connection) -> None:
            stamp = connection.execute("UPDATE stamps SET last = last + 1 RETURNING last").get
            changes = [(row.seq, row.rev, row.at, stamp, blob(row.conversation)) for row in rows]
            connection.executemany(SLEEP, changes)
            connection.executemany(LEFT, [(stamp, blob(row.conversation)) for row in rows])
            marks = [(blob(row.conversation), node) for row in rows]
            connection.executemany("DELETE FROM awake WHERE conversation = ? AND node = ?", marks)

        await self._engine.write(sleep)

    async def stamp(self) -> int:
        last: int = await self._engine.read(lambda connection: connection.execute("SELECT last FROM stamps").get)
        return last

    async def rows(self, conversation_ids: Sequence[str]) -> dict[str, Activity]:
        keys = [(blob(each),) for each in conversation_ids]
        return await self._engine.read(lambda connection: _rows(connection, keys))

    async def renew(self, node: str, lease_s: float) -> None:
        """The lock of the file is the lease."""

    async def dead(self, node: str) -> list[str]:
        query = "SELECT DISTINCT node FROM awake WHERE node <> ?"
        return await self._engine.read(lambda connection: [each for (each,) in connection.execute(query, (node,))])

    async def awake_on(self, node: str, limit: int) -> list[str]:
        query = "SELECT conversation FROM awake WHERE node = ? LIMIT ?"
        return await self._engine.read(
            lambda connection: [key.hex() for (key,) in connection.execute(query, (node, limit))]
        )

    async def forget(self, node: str, conversation_ids: Sequence[str]) -> None:
        marks = [(blob(each), node) for each in conversation_ids]
        query = "DELETE FROM awake WHERE conversation = ? AND node = ?"
        await self._engine.write(lambda connection: connection.executemany(query, marks).fetchall())


def _rows(connection: apsw.Connection, keys: Sequence[tuple[bytes]]) -> dict[str, Activity]:
    found = connection.executemany(SELECT + "WHERE conversation = ?", keys)
    return {key.hex(): activity(key, *row) for key, *row in found}


def activity(key: bytes, seq: int, rev: int, at: int, stamp: int, nodes: str | None) -> Activity:
    """A row, as `SELECT` has it."""
    return Activity(key.hex(), seq, rev, at, stamp, tuple(nodes.split()) if nodes else ())
