"""Catching up: what has changed in somebody's conversations since a cursor, whenever that was.

A cursor is a stamp (see `features.conversations.activity`) and a number of one's own log. The stamp is read before the
rows are, so what changes meanwhile is found again the next time; finding something twice changes nothing for a client
that goes by numbers. It holds no place on the server, and never runs out.

A first answer may not hold all there is. Its cursor then says where to go on, and the one of the last answer is where
the next time begins.
"""

import asyncio
import re
from collections.abc import Mapping
from typing import NamedTuple, Self

import msgspec

from fireside.core.errors import InvalidInput, Unavailable
from fireside.features.conversations.activity import ActivityStore
from fireside.features.inbox.items import Ends, Item, Items, Known
from fireside.features.inbox.service import InboxRow, InboxStore
from fireside.features.personal.service import Entry, PersonalStore

PER_ANSWER = 100
"""Conversations."""
ENDS = Ends(messages=50, changes=50)
FIRST_ENDS = Ends(messages=20, changes=0)
"""Of who has nothing yet: they read what they look at, as it is now, and need no changes."""
OWN_PER_ANSWER = 200
BUDGET_BYTES = 256 * 1024
"""Of messages in an answer. Who does not get the end of a conversation reads it by itself."""

AT_ONCE = 64
"""People. When thousands are back at the same moment, each step of one that waits for the database is followed by all
who waited with it; those who write meanwhile would wait for as long. With fewer the reads are shared by too few."""

PATIENCE_S = 15.0
"""For a place. Where the database is away those before would have to give up one after the other; clients wait 20 s."""

ALL = -1
_CURSOR = re.compile(r"(\d{1,18})\.(\d{1,14})(?:\.(-1|\d{1,18})\.([0-9a-f]{24}))?")


class Cursor(NamedTuple):
    """Up to where somebody knows everything: a stamp, and a number of their own log."""

    stamp: int
    n: int
    since: int
    """The stamp from which on this answers; `ALL` for the first time."""
    after: str
    """The id of the last conversation of the answer before, where there was one."""

    @classmethod
    def read(cls, text: str) -> Self:
        """The cursor of a text that `str` has made.

        Raises:
            InvalidInput: it has not.
        """
        if not text:
            return cls(ALL, 0, ALL, "")
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise InvalidInput("cursor must be one that sync has answered with.", details={"field": "cursor"})
        stamp, n, since, after = found.groups()
        return cls(int(stamp), int(n), int(stamp) if since is None else int(since), after or "")

    def __str__(self) -> str:
        return f"{self.stamp}.{self.n}.{self.since}.{self.after}" if self.after else f"{self.stamp}.{self.n}"


class Synced(msgspec.Struct, frozen=True, gc=False):
    """An answer. `more`: ask again with its cursor."""

    items: list[Item]
    own: list[Entry]
    n: int
    cursor: str
    more: bool


class Syncing:
    """The use case."""

    def __init__(
        self,
        store: InboxStore,
        activity: ActivityStore,
        personal: PersonalStore,
        items: Items,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._store = store
        self._activity = activity
        self._personal = personal
        self._items = items
        self._places = asyncio.Semaphore(AT_ONCE)
        self._patience_s = patience_s

    async def sync(self, user_id: str, text: str, known: Mapping[str, Known]) -> Synced:
        """What has changed for this person since the cursor; all there is where it is empty.

        Raises:
            InvalidInput: it is no cursor.
            Unavailable: too many catch up before them, or the database is away.
        """
        cursor = Cursor.read(text)
        try:
            async with asyncio.timeout(self._patience_s):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable("Too many are catching up now. Ask again shortly.", retry_after_s=5) from None
        try:
            return await self._sync(user_id, cursor, known)
        finally:
            self._places.release()

    async def _sync(self, user_id: str, cursor: Cursor, known: Mapping[str, Known]) -> Synced:
        # First: whatever is written after this is found from here on.
        stamp = await self._activity.stamp()
        if cursor.stamp > stamp:
            # The database is older than the cursor: it was brought back from a backup.
            cursor = Cursor.read("")
        elif cursor.after:
            stamp = cursor.stamp
        entries, rows = await asyncio.gather(
            self._personal.after(user_id, cursor.n, OWN_PER_ANSWER + 1),
            self._store.changed(user_id, cursor.since, cursor.after, PER_ANSWER + 1),
        )
        own = entries[:OWN_PER_ANSWER]
        page, is_last = rows[:PER_ANSWER], len(rows) <= PER_ANSWER
        ends = FIRST_ENDS if cursor.since == ALL else ENDS
        # A direct conversation begins with its first message.
        items = _within_budget([each for each in await self._items.of(user_id, page, ends, known) if each.seq])
        n = own[-1].n if own else cursor.n
        more_own = len(entries) > OWN_PER_ANSWER
        following = self._following(cursor, stamp, n, page, is_last, more_own)
        return Synced(items, own, n, str(following), not is_last or more_own)

    @staticmethod
    def _following(cursor: Cursor, stamp: int, n: int, page: list[InboxRow], is_last: bool, more_own: bool) -> Cursor:
        if not is_last:
            return Cursor(stamp, n, cursor.since, page[-1].activity.conversation)
        if more_own:
            # Past every conversation: what is left is one's own log.
            return Cursor(stamp, n, cursor.since, "f" * 24)
        return Cursor(stamp, n, stamp, "")


def _within_budget(items: list[Item]) -> list[Item]:
    left = BUDGET_BYTES
    kept = []
    for item in items:
        size = sum(400 + len(message.content) for message in (*item.messages, *item.changed.messages))
        if size <= left:
            left -= size
            kept.append(item)
        else:
            # Nothing of it: its reader sees by the numbers that there is more.
            caught = msgspec.structs.replace(item.changed, messages=[])
            kept.append(msgspec.structs.replace(item, messages=[], changed=caught, changed_from=item.rev))
    return kept
