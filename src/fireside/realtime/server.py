"""The Engine.IO server: the table of sessions, the clock they share, and the write at the end of each tick.

It knows nothing of Socket.IO: an application gives each session a peer. Both transports end here.
"""

import asyncio
import logging
import random
import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping

from fireside.realtime import frames
from fireside.realtime.frames import frame
from fireside.realtime.limits import FLOOD, Backlog, Flow, Handshakes, Seats
from fireside.realtime.options import Census, Metrics, Options
from fireside.realtime.session import OPEN, Handshake, Peer, Session
from fireside.realtime.wheel import TimingWheel
from fireside.socketio import engine
from fireside.socketio.engine import Refusal

logger = logging.getLogger(__name__)

CLOSING_S = 5.0
"""How long a client has to finish the closing handshake."""

WRITES_A_TURN = 100
"""Sessions that are written to in one turn of the loop."""
RETRY_S = 10
"""Who finds no room now is told to come back within so many seconds, each at another time."""
RETURN_S = 0.5
"""The least over which those who were connected are spread when they have to leave."""

MAX_HANDSHAKE = 16 * 1024
"""Characters of a handshake's query and headers. They are remembered, and nobody has shown yet who they are."""


_NODE = re.compile(r"\.([A-Za-z0-9_-]{1,64})\Z")


