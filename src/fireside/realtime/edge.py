"""Where HTTP ends and sockets begin: one or more Engine.IO servers in front of an ASGI application, on one port.

uvicorn gets this three times: as its application, which takes polling requests off the path of a server and passes the
rest on, as its `http=` protocol, which has bounds where uvicorn's own has none, and as its `ws=` protocol, which takes
every WebSocket.
"""

from typing import Any

from fireside.realtime.heads import HttpEdge
from fireside.realtime.hosting import Hosting
from fireside.realtime.links import Links
from fireside.realtime.polling import Polling, Receive, Scope, Send
from fireside.realtime.relaying import Relaying
from fireside.realtime.server import EngineServer
from fireside.realtime.websocket import WebSocketEdge


class Edge:
    """`uvicorn.Config(app=edge, http=edge.http, ws=edge.websocket)`.

    With links, nodes hand each other what belongs to a session.
    """

    def __init__(self, app: Any, *servers: EngineServer, links: Links | None = None) -> None:
        self._app = app
        self._servers = {server.options.path.rstrip("/"): server for server in servers}
        self.draining = False
        self._relaying = None if links is None else Relaying(links)
        self._hosting = None if links is None else Hosting(self._servers, links)
        self._polling = {path: Polling(server, self._relaying) for path, server in self._servers.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        polling = self._polling.get(scope["path"].rstrip("/")) if scope["type"] == "http" else None
        await (polling or self._app)(scope, receive, send)

    def http(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> HttpEdge:
        """What uvicorn calls in place of a protocol class: names and order are its own."""
        # Nobody knows yet whose path it will be, so any of them may keep the time.
        server = next(iter(self._servers.values()))
        patience_s = server.options.connect_timeout_s
        return HttpEdge(config, server_state, app_state, _loop, wheel=server.wheel, patience_s=patience_s)

    def websocket(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> WebSocketEdge:
        """The same."""
        return WebSocketEdge(self._servers, server_state.connections, self._relaying)

    async def start(self) -> None:
        """Begin to serve, on the running loop."""
        for server in self._servers.values():
            await server.start()

    def drain(self) -> None:
        """Open no more sessions, and tell the clients that they will have to go, and when to come back."""
        self.draining = True
        for server in self._servers.values():
            server.drain()
        if self._relaying is not None:
            self._relaying.drain()

    def dismiss(self) -> None:
        """Close every session, telling the clients to come back."""
        for server in self._servers.values():
            server.dismiss()

    async def stop(self) -> None:
        """End, after all connections have."""
        if self._hosting is not None:
            await self._hosting.stop()
        for server in self._servers.values():
            await server.stop()
