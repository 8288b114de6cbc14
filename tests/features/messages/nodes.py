"""A node's message log, on a store that can be held up, fail, or do later what it was thought to have failed to do.

No test waits for time to pass: a node has a clock of its own, which moves when the log sleeps.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count

from fireside.core.errors import ChatError, Unavailable
from fireside.features.conversations.service import Conversation
from fireside.features.messages.log import MAX_BATCH, MAX_WAITING, MessageLog
from fireside.features.messages.service import NEWEST, Draft, Message, Stored
from tests.contract.samples import direct
from tests.fakes import FakeMessages
from tests.features.talking import Shared

ANN, BOB, EVE = ("a" * 24, "b" * 24, "e" * 24)
HERE, THERE = direct(ANN, BOB), direct(ANN, EVE)
PATIENCE_S = 3.0

Fate = Callable[["UnreliableMessages", Sequence[Message]], Awaitable[int]]
"""What becomes of a write."""


class UnreliableMessages(FakeMessages):
    """A store that notes what it is asked, and does with its next writes what `fates` say."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = Shared()
        self.writes: list[list[Message]] = []
        self.asked: list[str] = []
        """The name of every call, in order."""
        self.fates: deque[Fate] = deque()
        self.late: list[Sequence[Message]] = []
        """Writes that got no answer and are still on their way."""
        self.is_down = False
        self.broken_looks = 0
        """How many of the next calls of `sent` break in a way no port speaks of."""
        self.poison: str | None = None
        """A content that breaks whatever touches it, in a way no port speaks of."""
        self._under_way = asyncio.Event()
        self._gate = asyncio.Event()
        self._gate.set()

    def hold(self) -> None:
        """Let the next write begin, and not end."""
        self._under_way.clear()
        self._gate.clear()

    async def under_way(self) -> None:
        """Return once a write has begun since `hold`."""
        await self._under_way.wait()

    def release(self) -> None:
        """Let what was held go on."""
        self._gate.set()

    async def land(self) -> None:
        """Do the late writes now: each as far as the rules let it."""
        for messages in self.late:
            await FakeMessages.append(self, messages)
        self.late.clear()

    async def history(self, conversation: Conversation = HERE) -> list[Message]:
        """What is there."""
        return await FakeMessages.after(self, conversation.id, 0, 10_000)

    async def contents(self, conversation: Conversation = HERE) -> list[str]:
        return [each.content for each in await self.history(conversation)]

    async def append(self, messages: Sequence[Message]) -> int:
        self.writes.append(list(messages))
        self._answer("append")
        self._under_way.set()
        await self._gate.wait()
        if any(each.content == self.poison for each in messages):
            raise RuntimeError("a bug")
        if self.fates:
            return await self.fates.popleft()(self, messages)
        return await super().append(messages)

    async def heads(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        self._answer("heads")
        return await super().heads(conversation_ids)

    async def sent(self, keys: Sequence[tuple[str, str]]) -> list[Message]:
        self._answer("sent")
        if self.broken_looks:
            self.broken_looks -= 1
            raise RuntimeError("a bug")
        return await super().sent(keys)

    async def before(self, conversation_id: str, seq: int, limit: int, *, above: int = 0) -> list[Message]:
        self._answer("before")
        return await super().before(conversation_id, seq, limit, above=above)

    async def after(self, conversation_id: str, seq: int, limit: int, *, below: int = NEWEST) -> list[Message]:
        self._answer("after")
        return await super().after(conversation_id, seq, limit, below=below)

    def _answer(self, name: str) -> None:
        self.asked.append(name)
        if self.is_down:
            raise Unavailable("The store is down.")


async def lost_before(_store: UnreliableMessages, _messages: Sequence[Message]) -> int:
    """It never reached the disk."""
    raise Unavailable("The store did not answer.")


async def lost_after(store: UnreliableMessages, messages: Sequence[Message]) -> int:
    """It reached the disk, and the answer was lost."""
    await FakeMessages.append(store, messages)
    raise Unavailable("The store did not answer.")


async def lost_half_way(store: UnreliableMessages, messages: Sequence[Message]) -> int:
    """Its first half reached the disk."""
    return await lost_after(store, messages[: len(messages) // 2])


async def late(store: UnreliableMessages, messages: Sequence[Message]) -> int:
    """It may reach the disk at any time from now on: see `land`."""
    store.late.append(messages)
    raise Unavailable("The store did not answer.")


async def broken_before(_store: UnreliableMessages, _messages: Sequence[Message]) -> int:
    """Something broke that nobody had thought of."""
    raise RuntimeError("a bug")


async def broken_after(store: UnreliableMessages, messages: Sequence[Message]) -> int:
    """It reached the disk, and then something broke that nobody had thought of."""
    await FakeMessages.append(store, messages)
    raise RuntimeError("a bug")


class Pending:
    """A message on its way, and everything its sender was told."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.told: list[Stored | ChatError] = []
        self._settled = asyncio.Event()

    def done(self, outcome: Stored | ChatError) -> None:
        self.told.append(outcome)
        self._settled.set()

    async def outcome(self) -> Stored | ChatError:
        await self._settled.wait()
        return self.told[0]

    async def stored(self) -> Stored:
        outcome = await self.outcome()
        assert isinstance(outcome, Stored), outcome
        return outcome

    async def refusal(self) -> ChatError:
        outcome = await self.outcome()
        assert isinstance(outcome, ChatError), outcome
        return outcome

    async def seq(self) -> int:
        return (await self.stored()).message.seq


class Node:
    """A message log, its clock, and what was sent here."""

    def __init__(
        self, store: UnreliableMessages, *, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING
    ) -> None:
        self.now_s = 0.0
        self.sent: list[Pending] = []
        self.talks = store.shared.talks(store)
        self.log = MessageLog(
            store,
            self.talks,
            max_batch=max_batch,
            max_waiting=max_waiting,
            patience_s=PATIENCE_S,
            monotonic=lambda: self.now_s,
            sleep=self._sleep,
        )
        self._numbers = count(1)

    def send(
        self,
        content: str,
        *,
        client_id: str | None = None,
        sender: str = ANN,
        conversation: Conversation = HERE,
    ) -> Pending:
        """Put a message into the log; without a `client_id` it gets one that no other has.

        Raises:
            Unavailable: it was not accepted.
        """
        number = next(self._numbers)
        pending = Pending(Draft(conversation, sender, client_id or f"{id(self)}-{number}", content, number))
        self.log.append(pending.draft, pending.done)
        self.sent.append(pending)
        return pending

    async def _sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


@asynccontextmanager
async def running(
    store: UnreliableMessages, *, max_batch: int = MAX_BATCH, max_waiting: int = MAX_WAITING
) -> AsyncIterator[Node]:
    """A node that writes. In the end everything it accepted must have been settled, once."""
    node = Node(store, max_batch=max_batch, max_waiting=max_waiting)
    await node.log.start()
    yield node
    await node.log.stop()
    assert [len(pending.told) for pending in node.sent] == [1] * len(node.sent)


async def stored(pending: Sequence[Pending]) -> list[Stored]:
    """What they were told, which is that they are stored."""
    return [await each.stored() for each in pending]
