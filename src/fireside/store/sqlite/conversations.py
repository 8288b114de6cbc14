"""Conversations in SQLite.

What a conversation is stands in one row and is read whole; `members` finds it by its people and says what they may see.
"""

from collections.abc import Sequence

import apsw
import msgspec

from fireside.features.conversations.service import PLAIN, Conversation, Gone, Info, Member
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob

_encode = msgspec.json.Encoder().encode
_people = msgspec.json.Decoder(list[str]).decode
_members = msgspec.json.Decoder(dict[str, Member]).decode
_gone = msgspec.json.Decoder(dict[str, Gone]).decode
_info = msgspec.json.Decoder(Info).decode

ENSURE = "INSERT INTO conversations (id, kind, members, created_at) VALUES (?,?,?,?) ON CONFLICT DO NOTHING"
ENSURE_MEMBER = "INSERT INTO members (user, conversation) VALUES (?,?) ON CONFLICT DO NOTHING"
KEEP = """
    INSERT INTO conversations (id, kind, members, created_at, as_of, info, gone) VALUES (?,?,?,?,?,?,?)
    ON CONFLICT (id) DO UPDATE SET members = excluded.members, as_of = excluded.as_of, info = excluded.info,
        gone = excluded.gone WHERE as_of < excluded.as_of
"""
KEEP_MEMBER = """
    INSERT INTO members (user, conversation, since, until, as_of) VALUES (?,?,?,?,?)
    ON CONFLICT (user, conversation) DO UPDATE SET since = excluded.since, until = excluded.until,
        as_of = excluded.as_of, gone_stamp = NULL WHERE as_of < excluded.as_of
"""
SELECT = "SELECT id, kind, members, created_at, as_of, info, gone FROM conversations WHERE id = ?"


class SqliteConversations:
    """The `ConversationStore` of the conversations feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def ensure(self, conversation: Conversation) -> Conversation:
        key = blob(conversation.id)
        row = (key, conversation.kind, _encode(list(conversation.members)).decode(), conversation.created_at)

        def insert(connection: apsw.Connection) -> None:
            connection.execute(ENSURE, row)
            connection.executemany(ENSURE_MEMBER, [(blob(each), key) for each in conversation.members])

        await self._engine.write(insert)
        return (await self.by_ids([conversation.id])).get(conversation.id, conversation)

    async def keep(self, conversation: Conversation, changed: Sequence[str]) -> None:
        key, as_of = blob(conversation.id), conversation.as_of
        parts = (_encode(each).decode() for each in (conversation.members, conversation.info, conversation.gone))
        members, info, gone = parts
        row = (key, conversation.kind, members, conversation.created_at, as_of, info, gone)
        people = [(blob(each), key, *_span(conversation, each), as_of) for each in changed]

        def upsert(connection: apsw.Connection) -> None:
            connection.execute(KEEP, row)
            connection.executemany(KEEP_MEMBER, people)

        await self._engine.write(upsert)

    async def by_ids(self, conversation_ids: Sequence[str]) -> dict[str, Conversation]:
        keys = [(blob(each),) for each in conversation_ids]

        def look(connection: apsw.Connection) -> dict[str, Conversation]:
            found = [_conversation(*row) for row in connection.executemany(SELECT, keys)]
            return {each.id: each for each in found}

        return await self._engine.read(look)


def _span(conversation: Conversation, user_id: str) -> tuple[int, int | None]:
    """What this one sees of it: above, and up to."""
    member = conversation.members.get(user_id)
    if member is not None:
        return member.since, None
    gone = conversation.gone[user_id]
    return gone.since, gone.until


def _conversation(
    key: bytes, kind: str, members: str, created_at: int, as_of: int, info: str | None, gone: str | None
) -> Conversation:
    if kind == "direct":
        return Conversation(key.hex(), "direct", dict.fromkeys(_people(members), PLAIN), created_at)
    said = _info(info) if info else None
    return Conversation(key.hex(), "group", _members(members), created_at, as_of, said, _gone(gone) if gone else {})
