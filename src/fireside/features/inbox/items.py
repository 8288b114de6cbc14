"""What there is to say of somebody's conversations, put together in a few reads for all of them at once.

What must stay true:

- How far a conversation has got is known from its row where it is asleep, from memory where it is awake on this node
  alone, and from its log otherwise. So is what a group is: clients keep what they are told of it, and ask again only
  when something happens to it.
- Unread is derived: the messages after what one has read that are not one's own, not deleted and not system messages.
  Who sends has read, so none of one's own is ever among them.
- What is told of `rev` every message shows by then.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from fireside.features.changes.log import ChangeLog
from fireside.features.changes.reading import Caught, Reading, Tailed
from fireside.features.changes.service import ChangeStore, ChangeTail
from fireside.features.conversations.service import Conversation, Conversations, View, view_of
from fireside.features.conversations.talks import Talks
from fireside.features.inbox.service import InboxRow
from fireside.features.messages.service import NEWEST, Lens, Message, MessageStore, Tail
from fireside.features.personal.hiding import Hiding
from fireside.features.personal.service import NOTHING as NOTHING_OWN
from fireside.features.personal.service import Own, PersonalStore
from fireside.features.receipts.book import Book
from fireside.features.receipts.service import Mark
from fireside.features.receipts.telling import Telling
from fireside.features.receipts.wire import TOLD_UP_TO, ReceiptForm


class Known(NamedTuple):
    """How much of a conversation somebody has."""

    seq: int
    rev: int


class Ends(NamedTuple):
    """How much of each conversation to read: at most so many messages, and so many changed ones."""

    messages: int
    changes: int


class Item(msgspec.Struct, frozen=True, gc=False):
    """One of somebody's conversations."""

    view: View
    seq: int
    rev: int
    at: int
    unread: int
    own: Own
    receipts: list[ReceiptForm]
    messages: list[Message]
    """The newest, oldest first."""
    changed: Caught
    changed_from: int
    """`changed` is all there is above this rev."""


