"""The record of a run: what was done and seen, in the order in which it was, a line of JSON each.

It is written by the one process in which all seeded clients live, so its order is real time: what stands above another
line happened before it. `at` is in seconds of the monotonic clock, since the run began. A text is kept as its digest.
"""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from fireside.features.messages.wire import MessageForm


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message, as somebody was given it. `kind` and `who`: what it says happened to a group."""

    conversation: str
    seq: int
    id: str
    sender: str
    client_id: str
    digest: str
    kind: str = ""
    who: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What its sender calls it."""
        return self.sender, self.client_id


class Event(msgspec.Struct, frozen=True, tag_field="is", tag=True, omit_defaults=True, gc=False, kw_only=True):
    """Base of the lines."""

    at: float = 0.0


class Talk(Event, frozen=True):
    """A conversation of the run. Of a group `members` made it or were in it at first; `stay`: nobody comes or goes."""

    conversation: str
    kind: str
    members: tuple[str, ...]
    stay: bool = True


class Opened(Event, frozen=True):
    """A device is connected."""

    connection: int
    device: str
    user: str
    transport: str


class Closed(Event, frozen=True):
    """It is no more."""

    connection: int


class Sent(Event, frozen=True):
    """A message leaves, once of perhaps many times. `bad`: it must be refused."""

    attempt: int
    device: str
    user: str
    place: str
    client_id: str
    digest: str
    bad: bool = False


class Changing(Event, frozen=True):
    """Something is asked to happen to a group."""

    attempt: int
    device: str
    user: str
    conversation: str
    kind: str
    who: tuple[str, ...]


class Acked(Event, frozen=True):
    """An attempt of either kind has worked."""

    attempt: int
    row: Row


class Refused(Event, frozen=True):
    """The server says no to an attempt."""

    attempt: int
    code: str

    @property
    def is_certain(self) -> bool:
        """Whether it is known that nothing was stored by it."""
        return self.code not in ("unavailable", "internal")


class Heard(Event, frozen=True):
    """A frame brings a message."""

    connection: int
    user: str
    row: Row


class Handed(Event, frozen=True):
    """A device gives a message to its program."""

    device: str
    user: str
    row: Row


class Asked(Event, frozen=True):
    """Somebody reads the newest page of a conversation."""

    question: int
    user: str
    conversation: str


class Answered(Event, frozen=True):
    """And this is it. `code`: it was refused."""

    question: int
    rows: tuple[Row, ...] = ()
    code: str = ""


class Marked(Event, frozen=True):
    """The server has acknowledged how far somebody has got."""

    user: str
    conversation: str
    delivered: int
    read: int


class Told(Event, frozen=True):
    """Somebody is told how far somebody has got: more than anybody was told of before."""

    user: str
    conversation: str
    delivered: int
    read: int


class Befell(Event, frozen=True):
    """Something happens to the network or the deployment, or is over."""

    what: str
    over: bool = False


class History(Event, frozen=True):
    """What a fresh client of somebody, begun `asked_at`, reads at the end. `receipts`: user, delivered, read."""

    user: str
    how: str
    asked_at: float
    conversation: str
    since: int
    until: int | None
    rows: tuple[Row, ...]
    receipts: tuple[tuple[str, int, int], ...] = ()


class Held(Event, frozen=True):
    """What a device that took part has of a conversation at the end."""

    device: str
    user: str
    conversation: str
    rows: tuple[Row, ...]


class Failed(Event, frozen=True):
    """Something that must not happen, and that no other line says."""

    what: str


Line = (
    Talk
    | Opened
    | Closed
    | Sent
    | Changing
    | Acked
    | Refused
    | Heard
    | Handed
    | Asked
    | Answered
    | Marked
    | Told
    | Befell
    | History
    | Held
    | Failed
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


def digest(text: str) -> str:
    """What stands for a text."""
    return hashlib.blake2b(text.encode(), digest_size=9).hexdigest()


def row_of(message: MessageForm) -> Row:
    """A message, for the record."""
    change = message.system
    who = getattr(change, "members", None) or (getattr(change, "member", None),)
    return Row(
        conversation=message.conversation,
        seq=message.seq,
        id=message.id,
        sender=message.sender,
        client_id=message.client_id,
        digest=digest(message.content),
        kind="" if change is None else str(change.__struct_config__.tag),
        who=tuple(each for each in who if each),
    )


class Record:
    """The lines of a run, in memory and, where there is a file, in it."""

    def __init__(self, path: Path | None = None) -> None:
        self.lines: list[Line] = []
        self._began = time.monotonic()
        self._numbers = 0
        self._file: BinaryIO | None = path.open("wb") if path is not None else None

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return round(time.monotonic() - self._began, 4)

    def number(self) -> int:
        """A new one, for an attempt, a question or a connection."""
        self._numbers += 1
        return self._numbers

    def note(self, line: Line) -> None:
        """Add a line; its `at` is `now`."""
        self.lines.append(line)
        if self._file is not None:
            self._file.write(_encode(line) + b"\n")

    def close(self) -> None:
        """Nothing more is noted."""
        if self._file is not None:
            self._file.close()
            self._file = None


def read(path: Path) -> Iterator[Line]:
    """The lines of a file."""
    with path.open("rb") as file:
        for line in file:
            yield _decode(line)
