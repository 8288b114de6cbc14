"""Those who must notice nothing of what others do wrong: two who talk, and the store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.journeys.people import House
from tests.journeys.wire import Wire, wire


class Bystanders:
    """Two people, connected all the while. `async with bystanders.unharmed():` is around each thing that is wrong."""

    def __init__(self, house: House, one: Wire, other: Wire, other_id: str) -> None:
        self._house = house
        self._one = one
        self._other = other
        self._other_id = other_id
        self._said = 0

    @asynccontextmanager
    async def unharmed(self) -> AsyncIterator[None]:
        """What is done in the block leaves no trace in the store, and the two talk on over the same connections."""
        before = self._house.store.counts()
        yield
        assert self._house.store.counts() == before
        self._said += 1
        content = f"undisturbed {self._said}"
        answer = await self._one.ask(f'["sendMessage",{{"recipient":"{self._other_id}","content":"{content}"}}]')
        assert answer["message"]["seq"] == self._said
        assert content in await self._other.packet()


@asynccontextmanager
async def bystanding(house: House) -> AsyncIterator[Bystanders]:
    """Two who know nothing of what is coming."""
    one, other = await house.person("by"), await house.person("by")
    async with wire(house, one) as ones, wire(house, other) as others:
        yield Bystanders(house, ones, others, other.id)
