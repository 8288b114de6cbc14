"""The engines: which database the settings choose, and its side of every port.

Each is imported where it is chosen: a laptop on SQLite loads no driver of MongoDB.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fireside.config import Settings
from fireside.features.accounts.service import AccountStore
from fireside.features.changes.service import ChangeStore
from fireside.features.conversations.activity import ActivityStore
from fireside.features.conversations.service import ConversationStore
from fireside.features.inbox.service import InboxStore
from fireside.features.messages.service import MessageStore
from fireside.features.personal.service import PersonalStore
from fireside.features.presence.service import PresenceStore
from fireside.features.receipts.service import ReceiptStore
from fireside.store.condition import Condition

if TYPE_CHECKING:
    from fireside.store import mongo, sqlite


class Engine(Protocol):
    """A database: opened, asked whether it is there, closed."""

    async def start(self) -> None: ...

    async def ping(self) -> None: ...

    async def inspect(self) -> Condition:
        """How the database is, started or not; nothing is changed.

        Raises:
            StoreError: it cannot be reached.
        """

    def waiting(self) -> Mapping[str, int]:
        """How much waits in it, by queue."""

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Stores:
    """One engine's adapters, a port each."""

    engine: Engine
    accounts: AccountStore
    conversations: ConversationStore
    activity: ActivityStore
    messages: MessageStore
    changes: ChangeStore
    receipts: ReceiptStore
    personal: PersonalStore
    presence: PresenceStore
    inbox: InboxStore
    batches_at_once: int = 1
    """How many batches of messages it is given at a time."""


def stores_for(settings: Settings, *, beside: bool = False) -> Stores:
    """The engine that the settings choose: MongoDB where there is a URI, else SQLite.

    `beside`: next to a server that may be running. The database has to be there, and is not brought up to date.
    """
    if settings.mongo_uri is not None:
        from fireside.store import mongo

        return on_mongo(mongo.MongoEngine(settings.mongo_uri.get_secret_value(), beside=beside))
    from fireside.store import sqlite

    return on_sqlite(sqlite.SqliteEngine(settings.sqlite_path, beside=beside))


def on_sqlite(engine: "sqlite.SqliteEngine") -> Stores:
    """Every port, on SQLite."""
    from fireside.store import sqlite

    return Stores(
        engine,
        sqlite.SqliteAccounts(engine),
        sqlite.SqliteConversations(engine),
        sqlite.SqliteActivity(engine),
        sqlite.SqliteMessages(engine),
        sqlite.SqliteChanges(engine),
        sqlite.SqliteReceipts(engine),
        sqlite.SqlitePersonal(engine),
        sqlite.SqlitePresence(engine),
        sqlite.SqliteInbox(engine),
    )


def on_mongo(engine: "mongo.MongoEngine") -> Stores:
    """Every port, on MongoDB. It works on one batch while the next is made."""
    from fireside.store import mongo

    return Stores(
        engine,
        mongo.MongoAccounts(engine),
        mongo.MongoConversations(engine),
        mongo.MongoActivity(engine),
        mongo.MongoMessages(engine),
        mongo.MongoChanges(engine),
        mongo.MongoReceipts(engine),
        mongo.MongoPersonal(engine),
        mongo.MongoPresence(engine),
        mongo.MongoInbox(engine),
        batches_at_once=2,
    )
