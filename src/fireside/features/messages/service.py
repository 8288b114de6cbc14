"""Messages: what a message is, where messages are kept, and the use cases.

A conversation is a log. `seq` is 1, 2, 3 … without a gap; it is the order, the page cursor and the position of
receipts. A message never moves. What happens to it later (an edit, a deletion, a reaction, a pin) is a change with a
number of its own, `rev` (see `features.changes`); the message shows what its changes up to `rev` have made of it.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from fireside.core.clock import Clock
from fireside.core.errors import ChatError, InvalidInput, NotFound
from fireside.core.ids import message_id, new_id
from fireside.core.paging import require_limit
from fireside.core.text import require_text
from fireside.features.conversations.groups import GroupChange
from fireside.features.conversations.mending import SystemRow
from fireside.features.conversations.service import Conversation, View

MAX_CONTENT_BYTES = 16 * 1024
MAX_CLIENT_ID_BYTES = 128
EXPORT_PAGE = 500
NEWEST = 1 << 47
"""Above every seq."""


class Extra(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    """What few messages have, and what never changes. `system`: the message says what happened to its group."""

    reply_to: int | None = None
    """The seq that it answers."""
    forwarded: bool = False
    mentions: tuple[str, ...] = ()
    """The members who are named in it with an `@`, as of its sending."""
    system: GroupChange | None = None


class State(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    """What the changes have made of a message. Times are UTC milliseconds."""

    edited_at: int | None = None
    deleted_at: int | None = None
    deleted_by: str | None = None
    pinned_at: int | None = None
    pinned_by: str | None = None
    reactions: dict[str, str] = {}
    """One emoji a person."""
    hidden: bool = False
    """For one reader alone (see `Lens`), so it is never stored."""


class Message(msgspec.Struct, frozen=True):
    """A message at its place in the log, as of its last change."""

    conversation: str
    seq: int
    sender: str
    client_id: str
    content: str
    sent_at: int
    """UTC milliseconds, by the clock of the node that accepted it. A label, not an order."""
    extra: Extra | None = None
    rev: int = 0
    """The last change that is in it; 0 as it was sent."""
    state: State | None = None

    @property
    def id(self) -> str:
        return message_id(self.conversation, self.seq)

    @property
    def is_deleted(self) -> bool:
        return self.state is not None and self.state.deleted_at is not None

    @property
    def is_silent(self) -> bool:
        """Whether it counts for nobody as unread: it is a system message, or deleted."""
        return self.is_deleted or (self.extra is not None and self.extra.system is not None)


class MessageStore(Protocol):
    """Port: the log on disk. Two rules are the store's to enforce, at once and for ever:

    one row per `(conversation, seq)`, and one row per `(sender, client_id)`. Every call may raise `Unavailable`.
    """

    async def append(self, messages: Sequence[Message]) -> int:
        """Insert in order up to the first message that breaks a rule; how many were inserted.

        Those are durable when this returns (MongoDB: majority and journal; SQLite: synced WAL), the rest left no
        trace. Not atomic as a whole: a crash may leave any shorter prefix.

        Raises:
            Unavailable: the outcome is unknown. Any prefix may have been stored, now or a little later.
        """

    async def heads(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        """The highest `seq` of each of these conversations that cannot be rolled back; absent where there is none."""

    async def sent(self, keys: Sequence[tuple[str, str]]) -> list[Message]:
        """The messages with these `(sender, client_id)` that cannot be rolled back, in no order."""

    async def before(self, conversation_id: str, seq: int, limit: int, *, above: int = 0) -> list[Message]:
        """The `limit` messages next below `seq` and above `above`, oldest first."""

    async def after(self, conversation_id: str, seq: int, limit: int, *, below: int = NEWEST) -> list[Message]:
        """The `limit` messages next above `seq` and below `below`, oldest first."""

    async def tails(self, wanted: Sequence["Tail"]) -> dict[str, list[Message]]:
        """`before`, of several conversations at once; absent where there is nothing."""

    async def at(self, places: Sequence[tuple[str, int]]) -> list[Message]:
        """The messages at these places that there are, in no order."""

    async def bring_up(self, messages: Sequence[Message]) -> None:
        """Let each show what its changes have made of it (all but who sent it when), durably, unless it shows a higher
        `rev` by now. Each atomically; doing it again changes nothing."""

    async def system(self, after: Mapping[str, int]) -> dict[str, list[SystemRow]]:
        """The system messages of each conversation above a seq, oldest first; absent where there is none."""

    async def silent(self, spans: Mapping[str, tuple[int, int]]) -> dict[str, list[int]]:
        """Of each conversation the seqs above the one and up to the other number of messages that nobody counts as
        unread; absent where there is none."""

    async def last_of_each(self, after: Mapping[str, int]) -> dict[str, dict[str, int]]:
        """Of each conversation who has written above a seq, and their last seq; absent where nobody has."""


class Tail(NamedTuple):
    """The end of a conversation: at most `limit` messages above and below."""

    conversation: str
    above: int
    below: int
    limit: int


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A message that has no place yet."""

    conversation: Conversation
    sender: str
    client_id: str
    content: str
    sent_at: int
    extra: Extra | None = None

    def at(self, seq: int) -> Message:
        """The message this becomes at that place."""
        return Message(self.conversation.id, seq, self.sender, self.client_id, self.content, self.sent_at, self.extra)


class Stored(msgspec.Struct, frozen=True, gc=False):
    """What became of a draft. `repeated`: this `client_id` had been sent before, and this is that message.

    `conversation` is as of the message: who hears of it is who was in it then.
    """

    message: Message
    conversation: Conversation
    repeated: bool


