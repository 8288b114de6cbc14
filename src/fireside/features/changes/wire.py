"""Changes as clients see them."""

from typing import Annotated, Final

from fireside.core.events import Announcement
from fireside.core.forms import (
    ANNA,
    BEN,
    NOT_EMPTY,
    THEIRS,
    ConversationId,
    Form,
    Limit,
    Number,
    Reply,
    Rev,
    Seq,
    Time,
    meant,
)
from fireside.core.ids import message_id
from fireside.core.paging import DEFAULT_LIMIT
from fireside.features.changes.service import ChangeKind, Deletion, Edit, Pin, Reaction
from fireside.features.messages.wire import MessageForm


class EditMessage(Form, frozen=True):
    """What a message is to say instead."""

    conversation: ConversationId
    seq: Seq
    content: Annotated[str, meant("Up to 16 KiB of text.", "Hello again!", **NOT_EMPTY)]


class ReactToMessage(Form, frozen=True):
    """Your reaction to a message."""

    conversation: ConversationId
    seq: Seq
    emoji: Annotated[str | None, meant("One emoji; null takes yours back.", "👍")] = None


class PinMessage(Form, frozen=True):
    """Whether a message is pinned in its conversation."""

    conversation: ConversationId
    seq: Seq
    pinned: Annotated[bool, meant("False takes the pin away.", True)] = True


class GetChanges(Form, frozen=True):
    """From where to catch up."""

    conversation: ConversationId
    after: Annotated[Number, meant("The rev up to which you know everything.", 5)] = 0
    limit: Limit = DEFAULT_LIMIT


EDITED = MessageForm(
    id=message_id(THEIRS, 42),
    conversation=THEIRS,
    seq=42,
    sender=BEN,
    content="Hello again!",
    timestamp="2026-11-22T09:42:00.123Z",
    client_id="b1946ac9-1",
    recipient=ANNA,
    rev=7,
    edited_at="2026-11-22T09:43:10.456Z",
)
"""For examples."""


class ChangedMessage(Form, frozen=True):
    """A message has changed."""

    conversation: ConversationId
    rev: Rev
    message: Annotated[
        MessageForm | None, meant("The message as it is now; absent where it was sent before you came.", EDITED)
    ] = None


class Done(Reply, frozen=True, kw_only=True):
    """It is so now. Where it was so already, `rev` is that of the message's last change."""

    rev: Rev
    message: Annotated[MessageForm, meant("The message as it is now.", EDITED)]


class Changes(Reply, frozen=True, kw_only=True):
    """What has changed: each message once, up to date."""

    messages: Annotated[list[MessageForm], meant("By seq.", [EDITED])]
    rev: Annotated[int, meant("You know everything up to this now.", 9)]
    more: Annotated[bool, meant("There is more: ask again, after this rev.")] = False


class VersionForm(Form, frozen=True):
    """What a message said from a time on."""

    content: Annotated[str, meant("What it said.", "Helo!")]
    timestamp: Time


class Versions(Reply, frozen=True, kw_only=True):
    """What a message has said."""

    versions: Annotated[list[VersionForm], meant("Oldest first; none of a message that is deleted.")]


EVENTS: Final[dict[type[ChangeKind], str]] = {
    Edit: "messageEdited",
    Deletion: "messageDeleted",
    Reaction: "messageReacted",
    Pin: "messagePinned",
}
"""What others hear of each change."""


ANNOUNCEMENTS = tuple(
    Announcement(name, ChangedMessage, f"{what} Everybody in the conversation hears of it, in the order of `rev`.")
    for name, what in {
        "messageEdited": "Somebody has edited a message.",
        "messageDeleted": "A message has been deleted for everyone.",
        "messageReacted": "Somebody has reacted to a message, or taken a reaction back.",
        "messagePinned": "A message has been pinned, or is pinned no more.",
    }.items()
)
