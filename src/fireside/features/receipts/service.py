"""Receipts: how far each member has got, in seq numbers.

What must stay true:

- A receipt only moves forward: a late or repeated one is ignored, never an error.
- Reading implies delivery, and sending implies reading.
- Nothing is stored per message: "seen by" is read off the watermarks, and unread is derived from one.
- Who keeps their reading to themselves moves `read`, which counts what is unread for them, and not `shown`, which is
  what others see; so what others have seen of it never has to be taken back.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class Mark(msgspec.Struct, frozen=True, gc=False):
    """How far a member has got."""

    delivered: int = 0
    read: int = 0
    shown: int = 0
    """How far others see them to have read."""

    def raised(self, other: "Mark") -> "Mark":
        """The further of the two, in each."""
        if self.delivered <= other.delivered >= other.read >= self.read and self.shown <= other.shown:
            return other
        read = max(self.read, other.read)
        return Mark(max(self.delivered, other.delivered, read), read, max(self.shown, other.shown))


NOTHING = Mark()


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """A member's mark in a conversation."""

    conversation: str
    user: str
    mark: Mark


class ReceiptStore(Protocol):
    """Port: the marks on disk. Every call may raise `Unavailable`."""

    async def of(self, conversation_ids: Sequence[str]) -> dict[str, dict[str, Mark]]:
        """The marks of everybody in each of these; absent who has none but zeros."""

    async def raise_to(self, receipts: Sequence[Receipt]) -> None:
        """Move marks forward, durably; each atomically. One that is further stays. Who is in no such conversation is
        passed over."""


Marks = Mapping[str, Mark]
