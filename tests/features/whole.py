"""All features on stores that are in memory unless told otherwise, wired as the composition root does it.

A command is given here as a client gives it: its fields by their names on the wire, its answer as it is read there. The
nodes of a `World` share its stores and its time, which goes on when a test says so, and for whoever sleeps.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any, NamedTuple

import msgspec
import pytest

from fireside.core.errors import ChatError
from fireside.core.events import Body, Caller, Command, Event, WithoutDevice
from fireside.core.forms import Reply
from fireside.engines import Stores
from fireside.features.accounts.known import KnownUsers
from fireside.features.accounts.service import User
from fireside.features.changes.service import Windows
from fireside.wiring import Features
from tests.fakes import FakeActivity, in_memory
from tests.fakes.peers import FakePeers

ANN, BOB, CAT, DAN, EVE = (letter * 24 for letter in "abcde")
NAMES = {ANN: "ann", BOB: "bob", CAT: "cat", DAN: "dan", EVE: "eve"}
NOBODY = "0" * 24
"""An id that nobody has."""
NOW_MS, NOW = 1_700_000_000_123, "2023-11-14T22:13:20.123Z"
WINDOWS = Windows(edit_s=100, delete_s=1000)
MAX_MEMBERS = 80


class Time:
    """Goes on when it is told to."""

    def __init__(self) -> None:
        self.now_ms = NOW_MS
        self.now_s = 1000.0

    def clock(self) -> int:
        return self.now_ms

    def monotonic(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        """Whoever sleeps has slept at once. It says nothing to a clock on the wall."""
        self.now_s += seconds
        await asyncio.sleep(0)

    def go_on(self, seconds: float) -> None:
        self.now_s += seconds
        self.now_ms += round(1000 * seconds)


class Device:
    """Somebody's device: it gives commands, and is answered."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.origin = self
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def reply(self, body: Reply) -> None:
        self.answer.set_result(wire(body))

    def refuse(self, error: ChatError) -> None:
        self.answer.set_exception(error)


class Told(NamedTuple):
    """Something that went out."""

    users: list[str]
    event: str
    body: Any
    origin: object | None


class FakePublisher:
    """Notes what goes out."""

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.handed: list[tuple[list[object], str, Any]] = []
        self.away: set[str] = set()
        """Who has no device here; everybody else has."""

    def publish(self, user_ids: Iterable[str], event: str, body: Body, *, origin: object | None = None) -> None:
        users = list(user_ids)
        assert len(set(users)) == len(users), "nobody is told twice"
        self.told.append(Told(users, event, wire(body), origin))

    def hand(self, devices: Iterable[object], event: str, body: Body) -> None:
        self.handed.append((list(devices), event, wire(body)))

    def here(self) -> list[str]:
        return [each for each in NAMES if each not in self.away]

    async def present(self, user_ids: Collection[str]) -> set[str]:
        return {each for each in user_ids if each not in self.away}

    def heard(self, by: str | Device, event: str = "") -> list[Any]:
        """What somebody's devices were told, or this one of them."""
        user_id = by if isinstance(by, str) else by.user_id
        return [
            each.body
            for each in self.told
            if user_id in each.users and each.origin is not by and event in ("", each.event)
        ]


