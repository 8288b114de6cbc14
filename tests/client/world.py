"""A small world for the model test: three people, one of them with two devices, who talk in every way there is, over
lines that fail in every way there is.

What is true at the end, whatever happened: every device has what a fresh one of the same user gets, what was
acknowledged is there, once, and nothing that was refused is.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any, NamedTuple, TypedDict, TypeVar

from fireside.client import LocalConversation, Refused
from fireside.features.messages.wire import MessageForm
from tests.client.house import HUNG_S, Device, House, Shown

S = TypeVar("S", bound=Shown)
Doing = Callable[[], Awaitable[Any]]
DAY_MS = 86_400_000
EMOJI = "👍😂🎉🔥"


class Where(TypedDict, total=False):
    """Where a message goes: one of these."""

    to: str
    conversation: str


class Step(NamedTuple):
    """One thing that happens; what it is about is chosen by its numbers. Then `turns` of everybody else."""

    name: str
    a: int
    b: int
    c: int
    turns: int


class Posted(NamedTuple):
    """What somebody has given to their device to send."""

    device: Device
    client_id: str
    content: str
    where: Where
    answer: "asyncio.Future[MessageForm]"


class World:
    """`begin`, any number of `take`, `end`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.people: list[str] = []
        self.devices: list[Device] = []
        self.group = ""
        self.posted: list[Posted] = []
        self._numbers = count()
        self._doing: set[asyncio.Task[Any]] = set()
        self._fresh: list[Device] = []
        self.counts: Counter[str] = Counter()

    async def begin(self) -> None:
        house = self._house
        self.people = [await house.user(name) for name in ("ann", "bob", "cleo")]
        ann, bob, cleo = self.people
        self.devices = [await house.device(user).start() for user in (ann, bob, cleo, ann)]
        talk = await self.devices[0].client.create_group("Friends", [bob, cleo])
        self.group = talk.id

    async def take(self, step: Step) -> None:
        self.counts[step.name] += 1
        done = STEPS[step.name](self, step)
        if done is not None:
            await done
        for _ in range(step.turns):
            await self._house.turn()

    async def end(self) -> None:
        """Everything is well again; wait until everybody has everything."""
        for device in self.devices:
            if device.connection is not None:
                device.connection.mend()
        if self._doing:
            await asyncio.wait(self._doing, timeout=HUNG_S)
        answers = [posted.answer for posted in self.posted]
        if answers:
            _, hung = await asyncio.wait(answers, timeout=HUNG_S)
            assert not hung, "a message is neither stored nor refused"
        for _ in range(2):
            # What is told can lead to something that is to be told.
            for device in self.devices:
                await device.settled()
            await self._house.tell()
        for device in self.devices:
            if device.connection is not None and device.connection.has_missed_heads:
                # It would ask in some minutes.
                device.client.catch_up()
        for device in self.devices:
            await device.settled()

    async def compare(self) -> None:
        """Every device has what a fresh one gets."""
        fresh = {user: await self._house.fresh(user).start() for user in self.people}
        self._fresh = list(fresh.values())
        for device in (*self._fresh, *self.devices):
            await device.settled()
            await device.read_all()
        # What a fresh one has marked the others hear of a moment later.
        await self._house.tell()
        for device in self.devices:
            await device.settled()
        self._check_posted(fresh)
        for number, device in enumerate(self.devices):
            live, other = begun(await device.conversations()), seen(fresh[device.user])
            assert live.keys() == other.keys()
            for each, local in live.items():
                one, another = pair(local, other[each])
                differs = {name: (one[name], another[name]) for name in one if one[name] != another[name]}
                assert not differs, f"device {number}: {differs}"

    async def close(self) -> None:
        """Nobody is there any more."""
        for device in (*self._fresh, *self.devices):
            await device.stop()

    def _check_posted(self, fresh: dict[str, Device]) -> None:
        """What was acknowledged is there, once, for who may see it; nothing that was refused is."""
        stored: Counter[tuple[str, str]] = Counter()
        for user, device in fresh.items():
            for local in device.client.state.conversations.values():
                seqs = [message.seq for message in local.history()]
                assert seqs == list(range(local.first, local.seq + 1))
                stored.update((user, message.client_id) for message in local.history() if message.sender == user)
        for posted in self.posted:
            user, error = posted.device.user, posted.answer.exception()
            if error is not None:
                assert isinstance(error, Refused), error
                continue
            message = posted.answer.result()
            local = fresh[user].client.state.conversations[message.conversation]
            assert stored[user, posted.client_id] == (local.first <= message.seq <= local.seq)

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────

    def device(self, step: Step) -> Device:
        return self.devices[step.a % len(self.devices)]

    async def message(self, step: Step) -> MessageForm | None:
        """One that this device has."""
        talks = list((await self.device(step).conversations()).values())
        history = talks[step.b % len(talks)].history() if talks else []
        return history[-1 - step.c % len(history)] if history else None

    def where(self, step: Step) -> Where:
        places = [Where(conversation=self.group)] * 3 + [Where(to=user) for user in self.people]
        return places[step.b % len(places)]

    def send(self, step: Step) -> None:
        number = next(self._numbers)
        self.post(self.device(step), f"{number}", f"message {number}" + " @" * (step.c % 3), self.where(step))

    def again(self, step: Step) -> None:
        """What was sent once is sent again, from this device of the same user."""
        device = self.device(step)
        theirs = [each for each in self.posted if each.device.user == device.user]
        if theirs:
            _, client_id, content, where, _ = theirs[-1 - step.b % len(theirs)]
            self.post(device, client_id, content, where)

    def post(self, device: Device, client_id: str, content: str, where: Where) -> None:
        answer = device.client.post(content, client_id=client_id, **where)
        self.posted.append(Posted(device, client_id, content, where, answer))

    async def change(self, step: Step) -> None:
        message = await self.message(step)
        if message is None:
            return
        client = self.device(step).client
        emoji = EMOJI[step.c % len(EMOJI)] if step.c % 5 else None
        changes: dict[str, Doing] = {
            "edit": lambda: client.edit(message, f"{message.content}!"),
            "delete": lambda: client.delete(message),
            "react": lambda: client.react(message, emoji),
            "pin": lambda: client.pin(message, bool(step.c % 2)),
            "star": lambda: client.star(message, bool(step.c % 3)),
            "hide": lambda: client.hide(message, bool(step.c % 3)),
        }
        self.do(step, changes[step.name]())

    async def read(self, step: Step) -> None:
        message = await self.message(step)
        if message is not None:
            self.device(step).client.mark_read(message.conversation, message.seq)

    def change_group(self, step: Step) -> None:
        client, user = self.device(step).client, self.people[step.b % 3]
        role = ("member", "admin", "owner")[step.c % 3]
        changes: dict[str, Doing] = {
            "add": lambda: client.add_members(self.group, [user]),
            "remove": lambda: client.remove_member(self.group, user),
            "leave": lambda: client.leave(self.group),
            "role": lambda: client.set_role(self.group, user, role),
            "rename": lambda: client.update_group(self.group, title=f"Friends {step.c}"),
            "open": lambda: client.update_group(self.group, openHistory=bool(step.c % 2)),
        }
        self.do(step, changes[step.name]())

    async def flag(self, step: Step) -> None:
        message = await self.message(step)
        if message is not None:
            flag = ("pinned", "archived", "unread")[step.b % 3]
            self.do(step, self.device(step).client.set_flags(message.conversation, **{flag: bool(step.c % 2)}))

    def show_reading(self, step: Step) -> None:
        self.do(step, self.device(step).client.show_reading(bool(step.c % 2)))

    async def older(self, step: Step) -> None:
        message = await self.message(step)
        if message is not None:
            self.do(step, self.device(step).client.older(message.conversation, 1 + step.c))

    def worsen(self, step: Step) -> None:
        """Something happens to a line."""
        connection = self.device(step).connection
        if connection is None:
            return
        if step.name == "deafen":
            connection.deaf_for += 1 + step.c
        elif step.name == "cut":
            connection.cut()
        else:
            connection.unanswered_after = step.c

    def restart(self, step: Step) -> Awaitable[None]:
        """A program ends, and begins with what it has written down, or with nothing. What it had to send, it sends."""
        return self._restart(self.device(step), forgetful=step.c % 4 == 0)

    async def _restart(self, device: Device, *, forgetful: bool) -> None:
        pending = [each for each in self.posted if each.device is device and not each.answer.done()]
        self.posted = [each for each in self.posted if each not in pending]
        await device.restart(forgetful=forgetful)
        if not forgetful:
            for each in pending:
                self.post(device, each.client_id, each.content, each.where)

    def skew(self, step: Step) -> None:
        """The server's clock is set."""
        self._house.skew_ms += (step.b - 3) * DAY_MS // (1, 24, 1440)[step.c % 3]

    def tell(self, _: Step) -> Awaitable[None]:
        return self._house.tell()

    def rest(self, _: Step) -> Awaitable[None]:
        return self._house.rest()

    def lose_bus(self, step: Step) -> Awaitable[None]:
        return self._house.lose_bus(step.c)

    def wait(self, step: Step) -> Awaitable[None]:
        return self.device(step).settled()

    def do(self, step: Step, doing: Awaitable[Any]) -> None:
        """Begin something; nobody waits for it."""
        task = asyncio.create_task(self.device(step).attempt(doing))
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)


