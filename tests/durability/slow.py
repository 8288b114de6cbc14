"""Clients that take nothing: one that never reads its WebSocket, one that only posts and never polls.

Both answer heartbeats before they are asked, so nobody takes them for dead. When the server cuts them off they come
back at once, for more.
"""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import msgspec

from tests.durability.wire import HOST

PONG_S = 0.02
RECEIVE_BUFFER = 4096
"""Bytes that the kernel may hold for the one that does not read: what it holds, the server need not."""


class CutOff(Exception):
    """The server has ended the session."""


class SlowReader(ABC):
    """Somebody's device: `present()` while it is to be there."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self.hello = b"40" + msgspec.json.encode({"token": token})
        self.sessions = 0
        self.cuts = 0
        """How often the server has cut it off."""

    @asynccontextmanager
    async def present(self) -> AsyncIterator[None]:
        """It is let in, and stays until the block ends."""
        let_in = asyncio.Event()
        staying = asyncio.ensure_future(self._stay(let_in))
        try:
            async with asyncio.timeout(30):
                await let_in.wait()
            yield
            if staying.done():
                staying.result()
        finally:
            staying.cancel()
            await asyncio.gather(staying, return_exceptions=True)

    async def _stay(self, let_in: asyncio.Event) -> None:
        while True:
            try:
                await self.come()
                self.sessions += 1
                let_in.set()
                while True:
                    await self.pong()
                    await asyncio.sleep(PONG_S)
            except CutOff:
                self.cuts += 1
            finally:
                await self.go()

    @abstractmethod
    async def come(self) -> None:
        """Open a session, up to where messages come in."""

    @abstractmethod
    async def pong(self) -> None:
        """Say that it is there.

        Raises:
            CutOff: it is not, for the server.
        """

    @abstractmethod
    async def go(self) -> None:
        """Leave nothing behind."""


class NeverReads(SlowReader):
    """A WebSocket that is read until its owner is let in, and never again."""

    async def come(self) -> None:
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, (HOST, self.port))
        request = (
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        await loop.sock_sendall(self._socket, request.encode())
        await self._until(b'"sid"')
        await loop.sock_sendall(self._socket, _frame(self.hello))
        await self._until(b'40{"sid"')

    async def pong(self) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, _frame(b"3"))
        except ConnectionError as error:
            raise CutOff from error

    async def go(self) -> None:
        self._socket.close()

    async def _until(self, expected: bytes) -> None:
        received = b""
        while expected not in received:
            more = await asyncio.get_running_loop().sock_recv(self._socket, 512)
            assert more, received
            received += more


class NeverPolls(SlowReader):
    """A polling client that posts, and asks for nothing once it has its session."""

    async def come(self) -> None:
        self._http = httpx2.AsyncClient(base_url=f"http://{HOST}:{self.port}", timeout=30)
        opened = await self._http.get("/socket.io/", params={"EIO": "4", "transport": "polling"})
        self._query = {"EIO": "4", "transport": "polling", "sid": msgspec.json.decode(opened.content[1:])["sid"]}
        assert (await self._http.post("/socket.io/", params=self._query, content=self.hello)).text == "ok"
        let_in = await self._http.get("/socket.io/", params=self._query)
        if let_in.content == b"1":
            # So much was sent to them between their two requests that they were cut off before they asked.
            raise CutOff(let_in.text)
        assert let_in.content.startswith(b'40{"sid"'), let_in.text

    async def pong(self) -> None:
        answer = await self._http.post("/socket.io/", params=self._query, content=b"3")
        if not answer.is_success:
            raise CutOff(answer.text)

    async def go(self) -> None:
        await self._http.aclose()


def _frame(payload: bytes) -> bytes:
    """Masked with zeros, which leave it as it is."""
    assert len(payload) < 65536
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0x80 | 126)) + size.to_bytes(2)
    return head + bytes(4) + payload
