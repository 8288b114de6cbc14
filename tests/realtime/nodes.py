"""Two nodes in one process, each with a port of its own, and between them a bus: in memory, or on a real Valkey."""

import asyncio
from typing import Any, NamedTuple, Protocol

import pytest

from fireside.cluster.bus import Bus
from fireside.cluster.links import Bus as AnyBus
from fireside.cluster.links import BusLinks, _Peer
from fireside.realtime.websocket import WebSocketEdge
from tests.cluster.buses import dies
from tests.fakes.bus import Hub
from tests.realtime.clients import SOCKET_IO, PollingClient, WebSocketClient, target
from tests.realtime.served import Recorder, Serve, Served, eventually

in_memory = pytest.mark.parametrize("between", ["memory"], indirect=True)
"""For what nobody can do to a real bus: have it swallow something without a word."""


class Between(Protocol):
    """What is between the nodes."""

    async def join(self, name: str) -> AnyBus:
        """A new node's side."""

    async def kill(self, node: str) -> None:
        """The node is gone, without a farewell."""


class InMemory:
    """Quick, and what is on its way can be swallowed."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def join(self, name: str) -> AnyBus:
        return self._hub.join(name)

    async def kill(self, node: str) -> None:
        self._hub.kill(node)


class OverValkey:
    """As it is in production. A node has the name that its bus has given it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._buses: dict[str, Bus] = {}

    async def join(self, name: str) -> AnyBus:
        bus = Bus(self._url)
        await bus.start()
        self._buses[bus.node] = bus
        return bus

    async def kill(self, node: str) -> None:
        await dies(self._buses.pop(node))

    async def stop(self) -> None:
        await asyncio.gather(*(bus.stop() for bus in self._buses.values()))


class Pair(NamedTuple):
    """Two nodes."""

    owner: Served
    other: Served
    between: Between

    async def kill_owner(self) -> None:
        """`other` hears of it when it has something for it."""
        await self.between.kill(links_of(self.owner).node)

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


def peer_of(served: Served, other: Served) -> _Peer:
    """What a node knows of the other."""
    return links_of(served)._peers[links_of(other).node]


def edges_of(served: Served) -> list[WebSocketEdge]:
    """The WebSockets that are connected here."""
    return [each for each in served.uvicorn.server_state.connections if isinstance(each, WebSocketEdge)]


class Start:
    """Starts a pair. `serve` looks both over at the end."""

    def __init__(self, serve: Serve, between: Between) -> None:
        self._serve = serve
        self._between = between

    async def __call__(self, main: Recorder | None = None, **options: Any) -> Pair:
        owner = await self._serve(main, links=BusLinks(await self._between.join("owner")), **options)
        other = await self._serve(links=BusLinks(await self._between.join("other")), **options)
        return Pair(owner, other, self._between)
