"""An edge served in this process on a free port, and what must be true of it when a test is done with it."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from fireside.cluster.links import BusLinks
from fireside.realtime.edge import Edge
from fireside.realtime.options import Options
from fireside.realtime.server import EngineServer
from fireside.realtime.serving import EdgeServer, listen
from fireside.realtime.session import Session
from fireside.realtime.sockets import Ack, Connection, Namespace, Socket, SocketServer
from fireside.realtime.wheel import Timed, TimingWheel
from tests.protocol.apps import EngineEcho, not_found
from tests.realtime.clients import (
    ENGINE_IO,
    PATIENCE_S,
    SOCKET_IO,
    Answer,
    Deaf,
    PollingClient,
    WebSocketClient,
    Wire,
    request,
    target,
)

Handler = Callable[..., Awaitable[None] | None]
Client = TypeVar("Client", bound=Wire | Deaf)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until it is so. A test that waits in vain fails."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - it is other people's state, and tells nobody
            await asyncio.sleep(0.002)


class Recorder:
    """A namespace that lets everybody in, remembers what happened, and answers events as it is told by `on`."""

    def __init__(self, **handlers: Handler) -> None:
        self.on: dict[str, Handler] = {"echo": self._echo, **handlers}
        self.sockets: list[Socket] = []
        self.events: list[tuple[str, list[Any]]] = []
        self.ended: list[tuple[Socket, str]] = []

    @property
    def reasons(self) -> list[str]:
        """Why they have left, in order."""
        return [reason for _, reason in self.ended]

    def connecting(self, socket: Socket, auth: Any) -> Awaitable[None] | None:
        return None

    def connected(self, socket: Socket) -> None:
        self.sockets.append(socket)

    def event(self, socket: Socket, name: str, args: Sequence[Any], ack: Ack | None) -> Awaitable[None] | None:
        self.events.append((name, list(args)))
        handler = self.on.get(name)
        return None if handler is None else handler(socket, *args, ack=ack)

    def heartbeat(self, socket: Socket) -> None: ...

    def leaving(self, socket: Socket, retry_after_ms: int) -> None: ...

    def disconnected(self, socket: Socket, reason: str) -> None:
        self.ended.append((socket, reason))

    def require_ended(self) -> None:
        """Everybody who came has left, and was missed once."""
        assert Counter(socket.id for socket, _ in self.ended) == Counter(socket.id for socket in self.sockets)

    @staticmethod
    def _echo(socket: Socket, *args: Any, ack: Ack | None) -> None:
        if ack is None:
            socket.emit("echo", *args)
        else:
            ack(*args)


class EndingEcho(EngineEcho):
    """An echo whose end is written down."""

    def __init__(self, session: Session, endings: list[str]) -> None:
        super().__init__(session)
        self._endings = endings

    def closed(self, reason: str) -> None:
        self._endings.append(reason)


class Served:
    """A running edge: Socket.IO at `/socket.io/` with `main` and others, and an echo at `/engine.io/`."""

    def __init__(
        self, namespaces: Mapping[str, Namespace], options: dict[str, Any], links: BusLinks | None = None
    ) -> None:
        self.namespaces = namespaces
        self.links = links
        node = None if links is None else links.node
        self.sockets = SocketServer(namespaces)
        self.engine = EngineServer(Options(**{"path": SOCKET_IO, **options}), self.sockets.open, node)
        self.endings: list[str] = []
        self.echo = EngineServer(
            Options(**{**options, "path": ENGINE_IO}), lambda session: EndingEcho(session, self.endings), node
        )
        self.edge = Edge(not_found, self.engine, self.echo, links=links)
        self.uvicorn = EdgeServer(self.edge, own_signals=False, log_config=None, proxy_headers=False)
        self.port = 0
        self.errors: list[logging.LogRecord] = []
        """What was logged as an error. A test that expects some takes them out."""
        self._clients: list[Wire | Deaf] = []

    @property
    def main(self) -> Recorder:
        """The main namespace."""
        main = self.namespaces["/"]
        assert isinstance(main, Recorder)
        return main

    @property
    def session(self) -> Session:
        """The only one there is."""
        (session,) = [*self.engine._sessions.values(), *self.echo._sessions.values()]
        return session

    @property
    def connection(self) -> Connection:
        """The peer of the only session."""
        connection = self.session.peer
        assert isinstance(connection, Connection)
        return connection

    def keep(self, client: Client) -> Client:
        """Hang up for this client at the end."""
        self._clients.append(client)
        return client

    async def websocket(self, path: str = SOCKET_IO, headers: Mapping[str, str] | None = None) -> WebSocketClient:
        """A new session over WebSocket."""
        return self.keep(await WebSocketClient.begin(self.port, path, headers))

    async def connected(self, auth: str = "", path: str = SOCKET_IO) -> WebSocketClient:
        """One that has joined the main namespace."""
        client = await self.websocket(path)
        await client.connect(auth)
        return client

    async def probing(self, client: PollingClient, path: str = SOCKET_IO) -> WebSocketClient:
        """A WebSocket that has asked to take a session over and may."""
        probe = self.keep(await WebSocketClient.shake(self.port, target(path, "websocket", sid=client.sid)))
        assert probe.handshake.status == 101
        await probe.send("2probe")
        assert await probe.receive() == "3probe"
        return probe

    async def polling(self, path: str = SOCKET_IO, headers: Mapping[str, str] | None = None) -> PollingClient:
        """A new session over polling."""
        return await PollingClient.open(self.port, path, headers)

    async def waiting(self, client: PollingClient) -> Wire:
        """A poll of this client that waits at the server."""
        wire = self.keep(await client.waiting())
        session = self.engine.find(client.sid) or self.echo.find(client.sid)
        assert session is not None
        await eventually(lambda: session.carrier is not None)
        return wire

    async def request(
        self, method: str, where: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A request on a connection of its own."""
        return await request(self.port, method, where, body, headers)

    async def start(self) -> None:
        if self.links is not None:
            await self.links.start()
        config = self.uvicorn.config
        config.load()
        self.uvicorn.lifespan = config.lifespan_class(config)
        listener = listen("127.0.0.1", 0)
        self.port = listener.getsockname()[1]
        await self.uvicorn.startup([listener])

    async def stop(self) -> None:
        """End it without uvicorn's pauses."""
        for client in self._clients:
            client.abort()
        self.edge.dismiss()
        await self.sockets.stop()
        for server in self.uvicorn.servers:
            server.close()
        state = self.uvicorn.server_state
        await eventually(lambda: not state.connections and not state.tasks)
        await self.edge.stop()
        if self.links is not None:
            await self.links.stop()

    def require_clean(self) -> None:
        """Nothing is left of anybody, and nothing went wrong on the way."""
        errors = [logging.Formatter().format(record) for record in self.errors]
        assert not errors, "\n".join(errors)
        for server in (self.engine, self.echo):
            assert len(server) == 0
            assert not server._seats._taken
            assert not (waiting := waiting_in(server.wheel)), (
                f"deadlines are set: {[vars_of(each) for each in waiting]}"
            )
        for namespace in self.namespaces.values():
            if isinstance(namespace, Recorder):
                namespace.require_ended()
        assert len(self.endings) == self.echo.metrics.opened
        if self.links is not None:
            assert len(self.links) == 0


