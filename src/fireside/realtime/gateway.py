"""The chat on the main namespace: who may connect, which event goes where, and what a client hears of it.

Every event is acknowledged: `{ok: true, …}` or `{ok: false, error, code, requestId}`. A refusal is an answer, not the
end of the connection; only a broken protocol or a flood is.
"""

import logging
import secrets
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any

import msgspec
from structlog.contextvars import STRUCTLOG_KEY_PREFIX

from fireside.auth.authenticator import Authenticator, bearer_token
from fireside.core.clock import Clock
from fireside.core.errors import (
    ChatError,
    Forbidden,
    Internal,
    InvalidInput,
    RateLimited,
    UnknownEvent,
    error_body,
)
from fireside.core.events import Announcement, Attendant, Call, Event
from fireside.core.forms import Form, Reply, UserId, meant
from fireside.realtime.delivery import Devices, event_frame
from fireside.realtime.sockets import Ack, Refused, Socket
from fireside.socketio.packet import encode_json

logger = logging.getLogger(__name__)

MAX_NAME = 64

LOGGED: ContextVar[str] = ContextVar(f"{STRUCTLOG_KEY_PREFIX}connection_id")
"""Which connection a line is about: a `Socket.id`, never a sid. It is set where something is waited for, in a task of
its own, and where a failure is logged; an event that is answered at once has nothing else to log."""

NO_RATE = RateLimited("Too many events. Slow down.", retry_after_s=1)


class Join(Form, frozen=True):
    """Whose messages to hear."""

    user_id: UserId


def _join(call: Call, form: Join) -> None:
    """Hear your own messages.

    For clients that do it: you hear them from the handshake on, and nobody else's ever.
    """
    if form.user_id != call.user_id:
        raise Forbidden("You can join with your own userId only.", details={"field": "userId"})
    call.reply(Reply())


JOIN = Event("join", Join, _join, refusals=(Forbidden,))


class EventRefused(Form, frozen=True):
    """Why an event was refused."""

    event: Annotated[str, meant(f"The first {MAX_NAME} characters of its name.", "sendMessage")]
    error: Annotated[str, meant("What is wrong and what to do, for people.", "There is no such conversation.")]
    code: Annotated[str, meant("Which refusal it is, for programs.", "not_found")]
    request_id: Annotated[str, meant("Finds the event in the server's log.", "6f1c0d9e5b7a4c32")]
    details: Annotated[dict[str, Any] | None, meant("More, by code.")] = None


REFUSED = Announcement("eventRefused", EventRefused, "An event that asked for no acknowledgement was refused.")


class ServerStopping(Form, frozen=True):
    """When to come back."""

    retry_after_ms: Annotated[int, meant("After how many milliseconds. Everybody is told another number.", 350)]


STOPPING = Announcement(
    "serverStopping",
    ServerStopping,
    "The server will close the connection in a moment, because it stops or is restarted. What was accepted is stored "
    "and acknowledged before. Reconnect after the time that is named: if all did at once, all would wait.",
)


class Person:
    """Who a socket speaks for, and until when."""

    __slots__ = ("expires_at", "user_id")

    def __init__(self, user_id: str, expires_at: int) -> None:
        self.user_id = user_id
        self.expires_at = expires_at


class SocketCall:
    """An event that is being handled: the `Call` that features see."""

    __slots__ = ("_ack", "_event", "origin", "user_id")

    def __init__(self, socket: Socket, user_id: str, event: str, ack: Ack | None) -> None:
        self.origin = socket
        self.user_id = user_id
        self._event = event
        self._ack = ack

    def reply(self, body: Reply) -> None:
        if self._ack is not None:
            self._ack.json(encode_json(body))

    def refuse(self, error: ChatError) -> None:
        """Who did not ask for an acknowledgement is told by an event, so that no refusal goes unheard."""
        request_id = secrets.token_hex(8)
        self.origin.session.server.metrics.refusals[error.code] += 1
        if isinstance(error, Internal):
            with _logged_as(self.origin):
                logger.error("event %s failed: request %s", self._event, request_id, exc_info=error.__cause__)
        body = error_body(error, request_id)
        if self._ack is not None:
            self._ack({"ok": False, **body})
        else:
            self.origin.emit(REFUSED.name, {"event": self._event[:MAX_NAME], **body})


