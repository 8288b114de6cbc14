"""The tables, and how an older database becomes one of today.

`MIGRATIONS` only ever grows at its end: step n takes `PRAGMA user_version` from n - 1 to n. All that are due run in one
transaction, so a database is never between two versions, whatever is killed.

Ids are stored as twelve bytes: half the size of their digits, in every row and every index.
"""

import logging
from typing import Final

import apsw

from fireside.store.errors import NewerDatabase, OlderDatabase
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
    """
    ALTER TABLE users ADD COLUMN read_receipts INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE users ADD COLUMN last_seen INTEGER;

    -- What a group is as of a message of its log: `members` is then an object, and `gone` another.
    ALTER TABLE conversations ADD COLUMN as_of INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE conversations ADD COLUMN info TEXT;
    ALTER TABLE conversations ADD COLUMN gone TEXT;

    -- A conversation by its people: what they may see of it, how far they have got.
    CREATE TABLE members (
        user BLOB NOT NULL,
        conversation BLOB NOT NULL,
        since INTEGER NOT NULL DEFAULT 0,
        until INTEGER,
        gone_stamp INTEGER,
        as_of INTEGER NOT NULL DEFAULT 0,
        delivered INTEGER NOT NULL DEFAULT 0,
        read INTEGER NOT NULL DEFAULT 0,
        shown INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (user, conversation)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_of ON members (conversation, user);
    CREATE INDEX members_leaving ON members (conversation) WHERE until IS NOT NULL AND gone_stamp IS NULL;
    INSERT INTO members (user, conversation)
        SELECT DISTINCT unhex(each.value), conversations.id
        FROM conversations, json_each(conversations.members) AS each;

    ALTER TABLE messages ADD COLUMN extra TEXT;
    ALTER TABLE messages ADD COLUMN rev INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE messages ADD COLUMN state TEXT;
    ALTER TABLE messages ADD COLUMN silent INTEGER;
    CREATE INDEX messages_silent ON messages (conversation, seq) WHERE silent;

    CREATE TABLE changes (
        conversation BLOB NOT NULL,
        rev INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        actor BLOB NOT NULL,
        at INTEGER NOT NULL,
        token TEXT NOT NULL,
        what TEXT NOT NULL,
        PRIMARY KEY (conversation, rev)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX changes_of ON changes (conversation, seq, rev);

    CREATE TABLE activity (
        conversation BLOB PRIMARY KEY NOT NULL,
        seq INTEGER NOT NULL DEFAULT 0,
        rev INTEGER NOT NULL DEFAULT 0,
        at INTEGER NOT NULL DEFAULT 0,
        stamp INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE awake (
        conversation BLOB NOT NULL,
        node TEXT NOT NULL,
        PRIMARY KEY (conversation, node)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX awake_on ON awake (node, conversation);
    CREATE TABLE stamps (last INTEGER NOT NULL) STRICT;
    INSERT INTO stamps VALUES (1);
    INSERT INTO activity (conversation, seq, at, stamp)
        SELECT conversations.id, last.seq, messages.sent_at, 1 FROM conversations
        JOIN (SELECT conversation, max(seq) AS seq FROM messages GROUP BY conversation) AS last
            ON last.conversation = conversations.id
        JOIN messages ON messages.conversation = conversations.id AND messages.seq = last.seq;
    -- Nobody knows who had read what: it counts as read, and is shown to nobody as such.
    UPDATE members SET delivered = activity.seq, read = activity.seq FROM activity
        WHERE activity.conversation = members.conversation;

    CREATE TABLE personal (
        user BLOB NOT NULL,
        n INTEGER NOT NULL,
        conversation BLOB NOT NULL,
        seq INTEGER NOT NULL,
        own TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (user, n)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX personal_of ON personal (user, conversation, seq, n);
    CREATE INDEX personal_starred ON personal (user, n) WHERE own ->> 'starred';
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


def require_today(connection: apsw.Connection, database: str) -> None:
    """Go on only if the schema is of today's version.

    Raises:
        NewerDatabase, OlderDatabase: it is not.
    """
    found = int(connection.pragma("user_version"))
    if found > len(MIGRATIONS):
        raise NewerDatabase(database, found, len(MIGRATIONS))
    if found < len(MIGRATIONS):
        raise OlderDatabase(database, found, len(MIGRATIONS))


def missing(connection: apsw.Connection) -> dict[str, str]:
    """What of today's schema is not in a database of today's version, each with the statement that makes it."""
    whole = apsw.Connection(":memory:")
    for script in MIGRATIONS:
        whole.execute(script)
    wanted = whole.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    whole.close()
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    return {str(name): f"{' '.join(str(sql).split())};" for name, sql in wanted if name not in there}


def blob(some_id: str) -> bytes:
    """An id as it is stored."""
    return bytes.fromhex(some_id)
