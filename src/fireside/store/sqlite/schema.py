"""The tables, and how an older database becomes one of today.

`MIGRATIONS` only ever grows at its end: step n takes `PRAGMA user_version` from n - 1 to n. All that are due run in one
transaction, so a database is never between two versions, whatever is killed.

Ids are stored as twelve bytes: half the size of their digits, in every row and every index.
"""

import logging
from typing import Final

import apsw

from fireside.store.errors import NewerDatabase
from fireside.store.sqlite.transactions import transaction

logger = logging.getLogger(__name__)

MIGRATIONS: Final = (
    """
    CREATE TABLE users (
        id BLOB PRIMARY KEY NOT NULL,
        username TEXT NOT NULL,
        folded TEXT NOT NULL UNIQUE,
        email TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE conversations (
        id BLOB PRIMARY KEY NOT NULL,
        kind TEXT NOT NULL,
        members TEXT NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Without rowids a conversation's messages lie next to each other on disk: a page of history is one range.
    CREATE TABLE messages (
        conversation BLOB NOT NULL,
        seq INTEGER NOT NULL,
        sender BLOB NOT NULL,
        client_id TEXT NOT NULL,
        content TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        PRIMARY KEY (conversation, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX messages_sent ON messages (sender, client_id);
    """,
)


def migrate(connection: apsw.Connection, database: str) -> None:
    """Bring the schema up to today's version. `database` is its name for messages.

    Raises:
        NewerDatabase: it is of a later version; nothing was touched.
    """
    with transaction(connection):
        found = int(connection.pragma("user_version"))
        if found > len(MIGRATIONS):
            raise NewerDatabase(database, found, len(MIGRATIONS))
        for version, script in enumerate(MIGRATIONS[found:], found + 1):
            connection.execute(script)
            connection.pragma("user_version", version)
    if found < len(MIGRATIONS):
        logger.info("the schema of %s went from version %d to %d", database, found, len(MIGRATIONS))


def blob(some_id: str) -> bytes:
    """An id as it is stored."""
    return bytes.fromhex(some_id)
