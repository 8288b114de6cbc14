"""The message log in SQLite.

The two unique keys, (conversation, seq) and (sender, client_id), decide what is stored. `INSERT OR FAIL` stops at
the first row that breaks one and keeps the rows before it, which is what `append` promises. A group goes in as one
statement, and a page comes out as one value, JSON that SQLite has made of its rows: the interpreter's lock is then
given up and taken back once for all of them, not once for each, which matters because the event loop wants it all
the time.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import apsw
import msgspec

from fireside.features.conversations.groups import GroupChange
from fireside.features.conversations.mending import SystemRow
from fireside.features.messages.service import NEWEST, Extra, Message, State, Tail
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob

ROWS_AT_ONCE = 256
"""Per statement; SQLite accepts 32,766 values in one."""
RULES = (apsw.SQLITE_CONSTRAINT_PRIMARYKEY, apsw.SQLITE_CONSTRAINT_UNIQUE)
"""What may be broken. Any other constraint is broken by a bug."""

COLUMNS = "conversation, seq, sender, client_id, content, sent_at, extra, rev, state"
AS_JSON = """json_array(
    lower(hex(conversation)), seq, lower(hex(sender)), client_id, content, sent_at, json(extra), rev, json(state))"""
BEFORE = f"""
    SELECT json_group_array({AS_JSON} ORDER BY seq) FROM (
        SELECT {COLUMNS} FROM messages WHERE conversation = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?)
"""
AFTER = f"""
    SELECT json_group_array({AS_JSON} ORDER BY seq) FROM (
        SELECT {COLUMNS} FROM messages WHERE conversation = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT ?)
"""
AT = f"SELECT {AS_JSON} FROM messages WHERE conversation = ? AND seq = ?"
SENT = f"SELECT {AS_JSON} FROM messages WHERE sender = ? AND client_id = ?"
SYSTEM = """
    SELECT seq, lower(hex(sender)), sent_at, extra ->> '$.system' FROM messages
    WHERE conversation = ? AND seq > ? AND silent AND extra ->> '$.system' IS NOT NULL ORDER BY seq
"""
BRING_UP = """
    UPDATE messages SET content = ?, extra = ?, rev = ?, state = ?, silent = ?
    WHERE conversation = ? AND seq = ? AND rev < ?
"""

_encode = msgspec.json.Encoder().encode
_change = msgspec.json.Decoder(GroupChange).decode


class _Row(msgspec.Struct, array_like=True):
    """A message as `AS_JSON` has it."""

    conversation: str
    seq: int
    sender: str
    client_id: str
    content: str
    sent_at: int
    extra: Extra | None
    rev: int
    state: State | None

    def message(self) -> Message:
        return Message(
            self.conversation,
            self.seq,
            self.sender,
            self.client_id,
            self.content,
            self.sent_at,
            self.extra,
            self.rev,
            self.state,
        )


_rows = msgspec.json.Decoder(list[_Row]).decode
_row = msgspec.json.Decoder(_Row).decode


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
        return await self._each(SENT, [(blob(sender), client_id) for sender, client_id in dict.fromkeys(keys)])

    async def at(self, places: Sequence[tuple[str, int]]) -> list[Message]:
        return await self._each(AT, [(blob(conversation), seq) for conversation, seq in dict.fromkeys(places)])

    async def before(self, conversation_id: str, seq: int, limit: int, *, above: int = 0) -> list[Message]:
        return await self._page(BEFORE, conversation_id, above, seq, limit)

    async def after(self, conversation_id: str, seq: int, limit: int, *, below: int = NEWEST) -> list[Message]:
        return await self._page(AFTER, conversation_id, seq, below, limit)

    async def tails(self, wanted: Sequence[Tail]) -> dict[str, list[Message]]:
        keys = [(blob(each.conversation), each.above, each.below, each.limit) for each in wanted]
        pages = await self._engine.read(lambda connection: [page for (page,) in connection.executemany(BEFORE, keys)])
        found = ([each.message() for each in _rows(page)] for page in pages)
        return {page[0].conversation: page for page in found if page}

    async def bring_up(self, messages: Sequence[Message]) -> None:
        rows = [
            (m.content, _json(m.extra), m.rev, _json(m.state), m.is_silent or None, blob(m.conversation), m.seq, m.rev)
            for m in messages
        ]
        await self._engine.write(lambda connection: connection.executemany(BRING_UP, rows).fetchall())

    async def system(self, after: Mapping[str, int]) -> dict[str, list[SystemRow]]:
        def look(connection: apsw.Connection) -> dict[str, list[SystemRow]]:
            return {
                conversation: [
                    SystemRow(number, actor, sent_at, _change(change))
                    for number, actor, sent_at, change in connection.execute(SYSTEM, (blob(conversation), seq))
                ]
                for conversation, seq in after.items()
            }

        return {conversation: rows for conversation, rows in (await self._engine.read(look)).items() if rows}

    async def silent(self, spans: Mapping[str, tuple[int, int]]) -> dict[str, list[int]]:
        query = "SELECT conversation, json_group_array(seq ORDER BY seq) FROM messages "
        query += "WHERE conversation = ? AND seq > ? AND seq <= ? AND silent GROUP BY conversation"
        keys = [(blob(conversation), low, high) for conversation, (low, high) in spans.items()]

        def look(connection: apsw.Connection) -> dict[str, list[int]]:
            found = connection.executemany(query, keys)
            return {conversation.hex(): msgspec.json.decode(seqs) for conversation, seqs in found}

        return await self._engine.read(look)

    async def last_of_each(self, after: Mapping[str, int]) -> dict[str, dict[str, int]]:
        query = "SELECT conversation, json_group_object(lower(hex(sender)), seq) FROM ("
        query += "SELECT conversation, sender, max(seq) AS seq FROM messages WHERE conversation = ? AND seq > ? "
        query += "GROUP BY conversation, sender) GROUP BY conversation"
        keys = [(blob(conversation), seq) for conversation, seq in after.items()]

        def look(connection: apsw.Connection) -> dict[str, dict[str, int]]:
            found = connection.executemany(query, keys)
            return {conversation.hex(): msgspec.json.decode(seqs) for conversation, seqs in found}

        return await self._engine.read(look)

    async def _page(self, query: str, conversation_id: str, above: int, below: int, limit: int) -> list[Message]:
        given = (blob(conversation_id), above, below, limit)
        page = await self._engine.read(lambda connection: connection.execute(query, given).get)
        return [each.message() for each in _rows(page)]

    async def _each(self, query: str, keys: Sequence[tuple[Any, ...]]) -> list[Message]:
        found = await self._engine.read(lambda connection: [row for (row,) in connection.executemany(query, keys)])
        return [_row(each).message() for each in found]


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
    values: list[bytes | int | str | None] = []
    for m in messages:
        values += (blob(m.conversation), m.seq, blob(m.sender), m.client_id, m.content, m.sent_at)
        values += (None, None) if m.extra is None else (_json(m.extra), m.is_silent or None)
    rows = ",".join(["(?,?,?,?,?,?,?,?)"] * len(messages))
    query = (
        "INSERT OR FAIL INTO messages (conversation, seq, sender, client_id, content, sent_at, extra, silent) VALUES "
    )
    try:
        connection.execute(query + rows, values)
    except apsw.ConstraintError as error:
        if error.extendedresult not in RULES:  # type: ignore[attr-defined]  # the stubs leave it out
            raise
    return connection.changes()


def _json(value: Extra | State | None) -> str | None:
    return None if value is None else _encode(value).decode()
