"""A storm: everybody is cut off at the same moment, and everybody comes back within a second.

How long until each is back, with all they missed; and what those notice who were not cut off: four who speak to each
other at leisure, from a process of their own (`bench.speaker`).
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bench import figures
from bench.client import Asker, connect
from bench.figures import Figures, Measure
from bench.load import CONTENT_LENGTH
from bench.plan import Plan
from bench.rest import Rest, User, hello
from bench.servers import Running
from bench.speaker import Script, Times, speaking, tell
from bench.workloads import HANDSHAKES_AT_ONCE, SETTLE_S, both, conditions, watch

SPREAD_S = 1.0
"""Within so long they all try to come back."""
AGAIN_S = 1.0
"""Who is turned away tries again after so long, on the average."""
PATIENCE_S = 60.0
CALM, PAUSE_S = 500, 0.01


@dataclass(slots=True)
class Person:
    """Somebody who is cut off, and how long it took until they had everything."""

    user: User
    asker: Asker
    cursor: str = ""
    back_s: float = 0.0
    turned_away: int = 0


async def storm(server: Running, plan: Plan) -> Figures:
    """Thousands of connected people, two and two in a conversation, are cut off at once and come back within a second,
    each with a `sync` (the reference has none: there it is the connection alone). Four others speak all the while."""
    run = f"s{time.monotonic_ns()}"
    async with Rest(server.port) as rest:
        users = await rest.register(f"{run}-{number}" for number in range(plan.idle))
        speakers = await rest.register(f"{run}-speaker-{number}" for number in range(4))
        if server.system.name != "node":
            pairs = zip(users[::2], users[1::2], strict=True)
            await rest.each(hello(a, b) for a, b in pairs)
    people = [Person(user, Asker(user.token, [])) for user in users]
    await _in_turn(people, server)
    await asyncio.sleep(SETTLE_S)
    async with _speakers(server, speakers, run) as process:
        calm: Times = json.loads(await tell(process, {"rounds": CALM, "pause_s": PAUSE_S, "at_once": 1}))
        stopwatch = watch(server)
        cost = await _cut(server, people)
        rounds = round(10 / PAUSE_S)
        noticing = asyncio.create_task(tell(process, {"rounds": rounds, "pause_s": PAUSE_S, "at_once": 1}))
        cut_at = time.perf_counter()
        await asyncio.gather(*(_come_back(server, each, cut_at) for each in people))
        over, window = time.perf_counter(), stopwatch.read()
        during = [each for each in json.loads(await noticing) if each[1] <= over]
    for each in people:
        each.asker.close()
    back = [each.back_s for each in people]
    rows: Figures = {
        Measure("server CPU, µs per lost connection", "less", 1): cost * 1e6,
        Measure("back with everything, p50 ms", "less"): figures.percentile(back, 0.5) * 1000,
        Measure("back with everything, p99 ms", "less"): figures.percentile(back, 0.99) * 1000,
        Measure("turned away and told when to come, times", "neither"): sum(each.turned_away for each in people),
        Measure("server CPU, µs per return", "less"): (window.server_s - cost * len(people)) / len(people) * 1e6,
    }
    for label, times in (("before", calm), ("during it", during)):
        acks = [acked - sent for _, sent, acked in times]
        for name, share in (("p50", 0.50), ("p99", 0.99)):
            rows[Measure(f"the others, {label}: acknowledged, {name} ms", "less", 2)] = (
                figures.percentile(acks, share) * 1000
            )
    return both(rows, conditions(server, window))


async def _in_turn(people: list[Person], server: Running) -> None:
    left = iter(people)

    async def some() -> None:
        for each in left:
            await connect(each.asker, server.port)
            await _sync(server, each)

    await asyncio.gather(*(some() for _ in range(HANDSHAKES_AT_ONCE)))


async def _sync(server: Running, person: Person) -> None:
    if server.system.name != "node":
        answer = await person.asker.ask(person.asker.packet("sync", {"cursor": person.cursor}))
        person.cursor = json.loads(answer)["cursor"]


async def _cut(server: Running, people: list[Person]) -> float:
    """Cut everybody off; the CPU seconds that one costs the server."""
    stopwatch = watch(server)
    for each in people:
        each.asker.close()
    await asyncio.sleep(SETTLE_S)
    return stopwatch.read().server_s / len(people)


async def _come_back(server: Running, person: Person, cut_at: float) -> None:
    """Try, until it has worked."""
    wait_s = random.uniform(0, SPREAD_S)
    while True:
        await asyncio.sleep(wait_s)
        person.asker = Asker(person.user.token, [])
        try:
            await connect(person.asker, server.port)
            await _sync(server, person)
        except (OSError, TimeoutError):
            person.turned_away += 1
            wait_s = random.uniform(0.5, 1.5) * AGAIN_S
            if time.perf_counter() - cut_at > PATIENCE_S:
                raise RuntimeError("somebody could not come back") from None
        else:
            person.back_s = time.perf_counter() - cut_at
            return


@asynccontextmanager
async def _speakers(server: Running, speakers: list[User], run: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Four who speak to each other."""
    filler = "x" * (CONTENT_LENGTH - 8)
    form: dict[str, Any] = {"recipient": speakers[0].id, "content": f"%d{filler}", "clientId": f"{run}-%d"}
    script = Script(
        port=server.port,
        tokens=[each.token for each in speakers],
        template=f'42%d["sendMessage",{json.dumps(form, separators=(",", ":"))}]',
        first=10_000_000,
    )
    async with speaking(script) as process:
        yield process
