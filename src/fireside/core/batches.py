"""Group commit: what waits is written in batches, in the order in which it came, by one task.

What comes while a batch is under way forms the next one: a lone item never waits for company, and the batches grow with
the load. Everything is held until it is settled, and no more than so much of it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from fireside.core.measures import SIZES, Histogram

logger = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0


class Batches(Generic[T]):
    """`start()` before the first `add`, `stop()` at the end.

    `commit` settles every item of a batch, whatever happens; they leave the list as they are settled. Should it break
    all the same, what it left is refused, and the next batch is written. `refuse` settles one that will not be written,
    as far as is known. `size` says how many to take of so many that wait. `sizes` and `seconds` tell of the batches
    that were committed.
    """

    def __init__(
        self,
        name: str,
        commit: Callable[[list[T]], Awaitable[None]],
        refuse: Callable[[T], None],
        size: Callable[[int], int],
        max_waiting: int,
    ) -> None:
        self._name = name
        self._commit = commit
        self._refuse = refuse
        self._size = size
        self._max_waiting = max_waiting
        self.sizes, self.seconds = Histogram(SIZES), Histogram()
        self._waiting: deque[T] = deque()
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._open = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def start(self) -> None:
        """Begin to write."""
        self._open = True
        self._writer = asyncio.create_task(self._write(), name=self._name)

    async def stop(self) -> None:
        """Take nothing more, settle everything that was taken, and end."""
        self._open = False
        self._wake.set()
        if self._writer is not None:
            await self._writer

    def add(self, item: T) -> bool:
        """Take an item behind those before it; False if too much is waiting, or it is not to be written any more."""
        if not self._open or len(self._waiting) >= self._max_waiting:
            return False
        self._waiting.append(item)
        self._wake.set()
        return True

    def give_up(self, batch: list[T]) -> None:
        """Refuse the batch, and who waits behind it: they need not wait as long again."""
        items = [*batch, *self._waiting]
        batch.clear()
        self._waiting.clear()
        for item in items:
            self._refuse(item)

    async def _write(self) -> None:
        batch: list[T] = []
        try:
            while self._open or self._waiting:
                if not self._waiting:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                batch = [self._waiting.popleft() for _ in range(self._size(len(self._waiting)))]
                size, since = len(batch), time.perf_counter()
                try:
                    await self._commit(batch)
                except Exception:
                    # A bug must not cost those who come later their log.
                    logger.exception("a batch of the %s broke: %d of %d are refused", self._name, len(batch), size)
                    while batch:
                        self._refuse(batch.pop(0))
                self.sizes.observe(size)
                self.seconds.observe(time.perf_counter() - since)
        finally:
            # If this was cancelled, or breaks: nobody is left waiting for what will not come.
            self._open = False
            self.give_up(batch)


class Patience:
    """How long something is tried again, and with which pauses; anew whenever something has come of it."""

    def __init__(
        self,
        patience_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._sleep = sleep
        self.renew()

    def renew(self) -> None:
        """Something has come of it."""
        self._give_up_at, self._pause_s = self._monotonic() + self._patience_s, 0.0

    @property
    def is_over(self) -> bool:
        """Nothing has come of it for too long."""
        return self._monotonic() > self._give_up_at

    async def pause(self) -> None:
        """Wait before the next attempt: the first time not at all, then longer each time."""
        await self._sleep(self._pause_s)
        self._pause_s = min(max(2 * self._pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
