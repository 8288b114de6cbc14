"""What every `PersonalStore` promises."""

import asyncio

import pytest

from fireside.core.ids import new_id
from fireside.features.personal.service import Entry, Own, PersonalStore
from tests.contract.samples import NOW, entry

TOP = 1 << 47
SAID = (
    Own(),
    Own(pinned=True),
    Own(archived=True),
    Own(muted_until=NOW),
    Own(muted_until=0),
    Own(unread=True),
    Own(starred=True),
    Own(hidden=True),
    Own(True, True, 1 << 52, True, True, True),
)


@pytest.fixture
def me() -> str:
    return new_id()


@pytest.fixture
def here() -> str:
    return new_id()


async def write(personal: PersonalStore, *entries: Entry) -> None:
    for each in entries:
        assert await personal.append(each)


async def test_an_entry_comes_back_as_it_was_appended(personal: PersonalStore, me: str, here: str) -> None:
    said = [(seq, own) for own in SAID for seq in (0, 1 << 40)]
    for n, (seq, own) in enumerate(said, 1):
        written = Entry(me, n, here, seq, own, 1_700_000_000_123)
        await write(personal, written)
        assert await personal.after(me, n - 1, 1) == [written]
        assert await personal.last(me, [(here, seq)]) == {(here, seq): own}


async def test_a_taken_number_keeps_its_first_entry(personal: PersonalStore, me: str, here: str) -> None:
    first, second = entry(me, 1, here, pinned=True), entry(me, 1, new_id(), 5, starred=True)
    assert await personal.append(first)
    assert not await personal.append(first)
    assert not await personal.append(second)
    assert await personal.after(me, 0, 10) == [first]
    assert await personal.last(me, [(second.conversation, 5)]) == {}
    assert await personal.starred(me, TOP, 10) == []


async def test_the_head_is_the_highest_number(personal: PersonalStore, me: str, here: str) -> None:
    assert await personal.head(me) == 0
    for n in range(1, 4):
        await write(personal, entry(me, n, here))
        assert await personal.head(me) == n
    assert await personal.head(new_id()) == 0


async def test_everybody_has_a_log_of_their_own(personal: PersonalStore, me: str, here: str) -> None:
    other = new_id()
    mine, theirs = entry(me, 1, here, pinned=True), entry(other, 1, here, archived=True)
    await write(personal, mine, theirs, entry(other, 2, here, 5, starred=True, hidden=True))
    assert await personal.head(me) == 1
    assert await personal.after(me, 0, 10) == [mine]
    assert await personal.last(me, [(here, 0), (here, 5)]) == {(here, 0): Own(pinned=True)}
    assert await personal.hidden(me, {here: (0, 10)}) == {}
    assert await personal.starred(me, TOP, 10) == []


async def test_after_is_what_is_next_above_oldest_first(personal: PersonalStore, me: str, here: str) -> None:
    log = [entry(me, n, here, n % 3) for n in range(1, 11)]
    await write(personal, *log[::2], *log[1::2])
    assert await personal.after(me, 0, 3) == log[:3]
    assert await personal.after(me, 3, 3) == log[3:6]
    assert await personal.after(me, 8, 3) == log[8:]
    assert await personal.after(me, 10, 3) == await personal.after(me, TOP, 3) == []
    assert await personal.after(new_id(), 0, 3) == []


async def test_the_highest_numbers_keep_their_order(personal: PersonalStore, me: str, here: str) -> None:
    log = [entry(me, n, here, 1, starred=True) for n in (1, 255, 256, 65_536, 1 << 32, TOP - 1)]
    await write(personal, *log)
    assert await personal.after(me, 0, 10) == log
    assert await personal.head(me) == TOP - 1
    assert await personal.starred(me, TOP, 10) == [log[-1]]


async def test_the_last_entry_of_a_place_is_how_things_are_there(personal: PersonalStore, me: str, here: str) -> None:
    there = new_id()
    await write(
        personal,
        entry(me, 1, here, pinned=True),
        entry(me, 2, here, 7, starred=True),
        entry(me, 3, there, 7, hidden=True),
        entry(me, 4, here, archived=True),
        entry(me, 5, here, 7),
    )
    places = [(here, 7), (there, 7), (here, 0), (there, 0), (here, 8), (new_id(), 7), (here, 7)]
    found = {(here, 0): Own(archived=True), (here, 7): Own(), (there, 7): Own(hidden=True)}
    assert await personal.last(me, places) == found
    assert await personal.last(me, [(there, 0), (here, 8)]) == await personal.last(me, []) == {}
    assert await personal.last(new_id(), places) == {}


async def test_the_last_of_many_places_is_found_at_once(personal: PersonalStore, me: str) -> None:
    places = [(new_id(), number % 3) for number in range(120)]
    entries = [entry(me, n, *place, muted_until=n) for n, place in enumerate(places, 1)]
    assert all(await asyncio.gather(*map(personal.append, entries)))
    assert await personal.last(me, places) == {place: Own(muted_until=n) for n, place in enumerate(places, 1)}


