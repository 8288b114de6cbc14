"""What people do during a run: they send, twice at once and wrongly too, come and go, and read."""

import asyncio
from collections import Counter, deque
from collections.abc import Coroutine
from random import Random
from typing import Any

from fireside.client import Lost, Message, Refused
from fireside.torture.devices import Device, Person, is_bad
from fireside.torture.people import Rest
from fireside.torture.record import Failed, Record
from fireside.torture.town import Place, Town

TWICE, BAD = 0.1, 0.05
"""Of the messages: sent at once on both devices of a person; such as must be refused."""
CHURN_EVERY_S, READ_EVERY_S = 2.0, 0.5
UNSETTLED_PER_DEVICE = 20
"""With more than that under way nothing new is sent: who waits for an answer does not write on for ever."""
ALLOWED_REFUSALS = ("not_found", "forbidden")
"""For those who come and go: they may be out by then."""


class Workload:
    """`async with asyncio.TaskGroup()` its coroutines, or `run` them; `stop()` ends them. Then `unsettled` runs dry."""

    def __init__(self, town: Town, rests: list[Rest], record: Record, random: Random, rate: float) -> None:
        self.counts: Counter[str] = Counter()
        self.unsettled: set[asyncio.Future[Message]] = set()
        self._town = town
        self._rests = rests
        self._record = record
        self._random = random
        self._rate = rate
        self._idle = deque(town.idle)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        works: list[Coroutine[Any, Any, None]] = [self._send(), self._read()]
        works += [self._churn(place) for place in self._town.churned]
        self._tasks = [asyncio.create_task(work, name="fireside torture workload") for work in works]

    async def stop(self) -> None:
        """Nobody begins anything new."""
        for task in self._tasks:
            task.cancel()
        for outcome in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    def say_in_idle_place(self) -> None:
        """One message where nothing was said, and nothing will be."""
        if self._idle:
            place = self._idle.popleft()
            self.counts["messages in idle conversations"] += 1
            self._post(self._random.choice(self._town.of[self._random.choice(place.members).id]), place)

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + self._random.expovariate(self._rate), loop.time() - 1.0)
            await asyncio.sleep(max(0.0, due - loop.time()))
            if len(self.unsettled) >= UNSETTLED_PER_DEVICE * len(self._town.devices):
                self.counts["not sent: too many under way"] += 1
                continue
            device = self._random.choice(self._town.devices)
            places = self._town.places_of(device.person)
            if places:
                self._post(device, self._random.choice(places))

    def _post(self, device: Device, place: Place) -> None:
        number = self._record.number()
        chance = self._random.random()
        bad = chance > 1 - BAD
        name = f"bad-{number}" if bad else f"m-{number}"
        content = self._bad() if bad else f"{number} " + "x" * self._random.randrange(0, 200)
        devices = self._town.of[device.person.id] if chance < TWICE else [device]
        if len(devices) > 1:
            self.counts["messages sent twice at once"] += 1
        self.counts["bad messages" if bad else "messages"] += 1
        for each in devices:
            future = each.client.post(content, conversation=place.id, client_id=name)
            self.unsettled.add(future)
            future.add_done_callback(lambda done: self._settled(done, place, name))

    def _settled(self, done: "asyncio.Future[Message]", place: Place, name: str) -> None:
        self.unsettled.discard(done)
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self.counts["acknowledged"] += 1
        elif isinstance(error, Refused):
            self.counts[f"refused: {error.code}"] += 1
            if not (is_bad(name) or (place.visitors and error.code in ALLOWED_REFUSALS)):
                self._record.note(Failed(at=self._record.now, what=f"{name} was refused: {error.code}"))
        else:
            self._record.note(Failed(at=self._record.now, what=f"{name} failed: {error!r}"))

    def _bad(self) -> str:
        # What is too long is refused by the client itself.
        return self._random.choice(("", "a NUL \0"))

    # ── coming and going, and reading ────────────────────────────────────────────────────────────────────────────

    async def _churn(self, place: Place) -> None:
        inside: set[str] = set()
        while True:
            await asyncio.sleep(CHURN_EVERY_S * self._random.uniform(0.5, 1.5))
            visitor = self._random.choice(place.visitors)
            owner = self._random.choice(self._town.of[place.owner.id]).client
            self.counts["comings and goings"] += 1
            try:
                if visitor.id not in inside:
                    await owner.add_members(place.id, [visitor.id])
                    inside.add(visitor.id)
                elif self._random.random() < 0.5:
                    await owner.remove_member(place.id, visitor.id)
                    inside.discard(visitor.id)
                else:
                    await self._random.choice(self._town.of[visitor.id]).client.leave(place.id)
                    inside.discard(visitor.id)
            except Lost:
                pass  # it has happened, or not
            except Refused:
                # They are in, or out, by what became of a request that nobody heard of.
                inside ^= {visitor.id}

    async def _read(self) -> None:
        while True:
            await asyncio.sleep(READ_EVERY_S * self._random.uniform(0.5, 1.5))
            place = self._random.choice((*self._town.busy, *self._town.churned))
            reader = self._reader(place)
            self.counts["pages read"] += 1
            await self._random.choice(self._rests).newest(reader, place.id, self._record)

    def _reader(self, place: Place) -> Person:
        """Mostly a member; now and then somebody who is none, or not always."""
        chance = self._random.random()
        if chance < 0.1:
            return self._town.outsider
        if chance < 0.3 and place.visitors:
            return self._random.choice(place.visitors)
        return self._random.choice(place.members)
