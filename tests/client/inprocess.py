"""Connections to a Fireside in this process: everything is as on a network but the network, which tests can make worse.

What the server tells can be lost (`deaf_for`), as by a bus that is away; what it answers is not: where an answer is
lost, so is the connection.
"""

import asyncio
from itertools import count
from typing import Any

import msgspec

from fireside.app import Fireside
from fireside.client.connection import Connection, Hear, Lost, answer_or_loss, refused
from fireside.realtime.session import Handshake

decode = msgspec.json.decode
NEVER = 1 << 30


class Line:
    """The server's `Carrier`: what it writes arrives a moment later."""

    writable = True
    at_once = NEVER

    def __init__(self, connection: "InProcessConnection") -> None:
        self._connection = connection

    def write(self, waiting: list[bytes]) -> None:
        for frame in waiting:
            payload = frame[{126: 4, 127: 10}.get(frame[1], 2) :]
            asyncio.get_running_loop().call_soon(self._connection.arrive, payload.decode())

    def close(self, reason: str, code: int) -> None:
        self._connection.cut()

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class InProcessConnection:
    """Implements the client's `Connection`."""

    def __init__(self, fireside: Fireside, hear: Hear) -> None:
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._hear = hear
        self._ids = count()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._lost: asyncio.Future[None] = loop.create_future()
        self._accepted: asyncio.Future[None] = loop.create_future()
        self.deaf_for = 0
        """How many of the next events are lost."""
        self.has_missed_heads = False
        """Nothing tells of what was lost before them, but asking."""
        self.unanswered_after = NEVER
        """After how many answers the connection breaks, with the next one on its way."""
        self.session = fireside.engine_io.open(Handshake({}, {}, "here"), polling=False)
        self._carrier = Line(self)
        self.session.attach(self._carrier)

    async def accepted(self, token: str) -> "InProcessConnection":
        self.session.packet("40" + msgspec.json.encode({"token": token}).decode())
        await asyncio.wait({self._accepted, self._lost}, return_when=asyncio.FIRST_COMPLETED)
        if not self._accepted.done():
            raise Lost("the server is gone")
        await self._accepted
        return self

    # ── the client's side ────────────────────────────────────────────────────────────────────────────────────────

    async def call(self, event: str, body: Any) -> Any:
        number = next(self._ids)
        answer = self._answers[number] = self._loop.create_future()
        self.session.packet(f"42{number}" + msgspec.json.encode([event, msgspec.to_builtins(body)]).decode())
        return await answer_or_loss(answer, self._lost)

    async def lost(self) -> None:
        await asyncio.shield(self._lost)

    async def close(self) -> None:
        self.cut()

    def mend(self) -> None:
        """The line is good again."""
        self.deaf_for, self.unanswered_after = 0, NEVER

    def cut(self) -> None:
        """The connection breaks."""
        if not self._lost.done():
            self._lost.set_result(None)
            self.session.detach(self._carrier)
            self.session.close("transport error")

    # ── what the server sends ────────────────────────────────────────────────────────────────────────────────────────

    def arrive(self, packet: str) -> None:
        if self._lost.done():
            return
        if packet == "2":
            self.session.packet("3")
        elif packet.startswith("40"):
            self._accepted.set_result(None)
        elif packet.startswith("44"):
            self._accepted.set_exception(refused(decode(packet[2:])["data"]))
        elif packet.startswith("42"):
            self._event(*decode(packet[2:]))
        elif packet.startswith("43"):
            start = packet.index("[")
            self._answered(int(packet[2:start]), *decode(packet[start:]))

    def _event(self, name: str, body: Any) -> None:
        if self.deaf_for:
            self.deaf_for -= 1
            self.has_missed_heads |= name in ("heads", "meUpdated")
        else:
            self._hear(name, body)

    def _answered(self, number: int, body: Any) -> None:
        if self.unanswered_after == 0:
            return self.cut()
        self.unanswered_after -= 1
        answer = self._answers.pop(number)
        if not answer.done():
            answer.set_result(body)


async def connect(fireside: Fireside, token: str, hear: Hear) -> Connection:
    """A connection with this token; see the client's `Connect`."""
    return await InProcessConnection(fireside, hear).accepted(token)
