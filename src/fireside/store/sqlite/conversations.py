"""Conversations in SQLite. Who is in one is a JSON list of ids, read whole."""

import json

import apsw

from fireside.features.conversations.service import Conversation
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob


class SqliteConversations:
    """The `ConversationStore` of the conversations feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def ensure(self, conversation: Conversation) -> Conversation:
        row = (blob(conversation.id), conversation.kind, json.dumps(conversation.members), conversation.created_at)
        query = "INSERT INTO conversations VALUES (?,?,?,?) ON CONFLICT (id) DO NOTHING"
        await self._engine.write(lambda connection: connection.execute(query, row))
        return await self.by_id(conversation.id) or conversation

    async def by_id(self, conversation_id: str) -> Conversation | None:
        query, key = "SELECT kind, members, created_at FROM conversations WHERE id = ?", blob(conversation_id)

        def look(connection: apsw.Connection) -> Conversation | None:
            found = [
                Conversation(conversation_id, kind, tuple(json.loads(members)), created_at)
                for kind, members, created_at in connection.execute(query, (key,))
            ]
            return found[0] if found else None

        return await self._engine.read(look)
