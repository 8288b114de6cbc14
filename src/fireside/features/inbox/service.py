"""The inbox: all conversations of a person, what there is to say of each, and which have changed."""

from typing import Protocol

import msgspec

from fireside.features.conversations.activity import Activity
from fireside.features.receipts.service import NOTHING, Mark


class InboxRow(msgspec.Struct, frozen=True, gc=False):
    """One of somebody's conversations, by what is kept of them in it."""

    activity: Activity
    since: int = 0
    until: int | None = None
    """None while they are in it."""
    mark: Mark = NOTHING


class InboxStore(Protocol):
    """Port: everybody's conversations. Every call may raise `Unavailable`."""

    async def changed(self, user_id: str, stamp: int, after: str, limit: int) -> list[InboxRow]:
        """This person's conversations that are awake or have a higher stamp, by id, from the one after `after` on; all
        of them where `stamp` is negative. Of those that they have left: which were not stamped since, or higher."""

    async def one(self, user_id: str, conversation_id: str) -> InboxRow | None:
        """This one, also if nothing has ever happened in it; None if it never was one of theirs."""

    async def all(self, user_id: str) -> list[InboxRow]:
        """All of this person's conversations in which something has happened, in no order."""
