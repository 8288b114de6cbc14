"""The book of receipts: marks that have moved are written in groups, and told to the others in groups.

A mark is the last word of its member, so what comes while a group is being written merges into the next: a thousand
receipts of one second are a few writes and a few frames.

What must stay true:

- Whoever waits for a mark to move hears of it when that is on disk. What sending implies waits for nobody, and is
  written before its conversation falls asleep, at the latest.
- What a mark shows others is decided when it is written, by what its member wants then.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

from fireside.core.ending import ended
from fireside.core.errors import Unavailable
from fireside.features.accounts.privacy import Privacy
from fireside.features.conversations.activity import Activity
from fireside.features.conversations.service import Conversation, Conversations
from fireside.features.conversations.talks import Talks
from fireside.features.messages.service import MessageStore, Stored
from fireside.features.receipts.service import NOTHING, Mark, Receipt, ReceiptStore

logger = logging.getLogger(__name__)

AT_ONCE = 500
PAUSE_S = 0.1
"""Between two groups, so that the second has something in it."""
IMPLIED_AFTER_S = 1.0
"""What nobody waits for may wait so long for company."""

Key = tuple[str, str]
"""A conversation and a user."""
Told = Callable[[Conversation, Mapping[str, Mark]], Awaitable[None]]
"""Called with the marks of a conversation that have moved."""


class Book:
    """Implements the `Listener` of posting. `start()` before the first mark, `stop()` before the store closes."""

    def __init__(
        self,
        store: ReceiptStore,
        messages: MessageStore,
        conversations: Conversations,
        talks: Talks,
        privacy: Privacy,
        tell: Told,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._messages = messages
        self._conversations = conversations
        self._talks = talks
        self._privacy = privacy
        self._tell = tell
        self._sleep = sleep
        self._moved: dict[Key, Mark] = {}
        self._under_way: dict[Key, Mark] = {}
        self._waiting: list[tuple[Key, asyncio.Future[None]]] = []
        self._one_at_a_time = asyncio.Lock()
        self._wake = asyncio.Event()
        self._urgent = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        talks.to_mend(self._mend)

    async def start(self) -> None:
        """Begin to write."""
        self._writer = asyncio.create_task(self._write_groups(), name="book of receipts")

    async def stop(self) -> None:
        """Write what there is, and end."""
        if self._writer is not None:
            await ended(self._writer)
        try:
            while self._moved:
                await self._write()
        except Unavailable:
            logger.warning("%d receipts are lost with this process", len(self._moved))

    def sent(self, stored: Stored) -> None:
        """Who sends has read."""
        message = stored.message
        self._move(message.conversation, message.sender, Mark(message.seq, message.seq))

    async def move(self, conversation_id: str, user_id: str, mark: Mark) -> None:
        """Move a mark forward, and wait until that is on disk.

        Raises:
            Unavailable: it is not known to be.
        """
        self._move(conversation_id, user_id, mark)
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((conversation_id, user_id), waiting))
        self._urgent.set()
        await waiting

    def unwritten(self, conversation_id: str, user_id: str) -> Mark:
        """What has moved and is not on disk yet."""
        key = conversation_id, user_id
        return self._moved.get(key, NOTHING).raised(self._under_way.get(key, NOTHING))

    async def marks(self, conversation_ids: Sequence[str]) -> dict[str, dict[str, Mark]]:
        """Everybody's marks in these, as far as they are on disk."""
        return await self._store.of(conversation_ids)

    async def settle(self, conversation_ids: Sequence[str] | None = None) -> None:
        """Write all there is: of these, or of all.

        Raises:
            Unavailable: it cannot be.
        """
        wanted = None if conversation_ids is None else set(conversation_ids)
        while any(wanted is None or conversation in wanted for conversation, _ in (*self._moved, *self._under_way)):
            await self._write(wanted)

    def _move(self, conversation_id: str, user_id: str, mark: Mark) -> None:
        key = conversation_id, user_id
        known = self._moved.get(key)
        self._moved[key] = mark if known is None else known.raised(mark)
        self._wake.set()

    async def _write_groups(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                async with asyncio.timeout(IMPLIED_AFTER_S):
                    await self._urgent.wait()
            except TimeoutError:
                pass
            self._urgent.clear()
            try:
                while self._moved:
                    await self._write()
                    await self._sleep(PAUSE_S)
            except Unavailable:
                logger.warning("%d receipts have to be written again", len(self._moved))
                self._wake.set()
                await self._sleep(1.0)
            except Exception:
                logger.exception("receipts could not be written")

    async def _write(self, only: Collection[str] | None = None) -> None:
        """Write a group, tell the others, and settle who waits."""
        async with self._one_at_a_time:
            keys = [key for key in self._moved if only is None or key[0] in only][:AT_ONCE]
            group = self._under_way = {key: self._moved.pop(key) for key in keys}
            # Who comes from now on waits for the next group.
            waiting = [future for key, future in self._waiting if key in group]
            self._waiting = [each for each in self._waiting if each[0] not in group]
            try:
                receipts, conversations = await self._prepare(group)
                with self._talks.writing([self._talks[each] for each in conversations]):
                    await self._store.raise_to(receipts)
            except BaseException:
                for (conversation_id, user_id), mark in group.items():
                    self._move(conversation_id, user_id, mark)
                _settle(waiting, Unavailable("The server cannot keep the receipt now. Send it again.", retry_after_s=1))
                raise
            finally:
                self._under_way = {}
            _settle(waiting, None)
        await self._tell_all(receipts, conversations)

    async def _prepare(self, group: Mapping[Key, Mark]) -> tuple[list[Receipt], dict[str, Conversation]]:
        """The receipts as they are kept, of conversations that are awake by then."""
        shown = await self._privacy.open({user for _, user in group})
        conversations = await self._conversations.get(list({conversation for conversation, _ in group}))
        # Last, so that they are awake still when the writing begins.
        await self._talks.wake(conversations.values())
        receipts = [
            Receipt(conversation, user, Mark(mark.delivered, mark.read, mark.read if user in shown else 0))
            for (conversation, user), mark in group.items()
        ]
        return receipts, conversations

    async def _tell_all(self, receipts: Sequence[Receipt], conversations: Mapping[str, Conversation]) -> None:
        found: dict[str, dict[str, Mark]] = {}
        for receipt in receipts:
            found.setdefault(receipt.conversation, {})[receipt.user] = receipt.mark
        # All of them, first: those that cannot be told of now are told of with the heads.
        self._talks.moved.update(found.keys() & conversations.keys())
        for conversation_id, marks in found.items():
            if conversation_id in conversations:
                await self._tell(conversations[conversation_id], marks)

    async def _mend(self, rows: Mapping[str, Activity]) -> None:
        """Who wrote before their node died has read what they wrote."""
        last = await self._messages.last_of_each({each: row.seq for each, row in rows.items()})
        for conversation_id, senders in last.items():
            for sender, seq in senders.items():
                self._move(conversation_id, sender, Mark(seq, seq))


def _settle(waiting: Iterable[asyncio.Future[None]], error: Unavailable | None) -> None:
    for future in waiting:
        if not future.done():
            future.set_exception(error) if error else future.set_result(None)
