"""Everybody at once: people who talk until all is said and settled, while things happen to the server."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.durability.accounts import Account, Pairs
from tests.durability.client import Device, Habits, Notes, Person

LOOK_S = 0.005
DRAIN_S = 30.0

Way = tuple[Account, Account]
"""Who talks to whom."""


@dataclass(frozen=True)
class Incident:
    """Something that befalls the server once so many messages have been settled."""

    after: int
    happens: Callable[[], Awaitable[None]]


def both_ways(pairs: Pairs) -> list[Way]:
    """Everybody of a pair talks to the other."""
    return [way for one, other in pairs for way in ((one, other), (other, one))]


class Crowd:
    """People, each with one other to talk to. `notes` holds the journal."""

    def __init__(self, port: int, seed: int) -> None:
        self.notes = Notes()
        self._port = port
        self._seed = seed
        self._people: list[Person] = []
        self._staying: list[asyncio.Future[None]] = []

    def add(self, ways: Sequence[Way], messages: int, habits: Habits) -> Sequence[Person]:
        """More people, who share these messages among them."""
        each, rest = divmod(messages, len(ways))
        for number, (one, other) in enumerate(ways):
            seed = f"{self._seed} {len(self._people)}"
            self._people.append(Person(one, other, each + (number < rest), habits, self.notes, seed))
        return self._people[-len(ways) :]

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Everybody is there, or on the way."""
        devices = list(self._devices())
        self._staying = [asyncio.ensure_future(device.stay_connected(self._port)) for device in devices]
        try:
            yield
        finally:
            for each in self._staying:
                each.cancel()
            await asyncio.gather(*self._staying, return_exceptions=True)
            for device in devices:
                device.drop("leave")

    async def finish(self, incidents: Sequence[Incident] = ()) -> None:
        """Talk until all is said and settled, and has arrived.

        Raises:
            AssertionError: something happened that must not.
        """
        due = deque(sorted(incidents, key=lambda incident: incident.after))
        while not all(person.is_done for person in self._people):
            await asyncio.sleep(LOOK_S)
            if due and self.notes.counts["settled"] >= due[0].after:
                await due.popleft().happens()
            self.look()
        async with asyncio.timeout(DRAIN_S):
            await asyncio.gather(*(device.drain() for device in self._devices() if device.is_open))
        self.look()
        assert not due, "everything was said before everything had happened"

    def look(self) -> None:
        """Give up connections that do not answer.

        Raises:
            AssertionError: something happened that must not.
        """
        now = asyncio.get_running_loop().time()
        for person in self._people:
            person.look(now)
        for each in self._staying:
            if each.done():
                each.result()
        assert not self.notes.surprises, self.notes.surprises[:5]

    def _devices(self) -> Iterator[Device]:
        for person in self._people:
            yield from person.devices
