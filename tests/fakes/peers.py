"""Other processes that a test speaks for."""

from collections.abc import Callable, Collection

from fireside.core.peers import Handler, NoPeers


class FakePeers(NoPeers):
    """Notes what is sent. They are away until a test says otherwise."""

    is_up = False

    def __init__(self) -> None:
        self.sent: list[tuple[list[str], str, bytes]] = []
        self._handlers: dict[str, Handler] = {}
        self._callbacks: list[Callable[[], None]] = []

    def on(self, kind: str, handler: Handler) -> None:
        self._handlers[kind] = handler

    def send(self, topics: Collection[str], kind: str, body: bytes) -> None:
        self.sent.append((list(topics), kind, body))

    def to_return(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def say(self, topics: list[str], kind: str, body: bytes) -> None:
        """Another process sends this."""
        self._handlers[kind](topics, body)

    def come_back(self) -> None:
        """They can be reached again."""
        self.is_up = True
        for callback in self._callbacks:
            callback()
