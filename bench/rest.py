"""A lean HTTP/1.1 client for loopback: keep-alive, one request at a time a connection, JSON with a Content-Length."""

import asyncio
import itertools
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self, cast

from bench.client import HOST
from bench.load import CONTENT_LENGTH


@dataclass(frozen=True, slots=True)
class User:
    """Somebody the server knows."""

    id: str
    token: str


class Connection(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._received = b""
        self._expected = -1
        self._waiting: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None

    async def open(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, HOST, self._port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._expected < 0:
            end = self._received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = self._received[:end].lower().partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0]
            self._expected = end + 4 + int(length)
        if len(self._received) >= self._expected and self._waiting:
            self._waiting.set_result(self._received)
            self._received, self._expected, self._waiting = b"", -1, None

    async def request(self, head: bytes) -> bytes:
        """Send a whole request, return the body of a 2xx answer. A server may have closed what was idle."""
        if self._transport is None:
            await self.open()
        assert self._transport
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(head)
        answer = await self._waiting
        if not answer.startswith(b"HTTP/1.1 2"):
            raise ConnectionError(f"the server answered {answer[:400]!r}")
        return answer.partition(b"\r\n\r\n")[2]

    def close(self) -> None:
        if self._transport:
            self._transport.abort()


def get(path: str, token: str) -> bytes:
    """The bytes of an authorised GET."""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def post(path: str, body: dict[str, Any], token: str | None = None) -> bytes:
    """The bytes of a JSON POST, authorised where a token is given."""
    content = json.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {token}\r\n" if token else ""
    return f"{head}Content-Length: {len(content)}\r\n\r\n{content}".encode()


def hello(sender: User, to: User) -> bytes:
    """By which one writes to another, as long a message as any here."""
    return post("/api/chat/messages", {"recipient": to.id, "content": "x" * CONTENT_LENGTH}, sender.token)


async def _repeat(connection: Connection, head: bytes, until: float) -> list[float]:
    taken: list[float] = []
    start = time.perf_counter()
    while start < until:
        await connection.request(head)
        now = time.perf_counter()
        taken.append(now - start)
        start = now
    return taken


class Rest:
    """A handful of connections to one server."""

    def __init__(self, port: int, connections: int = 16) -> None:
        self._connections = [Connection(port) for _ in range(connections)]

    async def __aenter__(self) -> Self:
        for connection in self._connections:
            await connection.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in self._connections:
            connection.close()

    async def request(self, head: bytes) -> bytes:
        return await self._connections[0].request(head)

    async def each(self, heads: Iterable[bytes]) -> list[bytes]:
        """Each of these requests once, several at once; the bodies, in no order."""
        bodies: list[bytes] = []
        left = iter(heads)

        async def some(connection: Connection) -> None:
            for head in left:
                bodies.append(await connection.request(head))

        await asyncio.gather(*(some(connection) for connection in self._connections))
        return bodies

    async def repeat(self, head: bytes, until: float) -> list[float]:
        """The same request on every connection, again and again; the seconds each took."""
        return list(itertools.chain(*await asyncio.gather(*(_repeat(one, head, until) for one in self._connections))))

    async def repeat_alone(self, head: bytes, until: float) -> list[float]:
        """The same on one connection."""
        return await _repeat(self._connections[0], head, until)

    async def register(self, names: Iterable[str]) -> list[User]:
        """Register everybody, several at once, in any order."""
        users: list[User] = []
        left = iter(names)

        async def some(connection: Connection) -> None:
            for name in left:
                body = {"username": name, "password": "correct horse", "email": f"{name}@example.org"}
                answer = json.loads(await connection.request(post("/api/users/register", body)))
                users.append(User(answer["user"]["_id"], answer["token"]))

        await asyncio.gather(*(some(connection) for connection in self._connections))
        return users
