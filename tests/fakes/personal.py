"""Everybody's own logs in memory."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

from fireside.features.personal.service import Entry, Own, Place, Span


class FakePersonal:
    """A `PersonalStore`."""

    def __init__(self) -> None:
        self._logs: defaultdict[str, dict[int, Entry]] = defaultdict(dict)

    async def append(self, entry: Entry) -> bool:
        await asyncio.sleep(0)
        is_free = entry.n not in self._logs[entry.user]
        self._logs[entry.user].setdefault(entry.n, entry)
        return is_free

    async def head(self, user_id: str) -> int:
        await asyncio.sleep(0)
        return max(self._logs[user_id], default=0)

    async def after(self, user_id: str, n: int, limit: int) -> list[Entry]:
        await asyncio.sleep(0)
        return [entry for each, entry in sorted(self._logs[user_id].items()) if each > n][:limit]

    async def last(self, user_id: str, places: Sequence[Place]) -> dict[Place, Own]:
        await asyncio.sleep(0)
        return {place: entry.own for place, entry in self._last(user_id).items() if place in places}

    async def hides(self, user_id: str, conversation_ids: Sequence[str]) -> set[str]:
        await asyncio.sleep(0)
        found = {entry.conversation for entry in self._logs[user_id].values() if entry.own.hidden}
        return found.intersection(conversation_ids)

    async def hidden(self, user_id: str, spans: Mapping[str, Span]) -> dict[str, list[int]]:
        await asyncio.sleep(0)
        found: dict[str, list[int]] = {}
        for (conversation, seq), entry in sorted(self._last(user_id).items()):
            above, up_to = spans.get(conversation, (0, 0))
            if above < seq <= up_to and entry.own.hidden:
                found.setdefault(conversation, []).append(seq)
        return found

    async def starred(self, user_id: str, below: int, limit: int) -> list[Entry]:
        await asyncio.sleep(0)
        found = [entry for entry in self._last(user_id).values() if entry.own.starred and entry.n < below]
        return sorted(found, key=lambda entry: -entry.n)[:limit]

    def _last(self, user_id: str) -> dict[Place, Entry]:
        return {(entry.conversation, entry.seq): entry for _, entry in sorted(self._logs[user_id].items())}
