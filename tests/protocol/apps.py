"""The small applications that the official protocol suites and client tests expect of a server."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from fireside.core.origins import OriginPolicy
from fireside.realtime.edge import Edge
from fireside.realtime.frames import BINARY, frame
from fireside.realtime.options import Options
from fireside.realtime.server import EngineServer
from fireside.realtime.serving import EdgeServer, listen
from fireside.realtime.session import Session
from fireside.realtime.sockets import Ack, Refused, Socket, SocketServer

ANY_ORIGIN = OriginPolicy(["*"])


class Quiet:
    """A namespace that lets everybody in and does nothing."""

    def connecting(self, socket: Socket, auth: Any) -> None:
        socket.context = auth or {}

    def connected(self, socket: Socket) -> None: ...

    def event(self, socket: Socket, name: str, args: Sequence[Any], ack: Ack | None) -> None: ...

    def heartbeat(self, socket: Socket) -> None: ...

    def leaving(self, socket: Socket, retry_after_ms: int) -> None: ...

    def disconnected(self, socket: Socket, reason: str) -> None: ...


class Echo(Quiet):
    """The application of the Socket.IO suite."""

    def connected(self, socket: Socket) -> None:
        socket.emit("auth", socket.context)

    def event(self, socket: Socket, name: str, args: Sequence[Any], ack: Ack | None) -> None:
        if name == "message":
            socket.emit("message-back", *args)
        elif name == "message-with-ack" and ack is not None:
            ack(*args)


class EngineEcho:
    """The application of the Engine.IO suite: every message comes back as it was."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def received(self, message: str | bytes) -> None:
        self._session.send(frame(b"4" + message.encode()) if isinstance(message, str) else frame(message, BINARY))

    def pinged(self) -> None: ...

    def leaving(self, retry_after_ms: int) -> None: ...

    def closed(self, reason: str) -> None: ...


def handshake_of(socket: Socket) -> dict[str, object]:
    """What a client may ask to see of its own handshake."""
    handshake = socket.session.handshake
    assert handshake is not None
    return {
        "headers": handshake.headers,
        "query": handshake.query,
        "address": handshake.address,
        "auth": socket.context,
        "time": datetime.now(UTC).isoformat(),
        "secure": False,
        "xdomain": False,
        "url": "/socket.io/",
    }


class Handshaker(Quiet):
    """Tells each client what its handshake was."""

    def connected(self, socket: Socket) -> None:
        socket.emit("handshake", handshake_of(socket))


class Identified(Quiet):
    """Tells a client its id."""

    def event(self, socket: Socket, name: str, args: Sequence[Any], ack: Ack | None) -> None:
        if name == "getId" and ack is not None:
            ack(socket.id)


class Closed(Quiet):
    """Lets nobody in."""

    def connecting(self, socket: Socket, auth: Any) -> None:
        raise Refused("Auth failed (custom namespace)")


class ClientTests(Identified):
    """The main namespace of the client's own tests."""

    def connecting(self, socket: Socket, auth: Any) -> None:
        super().connecting(socket, auth)
        handshake = socket.session.handshake
        if handshake is not None and "fail" in handshake.query:
            raise Refused("Auth failed (main namespace)")

    def event(self, socket: Socket, name: str, args: Sequence[Any], ack: Ack | None) -> None:
        super().event(socket, name, args, ack)
        now = datetime.now(UTC).isoformat()
        for event, *emitted in REPLIES.get(name, ()):
            socket.emit(event, *emitted)
        if name == "echo" and ack is not None:
            ack(args[0] if args else None)
        elif name == "getHandshake" and ack is not None:
            ack(handshake_of(socket))
        elif name == "getAckDate" and ack is not None:
            ack(now)
        elif name == "ack":
            socket.emit("ack", ack=partial(self._acknowledged, socket))
        elif name == "getDate":
            socket.emit("takeDate", now)
        elif name == "getDateObj":
            socket.emit("takeDateObj", {"date": now})
        elif name == "buffa" and isinstance(args[0], bytes):
            socket.emit("buffack")
        elif name == "jsonbuff" and isinstance(args[0]["message"], bytes):
            socket.emit("jsonbuff-ack")

    @staticmethod
    def _acknowledged(socket: Socket, *args: Any) -> None:
        if args == (5, {"test": True}):
            socket.emit("got it")


REPLIES: dict[str, list[list[Any]]] = {
    "hi": [["hi"]],
    "false": [["false", False]],
    "doge": [["doge", b"asdfasdf"]],
    "getbin": [["takebin", b"asdfasdf"]],
    "abuff2": [["abuff2-ack"]],
    "getUtf8": [
        ["takeUtf8", text] for text in ("てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string")
    ],
}


class Unhurried(Edge):
    """Takes as long for a handshake by polling as the server of the client's tests does: some count on it."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if b"sid=" not in scope["query_string"]:
            await asyncio.sleep(0.01)
        await super().__call__(scope, receive, send)


def suite_edge(options: Options, engine_options: Options) -> Edge:
    """Both echo applications on one port."""
    sockets = SocketServer({"/": Echo(), "/custom": Echo()})
    return Edge(not_found, EngineServer(options, sockets.open), EngineServer(engine_options, EngineEcho))


def client_edge(options: Options) -> Edge:
    """The application of the client's own tests."""
    quiet = {f"/{name}": Quiet() for name in ("timeout_socket", "valid", "asd")}
    sockets = SocketServer({"/": ClientTests(), "/foo": Identified(), "/abc": Handshaker(), "/no": Closed(), **quiet})
    return Unhurried(not_found, EngineServer(options, sockets.open))


async def not_found(scope: Any, receive: Any, send: Any) -> None:
    """There is nothing else here."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def run(edge: Edge, port: int) -> None:
    """Serve an edge on loopback as a program."""
    server = EdgeServer(edge, log_level="warning", timeout_graceful_shutdown=1)
    asyncio.run(server.serve(sockets=[listen("127.0.0.1", port)]))
