"""Places as keys: twelve bytes of an id, then more of what orders them. Bytes sort as what they stand for does.

Where such a key is the `_id` of a clustered collection, everything of one conversation, or of one person, lies next to
each other on disk.
"""

from collections.abc import Iterable
from typing import Any

from bson import ObjectId

FIRST, LAST = 0, (1 << 48) - 1
NEAR = 8
"""Numbers. What lies between two that are as near is looked at, too: that costs less than a range of its own."""


def place(some_id: str, number: int) -> bytes:
    """A number (a seq, a rev) under an id."""
    return bytes.fromhex(some_id) + number.to_bytes(6)


def number_of(key: bytes) -> int:
    """The number in such a key."""
    return int.from_bytes(key[12:])


def between(some_id: str, low: int, high: int) -> dict[str, Any]:
    """A filter of `_id` for the numbers between these two, both left out."""
    return {"_id": {"$gt": place(some_id, low), "$lt": place(some_id, high)}}


def ranges(keys: Iterable[bytes]) -> list[dict[str, Any]]:
    """Filters of `_id` that find these places, one for those that lie near each other.

    Without its bounds each would walk through the whole collection: of one that is clustered MongoDB knows ranges, and
    no sets.
    """
    near: list[list[bytes]] = []
    for key in sorted(set(keys)):
        if near and near[-1][-1][:12] == key[:12] and number_of(key) - number_of(near[-1][-1]) <= NEAR:
            near[-1].append(key)
        else:
            near.append([key])
    return [{"_id": {"$in": each, "$gte": each[0], "$lte": each[-1]}} for each in near]


def pair(one: str, other: str) -> bytes:
    """An id under an id."""
    return bytes.fromhex(one + other)


def oid(some_id: str) -> ObjectId:
    """An id by itself."""
    return ObjectId(some_id)
