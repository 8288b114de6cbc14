"""A line to Valkey: one connection, on which nothing waits for ever."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import NoScriptError, RedisError

from fireside.cluster.register import Script

ANSWER_S = 1.5
"""Whoever takes longer to answer than this, or to be heard of, is not there."""
STEPS = 6
"""In which this time is counted."""

TROUBLES = (RedisError, OSError)
"""What may come of anything here. `TimeoutError` is one of them."""

Argument = str | bytes | int


@asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """Wait `ANSWER_S` in this block, and no longer.

    It is counted in steps of the loop. However long the process has been busy, or not been run at all, that is one step
    more: what has arrived in the meantime is read before the next.

    Raises:
        TimeoutError: the time is over.
    """
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def wait(steps: int) -> None:
        nonlocal timer
        if steps:
            timer = loop.call_later(ANSWER_S / STEPS, wait, steps - 1)
        else:
            limit.reschedule(loop.time())

    try:
        async with asyncio.timeout(None) as limit:
            wait(STEPS)
            try:
                yield
            finally:
                timer.cancel()
    except TimeoutError as error:
        raise TimeoutError("no answer in time") from error


class Line:
    """An open connection."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection

    async def run(self, script: Script, arguments: Sequence[Argument]) -> Any:
        """What the script returns."""
        try:
            return await self._ask("EVALSHA", script.sha, 0, *arguments)
        except NoScriptError:
            return await self._ask("EVAL", script.source, 0, *arguments)

    async def version(self) -> str:
        """What answers there, as it says itself."""
        said: bytes = await self._ask("INFO", "server")
        facts = dict(line.split(":", 1) for line in said.decode().splitlines() if ":" in line)
        known = next(name for name in ("valkey_version", "redis_version") if name in facts)
        return f"{known.removesuffix('_version').capitalize()} {facts[known]}"

    async def subscribe(self, channel: str) -> None:
        """Hear this channel; return when it is so. From then on the line is good for `heard` alone."""
        await self._ask("SUBSCRIBE", channel)

    async def heard(self) -> bytes:
        """The next message.

        Raises:
            TimeoutError: it does not come in time.
        """
        async with patience():
            message: bytes = (await self._connection.read_response(disable_decoding=True))[2]
        return message

    async def _ask(self, *command: Argument) -> Any:
        packed = hiredis.pack_command(command)  # type: ignore[arg-type] # its stub knows commands of one word
        async with patience():
            await self._connection.send_packed_command(packed)
            return await self._connection.read_response(disable_decoding=True)


class Lines:
    """Opens lines to one Valkey."""

    def __init__(self, url: str) -> None:
        """`url`: one that `Settings` accepts.

        Raises:
            ValueError, TypeError: it is none, all the same.
        """
        # What calls itself Valkey speaks as Redis does.
        options: dict[str, Any] = dict(
            parse_url(url.replace("valkey", "redis", 1) if url.startswith("valkey") else url)
        )
        self._kind: type[AbstractConnection] = options.pop("connection_class", Connection)
        self._kind(**options)  # or it would be found out later that it does not take them
        self._options = options | {"protocol": 2, "socket_timeout": None, "socket_connect_timeout": None}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Line]:
        """A line until the block ends."""
        connection = self._kind(**self._options)
        try:
            async with patience():
                await connection.connect()  # type: ignore[no-untyped-call]
            yield Line(connection)
        finally:
            await connection.disconnect(nowait=True)
