"""Users in SQLite. The unique `folded` column decides who has a name."""

from collections.abc import Sequence

import apsw

from fireside.core.errors import Conflict
from fireside.features.accounts.service import User, fold
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob

SELECT = "SELECT id, username, email, password_hash, created_at FROM users "
LAST = "\U0010ffff"
"""Sorts after every character a name can have."""


class SqliteAccounts:
    """The `AccountStore` of the accounts feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def add(self, user: User) -> None:
        row = (blob(user.id), user.username, fold(user.username), user.email, user.password_hash, user.created_at)

        def insert(connection: apsw.Connection) -> int:
            connection.execute("INSERT INTO users VALUES (?,?,?,?,?,?) ON CONFLICT (folded) DO NOTHING", row)
            return connection.changes()

        if not await self._engine.write(insert):
            raise Conflict("This username is taken.", details={"field": "username"})

    async def by_id(self, user_id: str) -> User | None:
        return next(iter(await self._select(SELECT + "WHERE id = ?", blob(user_id))), None)

    async def by_username(self, username: str) -> User | None:
        return next(iter(await self._select(SELECT + "WHERE folded = ?", fold(username))), None)

    async def existing(self, user_ids: Sequence[str]) -> set[str]:
        keys = [(blob(each),) for each in user_ids]

        def look(connection: apsw.Connection) -> set[str]:
            return {found.hex() for (found,) in connection.executemany("SELECT id FROM users WHERE id = ?", keys)}

        return await self._engine.read(look)

    async def search(self, prefix: str, after: str, limit: int) -> list[User]:
        query = SELECT + "WHERE folded >= ? AND folded < ? AND folded > ? ORDER BY folded LIMIT ?"
        return await self._select(query, fold(prefix), fold(prefix) + LAST, fold(after), limit)

    async def _select(self, query: str, *given: bytes | int | str) -> list[User]:
        return await self._engine.read(lambda connection: [_user(*row) for row in connection.execute(query, given)])


def _user(user_id: bytes, username: str, email: str, password_hash: str, created_at: int) -> User:
    return User(user_id.hex(), username, email, password_hash, created_at)
