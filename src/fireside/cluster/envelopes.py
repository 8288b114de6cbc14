"""Envelopes: what goes to one node in one message. The script of `register` makes them, and nothing of it is JSON.

An envelope is entries, one behind the other:

    kind    1 byte, ASCII
    topics  2 bytes, how many; then of each 1 byte, how long, and its text. None: for this node, by its name
    body    4 bytes, how long; then as it is

Numbers are big-endian. An empty message is a node's own heartbeat.
"""

import struct
from collections.abc import Iterable

LONGEST_TOPIC = 255

Entry = tuple[str, list[str], bytes]
"""One thing for a node: its kind, topics and body."""

_kind_and_count = struct.Struct(">BH").unpack_from
_size = struct.Struct(">I").unpack_from


def pack(entries: Iterable[Entry]) -> bytes:
    """An envelope, as the script makes it."""
    parts = []
    for kind, topics, body in entries:
        parts.append(struct.pack(">BH", ord(kind), len(topics)))
        parts += [bytes((len(name),)) + name for name in map(str.encode, topics)]
        parts += [struct.pack(">I", len(body)), body]
    return b"".join(parts)


def unpack(envelope: bytes) -> list[Entry]:
    """What is in an envelope.

    Raises:
        ValueError: it is none.
    """
    entries: list[Entry] = []
    at, end = 0, len(envelope)
    try:
        while at < end:
            kind, count = _kind_and_count(envelope, at)
            at += 3
            topics = []
            for _ in range(count):
                start = at + 1
                at = start + envelope[at]
                topics.append(envelope[start:at].decode())
            start = at + 4
            at = start + _size(envelope, at)[0]
            entries.append((chr(kind), topics, envelope[start:at]))
    except (struct.error, IndexError) as error:
        raise ValueError("an envelope that is cut short") from error
    if at > end:
        raise ValueError("an envelope that is cut short")
    return entries
