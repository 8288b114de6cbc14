"""Other processes that a test speaks for."""

from collections.abc import Callable, Collection

from fireside.core.peers import Body, Handler, NoPeers


class FakePeers(NoPeers):
    """Keeps what is sent until it leaves. They are away until a test says otherwise."""

    is_up = False

    def __init__(self) -> None:
        self._waiting: list[tuple[list[str], str, Body]] = []
        self._handlers: dict[str, Handler] = {}
        self._callbacks: list[Callable[[], None]] = []
        self.there: set[str] = set()
        """What others have joined."""

    def on(self, kind: str, handler: Handler) -> None:
        self._handlers[kind] = handler

    def send(self, topics: Collection[str], kind: str, body: Body) -> None:
        self._waiting.append((list(topics), kind, body))

    def leaving(self) -> list[tuple[list[str], str, bytes]]:
        """What has been sent leaves now."""
        waiting, self._waiting = self._waiting, []
        return [(topics, kind, body if isinstance(body, bytes) else body()) for topics, kind, body in waiting]

    def lose(self) -> None:
        """What has been sent is lost."""
        self._waiting.clear()

    async def joined(self, topics: Collection[str]) -> set[str]:
        return self.there.intersection(topics) if self.is_up else set()

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
