"""A connection to the server, from being accepted to being lost. It does not come back: the client makes another."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import aiohttp
import msgspec
import socketio

from fireside.core.ending import ended

CONNECT_TIMEOUT_S, CLOSE_TIMEOUT_S = 20.0, 5.0

Hear = Callable[[str, Any], None]
"""Called with the name and the body of everything the server tells, in the order in which it comes."""


class Lost(Exception):
    """The connection is gone, or there was none to be had. What became of what was under way is not known."""


class Refused(Exception):
    """The server says no. `code` is stable; `error` is for people."""

    def __init__(self, code: str, error: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(error)
        self.code = code
        self.error = error
        self.details = details or {}

    @property
    def is_passing(self) -> bool:
        """Whether the same may be asked again."""
        return self.code in ("rate_limited", "unavailable")

    @property
    def retry_after_s(self) -> float:
        """When, where the server says so."""
        return float(self.details.get("retryAfterS", 0))


class Connection(Protocol):
    """What the client needs of one."""

    async def call(self, event: str, body: Any) -> Any:
        """Ask, and wait for what the server acknowledges it with.

        Raises:
            Lost: the connection is gone before that.
        """

    async def lost(self) -> None:
        """Wait until it is gone."""

    async def close(self) -> None:
        """Let it go."""


Connect = Callable[[str, str, Hear], Awaitable[Connection]]
"""Connects to a server with a token. Raises `Lost` where it cannot be reached, `Refused` where it lets nobody in."""


class SocketIoConnection:
    """A connection by python-socketio."""

    def __init__(self, hear: Hear, http: Callable[[], aiohttp.ClientSession] = aiohttp.ClientSession) -> None:
        self._http = http()
        self._client = socketio.AsyncClient(reconnection=False, handle_sigint=False, http_session=self._http)
        self._accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._client.on("*", hear)
        self._client.on("connect", self._connected)
        self._client.on("connect_error", self._refused)
        self._client.on("disconnect", self._disconnected)

    @classmethod
    async def open(
        cls,
        server: str,
        token: str,
        hear: Hear,
        *,
        transports: Sequence[str] = ("websocket",),
        http: Callable[[], aiohttp.ClientSession] = aiohttp.ClientSession,
    ) -> "SocketIoConnection":
        """Connect; see `Connect`. `http` makes what requests go through; it is closed with the connection."""
        connection = cls(hear, http)
        try:
            await connection._open(server, token, transports)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _open(self, server: str, token: str, transports: Sequence[str]) -> None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._client.connect(server, auth={"token": token}, transports=list(transports), wait=False)
                # Where an answer to a poll breaks off, the library ends to read without a word to anybody.
                self._client.eio.read_loop_task.add_done_callback(self._reading_ended)
                await answer_or_loss(self._accepted, self._lost)
        except TimeoutError:
            raise Lost("nobody answered in time") from None
        except socketio.exceptions.ConnectionError as error:
            raise Lost(str(error)) from None

    async def call(self, event: str, body: Any) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def answered(*args: Any) -> None:
            if not answer.done():
                answer.set_result(args[0] if args else None)

        try:
            await self._client.emit(event, msgspec.to_builtins(body), callback=answered)
        except socketio.exceptions.SocketIOError as error:
            # The library may know that it is gone and have told nobody.
            self._disconnected()
            raise Lost(str(error)) from None
        return await answer_or_loss(answer, self._lost)

    async def lost(self) -> None:
        await asyncio.shield(self._lost)

    async def close(self) -> None:
        self._disconnected()
        try:
            with contextlib.suppress(socketio.exceptions.SocketIOError, aiohttp.ClientError, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT_S):
                    await self._client.disconnect()
        finally:
            # Where saying goodbye does not work out the library's loops would go on for a minute, and open more.
            loops = self._client.eio.read_loop_task, self._client.eio.write_loop_task
            await ended(*(each for each in loops if each is not None))
            await self._http.close()

    def _disconnected(self, *reason: object) -> None:
        if not self._lost.done():
            self._lost.set_result(None)

    def _reading_ended(self, reading: "asyncio.Task[None]") -> None:
        if not reading.cancelled():
            reading.exception()  # it is known to be lost, why does not matter
        self._disconnected()

    def _connected(self) -> None:
        if not self._accepted.done():
            self._accepted.set_result(None)

    def _refused(self, refusal: Any = None) -> None:
        data = refusal.get("data") if isinstance(refusal, dict) else None
        why = refused(data) if isinstance(data, dict) and "code" in data else Lost(str(refusal))
        if not self._accepted.done():
            self._accepted.set_exception(why)
            self._accepted.exception()  # nobody may be waiting for it any more


async def answer_or_loss(answer: "asyncio.Future[Any]", lost: "asyncio.Future[None]") -> Any:
    """The answer, if it comes before the connection is lost.

    Raises:
        Lost: it does not.
    """
    await asyncio.wait({answer, lost}, return_when=asyncio.FIRST_COMPLETED)
    if not answer.done():
        raise Lost("the connection is gone")
    return answer.result()


def refused(body: dict[str, Any]) -> Refused:
    """What a refusal says, as an exception."""
    return Refused(str(body["code"]), str(body.get("error", "")), body.get("details"))
