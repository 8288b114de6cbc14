"""The message log: numbers drafts and writes them in groups. The insert is the commit.

What must stay true:

- A number exists only if its row does. The log proposes `head + 1`; the store's unique key decides. No counter
  is raised first, so a crash leaves no hole and no reader passes a number that appears later.
- One batch is under way at a time and is inserted in order, so nothing a sender sent overtakes anything else of
  theirs, and the numbers a batch proposes for one conversation are contiguous.
- `done` hears of a message only after it is durable. What arrives meanwhile forms the next batch: a lone message
  never waits for company, and the batches grow with the load (group commit).
- Every draft has a `client_id`, unique with its sender in the store for ever. Three things go wrong with a write:
  the number was taken by another node, the message had been sent before, the outcome is unknown (a time-out, a
  lost connection, a failover). All three are mended the same way: look which of the batch are there already, by
  client id; read the heads again; renumber the rest and go on. So an unknown outcome is never reported as a
  failure, and sending again is safe.
- Of all who send one message, again and again, one is told that it is new, because that is when the others hear of
  it. So what is found in the store is new, once, if it is what this batch wrote without getting an answer.

Every entry is held in memory until it is settled, and at most `max_waiting` are: past that a send is refused as
`unavailable`, and so is all that waits when the store has taken nothing for `patience_s`. Sending it again, with the
`client_id` in the refusal, is safe whatever became of it.
"""

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from fireside.core.errors import ChatError, Conflict, Internal, Unavailable
from fireside.features.messages.service import Done, Draft, Message, MessageStore, Stored

logger = logging.getLogger(__name__)

