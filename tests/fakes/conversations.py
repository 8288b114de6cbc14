"""Conversations in memory: who is in which, how far everybody has got, and what has changed for whom."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from fireside.features.conversations.activity import Activity
from fireside.features.conversations.service import Conversation, Gone
from fireside.features.inbox.service import InboxRow
from fireside.features.receipts.service import NOTHING, Mark, Receipt


class FakeMembers:
    """Who is in which conversation, and what is kept of them there: three ports look at it."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Row] = {}
        """By user and conversation."""

    def of(self, conversation_id: str) -> dict[str, "Row"]:
        return {user: row for (user, conversation), row in self.rows.items() if conversation == conversation_id}


@dataclass
class Row:
    """A member's row."""

    since: int = 0
    until: int | None = None
    gone_stamp: int | None = None
    as_of: int = 0
    mark: Mark = NOTHING


class FakeConversations:
    """A `ConversationStore`."""

    def __init__(self, members: FakeMembers | None = None) -> None:
        self._conversations: dict[str, Conversation] = {}
        self._members = members or FakeMembers()

    async def ensure(self, conversation: Conversation) -> Conversation:
        await asyncio.sleep(0)
        for user in conversation.members:
            self._members.rows.setdefault((user, conversation.id), Row())
        return self._conversations.setdefault(conversation.id, conversation)

    async def keep(self, conversation: Conversation, changed: Sequence[str]) -> None:
        await asyncio.sleep(0)
        kept = self._conversations.get(conversation.id)
        if kept is None or kept.as_of < conversation.as_of:
            self._conversations[conversation.id] = conversation
        for user in changed:
            row = self._members.rows.setdefault((user, conversation.id), Row())
            if row.as_of < conversation.as_of:
                span = conversation.members.get(user) or conversation.gone[user]
                row.since, row.as_of, row.gone_stamp = span.since, conversation.as_of, None
                row.until = span.until if isinstance(span, Gone) else None

    async def by_ids(self, conversation_ids: Sequence[str]) -> dict[str, Conversation]:
        await asyncio.sleep(0)
        return {each: self._conversations[each] for each in conversation_ids if each in self._conversations}


class FakeActivity:
    """An `ActivityStore`."""

    def __init__(self, members: FakeMembers | None = None) -> None:
        self.known: dict[str, Activity] = {}
        self._members = members or FakeMembers()
        self._stamp = 1
        self.dying: set[str] = set()
        """Nodes whose lease has run out."""

    async def wake(self, conversation_ids: Sequence[str], node: str) -> dict[str, Activity]:
        await asyncio.sleep(0)
        for each in conversation_ids:
            row = self.known.get(each, Activity(each))
            self.known[each] = msgspec.structs.replace(row, awake=tuple(sorted({*row.awake, node})))
        return await self.rows(conversation_ids)

    async def sleep(self, rows: Sequence[Activity], node: str) -> None:
        await asyncio.sleep(0)
        self._stamp += 1
        for row in rows:
            kept = self.known.get(row.conversation)
            if kept is not None:
                seq, rev = max(kept.seq, row.seq), max(kept.rev, row.rev)
                at = row.at if row.seq >= kept.seq else kept.at
                awake = tuple(each for each in kept.awake if each != node)
                self.known[row.conversation] = Activity(row.conversation, seq, rev, at, self._stamp, awake)
            for member in self._members.of(row.conversation).values():
                if member.until is not None and member.gone_stamp is None:
                    member.gone_stamp = self._stamp

    async def stamp(self) -> int:
        await asyncio.sleep(0)
        return self._stamp

    async def rows(self, conversation_ids: Sequence[str]) -> dict[str, Activity]:
        await asyncio.sleep(0)
        return {each: self.known[each] for each in conversation_ids if each in self.known}

    async def renew(self, node: str, lease_s: float) -> None:
        await asyncio.sleep(0)

    async def dead(self, node: str) -> list[str]:
        await asyncio.sleep(0)
        return sorted({each for row in self.known.values() for each in row.awake if each in self.dying} - {node})

    async def awake_on(self, node: str, limit: int) -> list[str]:
        await asyncio.sleep(0)
        return [each for each, row in self.known.items() if node in row.awake][:limit]

    async def forget(self, node: str, conversation_ids: Sequence[str]) -> None:
        await asyncio.sleep(0)
        for each in self.known.keys() & set(conversation_ids):
            row = self.known[each]
            self.known[each] = msgspec.structs.replace(row, awake=tuple(one for one in row.awake if one != node))


class FakeReceipts:
    """A `ReceiptStore`."""

    def __init__(self, members: FakeMembers | None = None) -> None:
        self._members = members or FakeMembers()

    async def of(self, conversation_ids: Sequence[str]) -> dict[str, dict[str, Mark]]:
        await asyncio.sleep(0)
        found = {
            each: {user: row.mark for user, row in self._members.of(each).items() if row.mark != NOTHING}
            for each in conversation_ids
        }
        return {each: marks for each, marks in found.items() if marks}

    async def raise_to(self, receipts: Sequence[Receipt]) -> None:
        await asyncio.sleep(0)
        for each in receipts:
            row = self._members.rows.get((each.user, each.conversation))
            if row is not None:
                row.mark = row.mark.raised(each.mark)


class FakeInbox:
    """An `InboxStore`."""

    def __init__(self, members: FakeMembers, activity: FakeActivity) -> None:
        self._members = members
        self._activity = activity

    async def changed(self, user_id: str, stamp: int, after: str, limit: int) -> list[InboxRow]:
        found = [row for row in await self.all(user_id) if row.activity.conversation > after]
        moved = [row for row in found if self._has_moved(user_id, row, stamp)]
        return sorted(moved, key=lambda row: row.activity.conversation)[:limit]

    async def one(self, user_id: str, conversation_id: str) -> InboxRow | None:
        await asyncio.sleep(0)
        row = self._members.rows.get((user_id, conversation_id))
        if row is None:
            return None
        known = self._activity.known.get(conversation_id, Activity(conversation_id))
        return InboxRow(known, row.since, row.until, row.mark)

    async def all(self, user_id: str) -> list[InboxRow]:
        await asyncio.sleep(0)
        mine = {conversation: row for (user, conversation), row in self._members.rows.items() if user == user_id}
        return [
            InboxRow(self._activity.known[each], row.since, row.until, row.mark)
            for each, row in mine.items()
            if each in self._activity.known
        ]

    def _has_moved(self, user_id: str, found: InboxRow, stamp: int) -> bool:
        row = self._members.rows[user_id, found.activity.conversation]
        if row.until is not None:
            return row.gone_stamp is None or row.gone_stamp > stamp
        return found.activity.stamp > stamp or bool(found.activity.awake)
