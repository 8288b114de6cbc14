"""Changes: what happens to messages after they were sent. Each has a number of its own.

`rev` is 1, 2, 3 … per conversation, without a gap, like `seq`. A change is a row under (conversation, rev), and its
insert is its commit; the message it is about is then brought up to date from it. If only the message carried its rev, a
number could be overwritten and given twice, and a reader past it would miss a change.

What must stay true:

- A change is checked against what all changes below its number have made of the message. A number that another node
  took is read, and what it says is looked at again.
- A rev is told to nobody before every message shows what the changes up to it have made of it.
- Repeating a change changes nothing, so it is answered with how things are, and gets no number.
- What is deleted is gone: of the message and its edits only the places are left.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from fireside.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from fireside.features.conversations.groups import may, require_role
from fireside.features.conversations.service import Conversation
from fireside.features.messages.service import Message, State

EDIT_WITHIN_S = 15 * 60
DELETE_WITHIN_S = 2 * 24 * 60 * 60
MAX_EMOJI_BYTES = 64


class Windows(NamedTuple):
    """For how many seconds after sending something can be done."""

    edit_s: int = EDIT_WITHIN_S
    delete_s: int = DELETE_WITHIN_S


class _Kind(msgspec.Struct, frozen=True, tag_field="type", rename="camel", omit_defaults=True):
    """Base of what can happen to a message; `type` says which."""

    def admitted(
        self, message: Message, conversation: Conversation, actor: str, age_s: float, windows: Windows
    ) -> "ChangeKind | None":
        """What is kept of it, if the actor may do this to the message as it is now; None if it is so already.

        Raises:
            ChatError: they may not.
        """
        raise NotImplementedError

    def applied(self, message: Message, actor: str, at: int) -> Message:
        """The message with it."""
        raise NotImplementedError


class Edit(_Kind, frozen=True, tag="edit"):
    """The sender says it otherwise. `was`: what it said at first, kept by the first edit."""

    content: str
    was: str | None = None

    def admitted(
        self, message: Message, conversation: Conversation, actor: str, age_s: float, windows: Windows
    ) -> "ChangeKind | None":
        _require_alive(message)
        if message.sender != actor:
            raise Forbidden("Only its sender may edit a message.")
        if self.content == message.content:
            return None
        if age_s > windows.edit_s:
            raise Forbidden(
                f"A message can be edited for {windows.edit_s} s after it was sent.",
                details={"withinS": windows.edit_s},
            )
        is_first = message.state is None or message.state.edited_at is None
        return Edit(self.content, message.content if is_first else None)

    def applied(self, message: Message, actor: str, at: int) -> Message:
        if message.is_deleted:
            return message
        state = msgspec.structs.replace(message.state or State(), edited_at=at)
        return msgspec.structs.replace(message, content=self.content, state=state)


class Deletion(_Kind, frozen=True, tag="deletion"):
    """It is gone for everyone. Its place stays."""

    def admitted(
        self, message: Message, conversation: Conversation, actor: str, age_s: float, windows: Windows
    ) -> "ChangeKind | None":
        if message.is_deleted:
            return None
        _require_alive(message)
        if message.sender != actor:
            if conversation.kind == "direct":
                raise Forbidden("Only its sender may delete a message for everyone.")
            require_role(conversation, actor, "delete others' messages")
        elif age_s > windows.delete_s and not may(conversation, actor, "delete others' messages"):
            raise Forbidden(
                f"A message can be deleted for everyone for {windows.delete_s} s after it was sent.",
                details={"withinS": windows.delete_s},
            )
        return self

    def applied(self, message: Message, actor: str, at: int) -> Message:
        if message.is_deleted:
            return message
        return msgspec.structs.replace(message, content="", extra=None, state=State(deleted_at=at, deleted_by=actor))


class Reaction(_Kind, frozen=True, tag="reaction"):
    """Somebody's one emoji for it; None takes it back."""

    emoji: str | None = None

    def admitted(
        self, message: Message, conversation: Conversation, actor: str, age_s: float, windows: Windows
    ) -> "ChangeKind | None":
        _require_alive(message)
        reactions = message.state.reactions if message.state else {}
        return None if reactions.get(actor) == self.emoji else self

    def applied(self, message: Message, actor: str, at: int) -> Message:
        if message.is_deleted:
            return message
        state = message.state or State()
        reactions = {each: emoji for each, emoji in state.reactions.items() if each != actor}
        if self.emoji is not None:
            reactions[actor] = self.emoji
        return msgspec.structs.replace(message, state=msgspec.structs.replace(state, reactions=reactions))


