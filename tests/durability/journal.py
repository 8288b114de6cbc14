"""What a run has seen, in the order in which it was seen: the facts that the checker judges.

One process writes the journal, so "before" in it is before in time: `Sent` is noted before the first byte leaves,
`Acked` and `Delivered` after the last has come. A person's client id names one message; two people may use the same.
"""

from typing import Final

import msgspec

Key = tuple[str, str]
"""A sender and their client id: the name of a message from before it is stored."""

UNKNOWN: Final = frozenset({"unavailable", "internal"})
"""Refusals that leave open whether the message was stored. Every other code says that it was not."""


class Message(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """A message as the server gives it: in acknowledgements, deliveries and histories alike."""

    id: str = msgspec.field(name="_id")
    conversation: str
    seq: int
    sender: str
    recipient: str
    content: str
    timestamp: str
    client_id: str

    @property
    def key(self) -> Key:
        return self.sender, self.client_id


class Opened(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The server has let this connection in: from now on it is told of every message."""

    connection: int
    person: str


class Sent(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A message is about to leave, for the first time or again."""

    connection: int
    sender: str
    recipient: str
    client_id: str
    content: str

    @property
    def key(self) -> Key:
        return self.sender, self.client_id


class Acked(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The server says that what was sent here under this client id is stored, as this message."""

    connection: int
    client_id: str
    message: Message


class Refused(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The server has not taken what was sent here with this content under this client id."""

    connection: int
    client_id: str
    content: str
    code: str

    @property
    def for_good(self) -> bool:
        """Whether this means that it is certainly not stored."""
        return self.code not in UNKNOWN


class Delivered(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A message came in over this connection."""

    connection: int
    message: Message


class Drained(msgspec.Struct, frozen=True, gc=False, tag=True):
    """All that was on its way to this connection has arrived."""

    connection: int


Event = Opened | Sent | Acked | Refused | Delivered | Drained


class Reading(msgspec.Struct, frozen=True):
    """The history of two people, as one of them reads it in one of the ways there are."""

    reader: str
    other: str
    way: str
    rows: list[Message]
