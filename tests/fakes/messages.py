"""The two logs of each conversation in memory: messages and changes."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from fireside.features.changes.service import Change, ChangeTail, Edit
from fireside.features.conversations.mending import SystemRow
from fireside.features.messages.service import NEWEST, Message, Tail


class FakeMessages:
    """A `MessageStore`."""

    def __init__(self) -> None:
        self._logs: defaultdict[str, dict[int, Message]] = defaultdict(dict)
        self._sent: dict[tuple[str, str], tuple[str, int]] = {}

    async def append(self, messages: Sequence[Message]) -> int:
        await asyncio.sleep(0)
        for stored, message in enumerate(messages):
            log, key = self._logs[message.conversation], (message.sender, message.client_id)
            if message.seq in log or key in self._sent:
                return stored
            log[message.seq] = message
            self._sent[key] = message.conversation, message.seq
        return len(messages)

    async def heads(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        await asyncio.sleep(0)
        return {each: max(self._logs[each]) for each in conversation_ids if self._logs[each]}

    async def sent(self, keys: Sequence[tuple[str, str]]) -> list[Message]:
        return await FakeMessages.at(self, [self._sent[key] for key in dict.fromkeys(keys) if key in self._sent])

    async def before(self, conversation_id: str, seq: int, limit: int, *, above: int = 0) -> list[Message]:
        await asyncio.sleep(0)
        return self._between(conversation_id, above, seq)[-limit:]

    async def after(self, conversation_id: str, seq: int, limit: int, *, below: int = NEWEST) -> list[Message]:
        await asyncio.sleep(0)
        return self._between(conversation_id, seq, below)[:limit]

    async def tails(self, wanted: Sequence[Tail]) -> dict[str, list[Message]]:
        await asyncio.sleep(0)
        found = {each.conversation: self._between(each.conversation, each.above, each.below) for each in wanted}
        return {
            each.conversation: found[each.conversation][-each.limit :] for each in wanted if found[each.conversation]
        }

    async def at(self, places: Sequence[tuple[str, int]]) -> list[Message]:
        await asyncio.sleep(0)
        return [self._logs[each][seq] for each, seq in dict.fromkeys(places) if seq in self._logs[each]]

    async def bring_up(self, messages: Sequence[Message]) -> None:
        await asyncio.sleep(0)
        for message in messages:
            log = self._logs[message.conversation]
            kept = log.get(message.seq)
            if kept is not None and kept.rev < message.rev:
                sent = message.seq, kept.sender, kept.client_id, message.content, kept.sent_at
                log[message.seq] = Message(kept.conversation, *sent, message.extra, message.rev, message.state)

    async def system(self, after: Mapping[str, int]) -> dict[str, list[SystemRow]]:
        await asyncio.sleep(0)
        found = {
            each: [
                SystemRow(message.seq, message.sender, message.sent_at, message.extra.system)
                for message in self._between(each, seq, NEWEST)
                if message.extra is not None and message.extra.system is not None
            ]
            for each, seq in after.items()
        }
        return {each: rows for each, rows in found.items() if rows}

    async def silent(self, spans: Mapping[str, tuple[int, int]]) -> dict[str, list[int]]:
        await asyncio.sleep(0)
        found = {
            each: [message.seq for message in self._between(each, low, high + 1) if message.is_silent]
            for each, (low, high) in spans.items()
        }
        return {each: seqs for each, seqs in found.items() if seqs}

    async def last_of_each(self, after: Mapping[str, int]) -> dict[str, dict[str, int]]:
        await asyncio.sleep(0)
        found = {
            each: {message.sender: message.seq for message in self._between(each, seq, NEWEST)}
            for each, seq in after.items()
        }
        return {each: last for each, last in found.items() if last}

    def _between(self, conversation_id: str, low: int, high: int) -> list[Message]:
        log = self._logs[conversation_id]
        return [log[each] for each in sorted(log) if low < each < high]


class FakeChanges:
    """A `ChangeStore`."""

    def __init__(self) -> None:
        self._logs: defaultdict[str, dict[int, Change]] = defaultdict(dict)

    async def append(self, changes: Sequence[Change]) -> int:
        await asyncio.sleep(0)
        for stored, change in enumerate(changes):
            if change.rev in self._logs[change.conversation]:
                return stored
            self._logs[change.conversation][change.rev] = change
        return len(changes)

    async def after(self, conversation_id: str, rev: int, limit: int) -> list[Change]:
        await asyncio.sleep(0)
        return self._above(conversation_id, rev)[:limit]

    async def tails(self, wanted: Sequence[ChangeTail]) -> dict[str, list[Change]]:
        await asyncio.sleep(0)
        found = {
            tail.conversation: [each for each in self._above(tail.conversation, tail.above) if each.rev < tail.below][
                -tail.limit :
            ]
            for tail in wanted
        }
        return {conversation: changes for conversation, changes in found.items() if changes}

    async def of(self, places: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], list[Change]]:
        await asyncio.sleep(0)
        found = {(each, seq): [one for one in self._above(each, 0) if one.seq == seq] for each, seq in places}
        return {place: changes for place, changes in found.items() if changes}

    async def erase(self, conversation_id: str, seqs: Sequence[int]) -> None:
        await asyncio.sleep(0)
        log = self._logs[conversation_id]
        for rev, change in log.items():
            if change.seq in seqs and isinstance(change.what, Edit):
                log[rev] = msgspec.structs.replace(change, what=Edit(""))

    def _above(self, conversation_id: str, rev: int) -> list[Change]:
        log = self._logs[conversation_id]
        return [log[each] for each in sorted(log) if each > rev]
