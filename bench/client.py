"""A lean Engine.IO v4 / Socket.IO v5 client over WebSocket, so that the server is measured and not the client.

It speaks only what the load needs: one text frame a packet, no fragments, no binary, no compression, no polling.
Frames go out masked with a random key, as the protocol demands; what one read causes leaves in one write.
What it does not understand closes the connection and is noted in `trouble`, which fails the round.
"""

import asyncio
import base64
import json
import os
from typing import Any, cast

HOST = "127.0.0.1"
TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A
EIO_OPEN, EIO_PING, EIO_MESSAGE, EIO_NOOP = ord("0"), ord("2"), ord("4"), ord("6")
SIO_CONNECT, SIO_EVENT, SIO_ACK = ord("0"), ord("2"), ord("3")


class Mask:
    """Header and key for frames of one length: a sender's messages are all equally long, so it makes one."""

    __slots__ = ("_header", "_key", "_length")

    def __init__(self, length: int, opcode: int = TEXT) -> None:
        key = os.urandom(4)
        self._length = length
        self._key = int.from_bytes((key * (length // 4 + 1))[:length], "little")
        size = bytes((0x80 | length,)) if length < 126 else bytes((0x80 | 126,)) + length.to_bytes(2, "big")
        self._header = bytes((opcode,)) + size + key

    def frame(self, payload: bytes) -> bytes:
        return self._header + (int.from_bytes(payload, "little") ^ self._key).to_bytes(self._length, "little")


class SocketClient(asyncio.Protocol):
    """One authenticated connection. `ready` resolves when the server has accepted the token.

    Subclasses are told of acknowledgements and events; `data[start:end]` is the packet from its Engine.IO type on.
    """

    __slots__ = ("_out", "_rest", "_token", "_transport", "_trouble", "_upgraded", "ready")

    def __init__(self, token: str, trouble: list[str]) -> None:
        self._token = token
        self._trouble = trouble
        self._rest = b""
        self._out: list[bytes] = []
        self._upgraded = False
        self._transport: asyncio.Transport | None = None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    # --- for subclasses

    def on_ack(self, data: bytes, start: int, end: int) -> None:
        """An acknowledgement: `43<id>[…]`."""

    def on_event(self, data: bytes, start: int, end: int) -> None:
        """An event: `42["name",…]`."""

    def fail(self, what: str) -> None:
        """Note what went wrong and drop the connection."""
        self._trouble.append(what)
        self.close()

    # --- sending

    def send(self, frame: bytes) -> None:
        """Queue a frame; it leaves at the end of this read, or with `flush`."""
        self._out.append(frame)

    def flush(self) -> None:
        if self._out and self._transport:
            self._transport.write(b"".join(self._out) if len(self._out) > 1 else self._out[0])
            self._out.clear()

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport:
            transport.abort()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        self._rest = data[self._frames(data) :] if self._upgraded else self._upgrade(data)
        if self._out:
            self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport:
            self._transport = None
            self._trouble.append(f"the server closed a connection: {exc}")
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(self._trouble[-1] if self._trouble else "closed"))

    # --- receiving

    def _upgrade(self, data: bytes) -> bytes:
        """Wait for the whole HTTP answer; what follows it are frames. Returns what is left over."""
        head, found, rest = data.partition(b"\r\n\r\n")
        if not found:
            return data
        if not head.startswith(b"HTTP/1.1 101"):
            self.fail(f"no upgrade: {data[:200]!r}")
        self._upgraded = True
        return rest[self._frames(rest) :]

    def _frames(self, data: bytes) -> int:
        """Handle every whole frame; returns how many bytes that were."""
        position, size = 0, len(data)
        while size - position >= 2:
            start = position + 2
            length = data[position + 1]
            if length > 125:
                start += 2 if length == 126 else 8
                length = int.from_bytes(data[position + 2 : start], "big")
            end = start + length
            if end > size or start > size:
                break
            if data[position] == TEXT:
                self._packet(data, start, end)
            else:
                self._control(data[position], data[start:end])
            position = end
        return position

    def _packet(self, data: bytes, start: int, end: int) -> None:
        kind = data[start]
        if kind == EIO_MESSAGE:
            packet = data[start + 1]
            if packet == SIO_ACK:
                self.on_ack(data, start, end)
            elif packet == SIO_EVENT:
                self.on_event(data, start, end)
            elif packet == SIO_CONNECT:
                self.ready.set_result(None)
            else:
                self.fail(f"packet {data[start:end][:200]!r}")
        elif kind == EIO_PING:
            self.send(Mask(1).frame(b"3"))
        elif kind == EIO_OPEN:
            hello = b"40" + json.dumps({"token": self._token}).encode()
            self.send(Mask(len(hello)).frame(hello))
        elif kind != EIO_NOOP:
            self.fail(f"packet {data[start:end][:200]!r}")

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            self.send(Mask(len(payload), PONG).frame(payload))
        elif opcode != PONG:
            self.fail(f"{'closed by the server' if opcode == CLOSE else f'frame {opcode:#x}'}: {payload[:200]!r}")


async def connect(client: SocketClient, port: int) -> None:
    """Open the connection and wait until the token is accepted."""
    await asyncio.get_running_loop().create_connection(lambda: client, HOST, port)
    async with asyncio.timeout(30):
        await client.ready


class Asker(SocketClient):
    """Asks by events, one at a time, and keeps nothing of what it is told."""

    __slots__ = ("_answer", "_asked")

    def __init__(self, token: str, trouble: list[str]) -> None:
        super().__init__(token, trouble)
        self._asked = 0
        self._answer: asyncio.Future[bytes] | None = None

    def packet(self, event: str, form: dict[str, Any]) -> bytes:
        """A frame that asks this, under the next number."""
        self._asked += 1
        payload = b"42%d" % self._asked + json.dumps([event, form], separators=(",", ":")).encode()
        return Mask(len(payload)).frame(payload)

    async def ask(self, frame: bytes) -> bytes:
        """Send it; the acknowledgement, which must say that it is done."""
        self._answer = asyncio.get_running_loop().create_future()
        self.send(frame)
        self.flush()
        async with asyncio.timeout(30):
            return await self._answer

    def on_ack(self, data: bytes, start: int, end: int) -> None:
        body = data[data.find(b"[", start, end) + 1 : end - 1]
        if not body.startswith(b'{"ok":true'):
            self.fail(f"refused: {body[:300]!r}")
        elif self._answer and not self._answer.done():
            self._answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError(self._trouble[-1] if self._trouble else "closed"))
