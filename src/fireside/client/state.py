"""All that a device knows: the conversations of its owner, and what is one's own in them. No I/O: `hear` takes what the
server tells, `missing` says what to ask it for, and the `take_…` methods take the answers.

It can be written down (`msgspec.json.encode`) and read again, on another day.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from fireside.client.local import LocalConversation
from fireside.features.accounts.wire import MySettings
from fireside.features.changes.wire import EVENTS, ChangedMessage
from fireside.features.inbox.wire import Caught, HeadsForm, ItemForm, Sync
from fireside.features.messages.wire import MessageForm
from fireside.features.personal.wire import OwnEntry
from fireside.features.receipts.wire import ReceiptsMoved

KNOWN = 200
"""Conversations the server is told about when catching up: those in which something happened last."""
PAGE = 100


class MissingSync(NamedTuple):
    """Whatever happened while nobody listened. `absences`: how often that was when this was found missing."""

    absences: int
    cursor: str


class MissingItem(NamedTuple):
    """What a conversation is."""

    conversation: str


class MissingMessages(NamedTuple):
    """The messages next above `after`. `last_seq`: how far the conversation went when this was found missing."""

    conversation: str
    after: int
    limit: int
    last_seq: int


class MissingChanges(NamedTuple):
    """What has changed above `after`."""

    conversation: str
    after: int
    last_rev: int


class MissingOwn(NamedTuple):
    """The lines of one's own log above `after`."""

    after: int


Missing = MissingSync | MissingItem | MissingMessages | MissingChanges | MissingOwn


