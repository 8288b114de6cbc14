"""The proxy: what it does to connections, and to which."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from random import Random

import pytest

from fireside.torture.proxy import HALF_OPEN, Proxy, Weather

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[Proxy], Awaitable[Line]]


class Echo:
    """A server that gives back what it gets, behind its name, and keeps it."""

    def __init__(self, name: bytes = b"") -> None:
        self.name = name
        self.got = bytearray()
        self.came = asyncio.Event()
        self.ended = asyncio.Event()
        self.port = 0
        self._serving: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while data := await reader.read(65_536):
                self.got += data
                self.came.set()
                writer.write(self.name + data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            self.ended.set()
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    echo = Echo()
    async with echo.serving():
        yield echo


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with Proxy([("127.0.0.1", echo.port)], Random(1)) as proxy:
        yield proxy


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Connects to a proxy; all connections end with the test."""
    writers: list[asyncio.StreamWriter] = []

    async def connect(proxy: Proxy) -> Line:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
        writers.append(writer)
        return reader, writer

    yield connect
    for writer in writers:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def ask(line: Line, text: bytes) -> bytes:
    reader, writer = line
    writer.write(text)
    return await reader.readexactly(len(text))


async def is_reset(line: Line) -> bool:
    """Wait for its end; whether that is a reset."""
    try:
        await line[0].read()
    except ConnectionResetError:
        return True
    return False


async def test_in_fair_weather_everything_gets_through_both_ways_and_so_does_the_end(
    proxy: Proxy, echo: Echo, dial: Dial
) -> None:
    line = await dial(proxy)
    assert await ask(line, b"hello" * 100_000) == b"hello" * 100_000
    line[1].write_eof()
    assert not await is_reset(line)
    await echo.ended.wait()


async def test_a_cut_is_a_reset_on_both_sides(proxy: Proxy, echo: Echo, dial: Dial) -> None:
    line = await dial(proxy)
    await ask(line, b"hello")
    assert proxy.cut() == 1
    assert await is_reset(line)
    await echo.ended.wait()


async def test_a_share_of_the_connections_is_cut_and_the_others_go_on(proxy: Proxy, dial: Dial) -> None:
    lines = [await dial(proxy) for _ in range(8)]
    for line in lines:
        await ask(line, b"hello")
    assert proxy.cut(0.25) == 2
    still_there = 0
    for line in lines:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            still_there += await ask(line, b"hello") == b"hello"
    assert still_there == 6


async def test_what_is_held_arrives_when_it_is_over(proxy: Proxy, echo: Echo, dial: Dial) -> None:
    line = await dial(proxy)
    await ask(line, b"before")
    proxy.hold_some(1.0)
    line[1].write(b"held")
    # Who comes later is served meanwhile.
    assert await ask(await dial(proxy), b"later") == b"later"
    assert bytes(echo.got) == b"beforelater"
    proxy.clear()
    assert await line[0].readexactly(4) == b"held"


async def test_those_that_carry_nothing_end_without_the_others(proxy: Proxy, dial: Dial) -> None:
    held = await dial(proxy)
    await ask(held, b"hello")
    proxy.hold_some(1.0)
    other = await dial(proxy)
    await ask(other, b"hello")
    assert proxy.cut_held() == 1
    assert await is_reset(held)
    assert await ask(other, b"still here") == b"still here"


async def test_an_answer_is_lost_though_the_question_has_arrived(proxy: Proxy, echo: Echo, dial: Dial) -> None:
    line = await dial(proxy)
    await ask(line, b"hello")
    proxy.set(Weather(held=frozenset({"down"})))
    echo.came.clear()
    line[1].write(b"question")
    await echo.came.wait()
    proxy.cut()
    assert await is_reset(line)
    assert bytes(echo.got) == b"helloquestion"


async def test_a_connection_ends_after_so_many_bytes_and_those_arrive(proxy: Proxy, echo: Echo, dial: Dial) -> None:
    proxy.set(Weather(reset_after=(700, 700)))
    line = await dial(proxy)
    await ask(line, b"x" * 500)
    line[1].write(b"y" * 500)
    assert await is_reset(line)
    await echo.ended.wait()
    assert bytes(echo.got) == b"x" * 500 + b"y" * 200


async def test_who_is_refused_has_no_connection(proxy: Proxy, echo: Echo, dial: Dial) -> None:
    proxy.set(Weather(refused=True))
    line = await dial(proxy)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await ask(line, b"hello")
    assert not echo.got


@pytest.mark.parametrize("weather", [Weather(delay_s=0.01), Weather(bytes_per_s=100_000)])
async def test_late_and_slow_bytes_are_the_same_bytes(proxy: Proxy, weather: Weather, dial: Dial) -> None:
    proxy.set(weather)
    text = bytes(range(256)) * 40
    assert await ask(await dial(proxy), text) == text


async def test_targets_are_taken_in_turns_and_one_that_is_down_is_passed_over(dial: Dial) -> None:
    one, other, down = Echo(b"1"), Echo(b"2"), Echo()
    async with down.serving():
        pass
    async with one.serving(), other.serving():
        targets = [("127.0.0.1", each.port) for each in (one, other, down)]
        async with Proxy(targets, Random(1)) as proxy:
            answers = []
            for _ in range(6):
                line = await dial(proxy)
                line[1].write(b"?")
                answers.append(await line[0].readexactly(2))
    assert answers == [b"1?", b"2?"] + [b"1?", b"2?"] * 2


async def test_weather_can_be_for_some_by_what_they_say_first(echo: Echo, dial: Dial) -> None:
    async with Proxy([("127.0.0.1", echo.port)], Random(1), label=lambda first: first[-5:].decode()) as proxy:
        proxy.set(HALF_OPEN, label="node1")
        held, other = await dial(proxy), await dial(proxy)
        held[1].write(b"I am node1")
        assert await ask(other, b"I am node2") == b"I am node2"
        assert bytes(echo.got) == b"I am node2"
        proxy.clear()
        assert await held[0].readexactly(10) == b"I am node1"
