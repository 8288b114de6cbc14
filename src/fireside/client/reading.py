"""Reading: calls a handler with every message of others, from the first unread one on, and marks them as read.

What was read is kept on the server, so a program that was away, or is run elsewhere, goes on where it was. But for the
server who sends into a conversation has read it: a program that answers, and is to miss nothing though it is killed
among messages that wait, goes on from its memory.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from fireside.client.connection import Lost, Refused
from fireside.client.local import LocalConversation
from fireside.client.state import State
from fireside.core.ending import ended
from fireside.features.messages.wire import MessageForm

logger = logging.getLogger(__name__)

Handler = Callable[[MessageForm], Awaitable[None]]


class Device(Protocol):
    """What this needs of the client."""

    state: State

    async def older(self, conversation: str, limit: int = 50) -> list[MessageForm]: ...

    def mark_read(self, conversation: str, seq: int) -> None: ...


class Reading:
    """One conversation does not wait for another; the messages of one come one after the other."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self.handler: Handler | None = None
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def look(self, conversation: str) -> None:
        """Something may be new in it."""
        local = self._device.state.conversations.get(conversation)
        if self.handler is None or local is None or conversation in self._tasks:
            return
        if self._device.state.handled.setdefault(conversation, local.read) < local.seq:
            task = asyncio.create_task(self._read_on(conversation), name="fireside reading")
            self._tasks[conversation] = task

    async def stop(self) -> None:
        """End. What was not handled is unread."""
        await ended(*self._tasks.values())

    async def _read_on(self, conversation: str) -> None:
        handled = self._device.state.handled
        try:
            while (local := self._device.state.conversations.get(conversation)) is not None:
                seq = handled[conversation] + 1
                if seq > local.seq:
                    break
                if not await self._holds(local, seq):
                    seq = local.first
                await self._handle(local.messages.get(seq))
                handled[conversation] = seq
            self._device.mark_read(conversation, handled[conversation])
        except Refused as refusal:
            logger.warning("cannot read on: %s", refusal.error)
        finally:
            del self._tasks[conversation]

    async def _holds(self, local: LocalConversation, seq: int) -> bool:
        """Whether the message is here, or can be brought here."""
        while local.first > seq:
            try:
                if not await self._device.older(local.id, 100):
                    return False
            except Lost:
                continue
        return True

    async def _handle(self, message: MessageForm | None) -> None:
        if message is None or message.sender == self._device.state.me or message.system:
            return
        if message.deleted_at or message.hidden or self.handler is None:
            return
        try:
            await self.handler(message)
        except Exception:
            # The next one is not to wait for ever for one that cannot be handled.
            logger.exception("a message could not be handled")
