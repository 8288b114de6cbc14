"""What comes over a WebSocket, and who takes it: the Engine.IO side, wherever the bytes are.

A WebSocket is a carrier (out) with a reader (in). The carrier is where the bytes are: a connection of this process, or
a link to the node that has it. The reader is a session's here; or the session is on another node, and `relaying` passes
everything on.
"""

from typing import Protocol

from fireside.realtime.frames import frame
from fireside.realtime.server import EngineServer
from fireside.realtime.session import Carrier, Session
from fireside.socketio import engine


class Reader(Protocol):
    """Takes what a WebSocket brings."""

    def message(self, data: bytes, is_text: bool) -> None:
        """A whole message."""

    def control(self) -> None:
        """A ping or a pong of WebSocket itself: it costs as much as any packet."""

    def queue(self, framed: bytes) -> bool:
        """Let this frame wait in line with what else goes out; False where there is no line."""

    def leave(self) -> None:
        """The WebSocket will have to go soon: whoever is on it is to come back."""

    def end(self, reason: str, code: int) -> None:
        """The client has broken a rule, or has to leave."""

    def pause_writing(self) -> None:
        """The client reads too slowly for what goes out."""

    def resume_writing(self) -> None:
        """It has caught up."""

    def released(self) -> None:
        """The WebSocket is being closed."""

    def gone(self, reason: str) -> None:
        """It has been closed, or broke off."""


class Nobody:
    """Before there is a session, or where there will be none."""

    def message(self, data: bytes, is_text: bool) -> None: ...

    def control(self) -> None: ...

    def queue(self, framed: bytes) -> bool:
        return False

    def leave(self) -> None: ...

    def end(self, reason: str, code: int) -> None: ...

    def pause_writing(self) -> None: ...

    def resume_writing(self) -> None: ...

    def released(self) -> None: ...

    def gone(self, reason: str) -> None: ...


NOBODY = Nobody()


class WebSocket(Carrier, Protocol):
    """A carrier that may have to show first that it is one."""

    def settled(self) -> None:
        """It carries a session: it has no deadline any more."""


class SessionReader:
    """For a session: one that is open on this WebSocket, or one that may move to it once it has been probed."""

    __slots__ = ("_carrier", "_probing", "_server", "_session")

    def __init__(self, server: EngineServer, session: Session, carrier: WebSocket, *, probing: bool) -> None:
        self._server = server
        self._session = session
        self._carrier = carrier
        self._probing = probing

    def message(self, data: bytes, is_text: bool) -> None:
        try:
            message = data.decode() if is_text else data
        except UnicodeDecodeError:
            return self.end("not UTF-8", 1007)
        if is_text and not message:
            return self.end("empty message", 1002)
        if not self._probing:
            self._session.packet(message)
        elif message == engine.PING + engine.PROBE and self._session.probed(self._carrier):
            self._carrier.write([frame((engine.PONG + engine.PROBE).encode())])
        elif message == engine.UPGRADE and self._session.upgraded(self._carrier):
            self._carrier.settled()
            self._probing = False
        else:
            self._carrier.close("parse error", 1002)

    def control(self) -> None:
        if not self._server.admits(self._session.flow):
            self.end("too many packets", 1008)

    def queue(self, framed: bytes) -> bool:
        if not self._probing:
            self._session.send(framed)
        return not self._probing

    def leave(self) -> None:
        self._server.send_away(self._session)

    def end(self, reason: str, code: int) -> None:
        if self._probing:
            self._carrier.close(reason, code)
        else:
            self._session.close(reason, code)

    def pause_writing(self) -> None:
        """Frames wait in the session until it is writable again."""

    def resume_writing(self) -> None:
        if not self._probing:
            self._session.flush()

    def released(self) -> None:
        if self._probing:
            self._session.detach(self._carrier)

    def gone(self, reason: str) -> None:
        self._session.detach(self._carrier)
        if not self._probing:
            self._session.close(reason)


def to_upgrade(server: EngineServer, session: Session, carrier: WebSocket) -> Reader:
    """Who reads a WebSocket that has been accepted for a session that polls: the client has yet to probe."""
    if session.polling and session.upgrading is None:
        return SessionReader(server, session, carrier, probing=True)
    # Another WebSocket has it. The reference server accepts and closes, and clients rely on it.
    carrier.close("session is elsewhere", 1008)
    return NOBODY
