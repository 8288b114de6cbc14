"""Ids: opaque on the wire, 24 hex digits for users and conversations.

A direct conversation's id is derived from its two people, so two people have exactly one
and nobody looks it up. A message's id is its place: conversation and seq.
"""

import hashlib
import secrets
import time

ID_LENGTH = 24
_HEX = frozenset("0123456789abcdef")


def new_id() -> str:
    """A fresh id: four bytes of time, so that neighbours are near on disk, then eight of chance."""
    return f"{int(time.time()) & 0xFFFFFFFF:08x}{secrets.token_hex(8)}"


def is_id(value: str) -> bool:
    """Whether the value has the form of an id (not whether anything has that id)."""
    return len(value) == ID_LENGTH and _HEX.issuperset(value)


def direct_conversation_id(one: str, other: str) -> str:
    """The id of the conversation between two people, whichever is named first."""
    low, high = sorted((one, other))
    return hashlib.sha256(f"direct:{low}:{high}".encode()).hexdigest()[:ID_LENGTH]


def message_id(conversation: str, seq: int) -> str:
    """36 hex digits that sort as the log does: the conversation, then seq in twelve digits."""
    return f"{conversation}{seq:012x}"
