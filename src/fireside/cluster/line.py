"""A line to Valkey: one connection, on which nothing waits for ever."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import NoScriptError, RedisError

from fireside.cluster.register import Script

ANSWER_S = 1.5
"""Whoever takes longer to answer than this, or to be heard of, is not there."""

TROUBLES = (RedisError, OSError)
"""What may come of anything here. `TimeoutError` is one of them."""

Argument = str | bytes | int


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
        message: bytes = (await self._connection.read_response(disable_decoding=True))[2]
        return message

    async def _ask(self, *command: Argument) -> Any:
        packed = hiredis.pack_command(command)  # type: ignore[arg-type] # its stub knows commands of one word
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
        self._options = options | {"protocol": 2, "socket_timeout": ANSWER_S, "socket_connect_timeout": ANSWER_S}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Line]:
        """A line until the block ends."""
        connection = self._kind(**self._options)
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            yield Line(connection)
        finally:
            await connection.disconnect(nowait=True)
