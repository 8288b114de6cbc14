"""What was missed: telling devices how things are after processes could not hear each other: how far conversations
and their own log have got, and their settings, which have no number.

Whichever of them was cut off, nobody knows what the others would have heard from it. So it looks in the store what has
changed since shortly before, for everybody who is connected to it, and has all others do the same.

What must stay true:

- `since` is a stamp of a time at which everything with that stamp or a lower one had been told: see
  `features.conversations.activity`. It is read while the others can be reached, and counts from the second time on, so
  it is older than the time in which a loss is noticed.
- Whoever looks does so after the others can be reached again. What is stored from then on is told as it comes.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

from fireside.core.ending import ended
from fireside.core.errors import Unavailable
from fireside.core.events import Publisher
from fireside.core.peers import EVERYBODY, Peers
from fireside.features.accounts.privacy import Privacy
from fireside.features.accounts.wire import ME_UPDATED, MySettings
from fireside.features.conversations.activity import ActivityStore
from fireside.features.conversations.service import Conversations, view_of
from fireside.features.inbox.heads import head_of
from fireside.features.inbox.items import Items
from fireside.features.inbox.service import InboxRow, InboxStore
from fireside.features.inbox.wire import HEADS, Head, HeadsForm
from fireside.features.personal.service import PersonalStore
from fireside.features.receipts.book import Book
from fireside.features.receipts.telling import Telling
from fireside.features.receipts.wire import TOLD_UP_TO

logger = logging.getLogger(__name__)

KIND = "c"
MARK_EVERY_S = 10.0
COMPANY_S = 2.0
"""Before looking: others that were cut off come back about now, too, and one look is enough for all."""
AT_ONCE = 100


class Missed:
    """`start()` and `stop()`."""

    def __init__(
        self,
        inbox: InboxStore,
        activity: ActivityStore,
        personal: PersonalStore,
        items: Items,
        conversations: Conversations,
        book: Book,
        telling: Telling,
        privacy: Privacy,
        publisher: Publisher,
        peers: Peers,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._inbox = inbox
        self._activity = activity
        self._personal = personal
        self._items = items
        self._conversations = conversations
        self._book = book
        self._telling = telling
        self._privacy = privacy
        self._publisher = publisher
        self._peers = peers
        self._sleep = sleep
        self._marks = (0, 0)
        self._since: int | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        peers.on(KIND, self._heard)
        peers.to_return(self._returned)

    async def start(self) -> None:
        """Take a mark, and begin.

        Raises:
            Unavailable: the store does not answer.
        """
        stamp = await self._activity.stamp()
        self._marks = stamp, stamp
        self._task = asyncio.create_task(self._go_on(), name="what was missed")

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            await ended(self._task)

    async def mark(self) -> None:
        """What has come to rest by now, everybody has heard of the next time."""
        if self._peers.is_up:
            self._marks = self._marks[1], await self._activity.stamp()

    async def look(self) -> None:
        """Tell everybody who is connected here how things are, if there is reason to."""
        since, self._since = self._since, None
        if since is None:
            return
        # Also where only others were cut off: what their groups have become is read below, and whoever looks at one
        # hears of it by that (`Conversations.to_turn`).
        self._conversations.distrust()
        try:
            for user_id in self._publisher.here():
                await self._tell(user_id, since)
        except BaseException:
            self._owe(since)
            raise

    def _returned(self) -> None:
        self._owe(self._marks[0])
        self._peers.send([EVERYBODY], KIND, str(self._marks[0]).encode())

    def _heard(self, topics: Sequence[str], body: bytes) -> None:
        self._owe(int(body))

    def _owe(self, since: int) -> None:
        self._since = since if self._since is None else min(since, self._since)
        self._wake.set()

    async def _tell(self, user_id: str, since: int) -> None:
        shows = user_id in await self._privacy.open([user_id])
        self._publisher.publish([user_id], ME_UPDATED.name, MySettings(read_receipts=shows))
        own = await self._personal.head(user_id)
        after, is_last = "", False
        while not is_last:
            rows = await self._inbox.changed(user_id, since, after, AT_ONCE)
            heads = await self._heads(user_id, rows) if rows else []
            if heads or own:
                self._publisher.publish([user_id], HEADS.name, HeadsForm(heads=heads, own=own or None))
            is_last = len(rows) < AT_ONCE
            after = rows[-1].activity.conversation if rows else ""

    async def _heads(self, user_id: str, rows: Sequence[InboxRow]) -> list[Head]:
        at = await self._items.heads(rows)
        found = await self._conversations.get(list(at))
        small = [each.id for each in found.values() if len(each.members) <= TOLD_UP_TO]
        marks = await self._book.marks(small) if small else {}
        heads = []
        for each, known in at.items():
            view = view_of(found[each], user_id) if each in found else None
            if view is not None and known.seq:
                shown = await self._telling.shown(view, marks.get(each, {})) if each in small else None
                heads.append(head_of(view, known.seq, known.rev, shown))
        return heads

    async def _go_on(self) -> None:
        while True:
            try:
                async with asyncio.timeout(MARK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                pass
            is_due = self._wake.is_set()
            self._wake.clear()
            try:
                if is_due:
                    await self._sleep(COMPANY_S * random.uniform(0.5, 1.5))  # noqa: S311 - so that not all look at once
                    await self.look()
                else:
                    await self.mark()
            except Unavailable:
                logger.warning("it cannot be found out now what was missed")
            except Exception:
                logger.exception("it could not be found out what was missed")
