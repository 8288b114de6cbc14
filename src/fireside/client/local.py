"""A conversation as a device has it: brought up to date by whatever it hears, in any order, any number of times.

What must stay true:

- The messages `first` … `seq` are here without a gap, and every change up to `rev` is in them. What came after a gap is
  here, too, above `seq`.
- A message is replaced by a later state of it alone, so what is heard twice, late or out of order changes nothing.
- How far the conversation goes is known (`last_seq`, `last_rev`) as soon as anything tells it. So what is missing need
  not be noted anywhere: it is the difference.
"""

import msgspec

from fireside.features.conversations.wire import ConversationForm
from fireside.features.inbox.wire import Head, ItemForm, KnownForm
from fireside.features.messages.wire import MessageForm
from fireside.features.personal.wire import Flags, OwnEntry
from fireside.features.receipts.wire import ReceiptForm


class LocalConversation(msgspec.Struct):
    """One of this person's conversations. `me` is who has this device."""

    id: str
    me: str
    about: ConversationForm | None = None
    """None until the server has been asked what it is."""
    messages: dict[int, MessageForm] = {}
    first: int = 1
    seq: int = 0
    rev: int = 0
    last_seq: int = 0
    last_rev: int = 0
    receipts: dict[str, ReceiptForm] = {}
    own: dict[int, OwnEntry] = {}
    """What is one's own: of the conversation (0), and of messages."""
    about_up_to: int = 0
    """The message as of which `about` is."""
    told_unread: int = 0
    told_up_to: int = 0
    """What the server has counted, for when not everything that is unread is here."""
    is_stale: bool = False
    """The server is to be asked again what it is."""
    bare: set[int] = set()
    """Messages that are hidden here and, as far as is known, no more: what they say has to be read again."""

    # ── what there is to see ─────────────────────────────────────────────────────────────────────────────────────

    def history(self) -> list[MessageForm]:
        """The messages that are here without a gap, oldest first."""
        return [self.messages[seq] for seq in range(self.first, self.seq + 1)]

    @property
    def is_whole(self) -> bool:
        """Whether there is nothing older."""
        return self.about is not None and self.first <= self.about.since + 1

    @property
    def flags(self) -> Flags:
        """What is one's own of the conversation."""
        entry = self.own.get(0)
        return entry.flags or Flags() if entry is not None else Flags()

    @property
    def read(self) -> int:
        """Up to where one has read, on any device."""
        mine = self.receipts.get(self.me)
        since = self.about.since if self.about is not None else 0
        return max(since, mine.read if mine is not None else 0)

    @property
    def unread(self) -> int:
        """How many messages one has not read: not one's own, not deleted, not a system message."""
        if self.about is None or self.about.until is not None:
            return 0
        if self._holds_unread():
            return sum(self._counts(self.messages[seq]) for seq in range(self.read + 1, self.seq + 1))
        return self.told_unread

    def known(self) -> KnownForm:
        """How much of it is here, for the server."""
        return KnownForm(seq=self.seq, rev=self.rev)

    # ── what is heard ────────────────────────────────────────────────────────────────────────────────────────────

    def take_message(self, message: MessageForm) -> None:
        """A new message, or one again."""
        self.last_seq = max(self.last_seq, message.seq)
        self._put(message)
        self._advance()

    def take_change(self, rev: int, message: MessageForm | None) -> None:
        """A message has changed."""
        self.last_rev = max(self.last_rev, rev)
        if message is not None:
            self.last_seq = max(self.last_seq, message.seq)
            self._put(message)
            self._advance()
            self._weigh(message)
        if rev == self.rev + 1 and self.about is not None:
            self.rev = rev

    def take_receipts(self, receipts: list[ReceiptForm]) -> None:
        """Marks have moved."""
        before = self.read
        for receipt in receipts:
            self.receipts[receipt.user] = _raised(receipt, self.receipts.get(receipt.user))
        if self.read > before and not self._holds_unread():
            self.is_stale = True

    def take_head(self, head: Head) -> None:
        """How far it goes."""
        self.last_seq = max(self.last_seq, head.seq)
        self.last_rev = max(self.last_rev, head.rev)
        # They only rise. Here they can be ahead: what sending implies the server may not have written yet.
        if head.receipts is not None and head.receipts > sum(r.delivered + r.read for r in self.receipts.values()):
            self.is_stale = True

    def take_own(self, entry: OwnEntry) -> None:
        """What one has said of it, or of a message in it."""
        if entry.n <= (was := self.own.get(entry.seq, NO_ENTRY)).n:
            return
        self.own[entry.seq] = entry
        message = self.messages.get(entry.seq)
        if message is not None and entry.hidden:
            self.messages[entry.seq] = _blank(message)
        elif message is not None and message.hidden:
            self.bare.add(entry.seq)
        if entry.hidden != was.hidden and not self._holds_unread():
            self.is_stale = True

    def take_item(self, item: ItemForm) -> None:
        """What the server says of it, with its end."""
        since = item.conversation.since
        if self.about is None:
            self.first = min((message.seq for message in item.messages), default=item.seq + 1)
            self.seq, self.rev = self.first - 1, item.rev
        self.about, self.about_up_to = item.conversation, item.seq
        self._forget_below(since + 1)
        self.last_seq = max(self.last_seq, item.seq)
        self.last_rev = max(self.last_rev, item.rev)
        for message in (*item.messages, *item.changed):
            self._put(message)
        if item.changed_from <= self.rev:
            self.rev = max(self.rev, item.rev)
        self.receipts = {each.user: _raised(each, self.receipts.get(each.user)) for each in item.receipts}
        self.told_unread, self.told_up_to = item.unread, item.seq
        self._advance()

    def take_page(self, messages: list[MessageForm], after: int) -> None:
        """The messages next above `after`, which was `seq` when they were asked for."""
        if messages and messages[0].seq > after + 1:
            # What is between is not there for this reader.
            self._forget_below(messages[0].seq)
        for message in messages:
            self._put(message)
            held = self.messages.get(message.seq)
            if (held is None or held.rev <= message.rev) and not self._contradicts(message):
                self.bare.discard(message.seq)
        self._advance()

    def take_changes(self, messages: list[MessageForm], rev: int) -> None:
        """All that has changed from `rev` as it was to this one."""
        for message in messages:
            self._put(message)
            self._weigh(message)
        self.rev = max(self.rev, rev)
        self._advance()

    def take_older(self, messages: list[MessageForm], rev: int) -> None:
        """The messages next below `first`; `rev` is what it was when they were asked for.

        What has changed since then may not be in them: it is asked for again.
        """
        for message in reversed(messages):
            if message.seq == self.first - 1:
                self.first = message.seq
                self._set(message)
        if messages:
            self.rev = min(self.rev, rev)

    def forget(self, keep: int) -> None:
        """Let go of all but the newest `keep` messages."""
        if self.seq - self.first + 1 > keep:
            self.told_unread, self.told_up_to = self.unread, self.seq
            self._forget_below(self.seq - keep + 1)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _put(self, message: MessageForm) -> None:
        if self.about is None or message.seq < self.first:
            return
        held = self.messages.get(message.seq)
        is_shown_again = held is not None and held.hidden and not message.hidden and held.rev == message.rev
        if held is None or held.rev < message.rev or is_shown_again:
            self._set(message)
        if message.sender == self.me and self.about.until is None:
            # Who sends has read.
            mine = ReceiptForm(user=self.me, delivered=message.seq, read=message.seq)
            self.receipts[self.me] = _raised(mine, self.receipts.get(self.me))

    def _set(self, message: MessageForm) -> None:
        self.messages[message.seq] = self._mine(message)
        if self._contradicts(message):
            self.bare.add(message.seq)

    def _contradicts(self, message: MessageForm) -> bool:
        """It is hidden, and one's own log says that it is shown: one of the two is old."""
        entry = self.own.get(message.seq)
        return message.hidden and entry is not None and not entry.hidden

    def _weigh(self, message: MessageForm) -> None:
        """Where not all that is unread is here, the server has to count again what was deleted."""
        if message.deleted_at and not self._holds_unread():
            self.is_stale = True

    def _advance(self) -> None:
        while (message := self.messages.get(self.seq + 1)) is not None:
            self.seq += 1
            if message.system is not None and self.seq > self.about_up_to:
                self.is_stale = True
            if self.seq > self.told_up_to:
                self.told_unread += self._counts(message)
                self.told_up_to = self.seq
        if self.read >= self.seq:
            self.told_unread = 0

    def _forget_below(self, floor: int) -> None:
        if floor <= self.first:
            return
        self.messages = {seq: message for seq, message in self.messages.items() if seq >= floor}
        self.first, self.seq = floor, max(self.seq, floor - 1)

    def _mine(self, message: MessageForm) -> MessageForm:
        entry = self.own.get(message.seq)
        return _blank(message) if entry is not None and entry.hidden else message

    def _holds_unread(self) -> bool:
        return self.first <= self.read + 1

    def _counts(self, message: MessageForm) -> bool:
        return message.sender != self.me and not (message.deleted_at or message.system or message.hidden)


NO_ENTRY = OwnEntry(n=0, conversation="")


def _blank(message: MessageForm) -> MessageForm:
    """As the server shows it to who has deleted it for themselves."""
    return msgspec.structs.replace(message, content="", hidden=True)


def _raised(one: ReceiptForm, other: ReceiptForm | None) -> ReceiptForm:
    if other is None:
        return one
    delivered, read = max(one.delivered, other.delivered), max(one.read, other.read)
    return ReceiptForm(user=one.user, delivered=delivered, read=read)
