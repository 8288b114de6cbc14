"""The message log in SQLite.

The two unique keys, (conversation, seq) and (sender, client_id), decide what is stored. `INSERT OR FAIL` stops at
the first row that breaks one and keeps the rows before it, which is what `append` promises. A group goes in as one
statement: the interpreter's lock is then given up and taken back once for all its rows, not once for each, which
matters because the event loop wants it all the time.
"""

from collections.abc import Sequence

import apsw

from fireside.features.messages.service import Message
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob

SELECT = "SELECT conversation, seq, sender, client_id, content, sent_at FROM messages "
ROWS_AT_ONCE = 256
"""Per statement; SQLite accepts 32,766 values in one."""
RULES = (apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_UNIQUE)
"""What may be broken. Any other constraint is broken by a bug."""


class SqliteMessages:
    """The `MessageStore` of the messages feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def append(self, messages: Sequence[Message]) -> int:
        return await self._engine.write(lambda connection: _append(connection, messages))

    async def heads(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        # A reader sees a commit only after its sync, so what is read here stays.
        query = "SELECT conversation, seq FROM messages WHERE conversation = ? ORDER BY seq DESC LIMIT 1"
        keys = [(blob(each),) for each in conversation_ids]

        def look(connection: apsw.Connection) -> dict[str, int]:
            return {conversation.hex(): seq for conversation, seq in connection.executemany(query, keys)}

        return await self._engine.read(look)

    async def sent(self, keys: Sequence[tuple[str, str]]) -> list[Message]:
        query = SELECT + "WHERE sender = ? AND client_id = ?"
        given = [(blob(sender), client_id) for sender, client_id in keys]
        return await self._engine.read(
            lambda connection: [_message(*row) for row in connection.executemany(query, given)]
        )

    async def before(self, conversation_id: str, seq: int, limit: int) -> list[Message]:
        query = SELECT + "WHERE conversation = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        return (await self._page(query, conversation_id, seq, limit))[::-1]

    async def after(self, conversation_id: str, seq: int, limit: int) -> list[Message]:
        query = SELECT + "WHERE conversation = ? AND seq > ? ORDER BY seq LIMIT ?"
        return await self._page(query, conversation_id, seq, limit)

    async def _page(self, query: str, conversation_id: str, seq: int, limit: int) -> list[Message]:
        given = (blob(conversation_id), seq, limit)
        return await self._engine.read(lambda connection: [_message(*row) for row in connection.execute(query, given)])


def _append(connection: apsw.Connection, messages: Sequence[Message]) -> int:
    stored = 0
    while stored < len(messages):
        some = messages[stored : stored + ROWS_AT_ONCE]
        inserted = _insert(connection, some)
        stored += inserted
        if inserted < len(some):
            break
    return stored


def _insert(connection: apsw.Connection, messages: Sequence[Message]) -> int:
    values: list[bytes | int | str] = []
    for m in messages:
        values += (blob(m.conversation), m.seq, blob(m.sender), m.client_id, m.content, m.sent_at)
    rows = ",".join(["(?,?,?,?,?,?)"] * len(messages))
    try:
        connection.execute(f"INSERT OR FAIL INTO messages VALUES {rows}", values)  # noqa: S608 - question marks only
    except apsw.ConstraintError as error:
        if error.extendedresult not in RULES:  # type: ignore[attr-defined]  # the stubs leave it out
            raise
    return connection.changes()


def _message(conversation: bytes, seq: int, sender: bytes, client_id: str, content: str, sent_at: int) -> Message:
    return Message(conversation.hex(), seq, sender.hex(), client_id, content, sent_at)
