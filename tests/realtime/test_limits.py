"""Limits at the source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fireside.realtime.limits import Backlog, Flow, Seats


def test_a_bucket_fills_with_each_packet_and_drains_with_time() -> None:
    flow = Flow()
    assert [flow.pour(100, 2) for _ in range(4)] == [1, 2, 3, 4]
    assert flow.pour(101, 2) == 3
    assert flow.pour(200, 2) == 1


def test_hammering_on_keeps_the_bucket_full() -> None:
    flow = Flow()
    for tenth in range(100):
        level = flow.pour(tenth / 10, 5)
    assert level > 50


@given(st.lists(st.floats(0, 5), min_size=1, max_size=40), st.floats(0.1, 50))
def test_a_bucket_never_holds_less_than_its_last_packet_or_more_than_all(waits: list[float], rate: float) -> None:
    flow = Flow()
    now = 0.0
    for count, wait in enumerate(waits, 1):
        now += wait
        assert 1 <= flow.pour(now, rate) <= count


@given(st.integers(1, 60), st.floats(0.5, 40))
def test_whoever_keeps_to_the_rate_is_never_hasty(count: int, rate: float) -> None:
    flow = Flow()
    assert all(flow.pour(n / rate, rate) < 1.001 for n in range(count))


def test_an_address_has_so_many_seats_and_another_its_own() -> None:
    seats = Seats(2)
    seats.take("a")
    assert seats.free("a")
    seats.take("a")
    assert not seats.free("a")
    assert seats.free("b")
    seats.leave("a")
    assert seats.free("a")


def test_an_address_that_has_left_is_forgotten() -> None:
    seats = Seats(2)
    for address in range(1000):
        assert seats.free(str(address))
        seats.take(str(address))
        seats.leave(str(address))
    assert not seats._taken


@pytest.mark.parametrize("count", [0, 1, 10_000])
def test_without_a_limit_there_is_always_a_seat(count: int) -> None:
    seats = Seats(None)
    for _ in range(count):
        seats.take("a")
    assert seats.free("a")


class Behind:
    """A client that does not read."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self.is_given_up = False

    def give_up(self) -> None:
        self.is_given_up = True
        self._backlog.forget(self)


def test_where_too_much_waits_who_has_been_behind_for_longest_is_given_up() -> None:
    backlog = Backlog(100)
    first, second, third = (Behind(backlog) for _ in range(3))
    backlog.has(first, 10)
    backlog.has(second, 40)
    backlog.has(first, 50)
    assert (backlog.size, first.is_given_up) == (90, False)
    backlog.has(third, 20)
    assert (backlog.size, first.is_given_up, second.is_given_up) == (60, True, False)


def test_who_is_not_behind_any_more_counts_for_nothing() -> None:
    backlog = Backlog(100)
    first, second = Behind(backlog), Behind(backlog)
    backlog.has(first, 90)
    backlog.forget(first)
    backlog.forget(second)
    backlog.has(second, 100)
    assert (backlog.size, first.is_given_up, second.is_given_up) == (100, False, False)
    backlog.has(second, 101)
    assert (backlog.size, second.is_given_up) == (0, True)
