"""Heads: telling devices how far their conversations have got, so that nobody misses a last frame.

A lost frame leaves a hole that the next one shows; the last one leaves none. So each device is told, when it connects
and some seconds after something has moved, up to where its conversations go. One who has that much knows to be
complete. Receipts have no numbers; but they only rise, so their sum tells as much.

What has moved is told by the node that moved it, to devices wherever they are. While that cannot reach the others, it
is lost like any other frame; see `features.inbox.missed`.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

from fireside.core.ending import ended
from fireside.core.events import Publisher
from fireside.features.conversations.service import View, view_of
from fireside.features.conversations.talks import Talk, Talks
from fireside.features.inbox.wire import HEADS, Head, HeadsForm
from fireside.features.personal.log import PersonalLog
from fireside.features.receipts.book import Book
from fireside.features.receipts.telling import Telling
from fireside.features.receipts.wire import TOLD_UP_TO, ReceiptForm

logger = logging.getLogger(__name__)

EVERY_S = 10.0
AT_ONCE = 100
"""Conversations between two looks at everything else there is to do."""
NEWCOMERS = 10_000
"""Who wait to be told; whoever comes when there are more is not: they ask by themselves."""


class Heads:
    """Tells everybody who is connected, and, as an `Attendant`, whoever comes here. `start()` and `stop()`."""

    def __init__(
        self,
        talks: Talks,
        book: Book,
        telling: Telling,
        personal: PersonalLog,
        publisher: Publisher,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._talks = talks
        self._book = book
        self._telling = telling
        self._personal = personal
        self._publisher = publisher
        self._monotonic = monotonic
        self._newcomers: deque[tuple[str, object]] = deque(maxlen=NEWCOMERS)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()

    def came(self, user_id: str, device: object) -> None:
        if self._talks.of(user_id):
            self._newcomers.append((user_id, device))
            self._wake.set()

    def went(self, user_id: str, device: object) -> None:
        """Nobody is told any more."""

    async def start(self) -> None:
        """Begin to tell."""
        self._task = asyncio.create_task(self._tell_on(), name="heads")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            await ended(self._task)

    async def of(self, user_id: str) -> HeadsForm:
        """How far this person's conversations have got, of those that are awake here."""
        found = await self._heads(list(self._talks.of(user_id))[:AT_ONCE], {user_id})
        return HeadsForm(heads=[head for _, head in found])

    async def tell(self, conversation_ids: Collection[str] | None = None) -> None:
        """Tell everybody of what has moved since the last time: of these, which are to fall asleep, or of all."""
        async with self._one_at_a_time:
            wanted = self._talks.moved if conversation_ids is None else self._talks.moved.intersection(conversation_ids)
            moved = list(wanted)
            self._talks.moved.difference_update(moved)
            own: dict[str, int] = {}
            if conversation_ids is None:
                own, self._personal.moved = self._personal.moved, {}
            try:
                await self._tell_of(moved, own)
            except BaseException:
                # The next time, then; some hear it twice.
                self._talks.moved.update(moved)
                for user_id, n in own.items():
                    self._personal.has_grown(user_id, n)
                raise

    async def _tell_of(self, moved: Sequence[str], own: Mapping[str, int]) -> None:
        left = dict(own)
        for start in range(0, len(moved), AT_ONCE):
            heads: dict[str, list[Head]] = {}
            for user_id, head in await self._heads(moved[start : start + AT_ONCE], None):
                heads.setdefault(user_id, []).append(head)
            for user_id, theirs in heads.items():
                self._publish(user_id, theirs, left.pop(user_id, None))
            await asyncio.sleep(0)
        for user_id in await self._publisher.present(left):
            self._publish(user_id, [], left[user_id])

    async def _heads(self, conversation_ids: Sequence[str], only: set[str] | None) -> list[tuple[str, Head]]:
        """Whom to tell what of these."""
        talks = [talk for each in conversation_ids if (talk := self._talks.get(each)) is not None]
        small = [talk.conversation.id for talk in talks if len(talk.conversation.members) <= TOLD_UP_TO]
        marks = await self._book.marks(small) if small else {}
        readers = only
        if readers is None:
            readers = await self._publisher.present({each for talk in talks for each in _concerned(talk)})
        found = []
        for talk in talks:
            conversation, seq, rev = talk.conversation, talk.seq, talk.rev
            concerned = _concerned(talk)
            if only is None:
                talk.told = seq
            for user_id in concerned:
                view = view_of(conversation, user_id) if user_id in readers else None
                if view is not None:
                    theirs = marks.get(conversation.id, {}) if conversation.id in small else None
                    shown = await self._telling.shown(view, theirs) if theirs is not None else None
                    found.append((user_id, head_of(view, seq, rev, shown)))
        return found

    def _publish(self, user_id: str, heads: list[Head], own: int | None) -> None:
        self._publisher.publish([user_id], HEADS.name, HeadsForm(heads=heads, own=own))

    async def greet(self) -> None:
        """Tell those who have come."""
        while self._newcomers:
            user_id, device = self._newcomers.popleft()
            form = await self.of(user_id)
            if form.heads:
                self._publisher.hand([device], HEADS.name, form)

    async def _tell_on(self) -> None:
        due = self._monotonic() + EVERY_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due - self._monotonic())):
                    await self._wake.wait()
            # Only now: who comes while others are told is not to wait until the next time.
            self._wake.clear()
            try:
                await self.greet()
                if self._monotonic() >= due:
                    due = self._monotonic() + EVERY_S
                    await self.tell()
            except Exception:
                # They are told the next time, of what moves then; and whoever comes back asks.
                logger.exception("heads could not be told")


def _concerned(talk: Talk) -> list[str]:
    """Whom it concerns how far this has got. Who has left is told of that, and not that the others go on."""
    conversation = talk.conversation
    return [*conversation.members, *(each for each, gone in conversation.gone.items() if gone.until > talk.told)]


def head_of(view: View, seq: int, rev: int, receipts: Collection[ReceiptForm] | None) -> Head:
    """How far a conversation has got, as far as this reader sees it; `receipts` where they are told of them."""
    if view.until is not None and view.rev is not None:
        return Head(conversation=view.conversation.id, seq=min(seq, view.until), rev=min(rev, view.rev))
    receipts_in_all = None if receipts is None else total(receipts)
    return Head(conversation=view.conversation.id, seq=seq, rev=rev, receipts=receipts_in_all)


def total(receipts: Collection[ReceiptForm]) -> int:
    """The sum that tells whether two have the same receipts."""
    return sum(each.delivered + each.read for each in receipts)
