"""Clients that do as they are told, also what no library would do: raw HTTP and raw WebSocket over asyncio streams."""

import asyncio
import json
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from fireside.socketio.engine import SEPARATOR, split_payload

PATIENCE_S = 30.0
"""What has not happened by then never will."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

SOCKET_IO, ENGINE_IO = "/socket.io/", "/engine.io/"


@dataclass(frozen=True, slots=True)
class Answer:
    """To an HTTP request."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header that is there once at most."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, values
        return values[0] if values else None

    @property
    def code(self) -> int:
        """Why it was refused: the number that Engine.IO gives the reason."""
        number: int = json.loads(self.body)["code"]
        return number


class Closed(Exception):
    """The server has ended the connection. `code` is that of its close frame, None if it sent none."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Wire:
    """A TCP connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def write(self, data: bytes) -> None:
        if self._writer.transport.is_closing():
            # asyncio says this when drained; uvloop raises a RuntimeError, as for a mistake of the program.
            raise ConnectionResetError("the connection has been lost")
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self, *, empty: bool = False) -> Answer:
        """The next answer to a request. `empty`: it has no body, whatever its head says."""
        async with asyncio.timeout(PATIENCE_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
            headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
            answer = Answer(int(status.split()[1]), headers, b"")
            length = answer.header("content-length")
            if empty or answer.status in (101, 204):
                body = b""
            elif length is None:
                body = await self._reader.read()
            else:
                body = await self._reader.readexactly(int(length))
            return Answer(answer.status, headers, body)

    async def end(self) -> bytes:
        """What the server still has to say until it hangs up."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self._reader.read()
            except ConnectionError:
                return b""

    def abort(self) -> None:
        """Hang up at once."""
        self._writer.transport.abort()

    @contextmanager
    def or_abort(self) -> Iterator[Self]:
        """Hang up if this does not work out."""
        try:
            yield self
        except BaseException:
            self.abort()
            raise


def head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """The head of a request."""
    lines = (f"{name}: {value}" for name, value in {"Host": "127.0.0.1", **headers}.items())
    return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode("latin-1")


async def request(
    port: int, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """One request on a connection of its own."""
    length = {} if body is None else {"Content-Length": str(len(body))}
    wire = await Wire.open(port)
    try:
        await wire.write(head(method, target, {"Connection": "close", **length, **(headers or {})}) + (body or b""))
        return await wire.answer(empty=method == "HEAD")
    finally:
        wire.abort()


def target(path: str = SOCKET_IO, transport: str = "polling", **query: str) -> str:
    """Where a request goes."""
    return f"{path}?{urlencode({'EIO': '4', 'transport': transport, **query})}"


class PollingClient:
    """A session over polling. Every request has a connection of its own."""

    def __init__(self, port: int, path: str, opening: dict[str, Any]) -> None:
        self.port = port
        self.opening = opening
        self.sid: str = opening["sid"]
        self.target = target(path, sid=self.sid)

    @classmethod
    async def open(cls, port: int, path: str = SOCKET_IO, headers: Mapping[str, str] | None = None) -> Self:
        answer = await request(port, "GET", target(path), headers=headers)
        assert answer.status == 200, answer
        return cls(port, path, json.loads(answer.body[1:]))

    async def get(self) -> Answer:
        """Wait for packets."""
        return await request(self.port, "GET", self.target)

    async def packets(self) -> list[str | bytes]:
        """The packets of one GET."""
        answer = await self.get()
        assert answer.status == 200, answer
        text = answer.body.decode()
        return [split_payload(part.encode())[0] if part[:1] == "b" else part for part in text.split(SEPARATOR)]

    async def post(self, *packets: str) -> Answer:
        """Bring packets."""
        return await request(self.port, "POST", self.target, SEPARATOR.join(packets).encode())

    async def connect(self, auth: str = "", namespace: str = "") -> str:
        """Join a namespace; the id that the server gives."""
        answer = await self.post(f"40{namespace}{auth}")
        assert answer.status == 200, answer
        return joined(await self.packets())

    async def waiting(self) -> Wire:
        """A GET that has been sent and waits."""
        with (await Wire.open(self.port)).or_abort() as wire:
            await wire.write(head("GET", self.target, {}))
            return wire


def joined(packets: list[str | bytes]) -> str:
    """The id in the answer to a CONNECT."""
    (packet,) = packets
    assert isinstance(packet, str)
    assert packet.startswith("40"), packet
    sid: str = json.loads(packet[packet.index("{") :])["sid"]
    return sid


class WebSocketClient(Wire):
    """A WebSocket. It masks what it sends, with zeros."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.handshake: Answer
        self.opening: dict[str, Any] = {}

    @classmethod
    async def shake(cls, port: int, where: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Self:
        """A connection whose handshake has been answered, one way or the other."""
        own = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        with (await cls.open(port)).or_abort() as client:
            await client.write(head(method, where, {**own, **(headers or {})}))
            client.handshake = await client.answer()
            return client

    @classmethod
    async def begin(cls, port: int, path: str = SOCKET_IO, headers: Mapping[str, str] | None = None) -> Self:
        """A new session."""
        with (await cls.shake(port, target(path, "websocket"), headers)).or_abort() as client:
            assert client.handshake.status == 101, client.handshake
            client.opening = json.loads((await client.text())[1:])
            return client

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, str):
            await self.send_frame(TEXT, message.encode())
        else:
            await self.send_frame(BINARY, message)

    async def send_frame(self, opcode: int, payload: bytes = b"", *, final: bool = True) -> None:
        await self.write(client_frame(opcode, payload, final=final))

    async def frame(self) -> tuple[int, bytes]:
        """The next frame, whatever it is.

        Raises:
            Closed: there is none, or it is a close frame; that is answered.
        """
        async with asyncio.timeout(PATIENCE_S):
            try:
                first, size = await self._reader.readexactly(2)
                assert first & 0xF0 == 0x80, "a frame of ours is final and has no reserved bits"
                if size == 126:
                    (size,) = struct.unpack("!H", await self._reader.readexactly(2))
                elif size == 127:
                    (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
                payload = await self._reader.readexactly(size)
            except (asyncio.IncompleteReadError, ConnectionError):
                raise Closed(None) from None
            if first & 0xF == CLOSE:
                await self.send_frame(CLOSE, payload[:2])
                code = struct.unpack("!H", payload[:2])[0] if payload else None
                raise Closed(code, payload[2:].decode())
            return first & 0xF, payload

    async def receive(self) -> str | bytes:
        """The next message."""
        opcode, payload = await self.frame()
        assert opcode in (TEXT, BINARY), opcode
        return payload.decode() if opcode == TEXT else payload

    async def text(self) -> str:
        """The next message, which is text."""
        message = await self.receive()
        assert isinstance(message, str)
        return message

    async def closed(self) -> Closed:
        """How the server ends the connection, whatever it says before that."""
        while True:
            try:
                await self.frame()
            except Closed as closed:
                assert await self.end() == b"", "nothing follows a close frame"
                return closed

    async def connect(self, auth: str = "", namespace: str = "") -> str:
        """Join a namespace; the id that the server gives."""
        await self.send(f"40{namespace}{auth}")
        return joined([await self.receive()])


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    masked: bool = True,
    reserved: int = 0,
    length: int | None = None,
) -> bytes:
    """A frame, right or wrong. `length`: what it says of itself."""
    size = len(payload) if length is None else length
    first, mask = (0x80 if final else 0) | reserved << 4 | opcode, 0x80 if masked else 0
    if size < 126:
        start = bytes((first, mask | size))
    elif size < 65536:
        start = struct.pack("!BBH", first, mask | 126, size)
    else:
        start = struct.pack("!BBQ", first, mask | 127, size)
    return start + (bytes(4) if masked else b"") + payload


class Deaf:
    """A client that sends and never reads: what the server has for it stays in the buffers of both kernels."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire

    @classmethod
    async def open(cls, port: int, *data: bytes) -> Self:
        wire = socket.socket()
        wire.setblocking(False)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.get_running_loop().sock_connect(wire, ("127.0.0.1", port))
        deaf = cls(wire)
        for each in data:
            await deaf.write(each)
        return deaf

    @classmethod
    async def websocket(cls, port: int, path: str = SOCKET_IO, **query: str) -> Self:
        own = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        start = f"GET {target(path, 'websocket', **query)} HTTP/1.1\r\nHost: 127.0.0.1\r\n{own}{key}\r\n"
        return await cls.open(port, start.encode())

    async def write(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._wire, data)

    def abort(self) -> None:
        self._wire.close()
