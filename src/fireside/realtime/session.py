"""An Engine.IO session: one client, whatever carries its packets.

A session outlives its carriers. It opens over polling, where each waiting request carries one payload, and moves to a
WebSocket, or it opens there. Frames wait in `pending` until a carrier takes them: at the end of the tick in which they
were sent, if there is one.

What must stay true:

- Frames leave in the order of `send`, also across an upgrade: the polling request that is out when the WebSocket takes
  over is answered first.
- What waits is bounded. Past `VOLATILE_LIMIT` the client is behind, and frames nobody would miss are dropped; past
  `QUEUE_LIMIT`, or where too much waits for all who are behind, it is closed, because it does not read; it catches up
  when it comes back. Nobody ever waits for a slow reader.
- The peer hears `closed` exactly once.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from fireside.realtime import frames
from fireside.realtime.limits import Backlog, Flow
from fireside.realtime.options import Metrics, Options
from fireside.realtime.wheel import TimingWheel
from fireside.socketio import engine
from fireside.socketio.engine import ProtocolError

logger = logging.getLogger(__name__)

VOLATILE_LIMIT = 64 * 1024
QUEUE_LIMIT = 1024 * 1024
QUEUE_FRAMES = 1024

OPEN, LINGERING, CLOSED = range(3)


class Handshake:
    """The request that opened a session: what an application may decide on."""

    __slots__ = ("address", "headers", "query")

    def __init__(self, query: dict[str, str], headers: dict[str, str], address: str) -> None:
        self.query = query
        self.headers = headers
        self.address = address

    @property
    def size(self) -> int:
        """How many characters of the client's this remembers."""
        return sum(sum(map(len, part)) + sum(map(len, part.values())) for part in (self.query, self.headers))


class Peer(Protocol):
    """The application's side of a session."""

    def received(self, message: str | bytes) -> None:
        """A message from the client. May raise ProtocolError: the session is closed then."""

    def pinged(self) -> None:
        """The client is about to be asked whether it is there; a moment to look at what time changes."""

    def leaving(self, retry_after_ms: int) -> None:
        """The client will have to go soon, and is to come back after so long."""

    def closed(self, reason: str) -> None:
        """The session is over. Called once."""


class Carrier(Protocol):
    """Takes frames to the client."""

    @property
    def writable(self) -> bool:
        """Whether it takes any now."""

    at_once: int
    """How many frames it takes in one go."""

    def write(self, waiting: list[bytes]) -> None:
        """Send these. Called only while `writable`."""

    def close(self, reason: str, code: int) -> None:
        """Tell the client it is over. `code` is a WebSocket close code (RFC 6455 section 7.4)."""

    def pause_reading(self) -> None:
        """Take nothing from the client for now."""

    def resume_reading(self) -> None:
        """Go on taking."""


class Server(Protocol):
    """What sessions share: see `realtime.server`."""

    options: Options
    metrics: Metrics
    wheel: TimingWheel
    backlog: Backlog

    def now(self) -> float: ...

    def admits(self, flow: Flow) -> bool: ...

    def flush_soon(self, session: "Session") -> None: ...

    def flush_first(self, session: "Session") -> None: ...

    def forget(self, session: "Session") -> None: ...


