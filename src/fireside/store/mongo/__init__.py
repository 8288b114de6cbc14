"""MongoDB 6.0 or newer: a standalone server or a replica set, through PyMongo's own asynchronous client."""

from fireside.store.mongo.accounts import MongoAccounts
from fireside.store.mongo.conversations import MongoConversations
from fireside.store.mongo.engine import MongoEngine
from fireside.store.mongo.messages import MongoMessages

__all__ = ["MongoAccounts", "MongoConversations", "MongoEngine", "MongoMessages"]
