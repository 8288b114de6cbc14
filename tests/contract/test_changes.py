"""What every `ChangeStore` promises."""

import asyncio

import pytest

from fireside.core.ids import new_id
from fireside.features.changes.service import (
    Change,
    ChangeKind,
    ChangeStore,
    ChangeTail,
    Deletion,
    Edit,
    Pin,
    Reaction,
)
from fireside.features.messages.service import NEWEST
from tests.contract.samples import ODD_TEXTS, change

TOP = 1 << 47
KINDS: tuple[ChangeKind, ...] = (
    Edit("anew"),
    Edit("anew", was="at first"),
    Edit("", was=""),
    Deletion(),
    Reaction("\U0001f44d"),
    Reaction(None),
    Pin(True),
    Pin(False),
)


def run(conversation: str, first: int, last: int, *, seq: int = 1) -> list[Change]:
    return [change(conversation, rev, seq=seq) for rev in range(first, last + 1)]


async def revs(changes: ChangeStore, conversation: str) -> list[int]:
    return [each.rev for each in await changes.after(conversation, 0, 10_000)]


async def test_a_change_comes_back_as_it_was_appended(changes: ChangeStore) -> None:
    here = new_id()
    made = [change(here, rev, seq=1 << 40, what=what) for rev, what in enumerate(KINDS, 1)]
    assert await changes.append(made) == len(made)
    assert await changes.after(here, 0, 10) == made
    assert await changes.tails([ChangeTail(here, 0, NEWEST, 10)]) == {here: made}
    assert await changes.of([(here, 1 << 40)]) == {(here, 1 << 40): made}


async def test_any_text_comes_back_unchanged(changes: ChangeStore) -> None:
    here = new_id()
    odd: list[ChangeKind] = [what for text in ODD_TEXTS for what in (Edit(text, was=text), Reaction(text))]
    made = [change(here, rev, what=what) for rev, what in enumerate(odd, 1)]
    assert await changes.append(made) == len(made)
    assert await changes.after(here, 0, 100) == made
    assert await changes.of([(here, 1)]) == {(here, 1): made}


async def test_nothing_appended_is_nothing_stored(changes: ChangeStore) -> None:
    assert await changes.append([]) == 0


async def test_a_taken_number_keeps_its_first_change(changes: ChangeStore) -> None:
    here = new_id()
    first, second = change(here, 1), change(here, 1, seq=2, what=Deletion())
    assert await changes.append([first]) == 1
    assert await changes.append([first]) == await changes.append([second]) == 0
    assert await changes.after(here, 0, 10) == [first]
    assert await changes.of([(here, 2)]) == {}


async def test_one_number_may_be_taken_in_every_conversation(changes: ChangeStore) -> None:
    here, there = new_id(), new_id()
    batch = [change(here, 1), change(there, 1), change(here, 2), change(there, 2)]
    assert await changes.append(batch) == 4
    assert await changes.after(here, 0, 10) == batch[::2]
    assert await changes.after(there, 0, 10) == batch[1::2]


@pytest.mark.parametrize("taken", [0, 1, 5, 9])
async def test_what_comes_before_a_taken_number_is_stored_and_the_rest_left_no_trace(
    changes: ChangeStore, taken: int
) -> None:
    here, there = new_id(), new_id()
    rival = change(here, taken + 1)
    await changes.append([rival])
    batch = run(here, 1, 10, seq=7)
    assert await changes.append([*batch, change(there, 1)]) == taken
    assert await changes.after(here, 0, 20) == [*batch[:taken], rival]
    assert await changes.of([(here, 7)]) == ({(here, 7): batch[:taken]} if taken else {})
    assert await revs(changes, there) == []


async def test_a_batch_may_take_a_number_twice_by_itself(changes: ChangeStore) -> None:
    here = new_id()
    assert await changes.append([change(here, 1), change(here, 2), change(here, 2), change(here, 3)]) == 2
    assert await revs(changes, here) == [1, 2]


async def test_a_large_batch_is_stored_whole_and_in_order(changes: ChangeStore) -> None:
    here = new_id()
    batch = run(here, 1, 1000)
    assert await changes.append(batch) == 1000
    assert await changes.after(here, 0, 2000) == batch


async def test_after_is_what_is_next_above_oldest_first(changes: ChangeStore) -> None:
    here = new_id()
    batch = run(here, 1, 10)
    await changes.append([*batch, *run(new_id(), 1, 3)])
    assert await changes.after(here, 0, 3) == batch[:3]
    assert await changes.after(here, 3, 3) == batch[3:6]
    assert await changes.after(here, 8, 3) == batch[8:]
    assert await changes.after(here, 10, 3) == await changes.after(here, TOP, 3) == []
    assert await changes.after(new_id(), 0, 3) == []


async def test_the_highest_numbers_keep_their_order(changes: ChangeStore) -> None:
    here = new_id()
    batch = [change(here, rev) for rev in (1, 255, 256, 65_535, 65_536, 1 << 32, TOP - 1)]
    assert await changes.append(batch) == 7
    assert await changes.after(here, 0, 10) == batch


