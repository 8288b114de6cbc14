"""Events and commands: what a feature offers to clients, without a word about sockets or HTTP.

A `Command` can be given over both wires, and is the same use case on either: the socket edge makes an event of it, the
REST edge a route. An `Event` is for what cannot wait for a task: its handler answers from memory, at once, or returns
an awaitable, and the client's later events wait behind that, so nothing overtakes. The reply may come later than the
handler returns (a durable write, say): ordering binds what is accepted, not what is answered.

An `Announcement` is what the server tells of its own accord.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

from fireside.core.errors import ChatError
from fireside.core.forms import Form, Reply

Body = Form | Reply | msgspec.Raw
"""What goes out: a form, or one that is encoded already because several people get the same bytes."""


class Caller(Protocol):
    """Who gives a command, and from where."""

    @property
    def user_id(self) -> str: ...

    @property
    def origin(self) -> object | None:
        """The device that gets the answer, so the fan-out leaves it out; None over REST."""


class WithoutDevice:
    """A caller over REST: whatever comes of it, all of their devices hear it."""

    __slots__ = ("user_id",)

    origin = None

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id


class Call(Caller, Protocol):
    """One event from one client, and how to answer."""

    def reply(self, body: Reply) -> None:
        """Acknowledge. Only the first answer counts."""

    def refuse(self, error: ChatError) -> None:
        """Acknowledge with `{ok: false, error, code, requestId}`."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where a command is on the REST wire. A form's fields are in the path, and else in the query (GET, DELETE) or the
    body."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    status: int = 200


@dataclass(frozen=True, slots=True)
class Event:
    """A client event: its name on the wire, the form of its argument, what handles it and what that answers.

    The handler's docstring is what the protocol reference says of it.
    """

    name: str
    form: type[Form]
    handle: Callable[[Any, Any], Awaitable[None] | None]
    reply: type[Reply] = Reply
    refusals: tuple[type[ChatError], ...] = ()
    routes: tuple[Route, ...] = ()
    """Where the same is to be had on the REST wire."""
    in_line: bool = True
    """False: it does not matter what overtakes it, so nothing waits behind it."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something a client can have done, over either wire. `do`'s docstring is what the reference says of it."""

    name: str
    route: Route
    form: type[Form]
    do: Callable[[Caller, Any], Awaitable[Reply]]
    reply: type[Reply] = Reply
    refusals: tuple[type[ChatError], ...] = ()
    in_line: bool = True
    """As of an `Event`."""
    also: Route | None = None
    """Where else it is: by POST, what asks for more than an address can hold."""

    @property
    def routes(self) -> tuple[Route, ...]:
        """Where it is on the REST wire."""
        return (self.route,) if self.also is None else (self.route, self.also)

    def event(self) -> Event:
        """The same, as an event."""

        async def handle(call: Call, form: Form) -> None:
            call.reply(await self.do(call, form))

        handle.__doc__ = self.do.__doc__
        return Event(self.name, self.form, handle, self.reply, self.refusals, self.routes, self.in_line)


@dataclass(frozen=True, slots=True)
class Announcement:
    """A server event: its name, its form, and when it comes."""

    name: str
    form: type[Form]
    when: str


class Publisher(Protocol):
    """Takes an event to people, wherever their devices are."""

    def publish(self, user_ids: Collection[str], event: str, body: Body, *, origin: object | None = None) -> None:
        """Hand the event to every connected device of these people but `origin`. Never waits for anyone."""

    def hand(self, devices: Iterable[object], event: str, body: Body) -> None:
        """Hand an event that nobody would miss to these devices, of those that are connected."""

    def here(self) -> list[str]:
        """Everybody who has a device connected to this process."""

    async def present(self, user_ids: Collection[str]) -> set[str]:
        """Those of them who have a device connected, to this process or, as far as is known, to another."""


class Attendant(Protocol):
    """Wants to know who comes and goes."""

    def came(self, user_id: str, device: object) -> None:
        """A device has connected. Must not wait."""

    def went(self, user_id: str, device: object) -> None:
        """A device is gone."""