BATCH, MAX_BATCH = 256, 1000
"""A batch that long pays for its write. Only where more than twice as many wait does it grow with them: while it is
under way as many again come in, and the store and this process both have something to do."""
MAX_WAITING = 20_000
PATIENCE_S = 15.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0
HEADS_KEPT = 200_000


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A draft on its way to disk, and who waits for it."""

    draft: Draft
    done: Done

    @property
    def key(self) -> tuple[str, str]:
        return self.draft.sender, self.draft.client_id


class MessageLog:
    """Writes drafts in groups, in the order they came. `start()` before the first `append`, `stop()` at the end."""

    def __init__(
        self,
        store: MessageStore,
        *,
        max_batch: int = MAX_BATCH,
        max_waiting: int = MAX_WAITING,
        patience_s: float = PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._sleep = sleep
        self._waiting: deque[Entry] = deque()
        self._heads: OrderedDict[str, int] = OrderedDict()
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._open = False

    async def start(self) -> None:
        """Begin to write."""
        self._open = True
        self._writer = asyncio.create_task(self._write_batches(), name="message log")

    async def stop(self) -> None:
        """Refuse what comes now, settle everything that was accepted, and end."""
        self._open = False
        self._wake.set()
        if self._writer is not None:
            await self._writer

    def append(self, draft: Draft, done: Done) -> None:
        """Accept a draft behind those before it; `done` is called when it is durable, or known to have no place.

        Raises:
            Unavailable: too much is waiting, or the log is stopping. Nothing was accepted.
        """
        if not self._open or len(self._waiting) >= self._max_waiting:
            raise Unavailable("The server cannot take the message now. Send it again shortly.", retry_after_s=1)
        self._waiting.append(Entry(draft, done))
        self._wake.set()

    async def _write_batches(self) -> None:
        batch: list[Entry] = []
        try:
            while self._open or self._waiting:
                if not self._waiting:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                size = min(len(self._waiting), self._max_batch, max(BATCH, len(self._waiting) // 2))
                batch = [self._waiting.popleft() for _ in range(size)]
                await self._commit(batch)
        finally:
            # If this was cancelled, or breaks: nobody is left waiting for what will not come.
            self._open = False
            self._refuse(batch)

    async def _commit(self, batch: list[Entry]) -> None:
        """Settle every entry, whatever happens. They leave the batch as they are settled."""
        give_up_at, pause_s = self._monotonic() + self._patience_s, 0.0
        unanswered: set[Message] = set()
        in_doubt, size = False, len(batch)
        broken: Entry | None = None
        while batch:
            before = len(batch)
            part, batch[:] = batch[:size], batch[size:]
            try:
                if in_doubt:
                    await self._look_up(part, unanswered)
                await self._write(part, unanswered)
            except Unavailable:
                logger.warning("%d messages have to be tried again", len(part))
            except Exception:
                logger.exception("%d messages could not be written", len(part))
                # One breaks the write in a way nobody foresaw. From here on each goes alone: the others must not pay.
                if part == [broken]:
                    self._settle(part.pop(), Internal())
                elif size == 1:
                    # It may be stored all the same: it is looked for once more.
                    broken = part[0]
                size = 1
            finally:
                batch[:0] = part
            in_doubt = True
            if len(batch) < before:
                give_up_at, pause_s = self._monotonic() + self._patience_s, 0.0
            elif self._monotonic() > give_up_at:
                logger.error("%d messages are refused: nothing could be written", len(batch) + len(self._waiting))
                self._refuse(batch)
            else:
                # The first time at once: a number was taken, or a message had been sent before.
                await self._sleep(pause_s)
                pause_s = min(max(2 * pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)

    async def _write(self, part: list[Entry], unanswered: set[Message]) -> None:
        """Write what can be written; what is left in `part` has to be tried again, renumbered."""
        if not part:
            return
        messages = await self._number(part)
        try:
            stored = await self._store.append(messages)
        except Exception:
            unanswered.update(messages)
            raise
        if unanswered:
            unanswered.difference_update(messages[:stored])
        settled, part[:] = part[:stored], part[stored:]
        for message in messages[:stored]:
            self._heads[message.conversation] = message.seq
        # Told a moment later: the next batch is on its way to the store first, so that neither waits for the other.
        asyncio.get_running_loop().call_soon(self._settle_as_new, settled, messages)

    def _settle_as_new(self, entries: Sequence[Entry], messages: Sequence[Message]) -> None:
        for entry, message in zip(entries, messages, strict=False):
            self._settle(entry, Stored(message, entry.draft.conversation, repeated=False))

    async def _number(self, part: Sequence[Entry]) -> list[Message]:
        """The messages with the numbers they propose: each conversation's next ones, in order."""
        unknown = {entry.draft.conversation.id for entry in part if entry.draft.conversation.id not in self._heads}
        if unknown:
            heads = await self._store.heads(list(unknown))
            self._heads.update((conversation, heads.get(conversation, 0)) for conversation in unknown)
        proposed: dict[str, int] = {}
        messages = []
        for entry in part:
            conversation = entry.draft.conversation.id
            seq = proposed[conversation] = proposed.get(conversation, self._heads[conversation]) + 1
            messages.append(entry.draft.at(seq))
        while len(self._heads) > HEADS_KEPT:
            self._heads.popitem(last=False)
        return messages

    async def _look_up(self, part: list[Entry], unanswered: set[Message]) -> None:
        """Settle those that are in the store already, and forget the heads that may have moved.

        What repeats another of `part` goes to its end: when that one is stored, one more look settles all of them.
        """
        found = {(m.sender, m.client_id): m for m in await self._store.sent([entry.key for entry in part])}
        firsts: dict[tuple[str, str], Entry] = {}
        echoes = []
        for entry in part:
            self._heads.pop(entry.draft.conversation.id, None)
            message = found.get(entry.key)
            if message is not None:
                self._settle(entry, _found(entry.draft, message, repeated=message not in unanswered))
                unanswered.discard(message)
            elif firsts.setdefault(entry.key, entry) is not entry:
                echoes.append(entry)
        part[:] = [*firsts.values(), *echoes]

    def _refuse(self, batch: list[Entry]) -> None:
        """Refuse the batch, and who waits behind it: they need not wait as long again."""
        entries = [*batch, *self._waiting]
        batch.clear()
        self._waiting.clear()
        for entry in entries:
            self._settle(entry, _unresolved(entry.draft))

    def _settle(self, entry: Entry, outcome: Stored | ChatError) -> None:
        try:
            entry.done(outcome)
        except Exception:
            # The message is safe; only telling somebody failed, and that must not stop the others.
            logger.exception("nobody could be told that a message was settled")


def _found(draft: Draft, message: Message, *, repeated: bool) -> Stored | ChatError:
    """The answer where the client id is in the store: that message, unless this one is another."""
    if message.conversation == draft.conversation.id and message.content == draft.content:
        return Stored(message, draft.conversation, repeated)
    return Conflict(
        "This clientId was used for another message. Give every message its own.", details={"field": "clientId"}
    )


def _unresolved(draft: Draft) -> Unavailable:
    """It may be stored or not; with its client id, which may be one of ours, sending it again is safe either way."""
    return Unavailable(
        "The server cannot store the message now. Send it again, with this clientId.",
        details={"clientId": draft.client_id},
        retry_after_s=1,
    )
