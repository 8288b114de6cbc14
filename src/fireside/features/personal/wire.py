"""What is one's own, as its owner sees it."""

from typing import Annotated

from msgspec import UNSET, UnsetType

from fireside.core.clock import iso
from fireside.core.events import Announcement
from fireside.core.forms import ConversationId, Form, Limit, Number, Positive, Reply, Seq, meant
from fireside.core.paging import DEFAULT_LIMIT
from fireside.features.personal.service import Entry, Own


class Flags(Form, frozen=True):
    """What you say of a conversation. Nobody else sees it."""

    pinned: Annotated[bool, meant("It stands above the others.", True)] = False
    archived: Annotated[bool, meant("It is put away.")] = False
    muted_until: Annotated[str | None, meant("Nothing is to sound until then.", "2026-11-22T09:42:00.123Z")] = None
    unread: Annotated[bool, meant("It is to be looked at again, whatever the receipts say.")] = False


class OwnEntry(Form, frozen=True):
    """A line of your own log: all there is to say of its place, and the last word on it."""

    n: Annotated[int, meant("The number of the line: 1, 2, 3 … without a gap.", 12)]
    conversation: ConversationId
    seq: Annotated[int, meant("Of the message; 0 where it is about the conversation.", 42)] = 0
    flags: Annotated[Flags | None, meant("What is so of the conversation.")] = None
    starred: Annotated[bool, meant("The message is starred.", True)] = False
    hidden: Annotated[bool, meant("The message is deleted for you.")] = False


class SetFlags(Form, frozen=True):
    """Flags of a conversation. What is absent stays."""

    conversation: ConversationId
    pinned: Annotated[bool | UnsetType, meant("It stands above the others.", True)] = UNSET
    archived: Annotated[bool | UnsetType, meant("It is put away.")] = UNSET
    muted_until: Annotated[
        str | UnsetType | None, meant("Mute it until then; null ends that.", "2026-11-22T09:42:00.123Z")
    ] = UNSET
    unread: Annotated[bool | UnsetType, meant("It is to be looked at again.")] = UNSET


class MarkMessage(Form, frozen=True):
    """What you say of a message. What is absent stays."""

    conversation: ConversationId
    seq: Seq
    starred: Annotated[bool | UnsetType, meant("It is to be found again.", True)] = UNSET
    hidden: Annotated[bool | UnsetType, meant("It is deleted for you alone.")] = UNSET


class Noted(Reply, frozen=True, kw_only=True):
    """It is so now, on all of your devices."""

    entry: Annotated[OwnEntry, meant("The line that says so; its `n` is 0 where it was so already.")]


class GetOwn(Form, frozen=True):
    """From where to catch up on your own log."""

    after: Annotated[Number, meant("The number up to which you know everything.", 7)] = 0
    limit: Limit = DEFAULT_LIMIT


class OwnPage(Reply, frozen=True, kw_only=True):
    """A page of your own log."""

    entries: Annotated[list[OwnEntry], meant("Oldest first.")]
    more: Annotated[bool, meant("There is more: ask again, after the last of these.")] = False


class GetStarred(Form, frozen=True):
    """Which page of your stars."""

    before: Annotated[Positive | None, meant("The `n` of the last one of the page before.", 12)] = None
    limit: Limit = DEFAULT_LIMIT


NOTED = Announcement("ownChanged", OwnEntry, "Another device of yours has set a flag, a star, or hidden a message.")


def flags_form(own: Own) -> Flags:
    """The flags of a conversation."""
    return Flags(
        pinned=own.pinned,
        archived=own.archived,
        muted_until=None if own.muted_until is None else iso(own.muted_until),
        unread=own.unread,
    )


def entry_form(entry: Entry) -> OwnEntry:
    """A line, as its owner sees it."""
    flags = None if entry.seq else flags_form(entry.own)
    return OwnEntry(
        n=entry.n,
        conversation=entry.conversation,
        seq=entry.seq,
        flags=flags,
        starred=entry.own.starred,
        hidden=entry.own.hidden,
    )
