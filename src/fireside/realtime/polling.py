"""The polling transport: GET waits for packets, POST brings some. Plain ASGI on the session table of the WebSocket.

A body is handled whole or refused whole. Two polls at once, or two bodies at once, are a broken client: it is told
so and the session ends, since packets could overtake each other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from fireside.realtime import frames
from fireside.realtime.links import Answer
from fireside.realtime.relaying import Relaying
from fireside.realtime.server import EngineServer
from fireside.realtime.session import CLOSED, LINGERING, OPEN, Handshake, Session
from fireside.socketio import engine
from fireside.socketio.engine import ProtocolError, Refusal, read_request, split_payload

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = dict[str, str]

ON_THE_WAY_S = 5.0
"""How much longer an answer of another node may take than one of this."""

TEXT = (b"content-type", b"text/plain; charset=UTF-8")
JSON = (b"content-type", b"application/json")


class Poll:
    """A GET that waits. The first write is its answer."""

    at_once = 16
    """python-socketio's client takes no more packets from one answer, and gives up the connection over it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.answer: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        self.writable = True

    def write(self, waiting: list[bytes]) -> None:
        self.writable = False
        self._session.detach(self)
        if not self.answer.done():
            self.answer.set_result(waiting)

    def close(self, reason: str, code: int) -> None:
        self.write([frames.CLOSE])

    def pause_reading(self) -> None:
        """A poll reads nothing."""

    def resume_reading(self) -> None:
        """A poll reads nothing."""