Done = Callable[[Stored | ChatError], None]
"""Called once, on the event loop: with the durable message, or with why it is not known to be stored."""


class Log(Protocol):
    """What the use cases need of the log: see `features.messages.log`."""

    def append(self, draft: Draft, done: Done) -> None: ...


Shown = tuple[View, list[Message]]
"""A page of a conversation, and what its reader may see there."""


class Lens(Protocol):
    """Port: what one reader sees of messages. Later features know what somebody has hidden, and what was changed since
    they left."""

    async def show(self, pages: Sequence[Shown]) -> list[list[Message]]:
        """What the reader sees of each of these, who is the same in all of them."""


class Lenses:
    """Several of them, one behind the other."""

    def __init__(self, *lenses: Lens) -> None:
        self._lenses = lenses

    async def show(self, pages: Sequence[Shown]) -> list[list[Message]]:
        shown = [messages for _, messages in pages]
        for lens in self._lenses:
            shown = await lens.show([(view, messages) for (view, _), messages in zip(pages, shown, strict=True)])
        return shown


class Messages:
    """The use cases of messages."""

    def __init__(self, log: Log, store: MessageStore, lens: Lens, clock: Clock) -> None:
        self._log = log
        self._store = store
        self._lens = lens
        self._clock = clock

    def send(
        self,
        sender: str,
        conversation: Conversation,
        content: str,
        client_id: str | None,
        done: Done,
        extra: Extra | None = None,
    ) -> None:
        """Put a message into a conversation that the sender was given; `done` hears what became of it.

        Without a `client_id` of the sender's it gets one of ours, which is how an unknown outcome is resolved.

        Raises:
            InvalidInput: the content or the client id is not acceptable.
            Unavailable: too much is waiting to be written.
        """
        require_acceptable(content, client_id)
        self._log.append(Draft(conversation, sender, client_id or new_id(), content, self._clock(), extra), done)

    def note(
        self, actor: str, conversation: Conversation, change: GroupChange, client_id: str | None, done: Done
    ) -> None:
        """Put a system message into a group; `done` hears what became of it, or why the actor may not.

        Raises:
            Unavailable: too much is waiting to be written.
        """
        extra = Extra(system=change)
        self._log.append(Draft(conversation, actor, client_id or new_id(), "", self._clock(), extra), done)

    async def get(self, view: View, seq: int) -> Message:
        """A message that the reader may see, as they see it.

        Raises:
            NotFound: there is none.
        """
        within = view.since < seq and (view.until is None or seq <= view.until)
        found = await self._store.at([(view.conversation.id, seq)]) if within else []
        if not found:
            raise NotFound("There is no such message.")
        ((message,),) = await self._lens.show([(view, found)])
        return message

    async def forwarded(self, sender: str, client_id: str) -> Message | None:
        """What they have forwarded under this client id, as far as can be told: a deleted one does not say that it was
        said elsewhere first."""
        found = await self._store.sent([(sender, client_id)])
        return next((each for each in found if each.is_deleted or (each.extra and each.extra.forwarded)), None)

    async def page(self, view: View, *, before: int | None, after: int | None, limit: int) -> list[Message]:
        """A page of a conversation, oldest first: the newest, the ones next below `before` or next above `after`.

        Raises:
            InvalidInput: both ends are given, or one is out of range.
        """
        require_limit(limit)
        if before is not None and after is not None:
            raise InvalidInput("Give before or after, not both.", details={"field": "before"})
        below = NEWEST if view.until is None else view.until + 1
        if after is not None:
            above = max(view.since, require_seq("after", after))
            found = await self._store.after(view.conversation.id, above, limit, below=below)
        else:
            below = below if before is None else min(below, require_seq("before", before))
            found = await self._store.before(view.conversation.id, below, limit, above=view.since)
        (page,) = await self._lens.show([(view, found)])
        return page

    async def all(self, view: View) -> AsyncIterator[list[Message]]:
        """All that the reader may see, oldest first, in pages of `EXPORT_PAGE`: as it grows while it is read."""
        seq, below = view.since, NEWEST if view.until is None else view.until + 1
        while page := await self._store.after(view.conversation.id, seq, EXPORT_PAGE, below=below):
            (shown,) = await self._lens.show([(view, page)])
            yield shown
            if len(page) < EXPORT_PAGE:
                return
            seq = page[-1].seq


def require_acceptable(content: str, client_id: str | None) -> None:
    """Ask before a conversation is opened for a first message: what is refused leaves nothing behind.

    Raises:
        InvalidInput: no message can have this content or this client id.
    """
    require_text("content", content, max_bytes=MAX_CONTENT_BYTES)
    if not content:
        raise InvalidInput("content must not be empty.", details={"field": "content"})
    if client_id is not None:
        require_client_id(client_id)


def require_client_id(client_id: str | None) -> str | None:
    """The client id, if it can be one.

    Raises:
        InvalidInput: it cannot.
    """
    if client_id is not None:
        require_text("clientId", client_id, max_bytes=MAX_CLIENT_ID_BYTES)
        if not client_id:
            raise InvalidInput("clientId must not be empty; leave it out instead.", details={"field": "clientId"})
    return client_id


def require_seq(field: str, seq: int) -> int:
    """The number, if a `seq` can be there.

    Raises:
        InvalidInput: it cannot.
    """
    if not 0 <= seq <= NEWEST:
        raise InvalidInput(f"{field} must be a seq: 0 or more.", details={"field": field})
    return seq