class Pin(_Kind, frozen=True, tag="pin"):
    """It is pinned in the conversation, or is no more."""

    pinned: bool = True

    def admitted(
        self, message: Message, conversation: Conversation, actor: str, age_s: float, windows: Windows
    ) -> "ChangeKind | None":
        _require_alive(message)
        require_role(conversation, actor, "pin messages")
        is_pinned = message.state is not None and message.state.pinned_at is not None
        return None if is_pinned == self.pinned else self

    def applied(self, message: Message, actor: str, at: int) -> Message:
        if message.is_deleted:
            return message
        by = {"pinned_at": at, "pinned_by": actor} if self.pinned else {"pinned_at": None, "pinned_by": None}
        return msgspec.structs.replace(message, state=msgspec.structs.replace(message.state or State(), **by))


ChangeKind = Edit | Deletion | Reaction | Pin


class Change(msgspec.Struct, frozen=True):
    """A change at its place."""

    conversation: str
    rev: int
    seq: int
    """Of the message it is about."""
    actor: str
    at: int
    """UTC milliseconds: a label, not an order."""
    token: str
    """Tells it from every other, so that one whose write did not come back is recognised."""
    what: ChangeKind


class ChangeTail(NamedTuple):
    """The end of a conversation's changes: at most `limit` above and below."""

    conversation: str
    above: int
    below: int
    limit: int


class ChangeStore(Protocol):
    """Port: the changes on disk. One row per (conversation, rev), at once and for ever. Every call may raise
    `Unavailable`."""

    async def append(self, changes: Sequence[Change]) -> int:
        """Insert in order up to the first whose number is taken; how many were inserted, durably.

        Raises:
            Unavailable: the outcome is unknown.
        """

    async def after(self, conversation_id: str, rev: int, limit: int) -> list[Change]:
        """The changes next above `rev`, oldest first."""

    async def tails(self, wanted: Sequence[ChangeTail]) -> dict[str, list[Change]]:
        """The newest changes of several conversations, each oldest first; absent where there is none."""

    async def of(self, places: Sequence[tuple[str, int]]) -> Mapping[tuple[str, int], list[Change]]:
        """All changes of each of these messages, oldest first; absent where there is none."""

    async def erase(self, conversation_id: str, seqs: Sequence[int]) -> None:
        """Let nothing be left of what the edits of these messages said. Their places stay."""


def folded(message: Message, changes: Sequence[Change]) -> Message:
    """The message with those of its changes that are not in it yet; oldest first."""
    for change in changes:
        if change.seq == message.seq and change.rev > message.rev:
            message = msgspec.structs.replace(change.what.applied(message, change.actor, change.at), rev=change.rev)
    return message


def as_of(message: Message, changes: Sequence[Change], rev: int) -> Message:
    """The message as it was at `rev`. `changes`: all of it. What is deleted by now is not brought back."""
    if message.rev <= rev or message.is_deleted:
        return message
    was = next((each.what.was for each in changes if isinstance(each.what, Edit)), None)
    content = message.content if was is None else was
    first = msgspec.structs.replace(message, content=content, rev=0, state=None)
    return folded(first, [each for each in changes if each.rev <= rev])


def require_emoji(emoji: str) -> str:
    """The emoji, if it can be one.

    Raises:
        InvalidInput: it cannot.
    """
    try:
        size = len(emoji.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= MAX_EMOJI_BYTES or emoji.isascii() or any(each.isspace() for each in emoji):
        raise InvalidInput("emoji must be one emoji.", details={"field": "emoji"})
    return emoji


def _require_alive(message: Message) -> None:
    if message.extra is not None and message.extra.system is not None:
        raise Forbidden("What happened to a group cannot be changed.")
    if message.is_deleted:
        raise Conflict("The message has been deleted.")


def not_there() -> NotFound:
    """What somebody is told who may not see the message, or where there is none."""
    return NotFound("There is no such message.")
