"""Links: how the edges of several nodes hand each other what belongs to one session. `cluster` makes them.

A link lies between two nodes and carries messages both ways, in order. It is to `End` what a transport is to a
protocol: whatever is written on one side is received on the other, bounded by a window. Nothing is lost in the midst of
it: a link that loses something is lost itself, and so is one whose other node is gone.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec


class End(Protocol):
    """One side of a link."""

    def received(self, message: bytes) -> None:
        """The other side has written this."""

    def resumed(self) -> None:
        """It has become writable again."""

    def lost(self) -> None:
        """The other side has closed it, or is gone. Called once at most, and not for whoever has closed it."""


class Link(Protocol):
    """What an end writes on."""

    @property
    def writable(self) -> bool:
        """Whether there is room. What is written without is taken all the same."""

    def write(self, message: bytes) -> None:
        """Send this, together with what else goes there in this turn of the loop. On a lost link it does nothing."""

    def close(self) -> None:
        """Nothing more goes either way; the other side hears it after what was written."""

    def pause_reading(self) -> None:
        """Let the other side come to the end of its window."""

    def resume_reading(self) -> None:
        """Give it room again."""


class Links(Protocol):
    """To all other nodes."""

    @property
    def node(self) -> str:
        """The name of this one: no dots in it."""

    def open(self, node: str, greeting: bytes, end: End) -> Link:
        """A link to a node. If that is not there, the end hears soon that the link is lost."""

    def accept(self, welcome: Callable[[bytes, Link], End]) -> None:
        """Have this called with the greeting of each link that others open."""


class Hello(msgspec.Struct, array_like=True, frozen=True):
    """What a link is opened with: the request that is handed over."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    upgrade: bool = False
    """Whether it asks for a WebSocket."""


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """To a request that is no upgrade."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


encode = msgspec.msgpack.Encoder().encode
read_hello = msgspec.msgpack.Decoder(Hello).decode
read_answer = msgspec.msgpack.Decoder(Answer).decode

# The first byte of what is said about a WebSocket. By the node that has the client:
TEXT, BINARY, CONTROL, QUEUE, LEAVE, END = b"t", b"b", b"c", b"q", b"l", b"e"
# and by the one that has the session:
ACCEPT, REFUSE, WRITE, CLOSE = b"a", b"r", b"w", b"x"


def pack_end(reason: str, code: int) -> bytes:
    """Why a WebSocket ends."""
    return code.to_bytes(2, "big") + reason.encode()


def unpack_end(packed: bytes) -> tuple[str, int]:
    """The reason and the code."""
    return packed[2:].decode(), int.from_bytes(packed[:2], "big")
