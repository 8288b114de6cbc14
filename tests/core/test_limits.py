"""The rate limiter: what it admits over any stretch of time, and that a refusal costs nothing."""

from hypothesis import given
from hypothesis import strategies as st

from fireside.core.limits import RateLimiter

# Powers of two, so that sums of times are exact and the bounds can be compared without tolerance.
rates = st.sampled_from([0.25, 0.5, 1.0, 2.0, 8.0])
bursts = st.integers(1, 20)
pauses = st.lists(st.integers(0, 64).map(lambda sixteenths: sixteenths / 16), max_size=200)


class Monotonic:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@given(rates, bursts, pauses)
def test_no_stretch_of_time_admits_more_than_the_burst_and_the_rate(
    per_second: float, burst: int, gaps: list[float]
) -> None:
    clock = Monotonic()
    limiter = RateLimiter(per_second, burst, monotonic=clock)
    admitted: list[float] = []
    for gap in gaps:
        clock.now += gap
        if limiter.take("key") == 0:
            admitted.append(clock.now)
    for first, start in enumerate(admitted):
        for last, end in enumerate(admitted[first:], first):
            assert last - first + 1 <= burst + (end - start) * per_second


@given(rates, bursts, st.integers(1, 100))
def test_who_keeps_to_the_rate_is_never_refused(per_second: float, burst: int, calls: int) -> None:
    clock = Monotonic()
    limiter = RateLimiter(per_second, burst, monotonic=clock)
    for _ in range(calls):
        assert limiter.take("key") == 0
        clock.now += 1 / per_second


@given(rates, bursts, pauses)
def test_who_waits_as_long_as_told_is_admitted(per_second: float, burst: int, gaps: list[float]) -> None:
    clock = Monotonic()
    limiter = RateLimiter(per_second, burst, monotonic=clock)
    for gap in gaps:
        clock.now += gap
        told = limiter.wait_s("key")
        assert limiter.take("key") == told
        if told > 0:
            assert limiter.take("key") == told, "a refusal takes nothing"
            clock.now += told
            assert limiter.take("key") == 0


def test_a_burst_is_admitted_at_once_and_the_next_call_is_told_how_long_to_wait() -> None:
    limiter = RateLimiter(2, 3, monotonic=Monotonic())
    assert [limiter.take("key") for _ in range(4)] == [0, 0, 0, 0.5]


def test_asking_takes_nothing() -> None:
    limiter = RateLimiter(1, 1, monotonic=Monotonic())
    assert limiter.wait_s("key") == limiter.wait_s("key") == limiter.take("key") == 0


def test_keys_do_not_share_a_limit() -> None:
    limiter = RateLimiter(1, 1, monotonic=Monotonic())
    assert limiter.take("one") == limiter.take("other") == 0


def test_past_the_most_keys_the_one_admitted_longest_ago_is_let_in_again() -> None:
    limiter = RateLimiter(0.001, 1, max_keys=2, monotonic=Monotonic())
    for key in ("first", "second", "third"):
        limiter.take(key)
    assert limiter.take("third") > 0
    assert limiter.take("second") > 0
    assert limiter.take("first") == 0
