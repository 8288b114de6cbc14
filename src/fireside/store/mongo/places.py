"""Places as keys: twelve bytes of an id, then more of what orders them. Bytes sort as what they stand for does.

Where such a key is the `_id` of a clustered collection, everything of one conversation, or of one person, lies next to
each other on disk.
"""

from typing import Any

from bson import ObjectId

FIRST, LAST = 0, (1 << 48) - 1


def place(some_id: str, number: int) -> bytes:
    """A number (a seq, a rev) under an id."""
    return bytes.fromhex(some_id) + number.to_bytes(6)


def number_of(key: bytes) -> int:
    """The number in such a key."""
    return int.from_bytes(key[12:])


def between(some_id: str, low: int, high: int) -> dict[str, Any]:
    """A filter of `_id` for the numbers between these two, both left out."""
    return {"_id": {"$gt": place(some_id, low), "$lt": place(some_id, high)}}


def pair(one: str, other: str) -> bytes:
    """An id under an id."""
    return bytes.fromhex(one + other)


def oid(some_id: str) -> ObjectId:
    """An id by itself."""
    return ObjectId(some_id)
