"""Messages as clients see them.

Encoded once: the bytes of a stored message serve the acknowledgement and every device that hears of it.
"""

from typing import Annotated

import msgspec

from fireside.core.clock import iso
from fireside.core.events import Announcement
from fireside.core.forms import (
    ANNA,
    BEN,
    NOT_EMPTY,
    ClientId,
    ConversationId,
    Form,
    Limit,
    MessageId,
    Number,
    Positive,
    Reply,
    Seq,
    Time,
    UserId,
    meant,
)
from fireside.core.ids import message_id
from fireside.core.paging import DEFAULT_LIMIT
from fireside.features.conversations.groups import GroupChange
from fireside.features.conversations.service import Conversation
from fireside.features.messages.service import MAX_CONTENT_BYTES, Extra, Message, State, Stored

encode = msgspec.json.Encoder().encode

LONGEST = MAX_CONTENT_BYTES
"""Bytes of UTF-8 in a message."""


class Pinned(Form, frozen=True):
    """That a message is pinned in its conversation."""

    by: Annotated[UserId, meant("Who pinned it.")]
    at: Time


class MessageForm(Form, frozen=True):
    """A message, as of its last change."""

    id: MessageId = msgspec.field(name="_id")
    conversation: ConversationId
    seq: Seq
    sender: Annotated[str, meant("The `_id` of the user who sent it.", BEN)]
    content: Annotated[str, meant("Plain text, as it was sent; empty if deleted, or a system message.", "Hello!")]
    timestamp: Time
    client_id: ClientId
    recipient: Annotated[
        UserId | None, meant("The other person of a direct conversation; oneself in notes to self; absent in a group.")
    ] = None
    reply_to: Annotated[int | None, meant("The seq of the message that this one answers.")] = None
    forwarded: Annotated[bool, meant("Whether it was said elsewhere first.")] = False
    mentions: Annotated[tuple[UserId, ...], meant("The `_id`s of the users who are named in it with an `@`.")] = ()
    system: Annotated[GroupChange | None, meant("What happened to the group; such a message counts for nobody.")] = None
    rev: Annotated[int, meant("The number of the last change that is in this; 0 if there was none.", ge=0)] = 0
    edited_at: Annotated[str | None, meant("When it was edited last.")] = None
    deleted_at: Annotated[str | None, meant("When it was deleted for everyone.")] = None
    deleted_by: Annotated[str | None, meant("Who deleted it.")] = None
    reactions: Annotated[dict[str, str], meant(f'One emoji a user, by their `_id`: `{{"{ANNA}": "👍"}}`.')] = (
        msgspec.field(default_factory=dict)
    )
    pinned: Annotated[Pinned | None, meant("Who pinned it in the conversation, and when.")] = None
    hidden: Annotated[bool, meant("You have deleted it for yourself: what it said is left out.")] = False


class SendMessage(Form, frozen=True):
    """What to say, and where: one of `recipient` and `conversation`."""

    content: Annotated[
        str, meant("Up to 16 KiB of text. It is stored as it comes and never interpreted.", "Hello!", **NOT_EMPTY)
    ]
    recipient: Annotated[UserId | None, meant("The `_id` of a user: to the conversation you have with them.")] = None
    conversation: Annotated[str | None, meant("The `_id` of a conversation that you are in.")] = None
    sender: Annotated[str | None, meant("Your own `_id`, where given.")] = None
    client_id: Annotated[
        str | None, meant("Your own name for the message: sending again with it is safe, for ever.", "b1946ac9-1")
    ] = None
    reply_to: Annotated[Positive | None, meant("The seq of a message there that this one answers.")] = None


class GetMessages(Form, frozen=True):
    """Which page of a conversation."""

    conversation: ConversationId
    before: Annotated[Number | None, meant("Those next below this seq.", 42)] = None
    after: Annotated[Number | None, meant("Those next above this seq.")] = None
    limit: Limit = DEFAULT_LIMIT


class Page(Reply, frozen=True, kw_only=True):
    """Oldest first. Fewer than `limit`: there are no more that way."""

    messages: Annotated[list[MessageForm], meant("The messages, oldest first.")]


class Found(Reply, frozen=True, kw_only=True):
    """The message, as it is now."""

    message: Annotated[MessageForm, meant("The message.")]


class OneMessage(Form, frozen=True):
    """Which message."""

    conversation: ConversationId
    seq: Seq


class ForwardMessage(Form, frozen=True):
    """Which message, and where to: one of `recipient` and `to`."""

    conversation: ConversationId
    seq: Seq
    recipient: Annotated[UserId | None, meant("The `_id` of a user: to the conversation you have with them.")] = None
    to: Annotated[str | None, meant("The `_id` of a conversation that you are in.")] = None
    client_id: Annotated[ClientId | None, meant("Your own name for the new message.", **NOT_EMPTY)] = None


RECEIVED = Announcement(
    "messageReceived",
    MessageForm,
    "A message for you, or from another device of yours. The device that sent it has the acknowledgement instead.",
)


class Sent(Reply, frozen=True, kw_only=True):
    """The message is stored, durably. With a repeated `clientId` it is the first one."""

    message: Annotated[MessageForm, meant("The message.")]


class SentAsBytes(Reply, frozen=True, kw_only=True):
    """`Sent`, with the message encoded already."""

    message: msgspec.Raw


def message_form(message: Message, conversation: Conversation) -> MessageForm:
    """A message as everybody in the conversation sees it."""
    # In the order of the form's fields: by their names it takes twice as long, and every message goes through here.
    form = MessageForm(
        message_id(message.conversation, message.seq),
        message.conversation,
        message.seq,
        message.sender,
        message.content,
        iso(message.sent_at),
        message.client_id,
        conversation.recipient_of(message.sender),
    )
    if message.extra is None and message.state is None and not message.rev:
        return form
    return _with_more(form, message)


def _with_more(form: MessageForm, message: Message) -> MessageForm:
    extra, state = message.extra or Extra(), message.state or State()
    pinned_at, pinned_by = state.pinned_at, state.pinned_by
    return msgspec.structs.replace(
        form,
        reply_to=extra.reply_to,
        forwarded=extra.forwarded,
        mentions=extra.mentions,
        system=extra.system,
        rev=message.rev,
        edited_at=None if state.edited_at is None else iso(state.edited_at),
        deleted_at=None if state.deleted_at is None else iso(state.deleted_at),
        deleted_by=state.deleted_by,
        reactions=state.reactions,
        pinned=Pinned(pinned_by, iso(pinned_at)) if pinned_by is not None and pinned_at is not None else None,
        hidden=state.hidden,
    )


def encoded(stored: Stored) -> msgspec.Raw:
    """The bytes of a stored message."""
    return msgspec.Raw(encode(message_form(stored.message, stored.conversation)))


def forms(messages: list[Message], conversation: Conversation) -> list[MessageForm]:
    """A page."""
    return [message_form(message, conversation) for message in messages]


def hearers(stored: Stored) -> list[str]:
    """Who hears of a new message: who was in the conversation as of it, and whom it says to be gone."""
    conversation, seq = stored.conversation, stored.message.seq
    if not conversation.gone:
        return list(conversation.members)
    return [*conversation.members, *(each for each, gone in conversation.gone.items() if gone.until == seq)]
