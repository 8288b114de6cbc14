"""What one message costs as the server has more to hold: three sizes of each, a factor of ten apart."""

import asyncio
import time
from collections.abc import Iterable
from statistics import median

from bench import figures
from bench.client import SocketClient
from bench.figures import Figures, Measure
from bench.filling import EACH, Filling
from bench.growth import SETTLE_S, block, in_turn
from bench.load import CONTENT_LENGTH, Meter, Pair
from bench.plan import Plan
from bench.proc import punctual
from bench.rest import Rest, User, post
from bench.servers import Running
from bench.workloads import befriend, both, connect_pair, crowd, watch

BLOCKS = 8

Cost = tuple[float, float]
"""Until it is acknowledged, p50 in ms, and of the server's CPU, in µs."""


async def scaling(server: Running, plan: Plan) -> Figures:
    """One pair, one message in flight: by people who are in more and more conversations, in turn; beside more and more
    messages in the store; and while more and more others are connected, whose heartbeats are counted apart."""
    rows = await _memberships(server, plan)
    rows = both(rows, await _stored(server, plan))
    return both(rows, await _connected(server, plan))


async def _memberships(server: Running, plan: Plan) -> Figures:
    run, pairs = f"m{time.monotonic_ns()}", dict[str, Pair]()
    async with Rest(server.port) as rest:
        friends = await rest.register(f"{run}-{number}" for number in range(max(plan.memberships)))
        people = await rest.register(f"{run}-in-{count}" for count in plan.memberships)
        for me, count in zip(people, plan.memberships, strict=True):
            await rest.each(post("/api/chat/messages", _hello(each), me.token) for each in friends[:count])
    for number, (me, count) in enumerate(zip(people, plan.memberships, strict=True)):
        label = f"of somebody in {count:,} conversations"
        pairs[label] = await connect_pair(server, Meter(), me, friends[number], f"{run}-{count}")
    with punctual():
        rows = await in_turn(server, plan, pairs)
    _leave(pairs.values())
    return rows


def _hello(to: User) -> dict[str, str]:
    return {"recipient": to.id, "content": "x" * CONTENT_LENGTH}


async def _stored(server: Running, plan: Plan) -> Figures:
    costs: dict[str, Cost] = {}
    rows, there = Figures(), 0
    for count in plan.stored:

        def elsewhere(database: Filling, more: int = count - there) -> None:
            database.elsewhere(more)

        await asyncio.to_thread(server.fill, elsewhere)
        there = count
        label = f"beside {count * EACH:,} messages"
        costs[label], disturbed = await _cost(server, plan)
        rows = both(rows, disturbed)
    return both(_shown(costs), rows)


async def _connected(server: Running, plan: Plan) -> Figures:
    run, trouble = f"c{time.monotonic_ns()}", list[str]()
    async with Rest(server.port) as rest:
        users = await rest.register(f"{run}-{number}" for number in range(max(plan.connected)))
    costs: dict[str, Cost] = {}
    rows, clients = Figures(), list[SocketClient]()
    for count in plan.connected:
        clients += await crowd(server, [user.token for user in users[len(clients) : count]], trouble)
        label = f"while {count:,} are connected"
        costs[label], disturbed = await _cost(server, plan)
        rows = both(rows, disturbed)
    for client in clients:
        client.close()
    if trouble:
        raise RuntimeError(f"{len(trouble)} connections failed, the first: {trouble[0]}")
    return both(_shown(costs), rows)


async def _cost(server: Running, plan: Plan) -> tuple[Cost, Figures]:
    """Of a lone message, without what the server does when nobody speaks; how disturbed it was."""
    (pair,) = await befriend(server, Meter(), 1)
    seconds, acks, costs, others = plan.run_s / BLOCKS, list[float](), list[float](), list[float]()
    with punctual():
        await block(pair, plan.warm_s / 2)
        stopwatch = watch(server)
        await asyncio.sleep(plan.run_s / 2)
        silent = stopwatch.read()
        for _ in range(BLOCKS):
            pair.meter.restart()
            before, stopwatch = pair.meter.done, watch(server)
            await block(pair, seconds)
            window = stopwatch.read()
            acks.append(figures.percentile(pair.meter.ack_s, 0.5) * 1000)
            spent_s = window.server_s - silent.server_s * window.wall_s / silent.wall_s
            costs.append(spent_s / (pair.meter.done - before) * 1e6)
            others.append(100 * window.others)
    _leave([pair])
    await asyncio.sleep(SETTLE_S)
    return (median(acks), median(costs)), {figures.OTHERS: median(others)}


def _shown(costs: dict[str, Cost]) -> Figures:
    rows = Figures()
    for place, (name, digits) in enumerate((("acknowledged, p50 ms", 3), ("server CPU, µs per message", 0))):
        for label, cost in costs.items():
            rows[Measure(f"{label}: {name}", "neither", digits)] = cost[place]
        (few, first), *_, (many, last) = costs.items()
        rows[Measure(f"{many} against {few}: {name}, times", "neither", 2)] = last[place] / first[place]
    return rows


def _leave(pairs: Iterable[Pair]) -> None:
    for pair in pairs:
        pair.close()
