"""SQLite, embedded: the default, with nothing to install.

All writes go through one thread and one connection, which is as fast as SQLite can be; readers run beside it.
"""

from fireside.store.sqlite.accounts import SqliteAccounts
from fireside.store.sqlite.conversations import SqliteConversations
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.messages import SqliteMessages

__all__ = ["SqliteAccounts", "SqliteConversations", "SqliteEngine", "SqliteMessages"]