class Session:
    """One client. The session table and the clock are the server's."""

    __slots__ = (
        "address",
        "awaiting_pong",
        "blocked",
        "bucket",
        "carrier",
        "dirty",
        "expires_at",
        "flow",
        "handshake",
        "peer",
        "pending",
        "pending_bytes",
        "polling",
        "posting",
        "server",
        "sid",
        "state",
        "upgrading",
    )

    peer: Peer

    def __init__(self, server: Server, sid: str, handshake: Handshake, *, polling: bool) -> None:
        self.server = server
        self.sid = sid
        self.handshake: Handshake | None = handshake
        self.address = handshake.address
        self.state = OPEN
        self.carrier: Carrier | None = None
        self.polling = polling
        self.posting = False
        self.upgrading: Carrier | None = None
        self.pending: list[bytes] = []
        self.pending_bytes = 0
        self.dirty = False
        self.blocked: asyncio.Future[None] | None = None
        self.flow = Flow()
        self.bucket = -1
        self.heard()

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, frame: bytes, *, volatile: bool = False) -> None:
        """Queue a frame. It leaves at the end of this tick of the loop, together with what else is queued by then."""
        if self.state != OPEN or (volatile and self.pending_bytes > VOLATILE_LIMIT):
            return
        self.pending.append(frame)
        self.pending_bytes = size = self.pending_bytes + len(frame)
        if size > VOLATILE_LIMIT or len(self.pending) > QUEUE_FRAMES:
            # So much in one tick may be a burst for a client that reads.
            self.flush()
            if self.pending_bytes > QUEUE_LIMIT or len(self.pending) > QUEUE_FRAMES:
                self.give_up()
            elif self.pending_bytes > VOLATILE_LIMIT:
                self.server.backlog.has(self, self.pending_bytes)
        elif not self.dirty:
            self.dirty = True
            self.server.flush_soon(self)

    def give_up(self) -> None:
        """The client does not read. What waits is dropped: it has not read what came before that either."""
        self.pending, self.pending_bytes = [], 0
        self.server.metrics.slow_consumers += 1
        self.close("slow consumer", 1013, linger=True)

    def flush(self) -> None:
        """Hand what waits to the carrier, if it can take it."""
        self.dirty = False
        carrier = self.carrier
        if carrier is not None and self.pending and carrier.writable:
            if self.pending_bytes > VOLATILE_LIMIT:
                self.server.backlog.forget(self)
            waiting, self.pending, self.pending_bytes = self.pending, [], 0
            if len(waiting) > carrier.at_once:
                self.pending = waiting[carrier.at_once :]
                self.pending_bytes = sum(map(len, self.pending))
                del waiting[carrier.at_once :]
            carrier.write(waiting)

    def attach(self, carrier: Carrier) -> None:
        """From now on this carries the frames, and first those that wait."""
        self.carrier = carrier
        self.flush()

    def detach(self, carrier: Carrier) -> None:
        """This one carries no more, nor will it."""
        if self.carrier is carrier:
            self.carrier = None
        if self.upgrading is carrier:
            self.upgrading = None

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def packet(self, received: str | bytes) -> None:
        """A packet from the client: text with its digit, or a binary message.

        What may not be sent closes the session, and so does a flood: nothing that a person does is that fast.
        """
        if self.state != OPEN:
            return
        if not self.server.admits(self.flow):
            return self.close("too many packets", 1008)
        try:
            self._take(received)
        except Exception as error:
            self.fail(error)

    def _take(self, received: str | bytes) -> None:
        if isinstance(received, bytes):
            self.peer.received(received)
        elif received[0] == engine.MESSAGE:
            self.peer.received(received[1:])
        elif received == engine.PONG:
            if self.awaiting_pong:
                self.heard()
        elif received == engine.CLOSE:
            self.close("transport close", farewell=frames.NOOP)
        else:
            raise ProtocolError("unexpected packet")

    def guard(self, work: Callable[..., None], *args: object) -> None:
        """Do this for the session. Whatever goes wrong in it ends this session, and no other."""
        try:
            work(*args)
        except Exception as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """This went wrong in the session, which ends with it."""
        if isinstance(error, ProtocolError):
            self.server.metrics.protocol_errors += 1
            self.close("parse error", 1002)
        else:
            logger.error("a session failed", exc_info=error)
            self.close("internal error", 1011)

    @property
    def is_hasty(self) -> bool:
        """Whether the client sends faster than it may and has to be told so."""
        return self.flow.level > self.server.options.burst

    def pause(self) -> None:
        """Take nothing more from the client until `resume`: what it has sent is still being worked on."""
        if self.blocked is None:
            self.blocked = asyncio.get_running_loop().create_future()
            if self.carrier is not None:
                self.carrier.pause_reading()

    def resume(self) -> None:
        """Go on taking."""
        if self.blocked is not None:
            if not self.blocked.done():  # cancelled, if who waited was
                self.blocked.set_result(None)
            self.blocked = None
            if self.carrier is not None:
                self.carrier.resume_reading()
            if self.awaiting_pong and self.state == OPEN:
                self._wait_for_pong(max(self.expires_at, self._in_time()))

    # ── upgrade ──────────────────────────────────────────────────────────────────────────────────────────────────

    def probed(self, carrier: Carrier) -> bool:
        """A WebSocket asks to take over. If it may, the polling request that is out comes home."""
        if self.state != OPEN or not self.polling or self.upgrading is not None:
            return False
        self.upgrading = carrier
        if self.carrier is not None:
            self.carrier.write([frames.NOOP])
        return True

    def upgraded(self, carrier: Carrier) -> bool:
        """A WebSocket takes over, if it is the one that may."""
        if self.upgrading is not carrier:
            return False
        self.upgrading = None
        self.polling = False
        if self.carrier is not None:
            self.carrier.write([frames.NOOP])
        self.attach(carrier)
        if self.blocked is not None:
            carrier.pause_reading()
        return True

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def heard(self) -> None:
        """The client is there: ask again in a ping interval."""
        options = self.server.options
        self.awaiting_pong = False
        self.expires_at = self.server.now() + options.ping_interval_s + options.ping_timeout_s
        self.server.wheel.set(self, options.ping_interval_s)

    def on_deadline(self) -> None:
        """The heartbeat: ask, wait, ask again. A client that does not answer in time is gone."""
        if self.state == LINGERING:
            self._forget()
        elif self.awaiting_pong and self.blocked is None:
            self.close("ping timeout")
        else:
            self.guard(self.peer.pinged)
            if self.state == OPEN:
                self.send(frames.PING)
            if self.state == OPEN:
                # While nothing is read of it, its answer may lie behind what waits to be handled.
                self._wait_for_pong(self._in_time() if self.awaiting_pong else self.expires_at)

    def _in_time(self) -> float:
        """When an answer to a ping of now is due."""
        return self.server.now() + self.server.options.ping_timeout_s

    def _wait_for_pong(self, until: float) -> None:
        self.awaiting_pong = True
        self.expires_at = until
        self.server.wheel.set(self, until - self.server.now())

    @property
    def expired(self) -> bool:
        """Whether the client should have been heard by now."""
        return self.state == OPEN and self.blocked is None and self.expires_at <= self.server.now()

    def close(self, reason: str, code: int = 1000, *, farewell: bytes = frames.CLOSE, linger: bool = False) -> None:
        """End the session. A polling request that is out comes home with what waits and the farewell.

        `linger`: a client that is between two polls hears it with the next one; else that one finds no session.
        """
        if self.state != OPEN:
            return
        if self.polling:
            self.pending.append(farewell)
        self._attempt(self.flush)
        self.state = CLOSED
        self.server.backlog.forget(self)
        self.server.metrics.closed[reason] += 1
        self.server.wheel.cancel(self)
        if self.carrier is not None:
            self._attempt(self.carrier.close, reason, code)
        if self.upgrading is not None:
            self._attempt(self.upgrading.close, reason, code)
        if linger and self.polling and self.pending:
            self.state = LINGERING
            self.server.wheel.set(self, self.server.options.ping_timeout_s)
        else:
            self._forget()
        self.resume()
        self.peer.closed(reason)

    @staticmethod
    def _attempt(work: Callable[..., None], *args: object) -> None:
        """Do this on the way out: the session ends whatever its carrier does."""
        try:
            work(*args)
        except Exception:
            logger.exception("a carrier failed")

    def last_words(self) -> list[bytes]:
        """What a client that was closed between two polls has still to hear."""
        waiting, self.pending = self.pending, []
        self.server.wheel.cancel(self)
        self._forget()
        return waiting

    def _forget(self) -> None:
        self.state = CLOSED
        self.pending = []
        self.server.forget(self)
