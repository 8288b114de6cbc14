"""Relaying: what this node does with a request for a session that another node has. It decides nothing itself.

A polling request goes there as it is and its answer comes back; a WebSocket is accepted or refused as the other node
says, and from then on everything that comes over it is passed on, and everything for it is written. The counterpart is
`hosting`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from fireside.realtime import links
from fireside.realtime.links import Answer, Hello, Link, Links, encode, pack_end, read_answer, unpack_end
from fireside.realtime.session import Carrier
from fireside.socketio.engine import Refusal

PASSED_ON = (
    "access-control-request-headers",
    "access-control-request-method",
    "content-length",
    "host",
    "origin",
)
"""The headers that a request for a session that is there is judged by."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A WebSocket that asks for a session of another node."""

    node: str
    path: str
    query: str
    headers: Mapping[str, str]


class Relaying:
    """To the nodes of the links."""

    def __init__(self, between: Links) -> None:
        self._links = between
        self._relays: set[Relay] = set()

    def drain(self) -> None:
        """Have everybody told who is connected here that they will have to go."""
        for relay in self._relays:
            relay.leave()

    async def request(
        self,
        node: str,
        scope: Mapping[str, Any],
        headers: Mapping[str, str],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        patience_s: float,
    ) -> Answer | None:
        """What the node answers to a polling request. None: it is gone, or the client is, or no answer came."""
        asked = _Asked()
        query = scope["query_string"].decode("latin-1")
        hello = Hello(scope["method"], scope["path"], query, _passed_on(headers))
        link = self._links.open(node, encode(hello), asked)
        body = asyncio.ensure_future(asked.pass_on(receive, link))
        try:
            async with asyncio.timeout(patience_s):
                return await asked.answer
        except TimeoutError:
            return None
        finally:
            body.cancel()
            link.close()

    def websocket(self, asked: Elsewhere, wire: Carrier, answer: Callable[[Refusal | None], None]) -> "Relay":
        """Have the node take a WebSocket; `answer` hears whether it does, or why not."""
        hello = Hello("GET", asked.path, asked.query, _passed_on(asked.headers), upgrade=True)
        relay = Relay(wire, answer, self._relays)
        relay.link = self._links.open(asked.node, encode(hello), relay)
        return relay


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in PASSED_ON if name in headers}


class _Asked:
    """This end of a link on which a request is answered."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._room = asyncio.Event()

    async def pass_on(self, receive: Callable[[], Awaitable[MutableMapping[str, Any]]], link: Link) -> None:
        """The body, as it comes; and that the client has hung up."""
        while (message := await receive())["type"] != "http.disconnect":
            link.write(bytes((bool(message.get("more_body")),)) + message.get("body", b""))
            if not link.writable:
                self._room.clear()
                await self._room.wait()
        self.lost()

    def received(self, message: bytes) -> None:
        if not self.answer.done():
            self.answer.set_result(read_answer(message))

    def resumed(self) -> None:
        self._room.set()

    def lost(self) -> None:
        self._room.set()
        if not self.answer.done():
            self.answer.set_result(None)


class Relay:
    """Reads a WebSocket for a session that is elsewhere, and is this end of the link to it."""

    __slots__ = ("_answer", "_over", "_relays", "_wire", "link")

    link: Link

    def __init__(self, wire: Carrier, answer: Callable[[Refusal | None], None], relays: "set[Relay]") -> None:
        self._wire = wire
        self._relays = relays
        relays.add(self)
        self._answer: Callable[[Refusal | None], None] | None = answer
        self._over = False

    # ── from the client ──────────────────────────────────────────────────────────────────────────────────────────

    def message(self, data: bytes, is_text: bool) -> None:
        self._pass_on((links.TEXT if is_text else links.BINARY) + data)

    def control(self) -> None:
        self._pass_on(links.CONTROL)

    def queue(self, framed: bytes) -> bool:
        if self._answer is None:
            self._pass_on(links.QUEUE + framed)
        return self._answer is None

    def leave(self) -> None:
        self._pass_on(links.LEAVE)

    def end(self, reason: str, code: int) -> None:
        self._pass_on(links.END + pack_end(reason, code))

    def pause_writing(self) -> None:
        self.link.pause_reading()

    def resume_writing(self) -> None:
        self.link.resume_reading()

    def released(self) -> None:
        self._over = True

    def gone(self, reason: str) -> None:
        self._relays.discard(self)
        self.link.close()

    def _pass_on(self, message: bytes) -> None:
        if self._over:
            return
        self.link.write(message)
        if not self.link.writable:
            self._wire.pause_reading()

    # ── from the session ─────────────────────────────────────────────────────────────────────────────────────────

    def received(self, message: bytes) -> None:
        kind, rest = message[:1], message[1:]
        if kind == links.WRITE:
            self._wire.write([rest])
        elif kind == links.ACCEPT:
            self._say(None)
        elif kind == links.REFUSE:
            self._say(Refusal[rest.decode()])
        else:
            self._close(*unpack_end(rest))

    def resumed(self) -> None:
        self._wire.resume_reading()

    def lost(self) -> None:
        if self._answer is not None:
            self._say(Refusal.UNKNOWN_SID)
        elif not self._over:
            # Its node is gone. Whoever comes back finds another, and what was missed.
            self._close("session is lost", 1012)

    def _say(self, refusal: Refusal | None) -> None:
        if self._answer is not None:
            self._answer(refusal)
            self._answer = None

    def _close(self, reason: str, code: int) -> None:
        self._wire.close(reason, code)
        # The client's part of the closing handshake is still to come.
        self._wire.resume_reading()
