"""Hosting: requests for the sessions of this node that other nodes have received. The counterpart is `relaying`.

They go through the same code as those of clients that are connected here: a polling request through the same
application, and a WebSocket through the same reader, as a carrier whose bytes are on the other node.
"""

import asyncio
import sys
from collections import deque
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from fireside.realtime import links
from fireside.realtime.links import Answer, End, Hello, Link, Links, encode, pack_end, read_hello, unpack_end
from fireside.realtime.polling import Polling
from fireside.realtime.reader import NOBODY, Reader, to_upgrade
from fireside.realtime.server import EngineServer
from fireside.realtime.tasks import Tasks
from fireside.socketio.engine import Refusal


class Hosting:
    """Takes what comes over the links. `stop()` at the end."""

    def __init__(self, servers: Mapping[str, EngineServer], between: Links) -> None:
        self._servers = servers
        self._tasks = Tasks()
        between.accept(self._welcome)

    async def stop(self) -> None:
        """End what is still being answered."""
        await self._tasks.stop()

    def _welcome(self, greeting: bytes, link: Link) -> End:
        hello = read_hello(greeting)
        server = self._servers[hello.path.rstrip("/")]
        if hello.upgrade:
            return _upgrade(server, hello, link)
        request = _Request(link)
        self._tasks.spawn(request.run(Polling(server), hello))
        return request


class _Request:
    """A polling request, as ASGI has it."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._messages: deque[dict[str, Any]] = deque()
        self._came = asyncio.Event()
        self._head: tuple[int, list[tuple[bytes, bytes]]]

    async def run(self, application: Polling, hello: Hello) -> None:
        """Have it answered."""
        scope = {
            "type": "http",
            "method": hello.method,
            "path": hello.path,
            "query_string": hello.query.encode("latin-1"),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in hello.headers.items()],
        }
        try:
            await application(scope, self._receive, self._send)
        finally:
            self._link.close()

    async def _receive(self) -> dict[str, Any]:
        while not self._messages:
            # Who sends a body faster than it is read has to wait.
            self._link.resume_reading()
            self._came.clear()
            await self._came.wait()
        return self._messages.popleft()

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._head = message["status"], message["headers"]
        else:
            self._link.write(encode(Answer(*self._head, message["body"])))

    # ── End ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def received(self, message: bytes) -> None:
        self._put({"type": "http.request", "body": message[1:], "more_body": message[0] == 1})
        self._link.pause_reading()

    def resumed(self) -> None:
        """An answer is one message: it waits for no room."""

    def lost(self) -> None:
        self._put({"type": "http.disconnect"})

    def _put(self, message: dict[str, Any]) -> None:
        self._messages.append(message)
        self._came.set()


def _upgrade(server: EngineServer, hello: Hello, link: Link) -> End:
    """Accept a WebSocket on the other node for the session it asks for, or refuse it."""
    carrier = RemoteWebSocket(server, link)
    session = server.to_upgrade(dict(parse_qsl(hello.query)).get("sid", ""), hello.headers)
    if isinstance(session, Refusal):
        server.metrics.refused += 1
        link.write(links.REFUSE + session.name.encode())
        link.close()
        return carrier
    link.write(links.ACCEPT)
    server.wheel.set(carrier, server.options.connect_timeout_s)
    carrier.reader = to_upgrade(server, session, carrier)
    return carrier


class RemoteWebSocket:
    """A carrier whose bytes are on another node, and this end of the link to it."""

    __slots__ = ("_link", "_server", "bucket", "reader")

    at_once = sys.maxsize

    def __init__(self, server: EngineServer, link: Link) -> None:
        self._server = server
        self._link = link
        self.reader: Reader = NOBODY
        self.bucket = -1

    # ── Carrier ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def writable(self) -> bool:
        return self._link.writable

    def write(self, waiting: list[bytes]) -> None:
        self._link.write(b"".join((links.WRITE, *waiting)))

    def close(self, reason: str, code: int) -> None:
        self.reader.released()
        self._link.write(links.CLOSE + pack_end(reason, code))
        self._end()

    def pause_reading(self) -> None:
        self._link.pause_reading()

    def resume_reading(self) -> None:
        self._link.resume_reading()

    def settled(self) -> None:
        self._server.wheel.cancel(self)

    def on_deadline(self) -> None:
        """The client has not taken the session over in time."""
        self._abort()

    def _abort(self) -> None:
        self.reader.released()
        self._end()

    def _end(self) -> None:
        self._server.wheel.cancel(self)
        self.reader = NOBODY
        self._link.close()

    # ── End ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def received(self, message: bytes) -> None:
        kind, rest = message[:1], message[1:]
        if kind == links.TEXT:
            self.reader.message(rest, True)
        elif kind == links.BINARY:
            self.reader.message(rest, False)
        elif kind == links.CONTROL:
            self.reader.control()
        elif kind == links.QUEUE:
            if not self.reader.queue(rest):
                self._answer(rest)
        elif kind == links.LEAVE:
            self.reader.leave()
        else:
            self.reader.end(*unpack_end(rest))

    def resumed(self) -> None:
        self.reader.resume_writing()

    def lost(self) -> None:
        reader = self.reader
        self._end()
        reader.gone("transport close")

    def _answer(self, framed: bytes) -> None:
        if self.writable:
            self.write([framed])
        else:
            # It has no session to bound what waits for it, and reads nothing.
            self._abort()
