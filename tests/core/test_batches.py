"""What waits is written in batches by one task, which nothing but its end stops."""

import asyncio
import logging

import pytest

from fireside.core.batches import Batches


class Log:
    """Notes what becomes of what is added; what is negative breaks the writer itself."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.refused: list[int] = []
        self.batches = Batches("log", self._commit, self.refused.append, lambda waiting: min(waiting, 3), 100)

    async def _commit(self, batch: list[int]) -> None:
        while batch:
            if batch[0] < 0:
                raise IndexError("a bug")
            self.written.append(batch.pop(0))


async def test_a_batch_that_breaks_the_writer_is_refused_and_the_next_is_written(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = Log()
    await log.batches.start()
    assert all(log.batches.add(each) for each in (1, -2, 3, 4, 5))
    await log.batches.stop()
    assert (log.written, log.refused) == ([1, 4, 5], [-2, 3])
    assert [each.levelno for each in caplog.records] == [logging.ERROR]


async def test_it_takes_more_after_one_has_broken() -> None:
    log = Log()
    await log.batches.start()
    for each in (-1, 2):
        assert log.batches.add(each)
        for _ in range(5):
            await asyncio.sleep(0)
    await log.batches.stop()
    assert (log.written, log.refused) == ([2], [-1])