class State(msgspec.Struct):
    """What the device of `me` knows."""

    me: str
    conversations: dict[str, LocalConversation] = {}
    """The one in which something happened last is the last."""
    people: dict[str, str] = {}
    """Usernames, as far as they are known."""
    handled: dict[str, int] = {}
    """Up to where whoever listens was read the messages of each conversation."""
    cursor: str = ""
    n: int = 0
    """One's own log is known up to this line."""
    last_n: int = 0
    read_receipts: bool | None = None
    """Whether one shows others how far one has read, and sees it of them; None as long as that is not known."""
    absences: int = 1
    """How often nobody listened."""
    made_good: int = 0
    """Up to which of those everything is here."""
    unsettled: set[str] = set()
    """Conversations of which something may be missing."""

    @property
    def is_behind(self) -> bool:
        """Not everything that happened while nobody listened is here."""
        return self.made_good < self.absences

    @property
    def unread(self) -> int:
        """Over all conversations."""
        return sum(each.unread for each in self.conversations.values())

    # ── what is heard ────────────────────────────────────────────────────────────────────────────────────────────

    def hear(self, event: str, body: Any) -> None:
        """Take what the server tells; what is not kept here is passed over.

        Raises:
            msgspec.ValidationError: the body is not what the event's form says.
        """
        entry = HEARD.get(event)
        if entry is not None:
            form, take = entry
            take(self, msgspec.convert(body, form))

    def take_message(self, message: MessageForm) -> None:
        """A message: heard, or the answer to sending one."""
        self._touch(message.conversation).take_message(message)

    def take_change(self, change: ChangedMessage) -> None:
        """A message has changed."""
        self._touch(change.conversation).take_change(change.rev, change.message)

    def take_receipts(self, moved: ReceiptsMoved) -> None:
        """Marks have moved."""
        self._touch(moved.conversation).take_receipts(moved.receipts)

    def take_heads(self, heads: HeadsForm) -> None:
        """How far conversations go."""
        for head in heads.heads:
            self._touch(head.conversation).take_head(head)
        self.last_n = max(self.last_n, heads.own or 0)

    def take_entry(self, entry: OwnEntry) -> None:
        """A line of one's own log."""
        self.last_n = max(self.last_n, entry.n)
        self._touch(entry.conversation).take_own(entry)
        if entry.n == self.n + 1:
            self.n = entry.n

    def take_settings(self, settings: MySettings) -> None:
        """What one has set for oneself."""
        if settings.read_receipts is self.read_receipts:
            return
        if self.read_receipts is not None:
            # One sees others' reading from now on, or no more: all of it is asked for again.
            for each in self.conversations.values():
                each.receipts = {}
            self.cursor = ""
            self.absences += 1
        self.read_receipts = settings.read_receipts

    # ── catching up ──────────────────────────────────────────────────────────────────────────────────────────────

    def sync(self) -> Sync:
        """What to ask the server for after any absence; again until its answer has no `more`."""
        recent = list(self.conversations.values())[-KNOWN:]
        return Sync(cursor=self.cursor, known={each.id: each.known() for each in recent if each.about is not None})

    def take_caught(self, missing: MissingSync, caught: Caught) -> None:
        """The answer."""
        for item in caught.conversations:
            self.take_item(item, caught.people)
        for entry in caught.own:
            self.take_entry(entry)
        self.take_settings(MySettings(read_receipts=caught.read_receipts))
        if self.cursor == missing.cursor:
            self.cursor = caught.cursor
        if not caught.more:
            # Whoever was away again since the question has to ask again.
            self.made_good = max(self.made_good, missing.absences)

    # ── what is missing ──────────────────────────────────────────────────────────────────────────────────────────

    def missing(self) -> list[Missing]:
        """What to ask the server for, all at once; nothing when everything that is known to be there is here."""
        if self.is_behind:
            return [MissingSync(self.absences, self.cursor)]
        found: list[Missing] = [MissingOwn(self.n)] if self.n < self.last_n else []
        for conversation_id in sorted(self.unsettled):
            theirs = self._missing_of(self.conversations[conversation_id])
            if not theirs:
                self.unsettled.discard(conversation_id)
            found += theirs
        return found

    def _missing_of(self, local: LocalConversation) -> list[Missing]:
        if local.is_stale or local.about is None:
            # What came after the question makes it stale again.
            local.is_stale = False
            return [MissingItem(local.id)]
        found: list[Missing] = [
            MissingMessages(local.id, seq - 1, 1, 0) for seq in sorted(local.bare) if seq in local.messages
        ]
        if local.seq < local.last_seq:
            found.append(MissingMessages(local.id, local.seq, PAGE, local.last_seq))
        if local.rev < local.last_rev:
            found.append(MissingChanges(local.id, local.rev, local.last_rev))
        return found

    def unanswered(self, missing: Missing) -> None:
        """It was asked for, and no answer came."""
        if isinstance(missing, MissingItem):
            self._touch(missing.conversation).is_stale = True

    def take_item(self, item: ItemForm, people: Mapping[str, str]) -> None:
        """What the server says of a conversation."""
        self.people.update(people)
        self._touch(item.conversation.id).take_item(item)

    def take_nothing(self, missing: MissingItem) -> None:
        """The server says that there is no such conversation for this person."""
        self.conversations.pop(missing.conversation, None)
        self.unsettled.discard(missing.conversation)

    def take_messages(self, missing: MissingMessages, messages: list[MessageForm]) -> None:
        """The answer to missing messages."""
        local = self._touch(missing.conversation)
        local.take_page(messages, missing.after)
        if any(message.seq in local.bare for message in messages):
            # Hidden still: it may be so again, by a line that is not here.
            self.last_n = max(self.last_n, self.n + 1)
        if len(messages) < missing.limit and local.last_seq == missing.last_seq:
            local.last_seq = local.seq

    def take_changes(self, missing: MissingChanges, messages: list[MessageForm], rev: int, more: bool) -> None:
        """The answer to missing changes."""
        local = self._touch(missing.conversation)
        local.take_changes(messages, rev)
        if not more and local.last_rev == missing.last_rev:
            local.last_rev = local.rev

    def take_entries(self, missing: MissingOwn, entries: list[OwnEntry], more: bool) -> None:
        """The answer to missing lines."""
        for entry in entries:
            self.take_entry(entry)
        if not entries and not more and self.n == missing.after:
            self.last_n = self.n

    def take_older(self, local: LocalConversation, messages: list[MessageForm], rev: int) -> None:
        """The messages next below those of a conversation; `rev` is what it was when they were asked for."""
        local.take_older(messages, rev)
        # What has changed since then is missing again, and nobody tells of it once more.
        self.unsettled.add(local.id)

    def _touch(self, conversation_id: str) -> LocalConversation:
        local = self.conversations.pop(conversation_id, None) or LocalConversation(conversation_id, self.me)
        self.conversations[conversation_id] = local
        self.unsettled.add(conversation_id)
        return local


HEARD: Mapping[str, tuple[type[Any], Callable[[State, Any], None]]] = {
    "messageReceived": (MessageForm, State.take_message),
    "receiptUpdated": (ReceiptsMoved, State.take_receipts),
    "heads": (HeadsForm, State.take_heads),
    "ownChanged": (OwnEntry, State.take_entry),
    "meUpdated": (MySettings, State.take_settings),
    **dict.fromkeys(EVENTS.values(), (ChangedMessage, State.take_change)),
}
"""What the server tells that is kept here."""