async def test_tails_are_the_newest_of_each_oldest_first(changes: ChangeStore) -> None:
    here, there, short, nowhere = (new_id() for _ in range(4))
    batch, others, few = run(here, 1, 10), run(there, 1, 10), run(short, 1, 2)
    await changes.append([*batch, *others, *few])
    wanted = [
        ChangeTail(there, 8, NEWEST, 5),
        ChangeTail(nowhere, 0, NEWEST, 5),
        ChangeTail(here, 0, NEWEST, 3),
        ChangeTail(short, 0, NEWEST, 100),
    ]
    assert await changes.tails(wanted) == {here: batch[7:], there: others[8:], short: few}
    assert await changes.tails([ChangeTail(here, 4, 9, 2), ChangeTail(there, 8, 10, 5)]) == {
        here: batch[6:8],
        there: others[8:9],
    }
    assert await changes.tails([]) == {}


async def test_a_tail_with_nothing_above_its_rev_is_absent(changes: ChangeStore) -> None:
    here = new_id()
    batch = run(here, 1, 5)
    await changes.append(batch)
    assert (
        await changes.tails([ChangeTail(here, 5, NEWEST, 10)])
        == await changes.tails([ChangeTail(here, 9, NEWEST, 10)])
        == {}
    )
    assert await changes.tails([ChangeTail(here, 4, 5, 10)]) == {}
    assert await changes.tails([ChangeTail(here, 4, NEWEST, 10)]) == {here: batch[4:]}
    assert await changes.tails([ChangeTail(here, 0, NEWEST, 1)]) == {here: batch[4:]}


async def test_tails_of_many_conversations_come_at_once(changes: ChangeStore) -> None:
    batches = {each: run(each, 1, 3) for each in (new_id() for _ in range(250))}
    await changes.append([each for batch in batches.values() for each in batch])
    found = await changes.tails([ChangeTail(each, 1, NEWEST, 10) for each in batches])
    assert found == {each: batch[1:] for each, batch in batches.items()}


async def test_all_changes_of_a_message_are_found_oldest_first(changes: ChangeStore) -> None:
    here, there = new_id(), new_id()
    batch = [change(here, rev, seq=seq) for rev, seq in enumerate([1, 2, 1, 3, 2, 1], 1)]
    elsewhere = change(there, 1, seq=1)
    await changes.append([*batch, elsewhere])
    found = await changes.of([(here, 1), (here, 2), (there, 1), (there, 2), (here, 9), (new_id(), 1), (here, 1)])
    assert found == {
        (here, 1): [batch[0], batch[2], batch[5]],
        (here, 2): [batch[1], batch[4]],
        (there, 1): [elsewhere],
    }
    assert await changes.of([]) == await changes.of([(here, 9)]) == {}


async def test_what_the_edits_of_a_message_said_is_erased_and_their_places_stay(changes: ChangeStore) -> None:
    here = new_id()
    batch = [
        change(here, 1, seq=1, what=Edit("secret", was="first secret")),
        change(here, 2, seq=2, what=Edit("kept", was="as it was")),
        change(here, 3, seq=1, what=Edit("secret still")),
        change(here, 4, seq=1, what=Reaction("\U0001f44d")),
        change(here, 5, seq=1, what=Deletion()),
    ]
    await changes.append(batch)
    for _ in range(2):
        await changes.erase(here, [1])
        kept = await changes.after(here, 0, 10)
        assert [each.what for each in kept] == [Edit(""), batch[1].what, Edit(""), *(each.what for each in batch[3:])]
        assert [(e.rev, e.seq, e.actor, e.at, e.token) for e in kept] == [
            (e.rev, e.seq, e.actor, e.at, e.token) for e in batch
        ]
    assert await revs(changes, here) == [1, 2, 3, 4, 5]
    assert await changes.append([batch[0]]) == 0


async def test_erasing_touches_no_other_conversation_and_no_other_message(changes: ChangeStore) -> None:
    here, there = new_id(), new_id()
    batch = [change(each, seq, seq=seq, what=Edit("text")) for each in (here, there) for seq in (1, 2, 3)]
    await changes.append(batch)
    await changes.erase(here, [])
    await changes.erase(here, [9])
    await changes.erase(new_id(), [1])
    assert await changes.after(here, 0, 10) == batch[:3]
    await changes.erase(here, [1, 3, 9])
    assert [each.what for each in await changes.after(here, 0, 10)] == [Edit(""), Edit("text"), Edit("")]
    assert await changes.after(there, 0, 10) == batch[3:]


async def test_of_twenty_that_race_for_one_number_exactly_one_gets_it(changes: ChangeStore) -> None:
    here = new_id()
    rivals = [change(here, 1, seq=seq) for seq in range(1, 21)]
    counts = await asyncio.gather(*(changes.append([each]) for each in rivals))
    assert sorted(counts) == [0] * 19 + [1]
    assert await changes.after(here, 0, 10) == [rivals[counts.index(1)]]


async def test_batches_that_race_each_keep_a_prefix(changes: ChangeStore) -> None:
    here = new_id()
    batches = [run(here, 1, 20, seq=seq) for seq in range(1, 6)]
    counts = await asyncio.gather(*map(changes.append, batches))
    assert await revs(changes, here) == list(range(1, 21))
    for batch, count in zip(batches, counts, strict=True):
        place = (here, batch[0].seq)
        assert await changes.of([place]) == ({place: batch[:count]} if count else {})
