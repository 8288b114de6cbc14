"""MongoDB 6.0 or newer: a standalone server or a replica set, through PyMongo's own asynchronous client."""

from fireside.store.mongo.accounts import MongoAccounts
from fireside.store.mongo.activity import MongoActivity
from fireside.store.mongo.changes import MongoChanges
from fireside.store.mongo.conversations import MongoConversations
from fireside.store.mongo.engine import MongoEngine
from fireside.store.mongo.inbox import MongoInbox
from fireside.store.mongo.messages import MongoMessages
from fireside.store.mongo.personal import MongoPersonal
from fireside.store.mongo.presence import MongoPresence
from fireside.store.mongo.receipts import MongoReceipts

__all__ = [
    "MongoAccounts",
    "MongoActivity",
    "MongoChanges",
    "MongoConversations",
    "MongoEngine",
    "MongoInbox",
    "MongoMessages",
    "MongoPersonal",
    "MongoPresence",
    "MongoReceipts",
]
