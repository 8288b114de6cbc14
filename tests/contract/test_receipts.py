"""What every `ReceiptStore` promises."""

import asyncio
from dataclasses import dataclass

import pytest

from fireside.core.ids import new_id
from fireside.engines import Stores
from fireside.features.conversations.groups import GroupCreated, MemberLeft, MembersAdded
from fireside.features.receipts.service import NOTHING, Mark, Receipt, ReceiptStore
from tests.contract.samples import direct, history


@dataclass(frozen=True)
class Talk:
    """A direct conversation of two."""

    id: str
    ada: str
    bob: str

    def moved(self, delivered: int, read: int = 0, shown: int = 0) -> Receipt:
        """Ada has got so far."""
        return Receipt(self.id, self.ada, Mark(delivered, read, shown))


async def talk_of(stores: Stores, ada: str) -> Talk:
    bob = new_id()
    made = await stores.conversations.ensure(direct(ada, bob))
    return Talk(made.id, ada, bob)


@pytest.fixture
async def talk(stores: Stores) -> Talk:
    return await talk_of(stores, new_id())


async def test_a_mark_comes_back_as_it_was_moved(receipts: ReceiptStore, talk: Talk) -> None:
    await receipts.raise_to([talk.moved(9, 7, 5), Receipt(talk.id, talk.bob, Mark(1 << 40, 3))])
    assert await receipts.of([talk.id]) == {talk.id: {talk.ada: Mark(9, 7, 5), talk.bob: Mark(1 << 40, 3)}}


async def test_who_has_got_nowhere_is_absent(receipts: ReceiptStore, talk: Talk) -> None:
    assert await receipts.of([talk.id]) == await receipts.of([new_id()]) == await receipts.of([]) == {}
    await receipts.raise_to([Receipt(talk.id, talk.ada, NOTHING), Receipt(talk.id, talk.bob, Mark(1))])
    assert await receipts.of([talk.id]) == {talk.id: {talk.bob: Mark(1)}}


async def test_a_receipt_only_moves_forward(receipts: ReceiptStore, talk: Talk) -> None:
    await receipts.raise_to([talk.moved(9, 7, 5)])
    for late in (talk.moved(9, 7, 5), talk.moved(8, 6, 4), talk.moved(0)):
        await receipts.raise_to([late])
        assert await receipts.of([talk.id]) == {talk.id: {talk.ada: Mark(9, 7, 5)}}


async def test_each_number_moves_by_itself(receipts: ReceiptStore, talk: Talk) -> None:
    steps = [
        (talk.moved(5), Mark(5)),
        (talk.moved(4, 4), Mark(5, 4)),
        (talk.moved(5, 2, 2), Mark(5, 4, 2)),
        (talk.moved(9), Mark(9, 4, 2)),
        (talk.moved(6, 6), Mark(9, 6, 2)),
        (talk.moved(7, 7, 7), Mark(9, 7, 7)),
    ]
    for receipt, kept in steps:
        await receipts.raise_to([receipt])
        assert await receipts.of([talk.id]) == {talk.id: {talk.ada: kept}}


async def test_reading_implies_delivery(receipts: ReceiptStore, talk: Talk) -> None:
    await receipts.raise_to([talk.moved(0, 3, 3)])
    assert await receipts.of([talk.id]) == {talk.id: {talk.ada: Mark(3, 3, 3)}}
    await receipts.raise_to([talk.moved(1, 5)])
    assert await receipts.of([talk.id]) == {talk.id: {talk.ada: Mark(5, 5, 3)}}


async def test_one_may_be_moved_twice_at_once(receipts: ReceiptStore, talk: Talk) -> None:
    await receipts.raise_to([talk.moved(3, 3, 3), talk.moved(8), talk.moved(5, 4)])
    assert await receipts.of([talk.id]) == {talk.id: {talk.ada: Mark(8, 4, 3)}}


async def test_nothing_moved_is_nothing_stored(receipts: ReceiptStore, talk: Talk) -> None:
    await receipts.raise_to([])
    assert await receipts.of([talk.id]) == {}


async def test_who_is_not_in_the_conversation_is_passed_over(receipts: ReceiptStore, talk: Talk) -> None:
    outsider, nowhere = new_id(), new_id()
    await receipts.raise_to(
        [Receipt(talk.id, outsider, Mark(9)), talk.moved(4), Receipt(nowhere, talk.ada, Mark(9)), talk.moved(5)]
    )
    assert await receipts.of([talk.id, nowhere]) == {talk.id: {talk.ada: Mark(5)}}


async def test_conversations_do_not_mix(receipts: ReceiptStore, stores: Stores, talk: Talk) -> None:
    other, silent = await talk_of(stores, talk.ada), await talk_of(stores, talk.ada)
    await receipts.raise_to([talk.moved(5), other.moved(3), Receipt(other.id, other.bob, Mark(2, 2))])
    kept = {talk.id: {talk.ada: Mark(5)}, other.id: {other.ada: Mark(3), other.bob: Mark(2, 2)}}
    assert await receipts.of([other.id, silent.id, new_id(), talk.id, other.id]) == kept
    assert await receipts.of([other.id]) == {other.id: kept[other.id]}


async def test_a_mark_outlives_that_the_conversation_is_opened_again(stores: Stores, talk: Talk) -> None:
    await stores.receipts.raise_to([talk.moved(5, 4, 3)])
    await stores.conversations.ensure(direct(talk.ada, talk.bob))
    assert await stores.receipts.of([talk.id]) == {talk.id: {talk.ada: Mark(5, 4, 3)}}


async def test_a_mark_outlives_that_its_member_leaves_and_comes_back(stores: Stores) -> None:
    ada, bob = new_id(), new_id()
    states = history(
        (ada, GroupCreated("Friends", (bob,))), (bob, MemberLeft()), (ada, MembersAdded((bob,))), (bob, MemberLeft())
    )
    here = states[0].id
    await stores.conversations.keep(states[0], [ada, bob])
    await stores.receipts.raise_to([Receipt(here, bob, Mark(5, 4, 3))])
    for state in states[1:]:
        await stores.conversations.keep(state, [bob])
        assert await stores.receipts.of([here]) == {here: {bob: Mark(5, 4, 3)}}
    # What was on its way when they left still counts.
    await stores.receipts.raise_to([Receipt(here, bob, Mark(6))])
    assert await stores.receipts.of([here]) == {here: {bob: Mark(6, 4, 3)}}


async def test_all_of_a_large_group_may_move_at_once(stores: Stores) -> None:
    people = [new_id() for _ in range(300)]
    (group,) = history((people[0], GroupCreated("Friends", tuple(people[1:]))))
    await stores.conversations.keep(group, people)
    marks = {each: Mark(number, number // 2) for number, each in enumerate(people, 1)}
    await stores.receipts.raise_to([Receipt(group.id, each, mark) for each, mark in marks.items()])
    assert await stores.receipts.of([group.id]) == {group.id: marks}


async def test_of_twenty_that_move_one_mark_at_once_the_furthest_counts(receipts: ReceiptStore, talk: Talk) -> None:
    moves = [talk.moved(20 + (7 * number) % 20, (3 * number) % 20, number % 10) for number in range(20)]
    await asyncio.gather(*(receipts.raise_to([each]) for each in moves))
    assert await receipts.of([talk.id]) == {talk.id: {talk.ada: Mark(39, 19, 9)}}
