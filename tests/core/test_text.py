"""Text and limits from outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fireside.core.errors import InvalidInput
from fireside.core.paging import MAX_LIMIT, require_limit
from fireside.core.text import require_text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=100))
def test_text_that_fits_comes_back_as_it_was(text: str) -> None:
    assert require_text("content", text, max_bytes=400) == text


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "a" * 11, "é" * 6])
def test_nul_lone_surrogates_and_too_many_bytes_are_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput, match="content") as refusal:
        require_text("content", text, max_bytes=10)
    assert refusal.value.details is not None
    assert refusal.value.details["field"] == "content"


def test_a_limit_is_between_one_and_the_most() -> None:
    assert [require_limit(limit) for limit in (1, MAX_LIMIT)] == [1, MAX_LIMIT]
    for limit in (-1, 0, MAX_LIMIT + 1, 10**9):
        with pytest.raises(InvalidInput, match="limit"):
            require_limit(limit)
