"""A store behind its server's back: what tests count, add and take away there, engine by engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import apsw
import pymongo
from bson import ObjectId

from fireside.core.ids import new_id
from tests.engines import Backend, MongoBackend, SqliteBackend

COLLECTIONS = ("users", "conversations", "messages")
NEWER = 1_000_000
"""A version of the schema that no Fireside knows."""


class Store(Protocol):
    """What the tests do to a store without the server."""

    @property
    def backend(self) -> Backend:
        """For an engine in this process, while no server runs."""

    def counts(self) -> dict[str, int]:
        """How many rows there are of everything."""

    def add_user(self, username: str, password_hash: str) -> str:
        """A user that another program wrote; the id."""

    def delete_user(self, user_id: str) -> None:
        """Take a user away."""

    def make_newer(self) -> None:
        """As if a newer Fireside had migrated it."""


@dataclass(frozen=True)
class SqliteStore:
    """The file; the server's own lock keeps out other servers, not other programs."""

    path: Path

    @property
    def backend(self) -> Backend:
        return SqliteBackend(self.path)

    def counts(self) -> dict[str, int]:
        with self._open() as database:
            return {name: database.execute(f"SELECT count(*) FROM {name}").get for name in COLLECTIONS}

    def add_user(self, username: str, password_hash: str) -> str:
        user_id = new_id()
        row = (bytes.fromhex(user_id), username, username.lower(), "old@example.org", password_hash, 1_500_000_000_000)
        with self._open() as database:
            names = "id, username, folded, email, password_hash, created_at"
            database.execute(f"INSERT INTO users ({names}) VALUES (?,?,?,?,?,?)", row)
        return user_id

    def delete_user(self, user_id: str) -> None:
        with self._open() as database:
            database.execute("DELETE FROM users WHERE id = ?", (bytes.fromhex(user_id),))
            assert database.changes() == 1

    def make_newer(self) -> None:
        with self._open() as database:
            database.pragma("user_version", NEWER)

    @contextmanager
    def _open(self) -> Iterator[apsw.Connection]:
        connection = apsw.Connection(str(self.path))
        connection.set_busy_timeout(10_000)
        try:
            yield connection
        finally:
            connection.close()


@dataclass(frozen=True)
class MongoStore:
    """The database that the address names."""

    uri: str

    @property
    def backend(self) -> Backend:
        return MongoBackend(self.uri)

    def counts(self) -> dict[str, int]:
        with self._open() as database:
            return {name: database[name].count_documents({}) for name in COLLECTIONS}

    def add_user(self, username: str, password_hash: str) -> str:
        user_id = new_id()
        user = {"username": username, "folded": username.lower(), "email": "old@example.org"}
        created_at = datetime(2017, 7, 14, tzinfo=UTC)
        with self._open() as database:
            database["users"].insert_one(
                {"_id": ObjectId(user_id), **user, "passwordHash": password_hash, "createdAt": created_at}
            )
        return user_id

    def delete_user(self, user_id: str) -> None:
        with self._open() as database:
            assert database["users"].delete_one({"_id": ObjectId(user_id)}).deleted_count == 1

    def make_newer(self) -> None:
        with self._open() as database:
            database["_meta"].update_one({"_id": "schema"}, {"$set": {"version": NEWER}})

    @contextmanager
    def _open(self) -> Iterator[pymongo.database.Database[dict[str, Any]]]:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self.uri)
        with client:
            yield client.get_default_database()
