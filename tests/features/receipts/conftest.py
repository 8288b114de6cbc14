"""A store of receipts that can be held up, and that may be down."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from fireside.core.errors import Unavailable
from fireside.features.receipts.service import Mark, Receipt, ReceiptStore
from tests.fakes import in_memory
from tests.features.whole import Node, World, open_world

TURNS = 100
"""Turns of the loop in which everything has gone on that can."""


class WatchedReceipts:
    """Notes what it is given."""

    def __init__(self, store: ReceiptStore) -> None:
        self._store = store
        self.writes: list[list[Receipt]] = []
        self.troubles: list[Exception] = []
        """What becomes of the next writes."""
        self.is_down = False
        self._gates: list[asyncio.Event] = []

    def hold(self) -> asyncio.Event:
        """One more of the next writes begins, and ends when this is set."""
        self._gates.append(asyncio.Event())
        return self._gates[-1]

    async def of(self, conversation_ids: Sequence[str]) -> dict[str, dict[str, Mark]]:
        return await self._store.of(conversation_ids)

    async def raise_to(self, receipts: Sequence[Receipt]) -> None:
        self.writes.append(list(receipts))
        if self._gates:
            await self._gates.pop(0).wait()
        if self.is_down:
            raise Unavailable("The store is down.")
        if self.troubles:
            raise self.troubles.pop(0)
        await self._store.raise_to(receipts)

    async def mark(self, conversation: str, user: str) -> Mark:
        """What is on disk."""
        return (await self.of([conversation])).get(conversation, {}).get(user, Mark())


async def turns() -> None:
    """Let everything go on that can."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    stores = in_memory()
    async with open_world(replace(stores, receipts=WatchedReceipts(stores.receipts))) as world:
        yield world


@pytest.fixture
def store(node: Node) -> WatchedReceipts:
    assert isinstance(node.stores.receipts, WatchedReceipts)
    return node.stores.receipts
