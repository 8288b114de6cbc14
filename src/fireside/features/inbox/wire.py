"""The inbox as clients see it."""

from typing import Annotated

import msgspec

from fireside.core.clock import iso
from fireside.core.events import Announcement
from fireside.core.forms import ANNA, THEIRS, ConversationId, Form, Limit, Number, Reply, meant
from fireside.core.paging import DEFAULT_LIMIT
from fireside.features.conversations.wire import ConversationForm, conversation_form
from fireside.features.inbox.items import Item
from fireside.features.messages import wire
from fireside.features.messages.wire import MessageForm
from fireside.features.personal.wire import Flags, OwnEntry, flags_form
from fireside.features.receipts.wire import ReceiptForm

MAX_KNOWN = 500


Names = Annotated[
    dict[str, str],
    meant("The usernames of those who are named in this, by `_id`.", {ANNA: "anna"}),
]


class KnownForm(Form, frozen=True):
    """How much of a conversation you have."""

    seq: Annotated[Number, meant("You have every message up to this.", 42)] = 0
    rev: Annotated[Number, meant("You have every change up to this.", 7)] = 0


class Sync(Form, frozen=True):
    """From where to catch up."""

    cursor: Annotated[str, meant("What the last answer gave you; empty for everything.", "481.12")] = ""
    known: Annotated[
        dict[str, KnownForm],
        meant(
            f"What you have of up to {MAX_KNOWN} conversations, by `_id`, so that you get only the rest.",
            {THEIRS: {"seq": 42, "rev": 7}},
        ),
    ] = msgspec.field(default_factory=dict)


class GetConversations(Form, frozen=True):
    """Which page of the list."""

    before: Annotated[str, meant("The `next` of the page before; empty for the first.")] = ""
    limit: Limit = DEFAULT_LIMIT


class ItemForm(Form, frozen=True):
    """One of your conversations, and what you may not have of it."""

    conversation: Annotated[ConversationForm, meant("The conversation.")]
    seq: Annotated[int, meant("Its last message.", 42)]
    rev: Annotated[int, meant("Its last change.", 7)]
    unread: Annotated[
        int, meant("How many messages you have not read: not yours, not deleted, not a system message.", 1)
    ]
    active_at: Annotated[str, meant("When its last message was sent.", "2026-11-22T09:42:00.123Z")]
    flags: Annotated[Flags, meant("What you say of it.")]
    receipts: Annotated[list[ReceiptForm], meant("How far everybody has got, you included; in large groups you alone.")]
    messages: Annotated[
        list[MessageForm], meant("Its newest messages, oldest first. Read the ones between by `after`.")
    ]
    changed: Annotated[list[MessageForm], meant("The messages that have changed above `changedFrom`, up to date.")]
    changed_from: Annotated[int, meant("If you have less than this rev, read the changes between by `getChanges`.", 5)]


class OneItem(Reply, frozen=True, kw_only=True):
    """One of your conversations."""

    item: Annotated[ItemForm, meant("The conversation, with its last message.")]
    people: Names


class Caught(Reply, frozen=True, kw_only=True):
    """What has changed since the cursor."""

    conversations: Annotated[list[ItemForm], meant("Those that have changed.")]
    own: Annotated[list[OwnEntry], meant("Your own flags, stars and hidden messages that have changed.")]
    people: Names
    read_receipts: Annotated[bool, meant("Your own setting: whether you are told how far others have read.")]
    cursor: Annotated[str, meant("Where to go on, now or in a year.", "481.12")]
    more: Annotated[bool, meant("There is more: ask again now.")] = False


class Listed(Reply, frozen=True, kw_only=True):
    """A page of your conversations, the last active one first."""

    conversations: Annotated[list[ItemForm], meant("Each with its last message.")]
    people: Names
    next: Annotated[str | None, meant("The `before` of the next page; null on the last.")] = None


class Head(Form, frozen=True):
    """How far a conversation has got, as you see it."""

    conversation: ConversationId
    seq: Annotated[int, meant("Its last message.", 42)]
    rev: Annotated[int, meant("Its last change.", 7)]
    receipts: Annotated[
        int | None, meant("The sum of all `delivered` and `read` that you are told of; absent in large groups.", 166)
    ] = None


class HeadsForm(Form, frozen=True):
    """How far your conversations have got. If you have less, read the rest."""

    heads: Annotated[list[Head], meant("Those in which something has moved.")]
    own: Annotated[int | None, meant("The last line of your own log, if that has moved.", 12)] = None


HEADS = Announcement(
    "heads",
    HeadsForm,
    "How far your conversations have got. It comes when you connect, with those in which something is going on, and "
    "seconds after something has moved.",
)


def item_form(item: Item, names: dict[str, str]) -> ItemForm:
    """One of somebody's conversations, as they see it."""
    return ItemForm(
        conversation=conversation_form(item.view, names),
        seq=item.seq,
        rev=item.rev,
        unread=item.unread,
        active_at=iso(item.at),
        flags=flags_form(item.own),
        receipts=item.receipts,
        messages=wire.forms(item.messages, item.view.conversation),
        changed=wire.forms(item.changed.messages, item.view.conversation),
        changed_from=item.changed_from,
    )
