"""Changes in SQLite. `INSERT OR FAIL` stops at the first number that is taken and keeps the rows before it."""

from collections.abc import Mapping, Sequence
from typing import Any

import apsw
import msgspec

from fireside.features.changes.service import Change, ChangeKind, ChangeTail
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob

SELECT = "SELECT conversation, rev, seq, actor, at, token, what FROM changes WHERE conversation = ? "
AFTER = SELECT + "AND rev > ? ORDER BY rev LIMIT ?"
TAIL = f"SELECT * FROM ({SELECT} AND rev > ? AND rev < ? ORDER BY rev DESC LIMIT ?) ORDER BY rev"
OF = SELECT + "AND seq = ? ORDER BY rev"
ERASE = """
    UPDATE changes SET what = json_remove(json_set(what, '$.content', ''), '$.was')
    WHERE conversation = ? AND seq = ? AND what ->> '$.type' = 'edit'
"""

_encode = msgspec.json.Encoder().encode
_what = msgspec.json.Decoder(ChangeKind).decode


class SqliteChanges:
    """The `ChangeStore` of the changes feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def append(self, changes: Sequence[Change]) -> int:
        values: list[bytes | int | str] = []
        for each in changes:
            values += (blob(each.conversation), each.rev, each.seq, blob(each.actor), each.at, each.token)
            values.append(_encode(each.what).decode())
        query = "INSERT OR FAIL INTO changes VALUES " + ",".join(["(?,?,?,?,?,?,?)"] * len(changes))

        def insert(connection: apsw.Connection) -> int:
            try:
                connection.execute(query, values)
            except apsw.ConstraintError as error:
                if error.extendedresult != apsw.SQLITE_CONSTRAINT_PRIMARYKEY:  # type: ignore[attr-defined]
                    raise
            return connection.changes()

        return await self._engine.write(insert) if changes else 0

    async def after(self, conversation_id: str, rev: int, limit: int) -> list[Change]:
        return await self._select(AFTER, [(blob(conversation_id), rev, limit)])

    async def tails(self, wanted: Sequence[ChangeTail]) -> dict[str, list[Change]]:
        found: dict[str, list[Change]] = {}
        keys = [(blob(each.conversation), each.above, each.below, each.limit) for each in wanted]
        for each in await self._select(TAIL, keys):
            found.setdefault(each.conversation, []).append(each)
        return found

    async def of(self, places: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], list[Change]]:
        found: dict[tuple[str, int], list[Change]] = {}
        for each in await self._select(OF, [(blob(each), seq) for each, seq in dict.fromkeys(places)]):
            found.setdefault((each.conversation, each.seq), []).append(each)
        return found

    async def erase(self, conversation_id: str, seqs: Sequence[int]) -> None:
        keys = [(blob(conversation_id), seq) for seq in seqs]
        await self._engine.write(lambda connection: connection.executemany(ERASE, keys).fetchall())

    async def _select(self, query: str, keys: Sequence[tuple[Any, ...]]) -> list[Change]:
        return await self._engine.read(
            lambda connection: [_change(*row) for row in connection.executemany(query, keys)]
        )


def _change(conversation: bytes, rev: int, seq: int, actor: bytes, at: int, token: str, what: str) -> Change:
    return Change(conversation.hex(), rev, seq, actor.hex(), at, token, _what(what))
