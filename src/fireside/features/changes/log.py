"""The change log: numbers what happens to messages and writes it in groups. The insert is the commit.

It is the message log's way (see `features.messages.log`), with two differences. What somebody may do depends on what
the message is by then, so the messages are read first, and each change is looked at with all those before it in them.
And a change that is committed has still to be shown: the messages are brought up to date before anybody is told.

What must stay true:

- `talk.rev` is the last change that every message shows. What was committed above it (by a node that died, by another
  node, by a write that did not come back) is found by reading on from there, and shown, before anything is numbered.
- A change of ours that is found there, by its token, is answered as done.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial

import msgspec

from fireside.core.batches import Batches, Patience
from fireside.core.clock import Clock
from fireside.core.errors import ChatError, Internal, Unavailable
from fireside.features.changes.service import (
    Change,
    ChangeKind,
    ChangeStore,
    Deletion,
    Windows,
    folded,
    not_there,
)
from fireside.features.conversations.service import Conversation
from fireside.features.conversations.talks import Talk, Talks
from fireside.features.messages.service import Message, MessageStore

logger = logging.getLogger(__name__)

MAX_BATCH, MAX_WAITING = 256, 10_000
PATIENCE_S = 15.0
ROWS_AT_ONCE = 500
DEFAULT_WINDOWS = Windows()

Place = tuple[str, int]


class Changed(msgspec.Struct, frozen=True, gc=False):
    """What became of a wish: the message as of it. `change` is None where it was so already."""

    message: Message
    conversation: Conversation
    change: Change | None


Done = Callable[[Changed | ChatError], None]
"""Called once, on the event loop."""


class Wish(msgspec.Struct, frozen=True, gc=False):
    """What somebody wants to happen to a message, and who waits for it."""

    conversation: Conversation
    seq: int
    actor: str
    what: ChangeKind
    done: Done
    token: str

    @property
    def place(self) -> Place:
        return self.conversation.id, self.seq


class Granted(msgspec.Struct, frozen=True, gc=False):
    """A wish that may be, the change with the number it proposes, and the message with it."""

    wish: Wish
    change: Change
    message: Message
    talk: Talk


class ChangeLog:
    """Writes changes in groups, in the order they came. `start()` before the first `append`, `stop()` at the end."""

    def __init__(
        self,
        store: ChangeStore,
        messages: MessageStore,
        talks: Talks,
        clock: Clock,
        *,
        windows: Windows = DEFAULT_WINDOWS,
        patience_s: float = PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._messages = messages
        self._talks = talks
        self._clock = clock
        self._windows = windows
        self._patience = partial(Patience, patience_s, monotonic, sleep)
        self.stored = 0
        self._batches = Batches("change log", self._commit, self._refuse, partial(min, MAX_BATCH), MAX_WAITING)

    async def start(self) -> None:
        """Begin to write."""
        await self._batches.start()

    async def stop(self) -> None:
        """Refuse what comes now, settle everything that was accepted, and end."""
        await self._batches.stop()

    @property
    def batches(self) -> Batches[Wish]:
        """How much waits, and how what does not was written."""
        return self._batches

    def append(self, conversation: Conversation, seq: int, actor: str, what: ChangeKind, done: Done) -> None:
        """Accept a wish behind those before it.

        Raises:
            Unavailable: too much is waiting, or the log is stopping.
        """
        if not self._batches.add(Wish(conversation, seq, actor, what, done, secrets.token_hex(8))):
            raise Unavailable("The server cannot take the change now. Try again shortly.", retry_after_s=1)

    async def _commit(self, batch: list[Wish]) -> None:
        """Settle every wish, whatever happens. They leave the batch as they are settled."""
        patience, in_doubt = self._patience(), False
        while batch:
            before = len(batch)
            try:
                if in_doubt:
                    await self._catch_up(batch)
                await self._write(batch)
            except Unavailable:
                logger.warning("%d changes have to be tried again", len(batch))
            except Exception:
                logger.exception("%d changes could not be written", len(batch))
                if batch:
                    self._settle(batch.pop(0), Internal())
            in_doubt = True
            if len(batch) < before:
                patience.renew()
            elif patience.is_over:
                self._batches.give_up(batch)
            else:
                await patience.pause()

    async def _write(self, batch: list[Wish]) -> None:
        """Write what can be written; what is left has to be tried again."""
        await self._talks.wake([wish.conversation for wish in batch])
        talks = {self._talks[wish.conversation.id] for wish in batch}
        with self._talks.writing(talks):
            found = {(m.conversation, m.seq): m for m in await self._messages.at([wish.place for wish in batch])}
            if any(self._talks.get(talk.conversation.id) is not talk for talk in talks):
                return  # This node lost its lease meanwhile: they have to be woken again.
            granted = self._number(batch, found)
            if not granted:
                return
            stored = await self._store.append([each.change for each in granted])
            self.stored += stored
            await self._show([(each.message, each.change) for each in granted[:stored]])
            for each in granted[:stored]:
                each.talk.rev = each.change.rev
                self._settle_as_done(batch, each.wish, Changed(each.message, each.talk.conversation, each.change))

    def _number(self, batch: list[Wish], found: dict[Place, Message]) -> list[Granted]:
        """The changes with the numbers they propose. Wishes that are not granted, or are so already, are settled and
        leave the batch. `found`: the messages, which change on the way."""
        now = self._clock()
        revs: dict[str, int] = {}
        granted: list[Granted] = []
        for wish in list(batch):
            talk = self._talks[wish.conversation.id]
            self._talks.use(talk)
            try:
                message = _require_message(found.get(wish.place), talk.conversation, wish)
                age_s = (now - message.sent_at) / 1000
                what = wish.what.admitted(message, talk.conversation, wish.actor, age_s, self._windows)
            except ChatError as refusal:
                batch.remove(wish)
                self._settle(wish, refusal)
                continue
            if what is None:
                batch.remove(wish)
                self._settle(wish, Changed(message, talk.conversation, None))
                continue
            rev = revs[wish.conversation.id] = revs.get(wish.conversation.id, talk.rev) + 1
            change = Change(wish.conversation.id, rev, wish.seq, wish.actor, now, wish.token, what)
            found[wish.place] = message = folded(message, [change])
            granted.append(Granted(wish, change, message, talk))
        return granted

    async def _show(self, done: Sequence[tuple[Message, Change]]) -> None:
        """Let messages show what was done to them, and let nothing be left of what was deleted."""
        last = {(message.conversation, message.seq): message for message, _ in done}
        if last:
            await self._messages.bring_up(list(last.values()))
        for message, change in done:
            if isinstance(change.what, Deletion):
                await self._store.erase(message.conversation, [message.seq])

    async def _catch_up(self, batch: list[Wish]) -> None:
        """Show what was committed that was not seen from here, and settle what of it is ours."""
        ours = {wish.token: wish for wish in batch}
        for conversation_id in {wish.conversation.id for wish in batch}:
            talk = self._talks.get(conversation_id)
            if talk is None:
                continue
            async for done in self._shown_after(conversation_id, talk.rev):
                for message, change in done:
                    talk.rev = change.rev
                    if change.token in ours:
                        self._settle_as_done(batch, ours[change.token], Changed(message, talk.conversation, change))
                self._talks.moved.add(conversation_id)

    async def shown(self, after: Mapping[str, int]) -> dict[str, int]:
        """Let messages show what was committed above these revs; the last rev of each conversation that is shown.

        Raises:
            Unavailable: the store does not answer.
        """
        last = dict(after)
        for conversation_id, rev in after.items():
            async for done in self._shown_after(conversation_id, rev):
                last[conversation_id] = done[-1][1].rev
        return last

    async def _shown_after(self, conversation_id: str, rev: int) -> AsyncIterator[list[tuple[Message, Change]]]:
        """The changes above `rev`, in pages, each with its message as it is with all of them, and shown as such."""
        while changes := await self._store.after(conversation_id, rev, ROWS_AT_ONCE):
            found = await self._messages.at([(conversation_id, seq) for seq in {each.seq for each in changes}])
            messages = {message.seq: folded(message, changes) for message in found}
            done = [(messages[each.seq], each) for each in changes]
            await self._show(done)
            rev = changes[-1].rev
            yield done

    def _refuse(self, wish: Wish) -> None:
        self._settle(wish, Unavailable("The server cannot store the change now. Try again.", retry_after_s=1))

    def _settle_as_done(self, batch: list[Wish], wish: Wish, done: Changed) -> None:
        batch.remove(wish)
        self._talks.moved.add(done.conversation.id)
        self._settle(wish, done)

    @staticmethod
    def _settle(wish: Wish, outcome: Changed | ChatError) -> None:
        try:
            wish.done(outcome)
        except Exception:
            logger.exception("nobody could be told that a change was settled")


def _require_message(message: Message | None, conversation: Conversation, wish: Wish) -> Message:
    """The message, if the one who wants something to happen to it can see it.

    Raises:
        NotFound: they cannot, or there is none.
    """
    member = conversation.members.get(wish.actor)
    if message is None or member is None or message.seq <= member.since:
        raise not_there()
    return message
