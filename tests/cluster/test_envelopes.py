"""Envelopes: what goes in comes out, and nothing else is taken for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fireside.cluster.envelopes import LONGEST_TOPIC, Entry, pack, unpack

kinds = st.characters(min_codepoint=33, max_codepoint=126)
topics = st.text(max_size=60).filter(lambda topic: len(topic.encode()) <= LONGEST_TOPIC)
entries = st.lists(st.tuples(kinds, st.lists(topics, max_size=5), st.binary(max_size=300)), max_size=5)


@given(entries)
def test_what_goes_in_comes_out(entries: list[Entry]) -> None:
    assert unpack(pack(entries)) == entries


@given(entries.filter(bool), st.data())
def test_what_is_cut_short_is_none(entries: list[Entry], data: st.DataObject) -> None:
    *_, last = starts = [len(pack(entries[:count])) for count in range(len(entries) + 1)]
    cut = data.draw(st.integers(1, last - 1).filter(lambda at: at not in starts))
    with pytest.raises(ValueError):
        unpack(pack(entries)[:cut])


@given(st.binary(max_size=200))
def test_whatever_comes_is_an_envelope_or_is_said_to_be_none(noise: bytes) -> None:
    try:
        entries = unpack(noise)
    except ValueError:
        return
    assert pack(entries) == noise
