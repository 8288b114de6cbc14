"""Time on the wire."""

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fireside.core.clock import iso, now_ms

# From 1970 to 2100; before and after, nobody here has a clock.
times = st.integers(0, 4_102_444_799_999)


@given(times)
def test_a_time_can_be_read_back_to_the_millisecond(epoch_ms: int) -> None:
    read = datetime.fromisoformat(iso(epoch_ms))
    assert read - datetime.fromtimestamp(0, UTC) == timedelta(milliseconds=epoch_ms)


@given(times)
def test_a_time_always_has_milliseconds_and_z(epoch_ms: int) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", iso(epoch_ms))


@given(times, times)
def test_times_sort_as_text(one: int, other: int) -> None:
    assert (iso(one) < iso(other)) == (one < other)


def test_now_is_milliseconds_since_the_epoch() -> None:
    before = datetime.now(UTC).timestamp() * 1000
    assert before - 1 <= now_ms() <= datetime.now(UTC).timestamp() * 1000
