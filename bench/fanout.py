"""A group in which everybody is connected: what a message to all of them costs, and who waits for whom.

Everybody but the sender is to get each message once, or the round fails. Those whose acknowledgements are timed speak
from a process of their own (`bench.speaker`), so that they are not read behind what the members are told.
"""

from __future__ import annotations  # array[float] is a type only for the type checker on Python 3.11

import asyncio
import json
import time
from array import array
from collections.abc import Callable

from bench import figures
from bench.client import Mask, SocketClient, connect
from bench.figures import Figures, Measure
from bench.load import CONTENT, CONTENT_LENGTH, FIRST_TAG, RECEIVED
from bench.plan import Plan
from bench.rest import Rest, User, post
from bench.servers import Running
from bench.speaker import Script, Times, speaking, tell
from bench.workloads import HANDSHAKES_AT_ONCE, both, conditions, watch

SPEAKERS = 4
IN_FLIGHT = 4
"""Messages that not everybody has yet, while looking for capacity."""
ROUNDS, PAUSE_S = 100, 0.1
"""Of speaking at leisure: by the next message everybody has the last, on any of the systems."""
ROOM = 1 << 20


def _nothing() -> None:
    """Nobody waits for it."""


class Hall:
    """What arrived of which message."""

    def __init__(self, listeners: int) -> None:
        self.listeners = listeners
        self.trouble: list[str] = []
        self.arrived = array("l", bytes(8 * ROOM))
        self.last_at = array("d", bytes(8 * ROOM))
        self.complete = 0
        self.on_complete: Callable[[], None] = _nothing

    def heard(self, index: int) -> None:
        self.arrived[index] = count = self.arrived[index] + 1
        if count == self.listeners:
            self.last_at[index] = time.perf_counter()
            self.complete += 1
            self.on_complete()
        elif count > self.listeners:
            self.trouble.append(f"message {index} came too often")

    async def everything(self, sent: int, patience_s: float = 30.0) -> None:
        """Return when everybody has all of these."""
        deadline = time.perf_counter() + patience_s
        while self.complete < sent:
            if self.trouble or time.perf_counter() > deadline:
                raise RuntimeError(f"{sent - self.complete} messages did not reach everybody: {self.trouble[:1]}")
            await asyncio.sleep(0.005)


class Member(SocketClient):
    """One who listens, and may speak."""

    __slots__ = ("_hall", "_own", "heard")

    def __init__(self, token: str, hall: Hall) -> None:
        super().__init__(token, hall.trouble)
        self._hall = hall
        self._own: set[int] = set()
        self.heard = 0

    def speak(self, index: int, template: bytes) -> None:
        tag = FIRST_TAG + index
        packet = template % (tag, tag, tag)
        self._own.add(index)
        self.send(Mask(len(packet)).frame(packet))
        self.flush()

    def on_ack(self, data: bytes, start: int, end: int) -> None:
        if b'{"ok":true' not in data[start:end]:
            self.fail(f"refused: {data[start:end][:300]!r}")

    def on_event(self, data: bytes, start: int, end: int) -> None:
        if data.startswith(RECEIVED, start + 2):
            at = data.find(CONTENT, start, end) + len(CONTENT)
            index = int(data[at : at + 8]) - FIRST_TAG
            if index not in self._own:  # a room of the reference tells its sender, too
                self.heard += 1
                self._hall.heard(index)


async def fanout(server: Running, plan: Plan) -> Figures:
    """A group of a thousand connected members, four of whom speak: how many deliveries a second, and then at leisure
    (one message, then four at the same moment, ten times a second) when it is acknowledged and when the last member
    has it. The reference has a room with as many sockets, and the same insert."""
    run = f"f{time.monotonic_ns()}"
    async with Rest(server.port) as rest:
        users = await rest.register(f"{run}-{number}" for number in range(plan.members))
        group = await group_of(server, rest, users)
    speakers, listeners = users[:SPEAKERS], users[SPEAKERS:]
    # Everybody hears it but its sender; the other speakers, when they are a process of their own, are not counted.
    hall = Hall(len(users) - 1)
    members = await crowd(server, hall, users, group)
    template = template_of(server, group, run)
    rows, around = await _capacity(server, plan, hall, members[:SPEAKERS], template)
    for member in members[:SPEAKERS]:
        member.close()
    hall.listeners = len(listeners)
    rows = both(rows, await _at_leisure(server, hall, speakers, template))
    sent = hall.complete
    for member in members[SPEAKERS:]:
        member.close()
        if member.heard != sent:
            raise RuntimeError(f"a member heard {member.heard} of {sent} messages")
    return rows | both(around, {figures.OTHERS: rows[figures.OTHERS]})


