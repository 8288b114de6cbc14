"""Posting: storing a message, answering who sent it, and telling everybody else. In this order.

Encoded once: the bytes of a stored message serve the acknowledgement and every device that hears of it. Who hangs up
before the answer takes nothing from the others: the message is there, and they hear of it.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol

import msgspec

from fireside.core.errors import ChatError
from fireside.core.events import Call, Caller, Publisher
from fireside.features.conversations.groups import GroupChange
from fireside.features.conversations.service import Conversation
from fireside.features.messages import wire
from fireside.features.messages.service import Done, Extra, Messages, Stored
from fireside.features.messages.wire import SentAsBytes


class Listener(Protocol):
    """Port: what later features want to know of every new message."""

    def sent(self, stored: Stored) -> None:
        """It has just been stored. Must not raise, and not wait."""


class Posting:
    """`publisher` takes what was stored to everybody's devices."""

    def __init__(self, messages: Messages, publisher: Publisher, listeners: Iterable[Listener] = ()) -> None:
        self._messages = messages
        self._publisher = publisher
        self._listeners = tuple(listeners)

    def accept(
        self, call: Call, conversation: Conversation, content: str, client_id: str | None, extra: Extra | None
    ) -> None:
        """Send for a device, which is acknowledged when the message is on disk. Waits for nothing.

        Raises:
            InvalidInput: the content or the client id is not acceptable.
            Unavailable: too much is waiting to be written.
        """

        def settled(outcome: Stored | ChatError) -> None:
            if isinstance(outcome, ChatError):
                return call.refuse(outcome)
            message = wire.encoded(outcome)
            call.reply(SentAsBytes(message=message))
            self._announce(outcome, message, call.origin)

        self._messages.send(call.user_id, conversation, content, client_id, settled, extra)

    async def post(
        self, caller: Caller, conversation: Conversation, content: str, client_id: str | None, extra: Extra | None
    ) -> Stored:
        """Send, and wait until the message is on disk.

        Raises:
            ChatError: it is not known to be.
        """
        answer = _Answer(self, caller.origin)
        self._messages.send(caller.user_id, conversation, content, client_id, answer.settled, extra)
        return await answer.future

    async def note(
        self, caller: Caller, conversation: Conversation, change: GroupChange, client_id: str | None = None
    ) -> Stored:
        """Let something happen to a group, and wait until that is on disk.

        Raises:
            ChatError: the caller may not, or it is not known to be.
        """
        answer = _Answer(self, None)
        self._messages.note(caller.user_id, conversation, change, client_id, answer.settled)
        return await answer.future

    def _announce(self, stored: Stored, message: msgspec.Raw, origin: object | None) -> None:
        """Everybody's devices hear of the message, the first time, but the one it came from.

        That one has its acknowledgement by then, whatever becomes of this.
        """
        if not stored.repeated:
            for listener in self._listeners:
                listener.sent(stored)
            self._publisher.publish(wire.hearers(stored), "messageReceived", message, origin=origin)


class _Answer:
    """Somebody waits for what becomes of a message; the others hear of it whether they still do or not."""

    def __init__(self, posting: Posting, origin: object | None) -> None:
        self._posting = posting
        self._origin = origin
        self.future: asyncio.Future[Stored] = asyncio.get_running_loop().create_future()
        self.settled: Done = self._settled

    def _settled(self, outcome: Stored | ChatError) -> None:
        is_awaited = not self.future.done()
        if isinstance(outcome, Stored):
            if is_awaited:
                self.future.set_result(outcome)
            self._posting._announce(outcome, wire.encoded(outcome), self._origin)
        elif is_awaited:
            self.future.set_exception(outcome)
