"""Tasks end, whatever they make of being told to."""

import asyncio

import pytest

from fireside.core import ending
from fireside.core.ending import ended


async def answered_in_the_same_moment(answer: asyncio.Future[None]) -> None:
    """Misses the cancellation that comes while the answer does, and waits for something else."""
    await asyncio.wait_for(answer, 60)
    await asyncio.Event().wait()


async def misses_one() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def fails() -> None:
    raise RuntimeError("as it pleases")


async def test_one_that_misses_it_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "AGAIN_S", 0.01)
    task = asyncio.create_task(misses_one())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await ended(task)
    assert task.cancelled()


async def test_an_answer_in_the_same_moment_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "AGAIN_S", 0.01)
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(answered_in_the_same_moment(answer))
    await asyncio.sleep(0)
    answer.set_result(None)
    async with asyncio.timeout(30):
        await ended(task)
    assert task.cancelled()


async def test_one_that_has_ended_is_let_be() -> None:
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await ended(task)
    assert isinstance(task.exception(), RuntimeError)


async def test_nobody_need_be_ended() -> None:
    await ended()
