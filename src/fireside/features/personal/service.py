"""What is one's own, and the same on all of one's devices: flags of conversations, stars, messages hidden for oneself.

It is a log of each person, numbered `n` = 1, 2, 3 … like a conversation's, so that a device that was away catches up on
it and one that missed a frame notices. An entry says all there is to say about its place (a conversation, or a message
of one): the last entry of a place is how things are there.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class Own(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel", gc=False):
    """What somebody says of a conversation (the first four) or of a message (the last two)."""

    pinned: bool = False
    archived: bool = False
    muted_until: int | None = None
    """UTC milliseconds."""
    unread: bool = False
    """To be looked at again, whatever the receipts say."""
    starred: bool = False
    hidden: bool = False


NOTHING = Own()


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A line of somebody's own log."""

    user: str
    n: int
    conversation: str
    seq: int
    """0 is the conversation itself."""
    own: Own
    at: int


Place = tuple[str, int]
Span = tuple[int, int]
"""From above a seq up to another, of a conversation."""


class PersonalStore(Protocol):
    """Port: everybody's own logs. One row per (user, n), at once and for ever. Every call may raise `Unavailable`."""

    async def append(self, entry: Entry) -> bool:
        """Insert, durably; False if the number is taken.

        Raises:
            Unavailable: the outcome is unknown.
        """

    async def head(self, user_id: str) -> int:
        """The last number; 0 where there is none."""

    async def after(self, user_id: str, n: int, limit: int) -> list[Entry]:
        """The entries next above `n`, oldest first."""

    async def last(self, user_id: str, places: Sequence[Place]) -> dict[Place, Own]:
        """The last entry of each place; absent where there is none."""

    async def hides(self, user_id: str, conversation_ids: Sequence[str]) -> set[str]:
        """In which of these this person has hidden a message, now or once."""

    async def hidden(self, user_id: str, spans: Mapping[str, Span]) -> dict[str, list[int]]:
        """The seqs of messages that this person has hidden within these spans, in order; absent where there is none."""

    async def starred(self, user_id: str, below: int, limit: int) -> list[Entry]:
        """What is starred, the last entry of each place, newest entry first, from below `n` on."""
