"""The outbox: messages that are to be sent, until the server has them.

Each has a `clientId`, so sending again is safe; and it is sent again until the server says that it is stored, or that
it never will be. To each conversation one at a time, so nothing overtakes on a bad line, and to several at once.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from fireside.client.connection import Lost, Refused
from fireside.client.pauses import Pauses
from fireside.core.ending import ended
from fireside.core.forms import Form
from fireside.core.text import too_long
from fireside.features.messages.wire import LONGEST, MessageForm, Sent

AT_ONCE = 32
"""Messages under way, each to another conversation."""


class Outgoing(Form, frozen=True):
    """A message that is to be sent: what `sendMessage` takes."""

    content: str
    client_id: str
    recipient: str | None = None
    conversation: str | None = None
    reply_to: int | None = None

    @property
    def place(self) -> str:
        """Where it goes."""
        return self.conversation or self.recipient or ""


def outgoing(
    content: str, *, to: str | None, conversation: str | None, reply_to: int | None, client_id: str | None
) -> Outgoing:
    """A message for a user (`to`) or a conversation.

    Raises:
        ValueError: for neither, or both.
    """
    if (to is None) == (conversation is None):
        raise ValueError("say to whom: a user (to) or a conversation")
    return Outgoing(content, client_id or str(uuid.uuid4()), to, conversation, reply_to)


class Outbox:
    """`send` is asked to send one; it raises `Lost` or `Refused`. `stored` hears of each that is stored."""

    def __init__(
        self,
        send: Callable[[Outgoing], Awaitable[Sent]],
        stored: Callable[[MessageForm], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._send = send
        self._stored = stored
        self._sleep = sleep
        self._waiting: dict[str, deque[tuple[Outgoing, asyncio.Future[MessageForm]]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._over: Exception | None = None

    def add(self, message: Outgoing) -> "asyncio.Future[MessageForm]":
        """Send this behind what is on its way there already.

        The future has it as it was stored, or `Refused`; or why nothing is sent any more, and then it stays pending.
        """
        answer: asyncio.Future[MessageForm] = asyncio.get_running_loop().create_future()
        # Who does not wait for the answer is not told of an exception they did not ask for.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        if (refusal := _refusal_of(message)) is not None:
            answer.set_exception(refusal)
            return answer
        waiting = self._waiting.setdefault(message.place, deque())
        waiting.append((message, answer))
        if self._over is not None:
            answer.set_exception(self._over)
        elif len(waiting) == 1:
            task = asyncio.create_task(self._empty(message.place), name="outbox")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return answer

    def pending(self) -> list[Outgoing]:
        """What is not known to be stored, in order."""
        return [message for waiting in self._waiting.values() for message, _ in waiting]

    def give_up(self, why: Exception) -> None:
        """Send no more. What is pending stays so, and whoever waits for it is told why."""
        self._over = why
        for task in self._tasks:
            task.cancel()
        for waiting in self._waiting.values():
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(why)

    async def stop(self) -> None:
        """The same, for who has had enough."""
        if self._over is None:
            self.give_up(Lost("the client is closed"))
        await ended(*self._tasks)

    async def _empty(self, place: str) -> None:
        waiting = self._waiting[place]
        while waiting:
            message, answer = waiting[0]
            try:
                stored = await self._until_stored(message)
            except (Refused, msgspec.ValidationError) as refused:
                if not answer.done():
                    answer.set_exception(refused)
            else:
                self._stored(stored)
                if not answer.done():
                    answer.set_result(stored)
            waiting.popleft()
        del self._waiting[place]

    async def _until_stored(self, message: Outgoing) -> MessageForm:
        pauses = Pauses()
        while True:
            try:
                async with self._at_once:
                    return (await self._send(message)).message
            except Lost:
                await self._sleep(pauses.next_s())
            except Refused as refused:
                if not refused.is_passing:
                    raise
                await self._sleep(pauses.next_s(refused.retry_after_s))


def _refusal_of(message: Outgoing) -> Refused | None:
    """What the server would say of one that is too long, if it could. It may be so long that the connection is cut
    before it is read, and each one on which it is sent again."""
    size = len(message.content.encode(errors="surrogatepass"))
    if size <= LONGEST:
        return None
    error = too_long("content", size, LONGEST)
    return Refused(error.code, error.message, dict(error.details or {}))
