"""The people of a run, their devices, and the conversations they are in: all chosen by the seed.

Some conversations are busy; some are idle, and get one message while something is wrong and nothing after it, so that
its loss leaves no hole to see; of some, people come and go.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import aiohttp
import msgspec

from fireside.client import Message
from fireside.torture.devices import TRANSPORTS, Device, Marks, Person
from fireside.torture.people import Rest
from fireside.torture.record import Acked, Record, Sent, Talk, digest, row_of

LARGEST = 20
IDLE_LARGEST = 4
CHURNED = 2
STARTING_AT_ONCE = 16


@dataclass
class Place:
    """A conversation: who is in it all the time, and who comes and goes."""

    id: str
    members: Sequence[Person]
    visitors: Sequence[Person] = ()

    @property
    def owner(self) -> Person:
        return self.members[0]


@dataclass
class Town:
    """Everybody and everything."""

    people: Sequence[Person]
    outsider: Person
    devices: list[Device] = field(default_factory=list)
    of: dict[str, list[Device]] = field(default_factory=dict)
    """By user."""
    busy: list[Place] = field(default_factory=list)
    idle: list[Place] = field(default_factory=list)
    churned: list[Place] = field(default_factory=list)

    def places_of(self, person: Person) -> list[Place]:
        """Where they may say something at any time."""
        return [place for place in (*self.busy, *self.churned) if person in (*place.members, *place.visitors)]


async def found(rest: Rest, record: Record, random: Random, *, clients: int, idle: int) -> Town:
    """People, and their groups; devices come with `move_in`."""
    everybody = await rest.register(max(3, (clients + 1) // 2) + 1)
    town = Town(everybody[:-1], everybody[-1])
    people = list(town.people)
    largest = min(LARGEST, len(people))

    async def group(title: str, members: Sequence[Person], visitors: Sequence[Person] = ()) -> Place:
        owner, *others = members
        body = {"title": title, "members": [each.id for each in others], "clientId": f"{record.number()}"}
        made = await rest.insist("POST", "/api/conversations", owner.token, json=body)
        talk = Talk(
            at=record.now,
            conversation=made["conversation"]["_id"],
            kind="group",
            members=tuple(each.id for each in members),
            stay=not visitors,
        )
        record.note(talk)
        return Place(talk.conversation, members, visitors)

    for number in range(max(2, len(people) // 5)):
        # Most groups are small; the first is as large as there are people for.
        size = largest if number == 0 else random.randint(3, max(3, min(largest, 8)))
        town.busy.append(await group(f"busy {number}", random.sample(people, min(size, len(people)))))
    for number in range(idle):
        size = random.randint(2, min(IDLE_LARGEST, len(people)))
        town.idle.append(await group(f"idle {number}", random.sample(people, size)))
    for number in range(CHURNED):
        chosen = random.sample(people, min(len(people), 8))
        half = max(1, len(chosen) // 2)
        town.churned.append(await group(f"churned {number}", chosen[:half], chosen[half:]))
    for one, other in zip(people[::2], people[1::2], strict=False):
        town.busy.append(await _direct(rest, record, one, other))
    return town


async def _direct(rest: Rest, record: Record, one: Person, other: Person) -> Place:
    """Two people, who have said hello."""
    text, name, attempt = f"hello from {one.name}", f"hello-{other.id}", record.number()
    sent = Sent(
        at=record.now,
        attempt=attempt,
        device="REST",
        user=one.id,
        place=other.id,
        client_id=name,
        digest=digest(text),
    )
    record.note(sent)
    body = {"recipient": other.id, "content": text, "clientId": name}
    answer = await rest.insist("POST", "/api/chat/messages", one.token, json=body)
    row = row_of(msgspec.convert(answer["message"], Message))
    record.note(Acked(at=record.now, attempt=attempt, row=row))
    record.note(Talk(at=record.now, conversation=row.conversation, kind="direct", members=(one.id, other.id)))
    return Place(row.conversation, (one, other))


@asynccontextmanager
async def living_in(
    town: Town,
    server: str,
    record: Record,
    random: Random,
    http: Callable[[], aiohttp.ClientSession],
    clients: int,
) -> AsyncIterator[None]:
    """Everybody has their devices, which connect and stay so."""
    marks = Marks(record)
    for number, (transport, hands_over) in enumerate(kinds_of_devices(random, clients)):
        person = town.people[number % len(town.people)]
        device = Device(person, f"d{number}", transport, server, record, marks, http, hands_over=hands_over)
        town.devices.append(device)
        town.of.setdefault(person.id, []).append(device)
    try:
        for start in range(0, len(town.devices), STARTING_AT_ONCE):
            some = town.devices[start : start + STARTING_AT_ONCE]
            await asyncio.gather(*(device.client.start() for device in some))
            await asyncio.gather(*(device.client.settled() for device in some))
        yield
    finally:
        await asyncio.gather(*(device.client.close() for device in town.devices))


def kinds_of_devices(random: Random, clients: int) -> list[tuple[str, bool]]:
    """The transport of each, and whether it has a program that is given each message.

    Half of them use WebSocket, a quarter polling, a quarter begin with one and change to the other; half of them have a
    program, however few there are.
    """
    names = [name for name in TRANSPORTS for _ in range(2 if name == "websocket" else 1)]
    transports = [names[number % len(names)] for number in range(clients)]
    programs = [number % 2 == 0 for number in range(clients)]
    random.shuffle(transports)
    random.shuffle(programs)
    return list(zip(transports, programs, strict=True))
