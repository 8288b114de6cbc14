"""Serving an edge with uvicorn: one listening socket for HTTP, polling and WebSocket.

uvicorn speaks HTTP and owns the loop; the edge owns every WebSocket. On the way down nobody new is taken, clients are
told when to come back, and what was accepted is settled and acknowledged; then the sessions are closed: a polling
request that waits would otherwise hold the shutdown up.
"""

import asyncio
import errno
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import uvicorn

from fireside.realtime.edge import Edge
from fireside.realtime.heads import HttpEdge
from fireside.realtime.wheel import TimingWheel

BACKLOG = 4096
PORTS_TRIED = 100
LAST_PORT = 65_535
HEAD_S = 10.0
"""How long the head of a request may take, where there are no settings for it."""


class EdgeServer(uvicorn.Server):
    """`await serve(sockets=[listener])` until told to stop. Options are uvicorn's."""

    def __init__(
        self,
        edge: Edge,
        *,
        own_signals: bool = True,
        settle: Callable[[], Awaitable[None]] | None = None,
        **options: Any,
    ) -> None:
        config = uvicorn.Config(
            edge,
            # A callable does where a class is asked for: uvicorn only calls it.
            http=cast(Any, edge.http),
            ws=cast(Any, edge.websocket),
            lifespan="off",
            access_log=False,
            server_header=False,
            **options,
        )
        super().__init__(config)
        self._edge = edge
        self._own_signals = own_signals
        self._settle = settle
        self.serving = asyncio.Event()
        """Set from when on it takes connections."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn raises a signal again when it is done, which would end the process before its stores are closed."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM) if self._own_signals else ()
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await self._edge.start()
        await super().startup(sockets)
        self.serving.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        self._edge.drain()
        if self._settle is not None:
            await self._settle()
        self._edge.dismiss()
        await super().shutdown(sockets)
        await self._edge.stop()


class PlainServer(uvicorn.Server):
    """Serves an ASGI application beside an edge, in its process and on another port: `start`, then `stop`."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        self._wheel = TimingWheel(1.0, HEAD_S)
        super().__init__(
            uvicorn.Config(
                app,
                http=cast(Any, partial(HttpEdge, wheel=self._wheel, patience_s=HEAD_S)),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=1,
            )
        )
        self._listener = listener
        self._serving: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are the edge's."""
        yield

    def start(self) -> None:
        """Serve what comes to its socket, on the running loop."""
        self._wheel.start()
        self._serving = asyncio.create_task(self.serve(sockets=[self._listener]), name="plain server")

    async def stop(self) -> None:
        """End."""
        self.should_exit = True
        if self._serving is not None:
            await self._serving
        self._wheel.stop()


def bind(host: str, port: int) -> socket.socket:
    """A socket that has the address; port 0 takes any free one. Who serves on it makes it listen.

    Until then who connects is sent away: a balancer takes another node, where it would wait for one that listens.

    Raises:
        OSError: the address cannot be had.
    """
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if bound.family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    return bound


def listen(host: str, port: int) -> socket.socket:
    """The same, and it listens.

    Raises:
        OSError: the address cannot be had.
    """
    listening = bind(host, port)
    try:
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def listen_from(host: str, port: int) -> socket.socket:
    """A listening socket on this port or, where others have it, the first free one of the next.

    Raises:
        OSError: none of `PORTS_TRIED` can be had.
    """
    for each in range(port, min(port + PORTS_TRIED, LAST_PORT + 1)):
        try:
            return listen(host, each)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, "all of these ports are taken")
