"""Catching up: somebody with many conversations, few of which have changed since their cursor."""

import json
import time
from typing import Any

from bench import figures
from bench.client import Asker, connect
from bench.figures import Figures, Measure
from bench.filling import EACH, Filling
from bench.plan import Plan
from bench.rest import Rest, User, hello
from bench.servers import Running
from bench.workloads import both, watch

CHANGED = 10
KNOWN = 500
"""Conversations of which Fireside's own client says how much it has."""


async def catchup(server: Running, plan: Plan) -> Figures:
    """Somebody in many conversations comes back; in ten of them something was said (five) or reacted to (five). By the
    cursor alone, and saying what they have of 500; then again after many changes in the conversations of others."""
    async with Rest(server.port) as rest:
        me, *others = await rest.register(f"c-{number}" for number in range(plan.conversations + 1))
        await rest.each(hello(other, me) for other in others)
    server.restart()  # and everything is at rest
    cursor, trips, known = await _first(server, me)
    if len(known) != plan.conversations:
        raise RuntimeError(f"expected {plan.conversations} conversations, got {len(known)}")
    async with Rest(server.port) as rest:
        talking, reacting = others[: CHANGED // 2], others[CHANGED // 2 : CHANGED]
        await rest.each(hello(other, me) for other in talking)
    for other in reacting:
        await _react(server, other)
    rows: Figures = {Measure("the first time, with nothing: round trips", "neither"): trips}
    rows |= await _measured(server, plan, me, cursor, known, f"{CHANGED} of {plan.conversations:,} changed")

    def elsewhere(database: Filling) -> None:
        database.elsewhere(plan.elsewhere)

    server.fill(elsewhere)
    label = f"after {plan.elsewhere * EACH * 2:,} changes elsewhere"
    return both(rows, await _measured(server, plan, me, cursor, known, label))


async def _first(server: Running, me: User) -> tuple[str, int, dict[str, Any]]:
    """With nothing: the cursor, the round trips, and what there is of each conversation."""
    asker = Asker(me.token, [])
    await connect(asker, server.port)
    cursor, trips, known, more = "", 0, dict[str, Any](), True
    while more:
        caught = json.loads(await asker.ask(asker.packet("sync", {"cursor": cursor})))
        known |= {each["conversation"]["_id"]: _known(each) for each in caught["conversations"]}
        cursor, more, trips = caught["cursor"], caught["more"], trips + 1
    asker.close()
    return cursor, trips, known


def _known(item: dict[str, Any]) -> dict[str, int]:
    return {"seq": item["seq"], "rev": item["rev"]}


async def _react(server: Running, who: User) -> None:
    """To what they have said themselves, in the one conversation they have."""
    asker = Asker(who.token, [])
    await connect(asker, server.port)
    (item,) = json.loads(await asker.ask(asker.packet("sync", {})))["conversations"]
    reaction = {"conversation": item["conversation"]["_id"], "seq": 1, "emoji": "👍"}
    await asker.ask(asker.packet("reactToMessage", reaction))
    asker.close()


async def _measured(server: Running, plan: Plan, me: User, cursor: str, known: dict[str, Any], label: str) -> Figures:
    rows = Figures()
    recent = dict(list(known.items())[-KNOWN:])
    alone: dict[str, Any] = {"cursor": cursor}
    for how, form in {"": alone, f", knowing {len(recent)}": alone | {"known": recent}}.items():
        rows = both(rows, await _repeated(server, plan, me, form, label + how))
    return rows


async def _repeated(server: Running, plan: Plan, me: User, form: dict[str, Any], label: str) -> Figures:
    """The same question, again and again, each on its own."""
    trouble: list[str] = []
    asker = Asker(me.token, trouble)
    await connect(asker, server.port)
    answer = json.loads(await asker.ask(asker.packet("sync", form)))
    if answer["more"] or len(answer["conversations"]) != CHANGED:
        raise RuntimeError(f"expected {CHANGED} changed conversations, got {len(answer['conversations'])}")
    asked, size, taken = 0, 0, list[float]()
    until = time.perf_counter() + plan.run_s / 5
    while time.perf_counter() < until:
        await asker.ask(asker.packet("sync", form))
    until, stopwatch = time.perf_counter() + plan.run_s / 2, watch(server)
    while time.perf_counter() < until:
        frame = asker.packet("sync", form)
        asked = len(frame)
        start = time.perf_counter()
        size = len(await asker.ask(frame))
        taken.append(time.perf_counter() - start)
    window = stopwatch.read()
    asker.close()
    if trouble:
        raise RuntimeError(trouble[0])
    return {
        Measure(f"{label}: round trips", "neither"): 1,
        Measure(f"{label}: p50 ms", "neither", 2): figures.percentile(taken, 0.5) * 1000,
        Measure(f"{label}: p99 ms", "neither", 2): figures.percentile(taken, 0.99) * 1000,
        Measure(f"{label}: server CPU, ms", "neither", 2): window.server_s / len(taken) * 1000,
        Measure(f"{label}: mongod CPU, ms", "neither", 2): window.database_s / len(taken) * 1000,
        Measure(f"{label}: asked, KiB", "neither", 1): asked / 1024,
        Measure(f"{label}: answered, KiB", "neither", 1): size / 1024,
        figures.OTHERS: 100 * window.others,
    }
