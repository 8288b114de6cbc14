"""What is looked up after processes could not hear each other, and what is not."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fireside.core.errors import Unavailable
from fireside.core.peers import EVERYBODY
from fireside.features.inbox.missed import KIND
from tests.fakes import in_memory
from tests.features.whole import ANN, BOB, CAT, Node, World, open_world


class UnreliableHeads:
    """The personal store, of which one thing may be down."""

    is_down = False

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def head(self, user_id: str) -> int:
        if self.is_down and user_id == BOB:
            raise Unavailable("The store is down.")
        head: int = await self._store.head(user_id)
        return head


@pytest.fixture
async def world() -> AsyncIterator[World]:
    stores = in_memory()
    async with open_world(replace(stores, personal=UnreliableHeads(stores.personal))) as world:
        yield world


async def slept(node: Node, *people: str) -> str:
    """A conversation of these two in which something was said, and which is asleep."""
    here = await node.direct(*people)
    await node.say(people[0], here)
    await node.settle()
    await node.fall_asleep()
    return here


async def marked(node: Node) -> None:
    """Time goes on until what has come to rest by now counts as told."""
    node.peers.is_up = True
    for _ in range(2):
        await node.missed.mark()


async def found(node: Node) -> Mapping[str, Sequence[tuple[str, int]]]:
    """Whom a look tells how far what has got."""
    node.publisher.told.clear()
    await node.missed.look()
    return {
        each.users[0]: sorted((head["conversation"], head["seq"]) for head in each.body["heads"])
        for each in node.publisher.told
        if each.event == "heads"
    }


async def test_what_came_to_rest_or_moved_since_the_others_were_last_heard_is_told_and_nothing_before(
    node: Node,
) -> None:
    await slept(node, ANN, BOB)
    await marked(node)
    asleep = await slept(node, ANN, CAT)
    awake = await node.direct(BOB, CAT)
    await node.say(BOB, awake)
    assert await found(node) == {}, "there is no reason to look"
    node.peers.come_back()
    assert await found(node) == {
        ANN: [(asleep, 1)],
        BOB: [(awake, 1)],
        CAT: sorted([(asleep, 1), (awake, 1)]),
    }
    assert await found(node) == {}


async def test_what_came_to_rest_just_before_a_mark_is_told_too(node: Node) -> None:
    """The others may not have been heard for a moment before that was noticed."""
    await marked(node)
    here = await slept(node, ANN, BOB)
    await node.missed.mark()
    node.peers.come_back()
    assert await found(node) == {ANN: [(here, 1)], BOB: [(here, 1)]}


async def test_while_the_others_are_away_nothing_counts_as_told(node: Node) -> None:
    await marked(node)
    node.peers.is_up = False
    here = await slept(node, ANN, BOB)
    for _ in range(2):
        await node.missed.mark()
    node.peers.come_back()
    assert await found(node) == {ANN: [(here, 1)], BOB: [(here, 1)]}


async def test_whoever_was_cut_off_has_all_others_look_from_where_it_last_heard_them(world: World, node: Node) -> None:
    other = await world.node()
    await marked(node)
    here = await slept(node, ANN, BOB)
    await marked(other)
    node.peers.come_back()
    topics, kind, body = next(each for each in node.peers.leaving() if each[1] == KIND)
    assert topics == [EVERYBODY]
    other.peers.say(topics, kind, body)
    assert await found(other) == {ANN: [(here, 1)], BOB: [(here, 1)]}


async def test_a_look_that_fails_is_taken_again(node: Node) -> None:
    await marked(node)
    here = await slept(node, ANN, BOB)
    node.peers.come_back()
    assert isinstance(node.stores.personal, UnreliableHeads)
    node.stores.personal.is_down = True
    with pytest.raises(Unavailable):
        await node.missed.look()
    node.stores.personal.is_down = False
    assert await found(node) == {ANN: [(here, 1)], BOB: [(here, 1)]}


async def test_whoever_is_not_here_is_told_by_others(node: Node) -> None:
    await marked(node)
    here = await slept(node, ANN, BOB)
    node.publisher.away = {BOB}
    node.peers.come_back()
    assert await found(node) == {ANN: [(here, 1)]}


async def test_ones_own_log_is_told_of(node: Node) -> None:
    here = await slept(node, ANN, BOB)
    await marked(node)
    await node.do(ANN, "setFlags", conversation=here, pinned=True)
    node.peers.come_back()
    await node.missed.look()
    assert [each.body for each in node.publisher.told if each.users == [ANN] and each.event == "heads"][-1] == {
        "heads": [],
        "own": 1,
    }


async def test_who_hides_their_reading_is_told_so_as_it_is_by_then(node: Node) -> None:
    await marked(node)
    await node.stores.accounts.show_reading(BOB, False)
    node.peers.come_back()
    await node.missed.look()
    told = {each.users[0]: each.body for each in node.publisher.told if each.event == "meUpdated"}
    assert (told[ANN], told[BOB]) == ({"readReceipts": True}, {"readReceipts": False})