class Polling:
    """The ASGI application at the Engine.IO path."""

    def __init__(self, server: EngineServer, relaying: Relaying | None = None) -> None:
        self._server = server
        self._relaying = relaying

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        respond = _Responder(send, self._cors(headers))
        if scope["method"] == "OPTIONS":
            return await respond(204, b"", ())
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        target = self._find(scope, query, headers)
        if isinstance(target, str):
            return await self._relay(target, scope, headers, receive, respond)
        if isinstance(target, Handshake):
            session = self._server.open(target, polling=True)
            return await self._poll(session, receive, respond)
        if isinstance(target, Refusal):
            return await self._refuse(target, respond)
        if scope["method"] == "GET":
            await self._poll(target, receive, respond)
        else:
            await self._post(target, headers, receive, respond)

    def _find(self, scope: Scope, query: dict[str, str], headers: Headers) -> Handshake | Session | str | Refusal:
        """What the request asks for: a new session, or to go on with one, which may be on another node."""
        asked = read_request(scope["method"], query, upgrade=False)
        if isinstance(asked, Refusal):
            return asked
        if asked.sid is None:
            peer = (scope.get("client") or ("",))[0]
            address = self._server.options.client_address(peer, headers.get("x-forwarded-for"))
            handshake = Handshake(query, headers, address)
            return self._server.admit(handshake) or handshake
        node = self._server.elsewhere(asked.sid) if self._relaying is not None else None
        if node is not None:
            return node
        if not self._server.options.origins.allows(headers.get("origin"), headers.get("host")):
            return Refusal.FORBIDDEN
        session = self._server.find(asked.sid)
        if session is None:
            return Refusal.UNKNOWN_SID
        return session if session.polling and scope["method"] in ("GET", "POST") else Refusal.BAD_REQUEST

    async def _refuse(self, refusal: Refusal, respond: "_Responder") -> None:
        self._server.metrics.refused += 1
        await respond.refuse(refusal, self._server.retry_after_s(refusal))

    async def _relay(self, node: str, scope: Scope, headers: Headers, receive: Receive, respond: "_Responder") -> None:
        """Have the node answer that has the session. Where it is gone, so is the session."""
        assert self._relaying is not None
        options = self._server.options
        patience_s = options.ping_interval_s + options.ping_timeout_s + ON_THE_WAY_S
        answer = await self._relaying.request(node, scope, headers, receive, patience_s)
        if answer is None:
            await self._refuse(Refusal.UNKNOWN_SID, respond)
        else:
            await respond.as_it_is(answer)

    async def _poll(self, session: Session, receive: Receive, respond: "_Responder") -> None:
        if session.state == LINGERING:
            return await respond.payload(session.last_words())
        if session.carrier is not None:
            session.close("overlapping polls", 1002)
            return await respond.refuse(Refusal.BAD_REQUEST)
        poll = Poll(session)
        session.attach(poll)
        if session.upgrading is not None and not poll.answer.done():
            # The client is about to move: nothing may wait here.
            poll.write([frames.NOOP])
        if not poll.answer.done():
            await self._wait(poll, session, receive)
        await respond.payload(poll.answer.result())

    async def _wait(self, poll: Poll, session: Session, receive: Receive) -> None:
        """Until there is an answer, or the client has hung up on the request, and so on the session."""
        hung_up = asyncio.ensure_future(_until_disconnect(receive))
        try:
            await asyncio.wait((poll.answer, hung_up), return_when=asyncio.FIRST_COMPLETED)
        finally:
            hung_up.cancel()
        if hung_up.done() or not poll.answer.done():
            # Even if there is an answer: nobody is there to take it.
            session.close("transport close")
            poll.write([])

    async def _post(self, session: Session, headers: Headers, receive: Receive, respond: "_Responder") -> None:
        if session.posting or session.state == LINGERING:
            session.close("overlapping bodies", 1002)
            return await respond.refuse(Refusal.BAD_REQUEST)
        session.posting = True
        try:
            refusal = await self._take_body(session, headers, receive)
        finally:
            session.posting = False
        if refusal is None:
            await respond(200, b"ok", (TEXT,))
        else:
            await respond.refuse(refusal)

    async def _take_body(self, session: Session, headers: Headers, receive: Receive) -> Refusal | None:
        """Handle the packets of a body, or say why not."""
        options = self._server.options
        try:
            # As long as a session may go without a word.
            async with asyncio.timeout(options.ping_interval_s + options.ping_timeout_s):
                body = await _read_body(headers, receive, options.max_payload)
        except TimeoutError:
            body = Refusal.BAD_REQUEST
        if not session.polling:
            # The session has moved to a WebSocket meanwhile, and this would overtake what came over that.
            return Refusal.BAD_REQUEST
        if isinstance(body, Refusal):
            session.close("payload too large" if body is Refusal.TOO_LARGE else "transport error", 1009)
            return body
        try:
            packets = split_payload(body)
        except ProtocolError:
            self._server.metrics.protocol_errors += 1
            session.close("parse error", 1002)
            return Refusal.BAD_REQUEST
        if session.state != OPEN:
            # It has ended since the body began, and nothing of this is handled.
            return None if packets == [engine.CLOSE] else Refusal.BAD_REQUEST
        for packet in packets:
            session.packet(packet)
        if session.blocked is not None:
            await session.blocked
        # What follows the packet that ended a session is not handled, so this is no success; a goodbye is one.
        return Refusal.BAD_REQUEST if session.state == CLOSED and engine.CLOSE not in packets else None

    def _cors(self, headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
        """The headers that let a page of an allowed origin read the answer (Fetch standard, CORS protocol)."""
        origin = headers.get("origin")
        if origin is None or not self._server.options.origins.allows(origin, headers.get("host")):
            return ()
        allowed = [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"vary", b"origin"),
        ]
        if "access-control-request-method" in headers:
            asked = headers.get("access-control-request-headers", "content-type")
            allowed += [
                (b"access-control-allow-methods", b"GET, POST"),
                (b"access-control-allow-headers", asked.encode("latin-1")),
                (b"access-control-max-age", b"600"),
            ]
        return tuple(allowed)


class _Responder:
    """Writes one answer."""

    def __init__(self, send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self._send = send
        self._headers = headers

    async def __call__(self, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
        # An answer without content has no length either (RFC 9110 section 8.6).
        length = () if status == 204 else ((b"content-length", str(len(body)).encode()),)
        head = [
            *length,
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
            *self._headers,
            *headers,
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": head})
        await self._send({"type": "http.response.body", "body": body})

    async def as_it_is(self, answer: Answer) -> None:
        """One that another node has written."""
        await self._send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await self._send({"type": "http.response.body", "body": answer.body})

    async def payload(self, waiting: list[bytes]) -> None:
        await self(200, b"\x1e".join(map(frames.polling_packet, waiting)), (TEXT,))

    async def refuse(self, refusal: Refusal, retry_after_s: int | None = None) -> None:
        later = () if retry_after_s is None else ((b"retry-after", str(retry_after_s).encode()),)
        await self(refusal.status, refusal.body(), (JSON, *later))


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_body(headers: Headers, receive: Receive, limit: int) -> bytes | Refusal:
    """The body, refused as soon as it is known to be over the limit: what is declared counts before a byte is read."""
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > limit:
        return Refusal.TOO_LARGE
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return Refusal.BAD_REQUEST
        body += message.get("body", b"")
        if len(body) > limit:
            return Refusal.TOO_LARGE
        if not message.get("more_body"):
            return bytes(body)
