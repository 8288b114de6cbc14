"""SQLite, embedded: the default, with nothing to install.

All writes go through one thread and one connection, which is as fast as SQLite can be; readers run beside it.
"""

from fireside.store.sqlite.accounts import SqliteAccounts
from fireside.store.sqlite.activity import SqliteActivity
from fireside.store.sqlite.backup import back_up
from fireside.store.sqlite.changes import SqliteChanges
from fireside.store.sqlite.conversations import SqliteConversations
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.inbox import SqliteInbox
from fireside.store.sqlite.messages import SqliteMessages
from fireside.store.sqlite.personal import SqlitePersonal
from fireside.store.sqlite.presence import SqlitePresence
from fireside.store.sqlite.receipts import SqliteReceipts

__all__ = [
    "SqliteAccounts",
    "SqliteActivity",
    "SqliteChanges",
    "SqliteConversations",
    "SqliteEngine",
    "SqliteInbox",
    "SqliteMessages",
    "SqlitePersonal",
    "SqlitePresence",
    "SqliteReceipts",
    "back_up",
]
