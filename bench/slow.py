"""Slow readers: one in twenty of a large group stops reading for a minute, while it is spoken to.

What the others notice, what it costs the server in memory, and whether the slow ones have everything afterwards: what
they were sent, what they ask for where the server has closed their connection, and nothing twice.
"""

import asyncio
import json
import time

from bench import figures
from bench.client import Asker, SocketClient, connect
from bench.fanout import SPEAKERS, Hall, crowd, group_of, template_of
from bench.figures import Figures, Measure
from bench.load import FIRST_TAG, RECEIVED
from bench.plan import Plan
from bench.proc import rss_bytes
from bench.rest import Rest, User
from bench.servers import Running
from bench.speaker import Script, Times, speaking, tell
from bench.workloads import both, conditions, watch

ONE_IN = 20
PAUSE_S = 0.05
LENGTH = 4096
"""Characters of a message: in a minute more than a server, and the kernel, hold for who does not read."""


class SlowMember(SocketClient):
    """One who reads only now and then."""

    __slots__ = ("seqs",)

    def __init__(self, token: str) -> None:
        super().__init__(token, [])
        self.seqs: list[int] = []

    @property
    def is_closed(self) -> bool:
        return self._transport is None

    def sleep(self) -> None:
        assert self._transport
        self._transport.pause_reading()

    def wake(self) -> None:
        if self._transport:
            self._transport.resume_reading()

    def on_event(self, data: bytes, start: int, end: int) -> None:
        if data.startswith(RECEIVED, start + 2):
            self.seqs.append(int(data[data.find(b'"seq":', start, end) + 6 : end].partition(b",")[0]))


async def slow(server: Running, plan: Plan) -> Figures:
    """A group in which one in twenty stops reading for a minute, with four who speak twenty times a second: before, and
    meanwhile. Afterwards each of the slow ones is to have every message once."""
    run = f"w{time.monotonic_ns()}"
    async with Rest(server.port) as rest:
        users = await rest.register(f"{run}-{number}" for number in range(plan.members))
        group = await group_of(server, rest, users)
    speakers, sleepers, listeners = users[:SPEAKERS], users[SPEAKERS::ONE_IN], _others(users)
    hall = Hall(len(listeners))
    members = await crowd(server, hall, listeners, group)
    slow_ones = [SlowMember(user.token) for user in sleepers]
    for each in slow_ones:
        await connect(each, server.port)
    script = Script(
        port=server.port,
        tokens=[each.token for each in speakers],
        template=template_of(server, group, run, LENGTH).decode(),
        first=FIRST_TAG,
    )
    async with speaking(script) as process:
        rows = await _spoken_to(server, hall, process, plan.run_s, "before")
        memory = rss_bytes(server.pid)
        for each in slow_ones:
            each.sleep()
        rows = both(rows, await _spoken_to(server, hall, process, 6 * plan.run_s, "while they sleep"))
        grown = rss_bytes(server.pid) - memory
    for member in members:
        member.close()
    rows[Measure("memory that the server took for it, MiB", "less", 1)] = grown / (1 << 20)
    rows[Measure("slow ones who were closed", "neither")] = await _awake(server, slow_ones, sleepers, group, hall)
    return rows


def _others(users: list[User]) -> list[User]:
    slow_ones = set(map(id, users[SPEAKERS::ONE_IN]))
    return [user for user in users[SPEAKERS:] if id(user) not in slow_ones]


async def _spoken_to(
    server: Running, hall: Hall, process: asyncio.subprocess.Process, seconds: float, label: str
) -> Figures:
    stopwatch, before = watch(server), hall.complete
    work = {"rounds": round(seconds / PAUSE_S), "pause_s": PAUSE_S, "at_once": 1}
    times: Times = json.loads(await tell(process, work))
    await hall.everything(before + len(times))
    acks = [acked - sent for _, sent, acked in times]
    lasts = [hall.last_at[tag - FIRST_TAG] - sent for tag, sent, _ in times]
    rows: Figures = {
        Measure(f"{label}: {what}, {name} ms", "less", 2): figures.percentile(found, share) * 1000
        for what, found in (("acknowledged", acks), ("the last of the others has it", lasts))
        for name, share in (("p50", 0.50), ("p99", 0.99))
    }
    return both(rows, {figures.OTHERS: conditions(server, stopwatch.read())[figures.OTHERS]})


async def _awake(server: Running, slow_ones: list[SlowMember], users: list[User], group: str, hall: Hall) -> int:
    """Let them read, and ask for what they do not have; how many had lost their connection."""
    for each in slow_ones:
        each.wake()
    await asyncio.sleep(2.0)
    closed = 0
    for member, user in zip(slow_ones, users, strict=True):
        closed += member.is_closed
        member.close()
        seqs = member.seqs + await _rest_of(server, user, group, member.seqs[-1] if member.seqs else 1)
        # The first is the system message that made the group.
        if seqs != list(range(2, hall.complete + 2)):
            raise RuntimeError(f"a slow one has {len(seqs)} of {hall.complete} messages, or not in order")
    return closed


async def _rest_of(server: Running, user: User, group: str, after: int) -> list[int]:
    asker = Asker(user.token, [])
    await connect(asker, server.port)
    seqs: list[int] = []
    while True:
        form = {"conversation": group, "after": seqs[-1] if seqs else after, "limit": 100}
        page = json.loads(await asker.ask(asker.packet("getMessages", form)))["messages"]
        seqs += [each["seq"] for each in page]
        if len(page) < 100:
            asker.close()
            return seqs
