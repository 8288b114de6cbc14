"""The other processes of the service, as features see them: a hint to them is fast and may be lost.

What is durable is in the store. So whatever goes this way says sooner what could be found out later, and whoever sends
it waits for nothing.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

EVERYBODY = "*"
"""The topic that every process has joined."""

Body = bytes | Callable[[], bytes]
"""What is sent; or what makes it when it leaves, if it ever does. Until then more can be put into it."""

Handler = Callable[[Sequence[str], bytes], None]
"""Called with those of the topics that this process has joined, and the body. Must not wait."""


class Peers(Protocol):
    """Port: sends to other processes, by topics that they have joined."""

    @property
    def is_up(self) -> bool:
        """Whether the others can be reached, as far as is known."""

    def on(self, kind: str, handler: Handler) -> None:
        """Have this called with what others send of this kind: one ASCII character, given to one handler."""

    def join(self, topic: str) -> None:
        """Hear what is sent to this topic. Counted: it takes as many `leave` to hear it no more."""

    def leave(self, topic: str) -> None:
        """Take back one `join`."""

    async def in_force(self, topic: str) -> None:
        """Return when others know that this topic was joined, or cannot be reached."""

    def send(self, topics: Collection[str], kind: str, body: Body) -> None:
        """To every other process that has joined one of these topics, once. Waits for nothing."""

    async def joined(self, topics: Collection[str]) -> set[str]:
        """Those of these topics that a process has joined which is alive, this one included; none if nobody can say."""

    def to_return(self, callback: Callable[[], None]) -> None:
        """Have this called when the others can be reached again: what was sent meanwhile, either way, is lost."""


class NoPeers:
    """There are no other processes. Implements `Peers`."""

    is_up = False

    def on(self, kind: str, handler: Handler) -> None:
        """Nothing of it will ever come."""

    def join(self, topic: str) -> None:
        """Nobody sends to it."""

    def leave(self, topic: str) -> None:
        """Nobody sent to it."""

    async def in_force(self, topic: str) -> None:
        """It is, for all who are there."""

    def send(self, topics: Collection[str], kind: str, body: Body) -> None:
        """Nobody hears it."""

    async def joined(self, topics: Collection[str]) -> set[str]:
        return set()

    def to_return(self, callback: Callable[[], None]) -> None:
        """Nobody was ever away."""
