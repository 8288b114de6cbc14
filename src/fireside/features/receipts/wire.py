"""Receipts as clients see them."""

from typing import Annotated

from fireside.core.events import Announcement
from fireside.core.forms import ConversationId, Form, Reply, Seq, UserId, meant

TOLD_UP_TO = 64
"""Members: in a larger group nobody is told of others' receipts as they come."""


class ReceiptForm(Form, frozen=True):
    """How far a member has got. A mark only moves forward."""

    user: UserId
    delivered: Annotated[int, meant("One of their devices has everything up to this seq.", 42)] = 0
    read: Annotated[int, meant("They have read up to this seq, and show it; your own is always here.", 41)] = 0


class ReceiptsMoved(Form, frozen=True):
    """Marks that have moved."""

    conversation: ConversationId
    receipts: Annotated[list[ReceiptForm], meant("Whose, and how far they are now. What is lower is known already.")]


MOVED = Announcement(
    "receiptUpdated",
    ReceiptsMoved,
    "Members have got further, or another device of yours has. Several at once; of each the highest counts. In a group "
    f"of more than {TOLD_UP_TO} you hear of your own alone.",
)


class MarkSeq(Form, frozen=True):
    """How far you have got in a conversation."""

    conversation: ConversationId
    seq: Seq


class AllReceipts(Reply, frozen=True, kw_only=True):
    """How far everybody has got."""

    receipts: Annotated[list[ReceiptForm], meant("Of each member who has got anywhere.")]


class SeenBy(Reply, frozen=True, kw_only=True):
    """Who has a message, and who has read it; its sender left out."""

    delivered_to: Annotated[list[UserId], meant("The members of whom a device has it.")]
    seen_by: Annotated[list[UserId], meant("The members who have read it and show that.")]