async def group_of(server: Running, rest: Rest, users: list[User]) -> str:
    """A group of these, made by the first."""
    if server.system.name == "node":
        return users[0].id[::-1]
    form = {"title": "Everybody", "members": [each.id for each in users[1:]]}
    made = json.loads(await rest.request(post("/api/conversations", form, users[0].token)))
    conversation: str = made["conversation"]["_id"]
    return conversation


def template_of(server: Running, group: str, run: str, length: int = CONTENT_LENGTH) -> bytes:
    """A packet to the group: a tag as the number of its acknowledgement, in the content and in the client id."""
    where = "recipient" if server.system.name == "node" else "conversation"
    filler = "x" * (length - 8)
    form = f'{{"{where}":"{group}","content":"%d{filler}","clientId":"{run}-%d"}}'
    return b'42%d["sendMessage",' + form.encode() + b"]"


async def crowd(server: Running, hall: Hall, users: list[User], group: str) -> list[Member]:
    """Everybody, connected and in the group."""
    members = [Member(user.token, hall) for user in users]
    left = iter(members)
    join = b'420["joinGroup",{"group":"%b"}]' % group.encode()

    async def some() -> None:
        for member in left:
            await connect(member, server.port)
            if server.system.name == "node":
                member.send(Mask(len(join)).frame(join))
                member.flush()

    await asyncio.gather(*(some() for _ in range(HANDSHAKES_AT_ONCE)))
    await asyncio.sleep(1.0)
    return members


async def _capacity(
    server: Running, plan: Plan, hall: Hall, speakers: list[Member], template: bytes
) -> tuple[Figures, Figures]:
    """As fast as everybody gets it: the next message when one has reached all. The rows, and what else was going on."""
    sent, is_over = 0, False

    def speak() -> None:
        nonlocal sent
        if not is_over:
            sent += 1
            speakers[sent % len(speakers)].speak(sent - 1, template)

    hall.on_complete = speak
    for _ in range(IN_FLIGHT):
        speak()
    await asyncio.sleep(plan.warm_s)
    before, stopwatch = sum(hall.arrived), watch(server)
    await asyncio.sleep(plan.run_s)
    window, delivered = stopwatch.read(), sum(hall.arrived) - before
    is_over = True
    await hall.everything(sent)
    hall.on_complete = _nothing
    rows = {
        Measure("deliveries/s", "more"): delivered / window.wall_s,
        Measure("server CPU, µs per delivery", "less", 2): window.server_s / delivered * 1e6,
        Measure("generator CPU, µs per delivery", "neither", 2): window.generator_s / delivered * 1e6,
    }
    return rows, conditions(server, window)


async def _at_leisure(server: Running, hall: Hall, speakers: list[User], template: bytes) -> Figures:
    script = Script(
        port=server.port,
        tokens=[each.token for each in speakers],
        template=template.decode(),
        first=FIRST_TAG + hall.complete,
    )
    rows = Figures()
    async with speaking(script) as process:
        for at_once, label in ((1, "one message"), (SPEAKERS, f"{SPEAKERS} at the same moment")):
            stopwatch, before = watch(server), hall.complete
            answer = await tell(process, {"rounds": ROUNDS, "pause_s": PAUSE_S, "at_once": at_once})
            times: Times = json.loads(answer)
            await hall.everything(before + len(times))
            rows = both(rows, _latencies(hall, times, label) | {figures.OTHERS: 100 * stopwatch.read().others})
    return rows


def _latencies(hall: Hall, times: Times, label: str) -> Figures:
    acks = [acked - sent for _, sent, acked in times]
    lasts = [hall.last_at[tag - FIRST_TAG] - sent for tag, sent, _ in times]
    return {
        Measure(f"{label}: {what}, {name} ms", "less", 2): figures.percentile(found, share) * 1000
        for what, found in (("acknowledged", acks), ("the last member has it", lasts))
        for name, share in (("p50", 0.50), ("p99", 0.99))
    }
