"""The keeper: lets conversations fall asleep, and looks after those whose node has died.

What must stay true:

- What is put to sleep is at rest: nobody writes into it, nothing of it waits to be kept (`before_sleep`), and where the
  outcome of a write was unknown, its log has been read again long after.
- A node acts on what it has awake only while its lease lasts. One that could not renew it (it was stopped, or cut off)
  wakes everything anew, because others may have taken it for dead.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from fireside.core.ending import ended
from fireside.core.errors import Unavailable
from fireside.features.conversations.activity import ActivityStore
from fireside.features.conversations.service import Conversation, Conversations
from fireside.features.conversations.talks import UNCERTAIN_S, Talk, Talks

logger = logging.getLogger(__name__)

QUIET_S = 30.0
"""A conversation sleeps after so long without a write."""
LOOK_EVERY_S = 5.0
LEASE_S = 60.0
AT_ONCE = 500
AWAKE_AT_MOST = 200_000
FAREWELL_S = 5.0

BeforeSleep = Callable[[Sequence[str]], Awaitable[None]]
"""Called with the conversations that are about to sleep; returns when nothing of them waits to be kept."""

Adopted = Callable[[Conversation], None]
"""Called with a group that a dead node has left awake, as it is kept now. Must not raise, and not wait."""


class Keeper:
    """`start()` before anything is woken, `stop()` after the last write."""

    def __init__(
        self,
        talks: Talks,
        store: ActivityStore,
        conversations: Conversations,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._talks = talks
        self._store = store
        self._conversations = conversations
        self._monotonic = monotonic
        self._before_sleep: list[BeforeSleep] = []
        self._adopted: list[Adopted] = []
        self._task: asyncio.Task[None] | None = None
        self._leased_until = 0.0

    def before_sleep(self, work: BeforeSleep) -> None:
        """Have this done for what is about to sleep."""
        self._before_sleep.append(work)

    def to_adopt(self, callback: Adopted) -> None:
        """Have this called with each group of a dead node."""
        self._adopted.append(callback)

    async def start(self) -> None:
        """Take the lease and begin to look after things.

        Raises:
            Unavailable: the store does not answer.
        """
        await self._renew()
        self._task = asyncio.create_task(self._keep(), name="keeper of conversations")

    async def stop(self) -> None:
        """Put to sleep what can be in a few seconds, and end."""
        if self._task is not None:
            await ended(self._task)
        try:
            async with asyncio.timeout(FAREWELL_S):
                while talks := self._talks.quiet(self._monotonic() + UNCERTAIN_S, AT_ONCE):
                    await self._let_sleep(talks)
        except (TimeoutError, Unavailable):
            logger.warning("%d conversations are left awake; another node puts them to rest", len(self._talks))

    async def look(self, quiet_s: float = QUIET_S) -> None:
        """Once: renew the lease, let sleep what has been quiet for so long, adopt what dead nodes have left."""
        await self._renew()
        await self._talks.mend_doubtful()
        while quiet := self._due(quiet_s):
            await self._let_sleep(quiet)
        for node in await self._store.dead(self._talks.node):
            await self._adopt(node)

    async def _keep(self) -> None:
        while True:
            try:
                await self.look()
            except Unavailable:
                logger.warning("conversations cannot be looked after now")
            except Exception:
                logger.exception("conversations could not be looked after")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _renew(self) -> None:
        if self._leased_until and self._leased_until < self._monotonic():
            logger.warning("this node was away for longer than its lease; it wakes its conversations anew")
            self._talks.forget_all()
        asked = self._monotonic()
        await self._store.renew(self._talks.node, LEASE_S)
        self._leased_until = asked + LEASE_S

    def _due(self, quiet_s: float) -> list[Talk]:
        """Those that have been quiet for so long; past the bound those that have been quiet the longest."""
        crowded = len(self._talks) - AWAKE_AT_MOST
        now = self._monotonic()
        return (
            self._talks.quiet(now, min(crowded, AT_ONCE)) if crowded > 0 else self._talks.quiet(now - quiet_s, AT_ONCE)
        )

    async def _let_sleep(self, talks: Sequence[Talk]) -> None:
        ids = [talk.conversation.id for talk in talks]
        rows = await self._store.rows(ids)
        shared = {each for each, row in rows.items() if set(row.awake) - {self._talks.node}}
        # What is asleep is vouched for up to its numbers: also for what another node has not kept yet, if it dies.
        await self._talks.recheck(
            [each.conversation.id for each in talks if each.is_uncertain or each.conversation.id in shared]
        )
        for work in self._before_sleep:
            await work(ids)
        for talk in talks:
            await self._talks.keep(talk)
        # What was used meanwhile goes on.
        still = [talk for talk in talks if self._talks.get(talk.conversation.id) is talk and not talk.writers]
        if still:
            await self._talks.let_sleep(still)

    async def _adopt(self, node: str) -> None:
        """Have what the dead node left awake here; it is mended on the way."""
        while ids := await self._store.awake_on(node, AT_ONCE):
            found = await self._conversations.get(ids)
            shared = [each for each in ids if self._talks.get(each) is not None]
            await self._talks.wake(found.values())
            # Those that were awake here all along have not been looked at by that.
            await self._talks.recheck(shared)
            if missing := [each for each in ids if each not in found]:
                await self._talks.mending.rebuild(missing)
            # It may have died before it told anybody how far they have got, or what has become of a group.
            talks = [talk for each in found if (talk := self._talks.get(each)) is not None]
            self._talks.moved.update(talk.conversation.id for talk in talks)
            groups = [talk.conversation for talk in talks if talk.is_kept and talk.conversation.kind == "group"]
            for adopted in self._adopted:
                for group in groups:
                    adopted(group)
            await self._store.forget(node, ids)
            logger.info("%d conversations of a node that is no more have been looked after", len(ids))
