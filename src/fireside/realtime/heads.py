"""What a request's head may take before it is one, in bytes and in time. uvicorn bounds neither: it keeps what comes
until the head is complete, and has no timer before the first answer.

What is somewhat too large is refused by who knows what it is for, in its own words; this is where it ends for anybody.
Bytes are counted as they come, not field by field: the parser keeps a field to itself until it is complete. One read
more than the bound may be held.
"""

import asyncio
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from fireside.realtime.opening import MAX_HEAD, MAX_HEADERS, refusing
from fireside.realtime.server import CLOSING_S
from fireside.realtime.wheel import TimingWheel
from fireside.socketio.engine import Refusal

MAX_BYTES = 2 * MAX_HEAD
MAX_FIELDS = 2 * MAX_HEADERS


class HttpEdge(HttpToolsProtocol):
    """uvicorn's end of an HTTP connection, and how long it may have it for nothing.

    A deadline is set while the client has to go on and uvicorn does not count: until the first head is complete, while
    a later one comes, and while the rest of a body comes that nobody waits for any more.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        wheel: TimingWheel,
        patience_s: float,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._wheel = wheel
        self._patience_s = patience_s
        self.headers = []
        # Bytes since the end of a head, of a message, or the last of its body: of a head that is not complete, or of
        # what goes with chunks.
        self._unread = 0
        self._is_refused = self._is_upgraded = False
        self.bucket = -1

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wheel.set(self, self._patience_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._wheel.cancel(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._unread += len(data)
        super().data_received(data)
        if self._is_upgraded:
            return
        # uvicorn has none before the first request, and does not say so.
        cycle = cast("RequestResponseCycle | None", self.cycle)
        is_answering = cycle is not None and not cycle.response_complete
        unread = self._unread
        is_endless = unread > MAX_BYTES or (unread > 0 and len(self.headers) > MAX_FIELDS)
        if is_endless and not self.transport.is_closing():
            self._refuse(is_answering)
        elif is_answering:
            self._wheel.cancel(self)
        elif self.bucket < 0:
            self._wheel.set(self, self._patience_s)

    def on_headers_complete(self) -> None:
        self._unread = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread = 0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        self._is_upgraded = True
        self._wheel.cancel(self)
        super().handle_websocket_upgrade()

    def on_deadline(self) -> None:
        """Nothing has come of it in time."""
        self.transport.abort()

    def _refuse(self, is_answering: bool) -> None:
        self._is_refused = True
        if is_answering:
            # An answer in the middle of another would be none.
            return self.transport.abort()
        self.headers = []
        self.transport.write(refusing(Refusal.HEAD_TOO_LARGE, None))
        # Until then it is not listened to. Cut off with something unread of it, it might not get the answer.
        self._wheel.set(self, CLOSING_S)