STEPS: dict[str, Callable[[World, Step], Awaitable[None] | None]] = {
    "send": World.send,
    "again": World.again,
    **dict.fromkeys(("edit", "delete", "react", "pin", "star", "hide"), World.change),
    "read": World.read,
    **dict.fromkeys(("add", "remove", "leave", "role", "rename", "open"), World.change_group),
    "flag": World.flag,
    "private": World.show_reading,
    "older": World.older,
    **dict.fromkeys(("deafen", "cut", "break"), World.worsen),
    "restart": World.restart,
    "skew": World.skew,
    "tell": World.tell,
    "rest": World.rest,
    "lose bus": World.lose_bus,
    "wait": World.wait,
}


def begun(conversations: Mapping[str, S]) -> dict[str, S]:
    """Those in which something was said."""
    return {each: local for each, local in conversations.items() if local.seq}


def seen(device: Device) -> dict[str, LocalConversation]:
    """The conversations that have begun."""
    return begun(device.client.state.conversations)


def shown(local: Shown) -> dict[str, object]:
    """What there is to see of one."""
    return {
        "about": local.about,
        "seq": local.seq,
        "rev": local.rev,
        "messages": {message.seq: message for message in local.history()},
        "unread": local.unread,
        "flags": local.flags,
        "receipts": {each.user: (each.delivered, each.read) for each in local.receipts.values() if each.delivered},
        "own": {seq: (each.starred, each.hidden) for seq, each in local.own.items() if seq},
    }


def pair(live: Shown, fresh: Shown) -> tuple[dict[str, object], dict[str, object]]:
    """What a device shows of a conversation, and a fresh one; and the two are to be the same.

    Who has left may have heard of what happened in the same moment, and of nothing after it: of that a fresh device
    shows less, but for what was deleted, which is there for nobody who asks.
    """
    one, other = shown(live), shown(fresh)
    if fresh.about is not None and fresh.about.until is not None:
        one["rev"] = min(live.rev, fresh.rev)
        late = {message.seq for message in live.history() if message.rev > fresh.rev}
        late |= {message.seq for message in fresh.history() if message.deleted_at}
        for each, local in ((one, live), (other, fresh)):
            each["messages"] = {message.seq: message for message in local.history() if message.seq not in late}
    return one, other
