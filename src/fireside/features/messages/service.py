"""Messages: what a message is, where messages are kept, and the use cases.

A conversation is a log. `seq` is 1, 2, 3 … without a gap; it is the order, the page cursor and, later, the
position of receipts. A message never moves and is never changed in place: content is stored as it came.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Protocol

import msgspec

from fireside.core.clock import Clock
from fireside.core.errors import ChatError, InvalidInput
from fireside.core.ids import message_id, new_id
from fireside.core.paging import require_limit
from fireside.core.text import require_text
from fireside.features.conversations.service import Conversation

MAX_CONTENT_BYTES = 16 * 1024
MAX_CLIENT_ID_BYTES = 128
EXPORT_PAGE = 500


class Message(msgspec.Struct, frozen=True):
    """A message at its place in the log."""

    conversation: str
    seq: int
    sender: str
    client_id: str
    content: str
    sent_at: int
    """UTC milliseconds, by the clock of the node that accepted it. A label, not an order."""

    @property
    def id(self) -> str:
        return message_id(self.conversation, self.seq)


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

    async def before(self, conversation_id: str, seq: int, limit: int) -> list[Message]:
        """The `limit` messages next below `seq`, oldest first."""

    async def after(self, conversation_id: str, seq: int, limit: int) -> list[Message]:
        """The `limit` messages next above `seq`, oldest first."""


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A message that has no place yet."""

    conversation: Conversation
    sender: str
    client_id: str
    content: str
    sent_at: int

    def at(self, seq: int) -> Message:
        """The message this becomes at that place."""
        return Message(self.conversation.id, seq, self.sender, self.client_id, self.content, self.sent_at)


class Stored(msgspec.Struct, frozen=True, gc=False):
    """What became of a draft. `repeated`: this `client_id` had been sent before, and this is that message."""

    message: Message
    conversation: Conversation
    repeated: bool


Done = Callable[[Stored | ChatError], None]
"""Called once, on the event loop: with the durable message, or with why it is not known to be stored."""


class Log(Protocol):
    """What the use cases need of the log: see `features.messages.log`."""

    def append(self, draft: Draft, done: Done) -> None: ...


NEWEST = 1 << 47
"""Above every seq."""


class Messages:
    """The use cases of messages."""

    def __init__(self, log: Log, store: MessageStore, clock: Clock) -> None:
        self._log = log
        self._store = store
        self._clock = clock

    def send(self, sender: str, conversation: Conversation, content: str, client_id: str | None, done: Done) -> None:
        """Put a message into a conversation that the sender was given; `done` hears what became of it.

        Without a `client_id` of the sender's it gets one of ours, which is how an unknown outcome is resolved.

        Raises:
            InvalidInput: the content or the client id is not acceptable.
            Unavailable: too much is waiting to be written.
        """
        require_acceptable(content, client_id)
        self._log.append(Draft(conversation, sender, client_id or new_id(), content, self._clock()), done)

    async def page(
        self, conversation: Conversation, *, before: int | None, after: int | None, limit: int
    ) -> list[Message]:
        """A page of a conversation, oldest first: the newest, the ones next below `before` or next above `after`.

        Raises:
            InvalidInput: both ends are given, or one is out of range.
        """
        require_limit(limit)
        if before is not None and after is not None:
            raise InvalidInput("Give before or after, not both.", details={"field": "before"})
        if after is not None:
            return await self._store.after(conversation.id, require_seq("after", after), limit)
        return await self._store.before(
            conversation.id, NEWEST if before is None else require_seq("before", before), limit
        )

    async def all(self, conversation: Conversation) -> AsyncIterator[list[Message]]:
        """The whole conversation, oldest first, in pages of `EXPORT_PAGE`: as it grows while it is read."""
        seq = 0
        while page := await self._store.after(conversation.id, seq, EXPORT_PAGE):
            yield page
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
    if client_id is None:
        return
    require_text("clientId", client_id, max_bytes=MAX_CLIENT_ID_BYTES)
    if not client_id:
        raise InvalidInput("clientId must not be empty; leave it out instead.", details={"field": "clientId"})


def require_seq(field: str, seq: int) -> int:
    """The number, if a `seq` can be there.

    Raises:
        InvalidInput: it cannot.
    """
    if not 0 <= seq <= NEWEST:
        raise InvalidInput(f"{field} must be a seq: 0 or more.", details={"field": field})
    return seq
