"""A Socket.IO connection over a raw WebSocket, as fast as a test needs and as rude as a bad network.

It speaks what a chat client needs: one text frame a packet, no fragments, no binary, no compression. What it cannot
read is an error of the run, never ignored. Frames leave when `flush` is called, so a test can decide what is lost with
the connection: `reset` (what is on its way may be gone), `cut` (half a frame, then the end), `leave` (in good order).
"""

import asyncio
import base64
import socket
import struct
from random import Random
from typing import Protocol, cast

import msgspec

HOST = "127.0.0.1"
TEXT, CLOSE, PING = 0x81, 0x88, 0x89
OPEN_PACKET, PING_PACKET, MESSAGE, NOOP = b"0246"
CONNECT, EVENT, ACK, CONNECT_ERROR = b"0234"


class Listener(Protocol):
    """Whom a connection tells. `body` is JSON: the argument of an acknowledgement, the array of an event."""

    def on_open(self, connection: "Connection") -> None:
        """The server has let it in."""

    def on_ack(self, connection: "Connection", ack_id: int, body: memoryview) -> None:
        """The server has answered the event with this number."""

    def on_event(self, connection: "Connection", body: memoryview) -> None:
        """An event came."""

    def on_end(self, connection: "Connection", reason: str) -> None:
        """It is over, whoever ended it; nothing is told after this."""

    def on_surprise(self, what: str) -> None:
        """The server does what it should not."""


class Connection(asyncio.Protocol):
    """One connection, from its handshake to its end."""

    def __init__(self, number: int, token: str, listener: Listener, random: Random) -> None:
        self.number = number
        self.is_open = False
        self._token = token
        self._listener = listener
        self._random = random
        self._transport: asyncio.Transport | None = None
        self._upgraded = False
        self._rest = b""
        self._out: list[bytes] = []
        self._reason = "lost"

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────

    def emit(self, event: str, argument: object, ack_id: int) -> None:
        """Queue an event that asks for an acknowledgement."""
        self._out.append(self._frame(b'42%d["%b",%b]' % (ack_id, event.encode(), msgspec.json.encode(argument))))

    def flush(self) -> None:
        """Let go what is queued."""
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    # ── ending ───────────────────────────────────────────────────────────────────────────────────────────────────

    def reset(self) -> None:
        """As when a cable is pulled: TCP reset, whatever is on its way."""
        if self._transport is not None:
            raw = self._transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        self._end("reset")

    def cut(self) -> None:
        """The end comes in the middle of a frame."""
        last = self._out.pop() if self._out else self._frame(b"42" + b"x" * 100)
        self._out.append(last[: len(last) // 2])
        self.flush()
        if self._transport is not None:
            self._transport.close()
        self._end("cut")

    def leave(self) -> None:
        """In good order, behind everything that was sent."""
        self._out += [self._frame(b"41"), self._frame(b"1"), self._frame(b"\x03\xe8", CLOSE)]
        self.flush()
        if self._transport is not None:
            self._transport.close()
        self._end("left")

    # ── asyncio.Protocol ─────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        key = base64.b64encode(self._random.randbytes(16)).decode()
        self._transport.write(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        if not self._upgraded:
            head, found, rest = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = data
                return
            if not head.startswith(b"HTTP/1.1 101"):
                return self._surprise(f"no upgrade: {data[:300]!r}")
            self._upgraded, data = True, rest
        try:
            self._rest = data[self._frames(data) :]
        except Exception as error:
            return self._surprise(f"it cannot be read: {error!r}")
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(self._reason)

    # ── receiving ────────────────────────────────────────────────────────────────────────────────────────────────

    def _frames(self, data: bytes) -> int:
        """Handle every whole frame; how many bytes that were."""
        at, size, view = 0, len(data), memoryview(data)
        while size - at >= 2 and self._transport is not None:
            start, length = at + 2, data[at + 1]
            if length > 125:
                start += 2 if length == 126 else 8
                length = int.from_bytes(data[at + 2 : start], "big")
            end = start + length
            if end > size or start > size:
                break
            if data[at] == TEXT:
                self._packet(view[start:end])
            elif data[at] == CLOSE:
                self._reason = f"closed by the server: {data[start + 2 : end].decode()}"
                self._transport.close()
            else:
                self._surprise(f"frame {data[at]:#x}: {data[start:end][:200]!r}")
            at = end
        return at

    def _packet(self, packet: memoryview) -> None:
        kind = packet[0]
        if kind == MESSAGE:
            self._message(packet[1:])
        elif kind == PING_PACKET:
            self._out.append(self._frame(b"3"))
        elif kind == OPEN_PACKET:
            self._out.append(self._frame(b"40" + msgspec.json.encode({"token": self._token})))
        elif kind != NOOP:
            self._surprise(f"packet {bytes(packet[:200])!r}")

    def _message(self, message: memoryview) -> None:
        kind = message[0]
        if kind == ACK:
            digits = 1
            while message[digits] != 0x5B:  # [
                digits += 1
            self._listener.on_ack(self, int(bytes(message[1:digits])), message[digits + 1 : -1])
        elif kind == EVENT:
            self._listener.on_event(self, message[1:])
        elif kind == CONNECT:
            self.is_open = True
            self._listener.on_open(self)
        elif kind == CONNECT_ERROR and b'"code":"unavailable"' in bytes(message):
            self._reason = "not let in now"
            self.reset()
        else:
            self._surprise(f"message {bytes(message[:300])!r}")

    def _frame(self, payload: bytes, opcode: int = TEXT) -> bytes:
        """A frame, masked as the protocol demands of a client (RFC 6455 section 5.3)."""
        size, key = len(payload), self._random.randbytes(4)
        mask = int.from_bytes((key * (size // 4 + 1))[:size], "little")
        masked = (int.from_bytes(payload, "little") ^ mask).to_bytes(size, "little")
        if size < 126:
            return bytes((opcode, 0x80 | size)) + key + masked
        if size < 65536:
            return struct.pack("!BBH", opcode, 0x80 | 126, size) + key + masked
        return struct.pack("!BBQ", opcode, 0x80 | 127, size) + key + masked

    def _surprise(self, what: str) -> None:
        self._listener.on_surprise(what)
        self.reset()

    def _end(self, reason: str) -> None:
        transport, self._transport = self._transport, None
        self.is_open = False
        self._out.clear()
        if transport is not None:
            self._listener.on_end(self, reason)


async def dial(connection: Connection, port: int) -> None:
    """Open it, as far as TCP goes.

    Raises:
        OSError: nobody listens.
    """
    await asyncio.get_running_loop().create_connection(lambda: connection, HOST, port)