def waiting_in(wheel: TimingWheel) -> list[Timed]:
    """Whose deadlines are set."""
    return [each for bucket in wheel._buckets for each in bucket]


def vars_of(one: object) -> dict[str, object]:
    """What it is, and what there is to say of it."""
    names = ("state", "polling", "writable", "bucket", "_sockets", "_reader", "transport")
    return {"is": type(one).__name__} | {name: getattr(one, name) for name in names if hasattr(one, name)}


def set_in(wheel: TimingWheel) -> int:
    """How many deadlines are set."""
    return len(waiting_in(wheel))


class _Errors(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.ERROR)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)


@asynccontextmanager
async def serving(
    main: Namespace | None = None,
    *,
    others: Mapping[str, Namespace] | None = None,
    links: BusLinks | None = None,
    **options: Any,
) -> AsyncIterator[Served]:
    """Serve an edge, and look it over at the end. `options` are of both of its servers."""
    served = Served({"/": main or Recorder(), **(others or {})}, options, links)
    # What escapes into the loop is logged by its handler, as an error.
    handler = _Errors(served.errors)
    logging.getLogger().addHandler(handler)
    try:
        await served.start()
        try:
            yield served
        finally:
            await served.stop()
        served.require_clean()
    finally:
        logging.getLogger().removeHandler(handler)


class Serve(Protocol):
    """The fixture `serve`."""

    async def __call__(
        self,
        main: Namespace | None = None,
        *,
        others: Mapping[str, Namespace] | None = None,
        links: BusLinks | None = None,
        **options: Any,
    ) -> Served: ...
