"""Socket.IO on a session: namespaces, events in order, acknowledgements both ways.

One `Connection` a session, one `Socket` a namespace it has joined. The hot path is a call down and a call up: an event
whose handler answers from memory costs no task, no timer and no queue. When a handler has to wait, the client's next
messages wait behind it in the inbox, so nothing of one client overtakes anything else of it, and reading stops when
there are too many.
"""

import logging
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from fireside.realtime.frames import frame, packet_frames
from fireside.realtime.session import OPEN, Session
from fireside.realtime.tasks import Tasks
from fireside.socketio import packet as sio
from fireside.socketio.engine import ProtocolError
from fireside.socketio.packet import Packet

logger = logging.getLogger(__name__)

INBOX = 32
ASIDE = 32
"""What a connection may have done aside at a time; more of it is done in line."""
MAX_REFUSALS = 5
EVENTS = sio.EVENT, sio.BINARY_EVENT
"""How often a client may ask for namespaces it does not get."""


class Refused(Exception):
    """A namespace does not take this client. `data` goes with the message in its `connect_error`."""

    def __init__(self, message: str, data: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.data = data


class Ack:
    """How an event that asks for an acknowledgement gets it. Only the first answer counts."""

    __slots__ = ("_id", "_socket")

    def __init__(self, socket: "Socket", ack_id: int) -> None:
        self._socket: Socket | None = socket
        self._id = ack_id

    def __call__(self, *args: object) -> None:
        socket, self._socket = self._socket, None
        if socket is not None and socket.connected:
            socket.send(Packet(sio.ACK, socket.namespace, list(args), self._id))
            socket.session.server.flush_first(socket.session)

    def json(self, body: bytes) -> None:
        """Answer with one argument that is JSON already."""
        socket, self._socket = self._socket, None
        if socket is not None and socket.connected:
            namespace = b"" if socket.namespace == "/" else socket.namespace.encode() + b","
            session = socket.session
            session.send(frame(b"43%b%d[%b]" % (namespace, self._id, body)))
            session.server.flush_first(session)


class Namespace(Protocol):
    """An application on a namespace."""

    def connecting(self, socket: "Socket", auth: Any) -> Awaitable[None] | None:
        """Somebody wants in; `auth` is an object or None. Raise `Refused` to refuse."""

    def connected(self, socket: "Socket") -> None:
        """They are in, and have been told."""

    def event(self, socket: "Socket", name: str, args: Sequence[Any], ack: Ack | None) -> Awaitable[None] | None:
        """An event came. With an awaitable, the client's next messages wait for it."""

    def heartbeat(self, socket: "Socket") -> None:
        """Called once a ping interval."""

    def leaving(self, socket: "Socket", retry_after_ms: int) -> None:
        """They will have to go soon, and are to come back after so long."""

    def disconnected(self, socket: "Socket", reason: str) -> None:
        """They are gone. Called once for each that was connected."""


class Socket:
    """One client in one namespace."""

    __slots__ = ("_acks", "_next_ack", "connected", "connection", "context", "id", "namespace", "session")

    def __init__(self, connection: "Connection", namespace: str) -> None:
        self.connection = connection
        self.session = connection.session
        self.namespace = namespace
        # Not the sid, which is a secret between this client and the server.
        self.id = secrets.token_urlsafe(12)
        self.connected = False
        self.context: Any = None
        """The application's own."""
        self._acks: dict[int, Callable[..., None]] | None = None
        self._next_ack = 0

    def emit(self, event: str, *args: object, ack: Callable[..., None] | None = None) -> None:
        """Send an event. `ack` is called with the client's answer, if it ever comes. Who has left hears nothing."""
        if not self.connected:
            return
        ack_id = None
        if ack is not None:
            self._acks = self._acks or {}
            ack_id = self._next_ack
            self._next_ack += 1
            self._acks[ack_id] = ack
        self.send(Packet(sio.EVENT, self.namespace, [event, *args], ack_id))

    def send(self, packet: Packet) -> None:
        """Send a packet with its attachments."""
        for part in packet_frames(packet):
            self.session.send(part)

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this while the client's next events are handled."""
        self.connection.aside(work)

    def disconnect(self) -> None:
        """Put the client out of this namespace; it is told. The connection stays."""
        if self.connected:
            self.send(Packet(sio.DISCONNECT, self.namespace))
            self.connection.leave(self, "server namespace disconnect")

    def acknowledged(self, ack_id: int, args: Sequence[Any]) -> None:
        """The client answers.

        Raises:
            ProtocolError: nothing was ever asked under this number.
        """
        if ack_id >= self._next_ack:
            raise ProtocolError("acknowledgement of nothing")
        callback = self._acks.pop(ack_id, None) if self._acks else None
        if callback is not None:
            callback(*args)


class Connection:
    """The peer of a session: reads its messages and knows the sockets on it."""

    __slots__ = ("_aside", "_busy", "_decoder", "_host", "_inbox", "_refusals", "_sockets", "bucket", "session")

    def __init__(self, session: Session, host: "SocketServer") -> None:
        self.session = session
        self.bucket = -1
        self._host = host
        self._decoder = sio.Decoder()
        self._sockets: dict[str, Socket] = {}
        self._inbox: deque[str | bytes] | None = None
        self._busy = False
        self._aside = 0
        self._refusals = 0
        self._expect_soon()

    # ── Peer ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def received(self, message: str | bytes) -> None:
        if self._busy:
            return self._put_off(message)
        packet = self._decoder.feed(message)
        if packet is not None:
            self._handle(packet)
        elif not self._sockets:
            raise ProtocolError("attachments of who has joined nothing")
        elif isinstance(message, str):
            # Attachments are announced. They come at once or not at all.
            self._expect_soon()

    def pinged(self) -> None:
        for socket in list(self._sockets.values()):
            if socket.connected:
                self._host.namespaces[socket.namespace].heartbeat(socket)

    def leaving(self, retry_after_ms: int) -> None:
        for socket in list(self._sockets.values()):
            if socket.connected:
                self._host.namespaces[socket.namespace].leaving(socket, retry_after_ms)

    def closed(self, reason: str) -> None:
        self.session.server.wheel.cancel(self)
        self._inbox = None
        for socket in list(self._sockets.values()):
            self.leave(socket, reason)

    def _expect_soon(self) -> None:
        server = self.session.server
        server.wheel.set(self, server.options.connect_timeout_s)

    def on_deadline(self) -> None:
        """No namespace was joined in time, or attachments that were announced did not come."""
        self.session.close("connect timeout", 1008, linger=True)

    # ── packets ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _handle(self, packet: Packet) -> None:
        if packet.attachments:
            self.session.server.wheel.cancel(self)
        socket = self._sockets.get(packet.namespace)
        if packet.type == sio.CONNECT:
            if socket is not None:
                raise ProtocolError("connected already")
            return self._connect(packet)
        if socket is None or not socket.connected:
            raise ProtocolError("not connected to this namespace")
        if packet.type in EVENTS:
            ack = None if packet.id is None else Ack(socket, packet.id)
            name, *args = packet.data
            waiting = self._host.namespaces[packet.namespace].event(socket, name, args, ack)
            if waiting is not None:
                self._run(waiting)
        elif packet.type == sio.DISCONNECT:
            self.leave(socket, "client namespace disconnect")
        else:
            assert packet.id is not None
            socket.acknowledged(packet.id, packet.data)

    def _connect(self, packet: Packet) -> None:
        namespace = self._host.namespaces.get(packet.namespace)
        if namespace is None:
            return self._refuse(packet.namespace, Refused("Invalid namespace"))
        socket = self._sockets[packet.namespace] = Socket(self, packet.namespace)
        try:
            waiting = namespace.connecting(socket, packet.data)
        except Refused as refused:
            return self._refuse(packet.namespace, refused)
        if waiting is None:
            self._connected(socket)
        else:
            self._run(self._connect_later(socket, waiting))

    async def _connect_later(self, socket: Socket, waiting: Awaitable[None]) -> None:
        try:
            await waiting
        except Refused as refused:
            self._refuse(socket.namespace, refused)
        else:
            self._connected(socket)

    def _connected(self, socket: Socket) -> None:
        self.session.server.wheel.cancel(self)
        socket.send(Packet(sio.CONNECT, socket.namespace, {"sid": socket.id}))
        # It is not if they have left while they were looked at, or have not read what came before this.
        if self.session.state == OPEN:
            socket.connected = True
            self._host.namespaces[socket.namespace].connected(socket)

    def _refuse(self, namespace: str, refused: Refused) -> None:
        self._sockets.pop(namespace, None)
        body: dict[str, object] = {"message": refused.message}
        if refused.data is not None:
            body["data"] = refused.data
        for part in packet_frames(Packet(sio.CONNECT_ERROR, namespace, body)):
            self.session.send(part)
        self._refusals += 1
        if self._refusals >= MAX_REFUSALS:
            self.session.close("too many refused connections", 1008, linger=True)

    def leave(self, socket: Socket, reason: str) -> None:
        """The socket is no longer part of this connection; its namespace is told."""
        if self._sockets.get(socket.namespace) is socket:
            del self._sockets[socket.namespace]
            if not self._sockets and self.session.state == OPEN:
                # Who is nowhere has only so long to join; having been somewhere, until after the next ping.
                options = self.session.server.options
                self.session.server.wheel.set(self, options.ping_interval_s + options.ping_timeout_s)
            if socket.connected:
                socket.connected = False
                try:
                    self._host.namespaces[socket.namespace].disconnected(socket, reason)
                except Exception:
                    # There is no session to end any more, and others have still to hear.
                    logger.exception("a farewell failed")

    # ── waiting ──────────────────────────────────────────────────────────────────────────────────────────────────

    def aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this, and let nothing wait for it."""
        if self._aside == ASIDE:
            return self._run(work)
        self._aside += 1
        self._host.tasks.spawn(self._do_aside(work))

    async def _do_aside(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            self._aside -= 1

    def _run(self, waiting: Awaitable[None]) -> None:
        self._busy = True
        self._host.tasks.spawn(self._finish(waiting))

    async def _finish(self, waiting: Awaitable[None]) -> None:
        try:
            await waiting
        except Exception:
            self.session.close("internal error", 1011)
            raise
        finally:
            self._busy = False
            self._catch_up()

    def _put_off(self, message: str | bytes) -> None:
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(message)
        if len(self._inbox) > INBOX:
            self.session.pause()

    def _catch_up(self) -> None:
        """Handle what came meanwhile, up to the next one that has to wait."""
        while self._inbox and not self._busy:
            self.session.guard(self.received, self._inbox.popleft())
        if not self._inbox:
            self._inbox = None
            self.session.resume()


class SocketServer:
    """The namespaces of a server. `open` is what gives an Engine.IO session its peer."""

    def __init__(self, namespaces: Mapping[str, Namespace]) -> None:
        self.namespaces = namespaces
        self.tasks = Tasks()

    def open(self, session: Session) -> Connection:
        """The connection of a new session."""
        return Connection(session, self)

    async def stop(self) -> None:
        """End what is still being worked on."""
        await self.tasks.stop()
