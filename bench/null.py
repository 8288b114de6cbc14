"""A server that does nothing but answer: what the load generator reaches when nobody works.

It speaks just enough of the contract for one sender with fixed-length messages: register, handshake, acknowledge,
forward. It stores nothing and checks nothing. Run as `python -m bench.null` with PORT set.
"""

import asyncio
import base64
import hashlib
import json
import os
from typing import cast

import uvloop

from bench.client import HOST

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_rooms: dict[bytes, "NullConnection"] = {}


def _frame(payload: bytes) -> bytes:
    size = bytes((len(payload),)) if len(payload) < 126 else b"\x7e" + len(payload).to_bytes(2, "big")
    return b"\x81" + size + payload


class NullConnection(asyncio.Protocol):
    """HTTP until it is upgraded, WebSocket from there on. A user's token is the user's id."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._rest = b""
        self._upgraded = False
        self._out: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self._upgraded:
            self._rest = b""
            self._http(data)
            return
        position = 0
        while len(data) - position >= 6:
            start, length = position + 6, data[position + 1] & 0x7F
            if length == 126:
                start, length = position + 8, int.from_bytes(data[position + 2 : position + 4], "big")
            end = start + length
            if end > len(data):
                break
            key = int.from_bytes((data[start - 4 : start] * (length // 4 + 1))[:length], "little")
            self._packet((int.from_bytes(data[start:end], "little") ^ key).to_bytes(length, "little"))
            position = end
        self._rest = data[position:]
        self._leave()

    def _http(self, data: bytes) -> None:
        if data.startswith(b"POST"):
            user_id = os.urandom(12).hex()
            body = json.dumps({"user": {"_id": user_id}, "token": user_id}).encode()
            self._transport.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            return
        key = data.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: "
            + accept
            + b"\r\n\r\n"
            + _frame(b'0{"sid":"x","upgrades":[],"pingInterval":25000}')
        )
        self._upgraded = True

    def _packet(self, packet: bytes) -> None:
        if packet.startswith(b"42"):
            body = packet.find(b"{")
            message = packet[body:-1]
            self._out.append(_frame(b'43%b[{"ok":true,"message":%b}]' % (packet[2 : packet.find(b"[")], message)))
            recipient = packet.partition(b'"recipient":"')[2][:24]
            _rooms[recipient].deliver(_frame(b'42["messageReceived",%b]' % message))
        elif packet.startswith(b"40"):
            _rooms[packet.partition(b'"token": "')[2][:24]] = self
            self._out.append(_frame(b'40{"sid":"x"}'))

    def deliver(self, frame: bytes) -> None:
        if not self._out:
            asyncio.get_running_loop().call_soon(self._leave)
        self._out.append(frame)

    def _leave(self) -> None:
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(NullConnection, HOST, int(os.environ["PORT"]), backlog=512)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
