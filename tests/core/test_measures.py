"""Measures: buckets, and what comes of things."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fireside.core.errors import NotFound
from fireside.core.measures import Histogram, counted


@settings(deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=12)))
def test_a_bucket_has_what_is_at_most_its_bound_and_above_the_one_before(values: list[int]) -> None:
    histogram = Histogram((1, 5, 10))
    for value in values:
        histogram.observe(value)
    expected = [
        sum(value <= 1 for value in values),
        sum(1 < value <= 5 for value in values),
        sum(5 < value <= 10 for value in values),
        sum(value > 10 for value in values),
    ]
    assert (histogram.counts, histogram.total) == (expected, sum(values))


def test_what_comes_of_something_is_counted_and_passes_through() -> None:
    outcomes: Counter[str] = Counter()
    with counted(outcomes):
        """It works."""
    for error in (NotFound("no"), RuntimeError("a bug"), KeyboardInterrupt()):
        with pytest.raises(type(error)), counted(outcomes):
            raise error
    assert outcomes == {"ok": 1, "not_found": 1, "internal": 1}
