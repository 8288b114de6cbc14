"""Envelopes: what goes to one node in one message. The script of `register` makes them, and nothing of it is JSON.

An envelope is entries, one behind the other:

    kind    1 byte, ASCII
    topics  2 bytes, how many; then of each 1 byte, how long, and its text. None: for this node, by its name
    body    4 bytes, how long; then as it is

Numbers are big-endian. An empty message is a node's own heartbeat.
"""

import struct
from collections.abc import Iterable
from typing import NamedTuple

LONGEST_TOPIC = 255


class Entry(NamedTuple):
    """One thing for a node."""

    kind: str
    topics: list[str]
    body: bytes


def pack(entries: Iterable[Entry]) -> bytes:
    """An envelope, as the script makes it."""
    parts = []
    for kind, topics, body in entries:
        parts.append(struct.pack(">cH", kind.encode("ascii"), len(topics)))
        parts += [bytes((len(name),)) + name for name in map(str.encode, topics)]
        parts += [struct.pack(">I", len(body)), body]
    return b"".join(parts)


def unpack(envelope: bytes) -> list[Entry]:
    """What is in an envelope.

    Raises:
        ValueError: it is none.
    """
    entries, at = [], 0
    try:
        while at < len(envelope):
            kind, count = struct.unpack_from(">cH", envelope, at)
            at += 3
            topics = []
            for _ in range(count):
                end = at + 1 + envelope[at]
                topics.append(envelope[at + 1 : end].decode())
                at = end
            (size,) = struct.unpack_from(">I", envelope, at)
            at += 4 + size
            entries.append(Entry(kind.decode("ascii"), topics, envelope[at - size : at]))
    except (struct.error, IndexError) as error:
        raise ValueError("an envelope that is cut short") from error
    if at > len(envelope):
        raise ValueError("an envelope that is cut short")
    return entries
