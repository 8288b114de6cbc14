"""Activity: which conversations something is going on in, and how far each had got when it came to rest.

A conversation is asleep, or awake on one or more nodes. What must stay true:

- It is woken, durably, before anything is written into it: a message, a change, a receipt. So one row tells all about a
  conversation that is asleep, and what is awake on one node alone, that node knows from memory.
- Falling asleep takes a stamp, after the last write into it. Stamps only rise, and whoever reads the counter first and
  the rows after it will find, from that count on, everything that changes later: it is awake, or its stamp is higher.
  That is the cursor of `sync`. It has nothing to do with a clock, costs a write when a conversation begins to stir and
  one when it has come to rest, and never runs out.
- A node that dies leaves its conversations awake. They cost their readers a little time and are put to rest by another
  node, which mends first what the dead one may have left half done.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Activity(msgspec.Struct, frozen=True):
    """What is known of a conversation by its row."""

    conversation: str
    seq: int = 0
    """Its last message, at least; exact when nobody has it awake."""
    rev: int = 0
    """Its last change, at least; exact when nobody has it awake."""
    at: int = 0
    """When its last message was sent, in UTC milliseconds: a label by which people find it, not an order."""
    stamp: int = 0
    awake: tuple[str, ...] = ()
    """The nodes that may write into it."""


class ActivityStore(Protocol):
    """Port: the rows and the counter of stamps. Every call may raise `Unavailable`."""

    async def wake(self, conversation_ids: Sequence[str], node: str) -> dict[str, Activity]:
        """Let this node write into them, durably; each row as it is from then on. One that was missing is made."""

    async def sleep(self, rows: Sequence[Activity], node: str) -> None:
        """Take the next stamp; then, durably and each row atomically, raise its `seq` and `rev` to these, let `at` be
        this one unless its `seq` is higher by now (clocks go back, numbers do not), give it the stamp, and let this
        node write into it no more. Who has left a conversation (`until`) by then and was not stamped yet gets the
        stamp, too."""

    async def stamp(self) -> int:
        """The last stamp that was taken."""

    async def rows(self, conversation_ids: Sequence[str]) -> dict[str, Activity]:
        """Those of them that there are."""

    async def renew(self, node: str, lease_s: float) -> None:
        """This node is alive, for so long at least."""

    async def dead(self, node: str) -> list[str]:
        """Other nodes that have conversations awake and whose lease has run out."""

    async def awake_on(self, node: str, limit: int) -> list[str]:
        """Conversations that this node may write into, at most so many."""

    async def forget(self, node: str, conversation_ids: Sequence[str]) -> None:
        """This node, which is dead, writes into them no more. They stay awake for the others."""
