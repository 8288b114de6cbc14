"""The timing wheel: never early, late by at most a tick, and nobody's failure stops it."""

import asyncio
import logging
from collections.abc import Callable
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fireside.realtime import wheel as module
from fireside.realtime.wheel import TimingWheel
from tests.realtime.served import set_in

TICK_S = 0.5
HORIZON_S = 10.0
ROUNDING_S = 1e-6


class FakeLoop:
    """A clock that only `go` moves, and the one timer that a wheel has."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._timer: tuple[float, Callable[[], None]] | None = None

    def time(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], None]) -> SimpleNamespace:
        self._timer = (when, callback)
        return SimpleNamespace(cancel=self._forget)

    def _forget(self) -> None:
        self._timer = None

    def go(self, seconds: float) -> None:
        """Let time pass, with the timer on time."""
        until = self._now + seconds
        while self._timer is not None and self._timer[0] <= until:
            when, callback = self._timer
            self._now, self._timer = max(self._now, when), None
            callback()
        self._now = until

    def stall(self, seconds: float) -> None:
        """Let time pass as it does for a loop that is busy: the timer has to wait."""
        self._now += seconds


class Owner:
    """Remembers when its deadline came."""

    def __init__(self, loop: FakeLoop, then: Callable[[], None] = lambda: None) -> None:
        self.bucket = -1
        self.met: list[float] = []
        self._loop = loop
        self._then = then

    def on_deadline(self) -> None:
        self.met.append(self._loop.time())
        self._then()


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


@pytest.fixture
def wheel(loop: FakeLoop, monkeypatch: pytest.MonkeyPatch) -> TimingWheel:
    monkeypatch.setattr(module, "asyncio", SimpleNamespace(get_running_loop=lambda: loop))
    wheel = TimingWheel(TICK_S, HORIZON_S)
    wheel.start()
    return wheel


steps = st.lists(
    st.tuples(st.integers(0, 3), st.floats(0, HORIZON_S), st.floats(0, 3)) | st.floats(0, 20), min_size=1, max_size=30
)


@given(steps)
def test_a_deadline_is_never_early_and_late_by_at_most_a_tick(steps: list[tuple[int, float, float] | float]) -> None:
    """Any sequence of setting, setting again, waiting and stalling: (who, delay, stall before) or a wait."""
    loop = FakeLoop()
    with patch.object(module, "asyncio", SimpleNamespace(get_running_loop=lambda: loop)):
        wheel = TimingWheel(TICK_S, HORIZON_S)
        wheel.start()
        owners = [Owner(loop) for _ in range(4)]
        due: dict[Owner, float] = {}
        stalled_s = 0.0
        for step in [*steps, 2 * HORIZON_S]:
            if isinstance(step, tuple):
                who, delay_s, stall_s = step
                loop.stall(stall_s)
                stalled_s += stall_s
                wheel.set(owners[who], delay_s)
                due[owners[who]] = loop.time() + delay_s
            else:
                loop.go(step)
            for owner in owners:
                for met in owner.met:
                    assert due[owner] - ROUNDING_S <= met, "early"
                    assert met <= due[owner] + TICK_S + stalled_s + ROUNDING_S, "late"
                    del due[owner]
                owner.met.clear()
            if not isinstance(step, tuple):
                stalled_s = 0.0
        assert not due
        assert set_in(wheel) == 0


def test_a_deadline_comes_once(loop: FakeLoop, wheel: TimingWheel) -> None:
    owner = Owner(loop)
    wheel.set(owner, 1)
    loop.go(100)
    assert len(owner.met) == 1


def test_a_deadline_that_is_set_again_moves(loop: FakeLoop, wheel: TimingWheel) -> None:
    owner = Owner(loop)
    wheel.set(owner, 1)
    wheel.set(owner, 5)
    loop.go(4.9)
    assert owner.met == []
    wheel.set(owner, 1)
    loop.go(1.5)
    assert len(owner.met) == 1
    loop.go(100)
    assert len(owner.met) == 1


def test_a_deadline_that_is_cancelled_never_comes(loop: FakeLoop, wheel: TimingWheel) -> None:
    owner = Owner(loop)
    wheel.set(owner, 1)
    wheel.cancel(owner)
    wheel.cancel(owner)
    loop.go(100)
    assert owner.met == []
    assert set_in(wheel) == 0


@pytest.mark.parametrize("delay_s", [HORIZON_S - TICK_S, HORIZON_S, HORIZON_S + TICK_S, 10 * HORIZON_S])
def test_a_deadline_at_the_horizon_or_beyond_comes_in_its_time(
    loop: FakeLoop, wheel: TimingWheel, delay_s: float
) -> None:
    owner = Owner(loop)
    wheel.set(owner, delay_s)
    loop.go(delay_s - ROUNDING_S)
    assert owner.met == []
    loop.go(TICK_S + 2 * ROUNDING_S)
    assert len(owner.met) == 1


def test_a_deadline_may_set_the_next_one(loop: FakeLoop, wheel: TimingWheel) -> None:
    owner = Owner(loop, lambda: wheel.set(owner, 2))
    wheel.set(owner, 2)
    loop.go(20)
    assert 8 <= len(owner.met) <= 10
    assert all(later - earlier >= 2 for earlier, later in zip(owner.met, owner.met[1:], strict=False))


def test_one_deadline_may_cancel_another_of_the_same_tick(loop: FakeLoop, wheel: TimingWheel) -> None:
    first = Owner(loop, lambda: wheel.cancel(second))
    second = Owner(loop, lambda: wheel.cancel(first))
    wheel.set(first, 1)
    wheel.set(second, 1)
    loop.go(100)
    assert len(first.met) + len(second.met) == 1
    assert set_in(wheel) == 0


def test_one_deadline_may_move_another_of_the_same_tick(loop: FakeLoop, wheel: TimingWheel) -> None:
    first = Owner(loop, lambda: wheel.set(second, 5))
    second = Owner(loop, lambda: wheel.set(first, 5))
    start = loop.time()
    wheel.set(first, 1)
    wheel.set(second, 1)
    loop.go(5.9)
    met = first.met + second.met
    assert len(met) == 1
    assert start + 1 <= met[0] <= start + 1 + TICK_S


def test_after_a_stall_every_deadline_is_made_up_for(loop: FakeLoop, wheel: TimingWheel) -> None:
    owners = [Owner(loop) for _ in range(8)]
    for delay_s, owner in enumerate(owners):
        wheel.set(owner, delay_s)
    loop.stall(60)
    loop.go(0)
    assert [len(owner.met) for owner in owners] == [1] * 8


def test_a_deadline_set_after_a_stall_is_not_early(loop: FakeLoop, wheel: TimingWheel) -> None:
    """The wheel has not caught up yet when what arrived during the stall is handled."""
    owner = Owner(loop)
    loop.stall(20)
    wheel.set(owner, HORIZON_S)
    loop.go(HORIZON_S - ROUNDING_S)
    assert owner.met == []
    loop.go(TICK_S + 2 * ROUNDING_S)
    assert len(owner.met) == 1


def test_a_deadline_that_fails_stops_nobody_elses(
    loop: FakeLoop, wheel: TimingWheel, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    owners = [Owner(loop, fail) for _ in range(3)]
    for owner in owners:
        wheel.set(owner, 1)
    last = Owner(loop)
    wheel.set(last, 2)
    loop.go(3)
    assert [len(owner.met) for owner in [*owners, last]] == [1, 1, 1, 1]
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3


def test_a_wheel_that_stands_still_meets_no_deadline(loop: FakeLoop, wheel: TimingWheel) -> None:
    owner = Owner(loop)
    wheel.set(owner, 1)
    wheel.stop()
    wheel.stop()
    loop.go(100)
    assert owner.met == []


async def test_it_turns_on_a_real_loop() -> None:
    wheel = TimingWheel(0.001, 1)
    wheel.start()
    met = asyncio.Event()

    class Waiter:
        bucket = -1

        def on_deadline(self) -> None:
            met.set()

    wheel.set(Waiter(), 0.002)
    await met.wait()
    wheel.stop()