class Node(Features):
    """A node: its features, and what it tells people."""

    def __init__(self, stores: Stores, time: Time) -> None:
        self.stores = stores
        self.time = time
        self.publisher = FakePublisher()
        self.peers = FakePeers()
        super().__init__(
            stores,
            KnownUsers(stores.accounts, time.monotonic),
            self.publisher,
            time.clock,
            windows=WINDOWS,
            max_members=MAX_MEMBERS,
            peers=self.peers,
            monotonic=time.monotonic,
            sleep=time.sleep,
        )
        offered: Iterable[Command | Event] = chain(*self.commands.values(), *self.events.values())
        self._commands = {each.name: each for each in offered}

    async def start(self) -> None:
        await self.keeper.look()  # it takes its lease; from then on whoever lets time go on has it look
        for each in (self.log, self.change_log, self.book):
            await each.start()

    async def stop(self) -> None:
        for each in (self.log, self.change_log, self.book):
            await each.stop()

    async def die(self) -> None:
        """As in a power cut: what was not written is lost."""
        self.book._moved.clear()
        await self.stop()
        if isinstance(self.stores.activity, FakeActivity):
            # Others find its lease to have run out.
            self.stores.activity.dying.add(self.talks.node)

    async def do(self, who: str | Device, name: str, /, **fields: Any) -> Any:
        """Have somebody give a command, on one of their devices or over REST; what it is answered.

        Raises:
            ChatError: it is refused.
        """
        command = self._commands[name]
        form = msgspec.convert(fields, command.form)
        if isinstance(command, Command):
            caller: Caller = WithoutDevice(who) if isinstance(who, str) else who
            return wire(await command.do(caller, form))
        device = Device(who) if isinstance(who, str) else who
        device.answer = asyncio.get_running_loop().create_future()
        waiting = command.handle(device, form)
        if waiting is not None:
            await waiting
        return await device.answer

    async def refused(self, who: str | Device, name: str, /, **fields: Any) -> ChatError:
        """Why it is refused."""
        with pytest.raises(ChatError) as refused:
            await self.do(who, name, **fields)
        return refused.value

    async def direct(self, one: str, other: str) -> str:
        """Their conversation, opened; the id."""
        return (await self.conversations.open_direct(one, other)).id

    async def group(self, owner: str, *members: str, **fields: Any) -> str:
        """A group of these; the id."""
        made = await self.do(owner, "createGroup", title="Friends", members=members, **fields)
        found: str = made["conversation"]["_id"]
        return found

    async def say(self, who: str | Device, conversation: str, content: str = "hello", **fields: Any) -> int:
        """Send a message; its seq."""
        answer = await self.do(who, "sendMessage", conversation=conversation, content=content, **fields)
        seq: int = answer["message"]["seq"]
        return seq

    async def item(self, who: str, conversation: str) -> Any:
        """What there is to say of one of somebody's conversations."""
        return (await self.do(who, "getConversation", conversation=conversation))["item"]

    async def settle(self) -> None:
        """Every receipt that waits is on disk, and told."""
        await self.book.settle()

    async def fall_asleep(self) -> None:
        """Everything comes to rest. What another node had awake, too, takes its time."""
        for _ in range(5):
            self.time.go_on(31)
            await self.keeper.look()
            if not len(self.talks):
                return
        raise AssertionError("it does not come to rest")


class World:
    """What nodes share."""

    def __init__(self, stores: Stores | None = None) -> None:
        self.stores = stores or in_memory()
        self.time = Time()
        self.nodes: list[Node] = []

    async def settle_in(self) -> None:
        """Everybody registers."""
        for user_id, name in NAMES.items():
            await self.stores.accounts.add(User(user_id, name, f"{name}@example.org", "hash", NOW_MS))

    async def join(self, *user_ids: str) -> None:
        """More people, named by their ids."""
        for each in user_ids:
            await self.stores.accounts.add(User(each, f"user-{each[-20:]}", "u@example.org", "hash", NOW_MS))

    async def node(self) -> Node:
        """One more node."""
        self.nodes.append(Node(self.stores, self.time))
        await self.nodes[-1].start()
        return self.nodes[-1]

    async def kill(self, node: Node) -> None:
        """It dies."""
        self.nodes.remove(node)
        await node.die()


@asynccontextmanager
async def open_world(stores: Stores | None = None) -> AsyncIterator[World]:
    """A world in which everybody has registered."""
    world = World(stores)
    await world.settle_in()
    yield world
    for node in world.nodes:
        await node.stop()


def wire(body: Body) -> Any:
    """What a client reads."""
    return msgspec.json.decode(msgspec.json.encode(body))


def seqs(messages: Iterable[dict[str, Any]]) -> list[int]:
    """The numbers of messages."""
    return [each["seq"] for each in messages]
