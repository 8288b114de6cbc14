"""What is one's own, in SQLite: a log of each person, and an index that finds the last entry of a place."""

from collections.abc import Mapping, Sequence

import apsw
import msgspec

from fireside.features.personal.service import Entry, Own, Place, Span
from fireside.store.sqlite.engine import SqliteEngine
from fireside.store.sqlite.schema import blob

_encode = msgspec.json.Encoder().encode
_own = msgspec.json.Decoder(Own).decode

AFTER = "SELECT user, n, conversation, seq, own, at FROM personal WHERE user = ? AND n > ? ORDER BY n LIMIT ?"
LAST = """
    SELECT conversation, seq, own FROM personal WHERE user = ? AND conversation = ? AND seq = ? ORDER BY n DESC LIMIT 1
"""
HIDES = "SELECT 1 FROM personal WHERE user = ? AND conversation = ? AND own ->> 'hidden' LIMIT 1"
# SQLite takes the other columns from the row with the maximum.
HIDDEN = """
    SELECT seq, own, max(n) FROM personal WHERE user = ? AND conversation = ? AND seq > ? AND seq <= ? GROUP BY seq
"""
STARRED = """
    SELECT user, n, conversation, seq, own, at FROM personal AS mine
    WHERE user = ? AND n < ? AND own ->> 'starred' AND n = (
        SELECT max(n) FROM personal AS later
        WHERE later.user = mine.user AND later.conversation = mine.conversation AND later.seq = mine.seq)
    ORDER BY n DESC LIMIT ?
"""


class SqlitePersonal:
    """The `PersonalStore` of the personal feature."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._engine = engine

    async def append(self, entry: Entry) -> bool:
        row = (blob(entry.user), entry.n, blob(entry.conversation), entry.seq, _encode(entry.own).decode(), entry.at)

        def insert(connection: apsw.Connection) -> bool:
            connection.execute("INSERT INTO personal VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING", row)
            return bool(connection.changes())

        return await self._engine.write(insert)

    async def head(self, user_id: str) -> int:
        query, key = "SELECT coalesce(max(n), 0) FROM personal WHERE user = ?", (blob(user_id),)
        last: int = await self._engine.read(lambda connection: connection.execute(query, key).get)
        return last

    async def after(self, user_id: str, n: int, limit: int) -> list[Entry]:
        return await self._entries(AFTER, (blob(user_id), n, limit))

    async def last(self, user_id: str, places: Sequence[Place]) -> dict[Place, Own]:
        keys = [(blob(user_id), blob(conversation), seq) for conversation, seq in places]

        def look(connection: apsw.Connection) -> dict[Place, Own]:
            found = connection.executemany(LAST, keys)
            return {(conversation.hex(), seq): _own(own) for conversation, seq, own in found}

        return await self._engine.read(look)

    async def hides(self, user_id: str, conversation_ids: Sequence[str]) -> set[str]:
        user = blob(user_id)

        def look(connection: apsw.Connection) -> set[str]:
            return {each for each in conversation_ids if connection.execute(HIDES, (user, blob(each))).get}

        return await self._engine.read(look)

    async def hidden(self, user_id: str, spans: Mapping[str, Span]) -> dict[str, list[int]]:
        keys = {each: (blob(user_id), blob(each), *span) for each, span in spans.items()}

        def look(connection: apsw.Connection) -> dict[str, list[int]]:
            found = {
                each: [seq for seq, own, _ in connection.execute(HIDDEN, key) if _own(own).hidden]
                for each, key in keys.items()
            }
            return {each: seqs for each, seqs in found.items() if seqs}

        return await self._engine.read(look)

    async def starred(self, user_id: str, below: int, limit: int) -> list[Entry]:
        return await self._entries(STARRED, (blob(user_id), below, limit))

    async def _entries(self, query: str, key: tuple[bytes, int, int]) -> list[Entry]:
        def look(connection: apsw.Connection) -> list[Entry]:
            return [
                Entry(user.hex(), n, conversation.hex(), seq, _own(own), at)
                for user, n, conversation, seq, own, at in connection.execute(query, key)
            ]

        return await self._engine.read(look)
