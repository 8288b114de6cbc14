"""Users in SQLite. The unique `folded` column decides who has a name."""

from collections.abc import Sequence

import apsw

from fireside.core.errors import Conflict
from fireside.features.accounts.service import User, fold
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob

SELECT = "SELECT id, username, email, password_hash, created_at, read_receipts FROM users "
INSERT = """
    INSERT INTO users (id, username, folded, email, password_hash, created_at, read_receipts) VALUES (?,?,?,?,?,?,?)
    ON CONFLICT (folded) DO NOTHING
"""
LAST = "\U0010ffff"
"""Sorts after every character a name can have."""


class SqliteAccounts:
    """The `AccountStore` of the accounts feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def add(self, user: User) -> None:
        names = (user.username, fold(user.username))
        row = (blob(user.id), *names, user.email, user.password_hash, user.created_at, user.read_receipts)

        def insert(connection: apsw.Connection) -> int:
            connection.execute(INSERT, row)
            return connection.changes()

        if not await self._engine.write(insert):
            raise Conflict("This username is taken.", details={"field": "username"})

    async def by_id(self, user_id: str) -> User | None:
        return next(iter(await self._select(SELECT + "WHERE id = ?", blob(user_id))), None)

    async def by_ids(self, user_ids: Sequence[str]) -> dict[str, User]:
        found = await self._each(SELECT + "WHERE id = ?", [(blob(each),) for each in user_ids])
        return {user.id: user for user in found}

    async def by_username(self, username: str) -> User | None:
        return next(iter(await self._select(SELECT + "WHERE folded = ?", fold(username))), None)

    async def by_usernames(self, usernames: Sequence[str]) -> list[User]:
        return await self._each(SELECT + "WHERE folded = ?", [(each,) for each in set(map(fold, usernames))])

    async def show_reading(self, user_id: str, shown: bool) -> None:
        await self._set("read_receipts", shown, user_id)

    async def set_password(self, user_id: str, password_hash: str) -> None:
        await self._set("password_hash", password_hash, user_id)

    async def existing(self, user_ids: Sequence[str]) -> set[str]:
        keys = [(blob(each),) for each in user_ids]

        def look(connection: apsw.Connection) -> set[str]:
            return {found.hex() for (found,) in connection.executemany("SELECT id FROM users WHERE id = ?", keys)}

        return await self._engine.read(look)

    async def search(self, prefix: str, after: str, limit: int) -> list[User]:
        query = SELECT + "WHERE folded >= ? AND folded < ? AND folded > ? ORDER BY folded LIMIT ?"
        return await self._select(query, fold(prefix), fold(prefix) + LAST, fold(after), limit)

    async def _set(self, column: str, value: str | bool, user_id: str) -> None:
        query, row = f"UPDATE users SET {column} = ? WHERE id = ?", (value, blob(user_id))
        await self._engine.write(lambda connection: connection.execute(query, row).fetchall())

    async def _select(self, query: str, *given: bytes | int | str) -> list[User]:
        return await self._each(query, [given])

    async def _each(self, query: str, keys: Sequence[tuple[bytes | int | str, ...]]) -> list[User]:
        return await self._engine.read(lambda connection: [_user(*row) for row in connection.executemany(query, keys)])


def _user(user_id: bytes, username: str, email: str, password_hash: str, created_at: int, read_receipts: int) -> User:
    return User(user_id.hex(), username, email, password_hash, created_at, bool(read_receipts))
