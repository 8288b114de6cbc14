"""When people were last seen, in SQLite: a number in the row of each user."""

from collections.abc import Mapping, Sequence

from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob


class SqlitePresence:
    """The `PresenceStore` of the presence feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def saw(self, seen: Mapping[str, int]) -> None:
        rows = [(at, blob(user)) for user, at in seen.items()]
        query = "UPDATE users SET last_seen = max(coalesce(last_seen, 0), ?) WHERE id = ?"
        await self._engine.write(lambda connection: connection.executemany(query, rows).fetchall())

    async def last_seen(self, user_ids: Sequence[str]) -> dict[str, int]:
        keys = [(blob(each),) for each in user_ids]
        query = "SELECT id, last_seen FROM users WHERE id = ? AND last_seen IS NOT NULL"
        return await self._engine.read(
            lambda connection: {user.hex(): at for user, at in connection.executemany(query, keys)}
        )