class ChatGateway:
    """The application of the main namespace."""

    def __init__(
        self,
        events: Iterable[Event],
        authenticator: Authenticator,
        devices: Devices,
        clock: Clock,
        attendants: Sequence[Attendant] = (),
    ) -> None:
        self._events = {event.name: event for event in (*events, JOIN)}
        self._authenticator = authenticator
        self._devices = devices
        self._clock = clock
        self._attendants = attendants

    def knows(self, event: str) -> bool:
        """Whether there is an event of this name."""
        return event in self._events

    def connecting(self, socket: Socket, auth: Any) -> Awaitable[None]:
        return self._identify(socket, auth)

    def connected(self, socket: Socket) -> None:
        # The headers have said what they had to say; an idle connection need not remember them.
        socket.session.handshake = None
        user_id = socket.context.user_id
        self._devices.add(user_id, socket)
        logger.debug("connection %s: user %s is there", socket.id, user_id)
        for attendant in self._attendants:
            attendant.came(user_id, socket)

    def event(self, socket: Socket, name: str, args: Sequence[Any], ack: Ack | None) -> Awaitable[None] | None:
        call = SocketCall(socket, socket.context.user_id, name, ack)
        try:
            if socket.session.is_hasty:
                raise NO_RATE
            event = self._events.get(name)
            if event is None:
                raise UnknownEvent("There is no event of this name.", details={"event": name[:MAX_NAME]})
            waiting = event.handle(call, _form(event, args))
        except Exception as error:
            call.refuse(_as_chat_error(error))
            return None
        if waiting is None:
            return None
        if event.in_line:
            return _later(call, waiting)
        socket.aside(_later(call, waiting))
        return None

    def heartbeat(self, socket: Socket) -> None:
        if socket.context.expires_at <= self._clock():
            # It reconnects, and its connect_error says `token_expired`.
            socket.session.close("token expired", 1008, linger=True)

    def leaving(self, socket: Socket, retry_after_ms: int) -> None:
        socket.session.send(event_frame(STOPPING.name, ServerStopping(retry_after_ms)))

    def disconnected(self, socket: Socket, reason: str) -> None:
        user_id = socket.context.user_id
        self._devices.remove(user_id, socket)
        logger.debug("connection %s: user %s has left: %s", socket.id, user_id, reason)
        for attendant in self._attendants:
            attendant.went(user_id, socket)

    async def _identify(self, socket: Socket, auth: Any) -> None:
        LOGGED.set(socket.id)
        handshake = socket.session.handshake
        token = auth.get("token") if isinstance(auth, dict) else None
        if token is None and handshake is not None:
            token = bearer_token(handshake.headers.get("authorization"))
        try:
            claims = await self._authenticator.identify(token if isinstance(token, str) else None)
            limit = socket.session.server.options.connections_per_user
            # Once more, since others may have come meanwhile; who is refused at once costs nobody else anything.
            self._require_room(claims.user_id, limit)
            await self._devices.expect(claims.user_id)
            self._require_room(claims.user_id, limit)
        except Exception as error:
            refusal = _as_chat_error(error)
            request_id = secrets.token_hex(8)
            socket.session.server.metrics.refusals[refusal.code] += 1
            if isinstance(refusal, Internal):
                logger.error("a connection failed: request %s", request_id, exc_info=error)
            raise Refused(refusal.message, error_body(refusal, request_id)) from None
        socket.context = Person(claims.user_id, claims.expires_at)

    def _require_room(self, user_id: str, limit: int | None) -> None:
        if limit is not None and len(self._devices.of(user_id)) >= limit:
            raise RateLimited(f"You have {limit} connections already; close one first.", retry_after_s=30)


@contextmanager
def _logged_as(socket: Socket) -> Iterator[None]:
    # The loop may have one context for all connections: what is set there has to be taken back.
    before = LOGGED.set(socket.id)
    try:
        yield
    finally:
        LOGGED.reset(before)


async def _later(call: SocketCall, waiting: Awaitable[None]) -> None:
    LOGGED.set(call.origin.id)
    try:
        await waiting
    except Exception as error:
        call.refuse(_as_chat_error(error))


def _form(event: Event, args: Sequence[Any]) -> Form:
    """The first argument as the event's form.

    Raises:
        InvalidInput: it is not one.
    """
    try:
        return msgspec.convert(args[0] if args else None, event.form)
    except msgspec.ValidationError as error:
        # Says which field and which type was expected, never what was sent.
        raise InvalidInput(f"{event.name}: {error}.") from None
    except UnicodeEncodeError:
        raise InvalidInput(f"{event.name}: a name in it is not valid Unicode text.") from None


def _as_chat_error(error: Exception) -> ChatError:
    if isinstance(error, ChatError):
        return error
    internal = Internal()
    internal.__cause__ = error
    return internal
