"""A TCP proxy that makes a network bad: slow, silent, or broken, each way, for all connections or for some.

It keeps to what TCP can do to a program: bytes come late, in other pieces, or not at all because the connection has
ended; none is left out of the midst. With more than one target it takes them in turns, as a plain balancer does.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import Literal, Self

Way = Literal["up", "down"]
"""From the client to the server, or back."""

CHUNK = 65_536
CONNECT_TIMEOUT_S = 10.0
SLICE_S = 0.05
"""A slow line gives so much time's worth at once."""


@dataclass(frozen=True)
class Weather:
    """What is the matter. Fair by default."""

    delay_s: float = 0.0
    """Each way."""
    bytes_per_s: float | None = None
    held: frozenset[Way] = frozenset()
    """Nothing gets through these ways: what was sent waits."""
    reset_after: tuple[int, int] | None = None
    """A connection ends once so many bytes, a number in this range, have gone up: their answers never come."""
    refused: bool = False
    """Who connects is sent away."""


FAIR = Weather()
HALF_OPEN = Weather(held=frozenset({"up", "down"}))


class Proxy:
    """`async with Proxy(targets, seed) as proxy:` listens on `proxy.port` of this machine.

    `label`, where it is given, says by the first bytes of a connection whose it is, so that each can have a weather.
    """

    def __init__(
        self,
        targets: Sequence[tuple[str, int]],
        random: Random,
        label: Callable[[bytes], str] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.host = host
        self.port = 0
        self.accepted = 0
        self._targets = cycle(targets)
        self._count = len(targets)
        self._random = random
        self._label = label
        self._weathers: dict[str, Weather] = {}
        self._lines: set[_Line] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen, on any free port by default."""
        self._server = await asyncio.start_server(self._accept, self.host, port, backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Let go of everybody."""
        if self._server is not None:
            self._server.close()
        # Not cancelled: the streams of asyncio complain of a handler that is.
        lines = list(self._lines)
        for line in lines:
            line.change(FAIR)
            line.reset()
        await asyncio.gather(*(line.task for line in lines))

    def weather(self, label: str = "") -> Weather:
        """How it is for those who come."""
        return self._weathers.get(label, FAIR)

    def set(self, weather: Weather, share: float = 1.0, label: str = "") -> None:
        """From now on it is so for this share of the connections there are, and for all that come."""
        self._weathers[label] = weather
        for line in self._some(share, label):
            line.change(weather)

    def hold_some(self, share: float, weather: Weather = HALF_OPEN) -> None:
        """For this share of the connections there are it is so; who comes from now on finds it fair."""
        for line in self._some(share):
            line.change(weather)

    def clear(self) -> None:
        """It is fair again, for everybody."""
        self._weathers.clear()
        for line in self._lines:
            line.change(FAIR)

    def cut(self, share: float = 1.0) -> int:
        """End this share of the connections with a reset; how many that were."""
        lines = self._some(share)
        for line in lines:
            line.reset()
        return len(lines)

    def cut_held(self) -> int:
        """End those that carry nothing at all; how many that were."""
        lines = [each for each in self._lines if each.weather == HALF_OPEN]
        for line in lines:
            line.reset()
        return len(lines)

    def _some(self, share: float, label: str = "") -> "list[_Line]":
        lines = sorted((each for each in self._lines if each.label == label), key=lambda each: each.number)
        return lines if share >= 1 else self._random.sample(lines, round(share * len(lines)))

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        line = _Line(self.accepted, reader, writer)
        self._lines.add(line)
        try:
            await self._carry(line)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass  # one of the two has gone, or was never there: the other is told below, by the end of its connection
        finally:
            self._lines.discard(line)
            line.reset()

    async def _carry(self, line: "_Line") -> None:
        first = b""
        if self._label is not None:
            first = await line.client[0].read(CHUNK)
            line.label = self._label(first)
        line.weather = self.weather(line.label)
        if line.weather.refused:
            return
        line.server = await self._connect()
        if line.weather.reset_after is not None:
            line.resets_at = self._random.randint(*line.weather.reset_after)
        await line.run(first)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """To the next target that answers.

        Raises:
            OSError: none does.
        """
        for _ in range(self._count - 1):
            with contextlib.suppress(OSError, TimeoutError):
                return await self._open(next(self._targets))
        return await self._open(next(self._targets))

    @staticmethod
    async def _open(target: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            return await asyncio.open_connection(*target)


class _Line:
    """A connection of a client, and the one to the server that belongs to it."""

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.client = reader, writer
        self.server: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.weather = FAIR
        self.label = ""
        self.resets_at: int | None = None
        self._up = 0
        self._changed = asyncio.Event()
        task = asyncio.current_task()
        assert task is not None
        self.task = task

    def change(self, weather: Weather) -> None:
        """It is another."""
        self.weather = weather
        self._changed.set()

    async def run(self, first: bytes) -> None:
        """Carry both ways until either ends."""
        assert self.server is not None
        (from_client, to_client), (from_server, to_server) = self.client, self.server
        ways = [
            asyncio.create_task(self._pump("up", from_client, to_server, first)),
            asyncio.create_task(self._pump("down", from_server, to_client, b"")),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for each in ways:
                each.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, chunk: bytes) -> None:
        while chunk or (chunk := await reader.read(CHUNK)):
            await self._let_through(way)
            weather = self.weather
            if weather.delay_s:
                await asyncio.sleep(weather.delay_s)
            if way == "up" and self._ends(len(chunk)):
                assert self.resets_at is not None
                writer.write(chunk[: max(0, len(chunk) - (self._up - self.resets_at))])
                # What has got through is to arrive before the end does.
                await writer.drain()
                await asyncio.sleep(SLICE_S)
                raise ConnectionResetError
            if weather.bytes_per_s is None:
                writer.write(chunk)
                await writer.drain()
            else:
                await self._give_slowly(writer, chunk, weather.bytes_per_s)
            chunk = b""
        if writer.can_write_eof():
            writer.write_eof()

    def _ends(self, size: int) -> bool:
        self._up += size
        return self.resets_at is not None and self._up > self.resets_at

    async def _let_through(self, way: Way) -> None:
        while way in self.weather.held:
            self._changed.clear()
            await self._changed.wait()

    @staticmethod
    async def _give_slowly(writer: asyncio.StreamWriter, chunk: bytes, bytes_per_s: float) -> None:
        size = max(1, int(bytes_per_s * SLICE_S))
        for start in range(0, len(chunk), size):
            writer.write(chunk[start : start + size])
            await writer.drain()
            await asyncio.sleep(SLICE_S)

    def reset(self) -> None:
        """End both with a reset."""
        for end in (self.client, self.server):
            if end is not None:
                transport = end[1].transport
                its_socket = transport.get_extra_info("socket")
                if its_socket is not None and not transport.is_closing():
                    its_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                transport.abort()
