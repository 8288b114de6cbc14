"""The WebSocket transport: the protocol class that uvicorn hands an upgraded connection to. Bytes and frames; what is
in them is for its reader.

Whole text messages are read here: that is all that most clients ever send. Whatever else comes goes through
`websockets`' sans-IO parser (fragments, control frames, the closing handshake), which a connection has from when it is
first needed, and so do texts until it has read everything before them.
What goes out is written as it is: frames are built elsewhere, once per message, and leave in one `writelines` per tick.
No extension is ever negotiated: compression would forbid sharing frames, and inflating is an attack surface.

uvicorn's side of the bargain (`connection_made`, then the request as bytes through `data_received`, all of it at once;
membership in `server_state.connections`; `shutdown()`) is internal to it, and `tests/realtime/test_uvicorn_contract.py`
fails when it changes.
"""

import asyncio
import logging
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qsl

from websockets.exceptions import InvalidState
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

from fireside.realtime.frames import size_on_the_wire, whole_texts
from fireside.realtime.opening import Opening, read_opening, refusing
from fireside.realtime.reader import NOBODY, Reader, SessionReader, to_upgrade
from fireside.realtime.relaying import Elsewhere, Relaying
from fireside.realtime.server import CLOSING_S, EngineServer
from fireside.realtime.session import Handshake, Session
from fireside.socketio.engine import Refusal, read_request

MAX_FRAGMENTS = 256

# The parser describes every frame to its logger when it listens; ours does not.
_silent = logging.getLogger("fireside.websocket")
_silent.setLevel(logging.CRITICAL)