class EngineServer:
    """Opens, finds and closes sessions. `start()` on the loop that serves them, `stop()` at the end."""

    def __init__(self, options: Options, application: Callable[[Session], Peer], node: str | None = None) -> None:
        """`node`: which of several this is, where there are others to go on with its sessions."""
        self.options = options
        self.metrics = Metrics()
        tick_s = min(1.0, options.ping_interval_s / 20, options.ping_timeout_s / 20)
        longest_s = max(options.ping_interval_s, options.ping_timeout_s, options.connect_timeout_s, CLOSING_S)
        self.wheel = TimingWheel(tick_s, longest_s)
        self._application = application
        self._node = node
        self._sessions: dict[str, Session] = {}
        self.is_draining = False
        self._handshakes = Handshakes(options.handshakes_per_second)
        self.backlog = Backlog(options.backlog)
        self._seats = Seats(options.connections_per_address)
        self._rate, self._flood = options.packets_per_second, FLOOD * options.burst
        self._dirty: deque[Session] = deque()
        self._first: list[Session] = []
        self._flushing, self._flushing_since = False, 0.0
        self._loop: asyncio.AbstractEventLoop

    def __len__(self) -> int:
        return len(self._sessions)

    def census(self) -> Census:
        """Who is connected at this moment. It looks at every session."""
        found = Census()
        for session in self._sessions.values():
            if session.polling:
                found.polling += 1
            else:
                found.websocket += 1
            found.pending_bytes += session.pending_bytes
        return found

    async def start(self) -> None:
        """Begin to keep time."""
        self._loop = asyncio.get_running_loop()
        self.wheel.start()

    def drain(self) -> None:
        """Open no more sessions, and tell every client that it will have to go."""
        self.is_draining = True
        for session in list(self._sessions.values()):
            self.send_away(session)

    def send_away(self, session: Session) -> None:
        """Tell a client that it will have to come back, and when.

        Those of this server come back over as long as it takes to let them in at half of the rate that is allowed.
        """
        rate = self.options.handshakes_per_second
        spread_s = max(RETURN_S, 2 * len(self._sessions) / rate) if rate is not None else RETURN_S
        session.guard(session.peer.leaving, random.randrange(round(1000 * spread_s)))  # noqa: S311 - for nobody to guess

    def dismiss(self) -> None:
        """Close every session, telling the clients to come back. Nobody opens another: none would be closed."""
        self.is_draining = True
        for session in list(self._sessions.values()):
            # Not the packet that ends a session: some clients take that for the last word, and do not come back.
            session.close("server shutting down", 1001, farewell=frames.NOOP, linger=True)

    async def stop(self) -> None:
        """Keep time no longer. Deadlines count until here: of a client, say, that does not finish closing."""
        self.wheel.stop()
        for session in list(self._sessions.values()):
            # Nobody can poll for them any more.
            session.last_words()
        logger.info("sessions on %s: %s", self.options.path, self.metrics)

    @staticmethod
    def retry_after_s(refusal: Refusal) -> int | None:
        """When to come back after a refusal, where that helps."""
        return random.randint(1, RETRY_S) if refusal.status == 503 else None  # noqa: S311 - for nobody to guess

    def admit(self, handshake: Handshake) -> Refusal | None:
        """Why this client may not open a session, if so. Who may takes from the budget of all, and nobody else."""
        if self.is_draining:
            return Refusal.STOPPING
        if not self.options.origins.allows(handshake.headers.get("origin"), handshake.headers.get("host")):
            return Refusal.FORBIDDEN
        if handshake.size > MAX_HANDSHAKE:
            return Refusal.HEAD_TOO_LARGE
        if not self._seats.free(handshake.address):
            return Refusal.TOO_MANY
        return None if self._handshakes.take(self.now()) else Refusal.BUSY

    def open(self, handshake: Handshake, *, polling: bool, answer: bytes = b"") -> Session:
        """A new session with its first packet queued. The caller attaches a carrier.

        `answer`: what a WebSocket's client is to be told before that, in the same write.
        """
        # 144 bits of chance: whoever knows a sid can speak for its session.
        sid = secrets.token_urlsafe(18) if self._node is None else f"{secrets.token_urlsafe(18)}.{self._node}"
        session = Session(self, sid, handshake, polling=polling)
        self._sessions[session.sid] = session
        self._seats.take(session.address)
        self.metrics.opened += 1
        options = self.options
        opening = engine.open_packet(
            session.sid,
            upgrades=polling,
            ping_interval_ms=round(options.ping_interval_s * 1000),
            ping_timeout_ms=round(options.ping_timeout_s * 1000),
            max_payload=options.max_payload,
        )
        session.send(answer + frame(opening))
        session.peer = self._application(session)
        return session

    def find(self, sid: str) -> Session | None:
        """The session with this id, also one that is closed but has not heard of it."""
        session = self._sessions.get(sid)
        if session is not None and session.expired:
            # The wheel comes round a tick later; the client may be a moment faster.
            session.close("ping timeout")
            return None
        return session

    def elsewhere(self, sid: str) -> str | None:
        """The node that has the session with this id, if it is another one."""
        named = _NODE.search(sid) if self._node is not None else None
        return named[1] if named is not None and named[1] != self._node else None

    def to_upgrade(self, sid: str, headers: Mapping[str, str]) -> Session | Refusal:
        """The session that a WebSocket asks for."""
        if not self.options.origins.allows(headers.get("origin"), headers.get("host")):
            return Refusal.FORBIDDEN
        session = self.find(sid)
        return session if session is not None and session.state == OPEN else Refusal.UNKNOWN_SID

    def now(self) -> float:
        """Seconds by the loop's clock."""
        return self._loop.time()

    def forget(self, session: Session) -> None:
        """The session is over for both sides."""
        if self._sessions.pop(session.sid, None) is not None:
            self._seats.leave(session.address)

    def admits(self, flow: Flow) -> bool:
        """Count a packet against the flow of its connection; False when it is a flood."""
        rate = self._rate
        return rate is None or flow.pour(self._loop.time(), rate) <= self._flood

    def flush_soon(self, session: Session) -> None:
        """Write what the session has waiting when this tick of the loop is over."""
        self._dirty.append(session)
        if not self._flushing:
            self._flushing, self._flushing_since = True, time.perf_counter()
            self._loop.call_soon(self._flush)

    def flush_first(self, session: Session) -> None:
        """Write what this one has waiting before what a crowd has."""
        if len(self._dirty) > WRITES_A_TURN:
            self._first.append(session)

    def _flush(self) -> None:
        """What a thousand devices have waiting takes many milliseconds to write: others have their turns between."""
        first, self._first = self._first, []
        dirty = self._dirty
        try:
            for session in first:
                session.flush()
            for _ in range(min(len(dirty), WRITES_A_TURN)):
                session = dirty.popleft()
                session.flush()
        except Exception as error:
            # The others are in line still, those who were to be first as well.
            session.fail(error)
        self._flushing = bool(dirty)
        if dirty:
            self._loop.call_soon(self._flush)
        else:
            self.metrics.turns.observe(time.perf_counter() - self._flushing_since)
