"""Where somebody has hidden nothing is remembered for a while, and never against what is so here."""

import asyncio
from collections.abc import Sequence

import pytest

from fireside.core.ids import new_id
from fireside.features.personal import hiding as module
from fireside.features.personal.hiding import TRUSTED_S, Hiding
from fireside.features.personal.log import PersonalLog
from tests.fakes import FakePersonal

ME, HERE, THERE = new_id(), new_id(), new_id()
ALL = {HERE: (0, 100), THERE: (0, 100)}


class Asked(FakePersonal):
    """Remembers what it was asked; where `held` it answers when that is over."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.has_been_asked = asyncio.Event()
        self.held: asyncio.Event | None = None

    async def hides(self, user_id: str, conversation_ids: Sequence[str]) -> set[str]:
        self.asked.append(list(conversation_ids))
        found = await super().hides(user_id, conversation_ids)
        self.has_been_asked.set()
        if self.held is not None:
            await self.held.wait()
        return found


class Node:
    """A process on this store."""

    def __init__(self, store: Asked) -> None:
        self.now = 0.0
        self.hiding = Hiding(store, lambda: self.now)
        self._log = PersonalLog(store, self.hiding, lambda: 0)

    async def hide(self, conversation_id: str, seq: int, hidden: bool = True) -> None:
        await self._log.note(ME, conversation_id, seq, {"hidden": hidden})

    async def found(self, user_id: str = ME) -> dict[str, list[int]]:
        return await self.hiding.within(user_id, ALL)


async def test_that_nothing_is_hidden_is_remembered_for_a_while() -> None:
    store = Asked()
    node = Node(store)
    assert await node.found() == await node.found() == {}
    assert store.asked == [[HERE, THERE]]
    await node.found(new_id())
    assert len(store.asked) == 2, "of somebody else it is not known"
    node.now += TRUSTED_S
    await node.found()
    assert len(store.asked) == 3


async def test_what_is_hidden_here_is_hidden_at_once() -> None:
    store = Asked()
    node = Node(store)
    assert await node.found() == {}
    await node.hide(HERE, 4)
    assert await node.found() == {HERE: [4]}
    await node.hide(HERE, 4, hidden=False)
    await node.hide(HERE, 5)
    assert await node.found() == {HERE: [5]}
    assert store.asked == [[HERE, THERE]], "who has hidden something once is known to"


async def test_what_is_hidden_while_the_store_is_asked_is_hidden() -> None:
    store = Asked()
    node = Node(store)
    store.held = asyncio.Event()
    asking = asyncio.create_task(node.found())
    await store.has_been_asked.wait()
    await node.hide(HERE, 4)
    store.held.set()
    await asking
    assert await node.found() == {HERE: [4]}


async def test_what_another_node_has_hidden_shows_when_the_trust_is_over() -> None:
    store = Asked()
    one, other = Node(store), Node(store)
    assert await one.found() == await other.found() == {}
    await other.hide(THERE, 7)
    one.now += TRUSTED_S
    assert await one.found() == {THERE: [7]}


async def test_only_so_much_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 1)
    store = Asked()
    node = Node(store)
    await node.hide(HERE, 4)
    assert await node.found() == await node.found() == {HERE: [4]}
