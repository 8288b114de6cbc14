"""Two nodes in one process, each with a port of its own, and a bus in memory between them."""

from typing import Any, NamedTuple

from fireside.cluster.links import BusLinks
from fireside.realtime.websocket import WebSocketEdge
from tests.fakes.bus import Hub
from tests.realtime.clients import SOCKET_IO, PollingClient, WebSocketClient, target
from tests.realtime.served import Recorder, Serve, Served, eventually


class Pair(NamedTuple):
    """Two nodes."""

    owner: Served
    other: Served
    hub: Hub

    async def polling(self, path: str = SOCKET_IO) -> PollingClient:
        """A client whose session is on `owner`, and who goes on at `other`."""
        client = await self.owner.polling(path)
        client.port = self.other.port
        return client

    async def shake(self, client: PollingClient, path: str = SOCKET_IO, **headers: str) -> WebSocketClient:
        """A WebSocket at `other` for a session of `owner`."""
        where = target(path, "websocket", sid=client.sid)
        return self.other.keep(await WebSocketClient.shake(self.other.port, where, headers))

    async def upgraded(self, path: str = SOCKET_IO) -> WebSocketClient:
        """A client whose session is on `owner` and whose WebSocket is at `other`."""
        client = await self.polling(path)
        websocket = await self.shake(client, path)
        assert websocket.handshake.status == 101
        await websocket.send("2probe")
        assert await websocket.receive() == "3probe"
        await websocket.send("5")
        return websocket

    async def settled(self) -> None:
        """Nothing is under way any more."""
        await eventually(lambda: not self.owner.engine and not self.owner.echo)
        await eventually(lambda: not links_of(self.owner)._peers and not links_of(self.other)._peers)


def links_of(served: Served) -> BusLinks:
    assert served.links is not None
    return served.links


def edges_of(served: Served) -> list[WebSocketEdge]:
    """The WebSockets that are connected here."""
    return [each for each in served.uvicorn.server_state.connections if isinstance(each, WebSocketEdge)]


class Start:
    """Starts a pair. `serve` looks both over at the end."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve

    async def __call__(self, main: Recorder | None = None, **options: Any) -> Pair:
        hub = Hub()
        owner = await self._serve(main, links=BusLinks(hub.join("owner")), **options)
        other = await self._serve(links=BusLinks(hub.join("other")), **options)
        return Pair(owner, other, hub)
