"""Ids: their form, and what may be read off them."""

from hypothesis import given
from hypothesis import strategies as st

from fireside.core.ids import direct_conversation_id, is_id, message_id, new_id

ids = st.text("0123456789abcdef", min_size=24, max_size=24)
seqs = st.integers(0, 2**47)


def test_new_ids_have_the_form_of_ids_and_do_not_repeat() -> None:
    made = {new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(map(is_id, made))


@given(st.text())
def test_nothing_but_24_lower_case_hex_digits_is_an_id(value: str) -> None:
    assert is_id(value) == (len(value) == 24 and all(letter in "0123456789abcdef" for letter in value))


def test_other_digits_than_ascii_are_not_taken_for_hex() -> None:
    assert not is_id("٣" * 24)
    assert not is_id("A" * 24)
    assert not is_id("0" * 23 + "\n")


@given(ids, ids)
def test_two_people_have_one_conversation_whoever_is_named_first(one: str, other: str) -> None:
    conversation = direct_conversation_id(one, other)
    assert is_id(conversation)
    assert conversation == direct_conversation_id(other, one)


@given(st.tuples(ids, ids), st.tuples(ids, ids))
def test_other_people_have_another_conversation(some: tuple[str, str], others: tuple[str, str]) -> None:
    same = direct_conversation_id(*some) == direct_conversation_id(*others)
    assert same == (set(some) == set(others))


@given(st.tuples(ids, seqs), st.tuples(ids, seqs))
def test_message_ids_sort_as_the_log_does(one: tuple[str, int], other: tuple[str, int]) -> None:
    assert (message_id(*one) < message_id(*other)) == (one < other)
