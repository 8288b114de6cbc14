"""Events: what a feature offers to clients over the socket, without a word about sockets.

A feature declares `Event("sendMessage", SendMessage, handler)`. The edge decodes the first argument
into the form, calls the handler in the order the client sent, and carries the reply back as the
acknowledgement. A handler that can answer from memory does so at once and returns None; one that must
wait returns an awaitable, and the client's later events wait behind it, so nothing overtakes.

The reply may come later than the handler returns (a durable write, say): ordering binds what is
accepted, not what is answered.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import msgspec

from fireside.core.errors import ChatError


class Form(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """Base of what is decoded from and encoded to clients: camelCase out there, no nulls."""


class Reply(msgspec.Struct, rename="camel", frozen=True):
    """Base of acknowledgements of what was done. What a subclass adds is `kw_only`, so that `ok` comes first."""

    ok: Literal[True] = True


Body = Form | Reply | msgspec.Raw
"""What goes out: a form, or one that is encoded already because several people get the same bytes."""


class Call(Protocol):
    """One event from one client: who sent it, and how to answer."""

    @property
    def user_id(self) -> str: ...

    @property
    def origin(self) -> object:
        """The device the event came from: it gets the answer, so the fan-out leaves it out."""

    def reply(self, body: Reply) -> None:
        """Acknowledge. Only the first answer counts."""

    def refuse(self, error: ChatError) -> None:
        """Acknowledge with `{ok: false, error, code, requestId}`."""


@dataclass(frozen=True, slots=True)
class Event:
    """A client event: its name on the wire, the form of its argument and what handles it."""

    name: str
    form: type[Form]
    handle: Callable[[Call, Any], Awaitable[None] | None]


class Publisher(Protocol):
    """Takes an event to people, wherever their devices are."""

    def publish(self, user_ids: Iterable[str], event: str, body: Body, *, origin: object | None = None) -> None:
        """Hand the event to every connected device of these people but `origin`. Never waits for anyone."""