class Items:
    """Puts them together."""

    def __init__(
        self,
        conversations: Conversations,
        talks: Talks,
        messages: MessageStore,
        changes: ChangeStore,
        change_log: ChangeLog,
        reading: Reading,
        book: Book,
        telling: Telling,
        personal: PersonalStore,
        hiding: Hiding,
        lens: Lens,
    ) -> None:
        self._conversations = conversations
        self._talks = talks
        self._messages = messages
        self._changes = changes
        self._change_log = change_log
        self._reading = reading
        self._book = book
        self._telling = telling
        self._personal = personal
        self._hiding = hiding
        self._lens = lens

    async def of(
        self, user_id: str, rows: Sequence[InboxRow], ends: Ends, known: Mapping[str, Known] | None = None
    ) -> list[Item]:
        """These conversations, in this order; one that cannot be found is left out.

        `known`: what the reader has of some of them, so that no more than the rest is read.
        """
        heads = await self.heads(rows)
        found = await self._found(rows)
        views = {each: view for each, talk in found.items() if (view := view_of(talk, user_id)) is not None}
        rows = [row for row in rows if row.activity.conversation in views]
        ids = [row.activity.conversation for row in rows]
        at = {each: _within(views[each], heads[each]) for each in ids}
        known = known or {}
        pages, changed, unread, marks, own, active_at = await asyncio.gather(
            self._tails(views, at, ends.messages, known),
            self._changed(views, at, ends.changes, known),
            self._unread(user_id, rows, views, at),
            self._book.marks([each for each in ids if len(views[each].conversation.members) <= TOLD_UP_TO]),
            self._personal.last(user_id, [(each, 0) for each in ids]),
            self.active_at(rows),
        )
        return [
            Item(
                views[each],
                at[each].seq,
                at[each].rev,
                active_at[each] or views[each].conversation.created_at,
                unread.get(each, 0),
                own.get((each, 0), NOTHING_OWN),
                await self._telling.shown(views[each], self._with_mine(user_id, row, marks.get(each, {}))),
                pages.get(each, []),
                *changed[each],
            )
            for each, row in zip(ids, rows, strict=True)
        ]

    async def _found(self, rows: Sequence[InboxRow]) -> dict[str, Conversation]:
        """The conversations. A group is what memory says where nobody else may have changed it."""
        unclear = []
        for row in rows:
            known = self._conversations.recall(row.activity.conversation)
            if known is not None and known.kind == "group" and row.activity.awake != (self._talks.node,):
                unclear.append(known.id)
        found = await self._conversations.refresh(unclear) if unclear else {}
        found |= await self._conversations.get([row.activity.conversation for row in rows])
        elsewhere = {row.activity.conversation for row in rows if set(row.activity.awake) - {self._talks.node}}
        groups = {each: group for each, group in found.items() if each in elsewhere and group.kind == "group"}
        return found | await self._talks.mending.brought_up(groups)

    async def active_at(self, rows: Sequence[InboxRow]) -> dict[str, int]:
        """When the last message of each was sent that its reader can see; 0 where there is none."""
        ends = [(row.activity.conversation, row.until) for row in rows if row.until is not None]
        last = {each.conversation: each.sent_at for each in await self._messages.at(ends)} if ends else {}
        elsewhere = [
            Tail(row.activity.conversation, 0, NEWEST, 1)
            for row in rows
            if row.until is None and set(row.activity.awake) - {self._talks.node}
        ]
        tails = await self._messages.tails(elsewhere) if elsewhere else {}
        last |= {each: page[-1].sent_at for each, page in tails.items()}
        return {row.activity.conversation: last.get(row.activity.conversation) or self._at(row) for row in rows}

    def _at(self, row: InboxRow) -> int:
        talk = self._talks.get(row.activity.conversation)
        return talk.at if talk is not None and talk.dated >= row.activity.seq else row.activity.at

    async def heads(self, rows: Sequence[InboxRow]) -> dict[str, Known]:
        """How far each has got."""
        heads: dict[str, Known] = {}
        unclear: dict[str, int] = {}
        for row in rows:
            activity = row.activity
            talk = self._talks.get(activity.conversation)
            if talk is not None and activity.awake == (self._talks.node,):
                # Another node may have gone further before it let go of it.
                heads[activity.conversation] = Known(max(talk.seq, activity.seq), max(talk.rev, activity.rev))
            elif activity.awake:
                unclear[activity.conversation] = activity.rev
            else:
                heads[activity.conversation] = Known(activity.seq, activity.rev)
        if unclear:
            seqs = await self._messages.heads(list(unclear))
            revs = await self._change_log.shown(unclear)
            heads |= {each: Known(seqs.get(each, 0), revs[each]) for each in unclear}
        return heads

    async def _tails(
        self, views: Mapping[str, View], at: Mapping[str, Known], limit: int, known: Mapping[str, Known]
    ) -> dict[str, list[Message]]:
        """The newest messages of each that the reader does not have."""
        wanted = []
        for each, view in views.items():
            above = max(view.since, known[each].seq if each in known else 0)
            if above < at[each].seq and limit:
                # Up to the head and no further: the view is as new as that, and may not know yet who goes above it.
                wanted.append(Tail(each, above, at[each].seq + 1, limit))
        pages = await self._messages.tails(wanted) if wanted else {}
        shown = await self._lens.show([(views[each], page) for each, page in pages.items()])
        return dict(zip(pages, shown, strict=True))

    async def _changed(
        self, views: Mapping[str, View], at: Mapping[str, Known], limit: int, known: Mapping[str, Known]
    ) -> dict[str, tuple[Caught, int]]:
        """What has changed in each that the reader does not have, and above which rev that is all."""
        lows = {each: known[each].rev if each in known else 0 for each in views}
        # Up to what is told and no further: what comes later, or is not for who has left, takes the place of none.
        wanted = [
            ChangeTail(each, lows[each], at[each].rev + 1, limit + 1)
            for each in views
            if lows[each] < at[each].rev and limit
        ]
        tails = await self._changes.tails(wanted) if wanted else {}
        found = []
        for each, view in views.items():
            low, changes = lows[each], tails.get(each, [])
            if len(changes) > limit:
                low, changes = changes[-limit - 1].rev, changes[-limit:]
            if not limit:
                low = at[each].rev
            found.append(Tailed(view, low, changes, False))
        caught = await self._reading.caught(found)
        return {each: (shown, tail.rev) for each, shown, tail in zip(views, caught, found, strict=True)}

    async def _unread(
        self, user_id: str, rows: Sequence[InboxRow], views: Mapping[str, View], at: Mapping[str, Known]
    ) -> dict[str, int]:
        """How many messages of each are unread."""
        read = {
            row.activity.conversation: self._read_by(user_id, row, views[row.activity.conversation]) for row in rows
        }
        elsewhere = [row.activity.conversation for row in rows if set(row.activity.awake) - {self._talks.node}]
        sent = await self._messages.last_of_each({each: read[each] for each in elsewhere}) if elsewhere else {}
        for each, last in sent.items():
            read[each] = max(read[each], last.get(user_id, 0))
        spans = {
            each: (low, at[each].seq) for each, low in read.items() if low < at[each].seq and views[each].until is None
        }
        silent = await self._messages.silent(spans) if spans else {}
        counts = {}
        heard = {each: span for each, span in spans.items() if span[1] - span[0] > len(set(silent.get(each, ())))}
        hidden = await self._hiding.within(user_id, heard) if heard else {}
        for each, (low, high) in spans.items():
            counts[each] = high - low - len({*silent.get(each, ()), *hidden.get(each, ())})
        return counts

    def _read_by(self, user_id: str, row: InboxRow, view: View) -> int:
        """Up to where they have read, or could not see."""
        unwritten = self._book.unwritten(row.activity.conversation, user_id)
        return max(row.mark.read, unwritten.read, view.since)

    def _with_mine(self, user_id: str, row: InboxRow, marks: Mapping[str, Mark]) -> Mapping[str, Mark]:
        return {**marks, user_id: row.mark.raised(self._book.unwritten(row.activity.conversation, user_id))}


def _within(view: View, head: Known) -> Known:
    """How far the reader sees the conversation to have got."""
    if view.until is None or view.rev is None:
        return head
    return Known(min(view.until, head.seq), min(view.rev, head.rev))
