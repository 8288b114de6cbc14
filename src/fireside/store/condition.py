"""What an engine says of its database to whoever looks after it, without having opened it for good or changed it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database is."""

    server: str
    """What runs it, with its version."""
    version: int
    """Of the schema; 0 where there is nothing yet."""
    known: int
    """The one that this Fireside brings it to."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Tables and indexes of the schema that are not there, and what to do about each."""
    ahead_ms: int = 0
    """By how much its clock is ahead of ours."""
    disk: tuple[int, int] | None = None
    """Free bytes and all bytes of its disk; None if it does not say."""
    copies: bool = True
    """Whether what is written is kept more than once, where that can be had."""
