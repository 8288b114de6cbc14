"""A bus in memory: several nodes in one process. What is told arrives in a later turn of the loop, in order."""

import asyncio
from collections.abc import Callable, Sequence

Handler = Callable[[Sequence[str], bytes], None]


class Hub:
    """What the buses of several nodes are connected to."""

    def __init__(self) -> None:
        self.nodes: dict[str, FakeBus] = {}
        self.told: list[tuple[str, str, bytes]] = []
        """From, to, and what: of what was delivered."""
        self.swallow: Callable[[str, str], bool] = lambda sender, node: False
        """Whether something on its way is lost without a word."""

    def join(self, name: str) -> "FakeBus":
        """A new node."""
        bus = self.nodes[name] = FakeBus(self, name)
        return bus

    def kill(self, name: str) -> None:
        """The node is gone: it hears nothing more, and says nothing."""
        del self.nodes[name]

    def carry(self, sender: str, node: str, kind: str, body: bytes, undelivered: Callable[[], None] | None) -> None:
        there = self.nodes.get(node)
        if sender not in self.nodes or self.swallow(sender, node):
            return
        if there is not None:
            self.told.append((sender, node, body))
            there.handlers[kind]((), body)
        elif undelivered is not None:
            undelivered()


class FakeBus:
    """One node's side."""

    def __init__(self, hub: Hub, node: str) -> None:
        self.node = node
        self.handlers: dict[str, Handler] = {}
        self._hub = hub

    def on(self, kind: str, handler: Handler) -> None:
        self.handlers[kind] = handler

    def tell(self, node: str, kind: str, body: bytes, undelivered: Callable[[], None] | None = None) -> None:
        asyncio.get_running_loop().call_soon(self._hub.carry, self.node, node, kind, body, undelivered)