async def test_what_is_said_of_conversations_is_what_was_said_last_of_each(
    personal: PersonalStore, me: str, here: str
) -> None:
    there, message_only = new_id(), new_id()
    places = [(here, 0), (there, 0), (message_only, 0)]
    assert await personal.last(me, places) == {}
    await write(
        personal,
        entry(me, 1, here, pinned=True),
        entry(me, 2, there, pinned=True, muted_until=NOW),
        entry(me, 3, message_only, 4, starred=True),
        entry(me, 4, here, archived=True, unread=True),
        entry(me, 5, here, 4, hidden=True),
    )
    assert await personal.last(me, places) == {
        (here, 0): Own(archived=True, unread=True),
        (there, 0): Own(pinned=True, muted_until=NOW),
    }
    await write(personal, entry(me, 6, there))
    # That nothing is said of it any more is what was said last.
    assert await personal.last(me, [(there, 0)]) == {(there, 0): Own()}


async def test_hidden_are_messages_in_between_that_are_hidden_still(
    personal: PersonalStore, me: str, here: str
) -> None:
    seqs = [9, 2, 1, 7, 3, 8]
    log = [entry(me, n, here, seq, hidden=True) for n, seq in enumerate(seqs, 1)]
    await write(personal, *log, entry(me, 7, here, 4, starred=True), entry(me, 8, new_id(), 5, hidden=True))
    await write(personal, entry(me, 9, here, 3), entry(me, 10, here, 7, hidden=True, starred=True))
    await write(personal, entry(me, 11, here, hidden=True))
    assert await personal.hidden(me, {here: (0, TOP - 1)}) == {here: [1, 2, 7, 8, 9]}
    assert await personal.hidden(me, {here: (1, 8)}) == {here: [2, 7, 8]}
    assert await personal.hidden(me, {here: (2, 6)}) == await personal.hidden(me, {here: (9, 9)}) == {}
    assert await personal.hidden(me, {new_id(): (0, 100)}) == await personal.hidden(new_id(), {here: (0, 100)}) == {}


async def test_who_has_hidden_something_once_hides(personal: PersonalStore, me: str, here: str) -> None:
    there, elsewhere, shown = new_id(), new_id(), new_id()
    await write(
        personal,
        entry(me, 1, here, 4, hidden=True),
        entry(me, 2, here, 4),
        entry(me, 3, there, 1, starred=True, hidden=True),
        entry(me, 4, shown, 1, starred=True),
        entry(me, 5, elsewhere, 1, hidden=True),
    )
    assert await personal.hides(me, [here, there, shown, new_id()]) == {here, there}
    assert await personal.hides(me, [shown]) == await personal.hides(new_id(), [here]) == set()


async def test_what_is_starred_comes_newest_first_from_below_a_number(
    personal: PersonalStore, me: str, here: str
) -> None:
    there = new_id()
    log = [entry(me, n, here if n % 2 else there, n, starred=True) for n in range(1, 11)]
    await write(personal, *log)
    assert await personal.starred(me, TOP, 3) == log[:6:-1]
    assert await personal.starred(me, 8, 3) == log[6:3:-1]
    assert await personal.starred(me, 3, 3) == log[1::-1]
    assert await personal.starred(me, 1, 3) == await personal.starred(new_id(), TOP, 3) == []


async def test_what_is_starred_no_more_or_was_said_again_is_starred_once_or_not(
    personal: PersonalStore, me: str, here: str
) -> None:
    starred, hidden_too = entry(me, 4, here, 1, starred=True), entry(me, 6, here, 3, starred=True, hidden=True)
    await write(
        personal,
        entry(me, 1, here, 1, starred=True),
        entry(me, 2, here, 2, starred=True),
        entry(me, 3, here, 3, starred=True),
        starred,
        entry(me, 5, here, 2),
        hidden_too,
    )
    assert await personal.starred(me, TOP, 10) == [hidden_too, starred]
    # An entry that another has followed is not how things are there, wherever one begins to read.
    assert await personal.starred(me, 6, 10) == [starred]
    assert await personal.starred(me, 4, 10) == []


async def test_pages_of_what_is_starred_are_full_though_much_is_starred_no_more(
    personal: PersonalStore, me: str, here: str
) -> None:
    log = [entry(me, n, here, n, starred=True) for n in range(1, 31)]
    await write(personal, *log)
    kept = [each for each in log if each.seq % 5 == 0]
    await write(personal, *(entry(me, 30 + n, here, n) for n in range(1, 31) if n % 5))
    assert await personal.starred(me, TOP, 4) == kept[:1:-1]
    assert await personal.starred(me, kept[2].n, 4) == kept[1::-1]


async def test_of_twenty_devices_that_write_at_once_one_gets_the_number(
    personal: PersonalStore, me: str, here: str
) -> None:
    rivals = [entry(me, 1, here, seq, starred=True) for seq in range(1, 21)]
    outcomes = await asyncio.gather(*map(personal.append, rivals))
    assert outcomes.count(True) == 1
    kept = [rivals[outcomes.index(True)]]
    assert await personal.after(me, 0, 100) == await personal.starred(me, TOP, 100) == kept
