"""Conversations in MongoDB. Who is in one is an array of ids, read whole."""

from bson import ObjectId
from bson.datetime_ms import DatetimeMS
from pymongo.errors import DuplicateKeyError

from fireside.features.conversations.service import Conversation
from fireside.store.mongo.engine import Collection, MongoEngine
from fireside.store.mongo.errors import translated


class MongoConversations:
    """The `ConversationStore` of the conversations feature."""

    def __init__(self, engine: MongoEngine) -> None:
        self._engine = engine

    async def ensure(self, conversation: Conversation) -> Conversation:
        document = {
            "_id": ObjectId(conversation.id),
            "kind": conversation.kind,
            "members": [ObjectId(each) for each in conversation.members],
            "createdAt": DatetimeMS(conversation.created_at),
        }
        with translated():
            try:
                await self._conversations.insert_one(document)
            except DuplicateKeyError:
                # The answer waited for the journal and the majority all the same, so the first one is durable.
                return await self.by_id(conversation.id) or conversation
        return conversation

    async def by_id(self, conversation_id: str) -> Conversation | None:
        with translated():
            found = await self._conversations.find_one({"_id": ObjectId(conversation_id)})
        if found is None:
            return None
        members = tuple(str(each) for each in found["members"])
        return Conversation(conversation_id, found["kind"], members, int(found["createdAt"]))

    @property
    def _conversations(self) -> Collection:
        return self._engine.database["conversations"]
