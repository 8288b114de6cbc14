"""A connection that ends in an unusual way is known to be lost, and so is one that never comes about."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from fireside.client.connection import CONNECT_TIMEOUT_S, Lost, SocketIoConnection
from tests.serving import FiresideProcess

OPEN = b'0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}'
ACCEPTED = b'40{"sid":"s"}'


@asynccontextmanager
async def breaking_off(answers: Sequence[bytes]) -> AsyncIterator[str]:
    """A server that answers polls so, and whose next answer breaks off in its midst; its address."""
    polls = iter(answers)
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = next((int(line.split()[1]) for line in head.split(b"\r\n") if b"ontent-Length" in line), 0)
                    await reader.readexactly(length)
                    body = b"ok" if head.startswith(b"POST") else next(polls, None)
                    size = 1000 if body is None else len(body)
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
                    writer.write(body or b"half an ans")
                    await writer.drain()
                    if body is None:
                        break
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for each in serving:
            each.cancel()  # a client keeps its connections for a while
        await asyncio.gather(*serving, return_exceptions=True)


async def test_a_connection_is_lost_where_an_answer_to_a_poll_breaks_off() -> None:
    async with breaking_off([OPEN, ACCEPTED]) as server:
        connection = await SocketIoConnection.open(server, "token", lambda *_: None, transports=("polling",))
        async with asyncio.timeout(30):
            await connection.lost()
        await connection.close()


async def test_nobody_waits_for_a_connection_that_breaks_off_before_it_is_accepted() -> None:
    async with breaking_off([OPEN]) as server, asyncio.timeout(CONNECT_TIMEOUT_S / 2):
        with pytest.raises(Lost):
            await SocketIoConnection.open(server, "token", lambda *_: None, transports=("polling",))


async def test_a_connection_that_takes_nothing_any_more_is_lost(tmp_path: Path) -> None:
    """Where the library knows that it is gone and has told nobody, whoever asks would be refused for ever."""
    async with FiresideProcess(tmp_path) as server:
        ann = await server.register("ann")
        connection = await SocketIoConnection.open(server.url, ann["token"], lambda *_: None)
        connection._client.namespaces.clear()
        with pytest.raises(Lost):
            await connection.call("sync", {})
        async with asyncio.timeout(30):
            await connection.lost()
        await connection.close()


async def test_nothing_stays_open_where_saying_goodbye_does_not_work_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[aiohttp.ClientSession] = []

    def http() -> aiohttp.ClientSession:
        opened.append(aiohttp.ClientSession())
        return opened[-1]

    monkeypatch.setattr("fireside.client.connection.CLOSE_TIMEOUT_S", 0.01)
    async with FiresideProcess(tmp_path) as server:
        ann = await server.register("ann")
        connection = await SocketIoConnection.open(server.url, ann["token"], lambda *_: None, http=http)
        monkeypatch.setattr(connection._client, "disconnect", asyncio.Event().wait)
        await connection.close()
        assert [each.closed for each in opened] == [True]
        assert connection._client.eio.read_loop_task.done()
        assert connection._client.eio.write_loop_task is None