class WebSocketEdge(asyncio.Protocol):
    """One WebSocket connection. It is the carrier of its session once that is open, or once it has been upgraded."""

    __slots__ = (
        "_accepted",
        "_connections",
        "_fragments",
        "_parser",
        "_reader",
        "_relaying",
        "_server",
        "_servers",
        "_unparsed",
        "bucket",
        "transport",
        "writable",
    )

    transport: asyncio.Transport
    at_once = sys.maxsize

    def __init__(
        self, servers: Mapping[str, EngineServer], connections: set[Any], relaying: Relaying | None = None
    ) -> None:
        self._servers = servers
        self._relaying = relaying
        # Until the request has named one by its path, any will do: they differ in what comes after.
        self._server = next(iter(servers.values()))
        self._connections = connections
        self._accepted = False
        self._parser: Protocol | None = None
        self._reader: Reader = NOBODY
        self._fragments: list[bytes] | None = None
        # Bytes that the parser was given and that belong to no frame it has yielded.
        self._unparsed = 0
        self.writable = True
        self.bucket = -1

    # ── asyncio.Protocol ─────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        # Until a session is open this connection has no clock but this one.
        self._server.wheel.set(self, self._server.options.connect_timeout_s)

    def data_received(self, data: bytes) -> None:
        if not self._accepted:
            return self._open(data)
        parser = self._parser
        if parser is None or (not self._unparsed and self._fragments is None and parser.state is State.OPEN):
            texts, taken = whole_texts(data, self._server.options.max_payload)
            for text in texts:
                self._reader.message(text, True)
            if taken == len(data):
                return
            data = data[taken:]
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        parser = self._parsing()
        self._unparsed += len(data)
        parser.receive_data(data)
        for frame in parser.events_received():
            if isinstance(frame, Frame):
                self._unparsed -= size_on_the_wire(frame)
                self._frame(frame)
        if parser.writes:
            self._answer(parser)

    def _parsing(self) -> Protocol:
        if self._parser is None:
            self._parser = Protocol(Side.SERVER, max_size=self._server.options.max_payload, logger=_silent)
        return self._parser

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._server.wheel.cancel(self)
        self.writable = False
        reader, self._reader = self._reader, NOBODY
        reader.gone("transport close" if exc is None else "transport error")

    def pause_writing(self) -> None:
        self.writable = False
        self._reader.pause_writing()

    def resume_writing(self) -> None:
        self.writable = True
        self._reader.resume_writing()

    def shutdown(self) -> None:
        """uvicorn is going down. A client that is being closed keeps its seconds: cut off with something unread of it,
        it might not get what was sent before."""
        self._reader.end("server shutting down", 1001)
        if self._parser is None or self._parser.state is not State.CLOSING:
            self.close("server shutting down", 1001)

    # ── Carrier ──────────────────────────────────────────────────────────────────────────────────────────────────

    def write(self, waiting: list[bytes]) -> None:
        self.transport.writelines(waiting)

    def close(self, reason: str, code: int) -> None:
        """Start the closing handshake, and give the client a few seconds to finish it."""
        self._reader.released()
        if not self.writable:
            # It reads nothing; it would not read this either.
            return self.transport.abort()
        self._server.wheel.set(self, CLOSING_S)
        if not self._accepted:
            return self.transport.close()
        parser = self._parsing()
        try:
            parser.send_close(code, reason)
        except InvalidState:
            return self.transport.close()
        self.transport.writelines(parser.data_to_send())

    def pause_reading(self) -> None:
        self.transport.pause_reading()

    def resume_reading(self) -> None:
        self.transport.resume_reading()

    def settled(self) -> None:
        self._server.wheel.cancel(self)

    def on_deadline(self) -> None:
        """No session was opened or upgraded in time, or the client does not finish the closing handshake."""
        self.transport.abort()

    # ── the opening handshake ────────────────────────────────────────────────────────────────────────────────────

    def _open(self, head: bytes) -> None:
        opening = read_opening(head)
        if isinstance(opening, Refusal):
            return self._refuse(opening)
        asked = self._asked(opening)
        if isinstance(asked, Refusal):
            return self._refuse(asked)
        if isinstance(asked, Elsewhere):
            # Nothing that follows is read before it is known who reads it.
            self.pause_reading()
            assert self._relaying is not None
            self._reader = self._relaying.websocket(asked, self, partial(self._open_later, opening))
            return
        if isinstance(asked, Session):
            self._accept(opening)
            self._reader = to_upgrade(self._server, asked, self)
        else:
            self.settled()
            self._accepted = True
            session = self._server.open(asked, polling=False, answer=opening.answer)
            self._reader = SessionReader(self._server, session, self, probing=False)
            session.attach(self)

    def _open_later(self, opening: Opening, refusal: Refusal | None) -> None:
        """Another node has said whether the session is there."""
        self.settled()
        self.resume_reading()
        if refusal is None:
            self._accept(opening)
        else:
            self._refuse(refusal)

    def _accept(self, opening: Opening) -> None:
        self._accepted = True
        self.transport.write(opening.answer)

    def _refuse(self, refusal: Refusal) -> None:
        self._server.metrics.refused += 1
        self.transport.write(refusing(refusal, self._server.retry_after_s(refusal)))
        self._hang_up()

    def _asked(self, opening: Opening) -> Handshake | Session | Elsewhere | Refusal:
        """What is asked for: a new session, or to move one here."""
        server = self._servers.get(opening.path.rstrip("/"))
        if server is None:
            return Refusal.UNKNOWN_PATH
        self._serve(server)
        params, headers = dict(parse_qsl(opening.query)), opening.headers
        asked = read_request("GET", params, upgrade=True)
        if isinstance(asked, Refusal):
            return asked
        if asked.sid is None:
            peer = (self.transport.get_extra_info("peername") or ("",))[0]
            address = server.options.client_address(peer, headers.get("x-forwarded-for"))
            handshake = Handshake(params, headers, address)
            return server.admit(handshake) or handshake
        if self._relaying is not None and (node := server.elsewhere(asked.sid)):
            return Elsewhere(node, opening.path, opening.query, headers)
        return server.to_upgrade(asked.sid, headers)

    def _serve(self, server: EngineServer) -> None:
        """It is this one whose path was named."""
        if server is not self._server:
            self._server.wheel.cancel(self)
            self._server = server
            server.wheel.set(self, server.options.connect_timeout_s)

    # ── frames ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _frame(self, received: Frame) -> None:
        opcode = received.opcode
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            if received.fin:
                self._reader.message(bytes(received.data), opcode is Opcode.TEXT)
            else:
                self._fragments = [b"t" if opcode is Opcode.TEXT else b"b", bytes(received.data)]
        elif opcode is Opcode.CONT and self._fragments is not None:
            self._fragments.append(bytes(received.data))
            if received.fin:
                kind, *parts = self._fragments
                self._fragments = None
                self._reader.message(b"".join(parts), kind == b"t")
            elif len(self._fragments) > MAX_FRAGMENTS:
                self._fragments = None
                self._reader.end("too many fragments", 1008)
        else:
            self._reader.control()

    def _answer(self, parser: Protocol) -> None:
        """Send what the parser has to say: a pong, or the end of the conversation."""
        for data in parser.data_to_send():
            if not data:
                # The parser's sign for: nothing follows.
                self._hang_up()
            elif not parser.close_expected() and self._reader.queue(data):
                """A pong waits in line like everything else, and counts against the same bound."""
            elif self.writable:
                self.transport.write(data)
            else:
                # It has no session to bound what waits for it, and reads nothing.
                return self.transport.abort()

    def _hang_up(self) -> None:
        """A server closes first, and waits a few seconds for who reads."""
        self._server.wheel.set(self, CLOSING_S)
        self.transport.close()
