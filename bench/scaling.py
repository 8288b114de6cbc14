"""What one message costs as the server has more to hold: three sizes of each, a factor of ten apart."""

import asyncio
import time
from collections.abc import Iterable

from bench.blocks import SETTLE_S, Blocks, block, compared
from bench.client import SocketClient
from bench.figures import Figures
from bench.filling import EACH, Filling
from bench.growth import in_turn
from bench.load import Meter, Pair
from bench.plan import Plan
from bench.proc import punctual
from bench.rest import Rest, hello
from bench.servers import Running
from bench.workloads import befriend, both, connect_pair, crowd, watch

BLOCKS = 8


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
            await rest.each(hello(me, each) for each in friends[:count])
    for number, (me, count) in enumerate(zip(people, plan.memberships, strict=True)):
        label = f"of somebody in {count:,} conversations"
        pairs[label] = await connect_pair(server, Meter(), me, friends[number], f"{run}-{count}")
    with punctual():
        rows = await in_turn(server, plan, pairs)
    _leave(pairs.values())
    return rows


async def _stored(server: Running, plan: Plan) -> Figures:
    found: dict[str, Blocks] = {}
    there = 0
    for count in plan.stored:

        def elsewhere(database: Filling, more: int = count - there) -> None:
            database.elsewhere(more)

        await asyncio.to_thread(server.fill, elsewhere)
        there = count
        found[f"beside {count * EACH:,} messages"] = await _alone(server, plan)
    return compared(found)


async def _connected(server: Running, plan: Plan) -> Figures:
    run, trouble = f"c{time.monotonic_ns()}", list[str]()
    async with Rest(server.port) as rest:
        users = await rest.register(f"{run}-{number}" for number in range(max(plan.connected)))
    found: dict[str, Blocks] = {}
    clients: list[SocketClient] = []
    for count in plan.connected:
        clients += await crowd(server, [user.token for user in users[len(clients) : count]], trouble)
        found[f"while {count:,} are connected"] = await _alone(server, plan)
    for client in clients:
        client.close()
    if trouble:
        raise RuntimeError(f"{len(trouble)} connections failed, the first: {trouble[0]}")
    return compared(found)


async def _alone(server: Running, plan: Plan) -> Blocks:
    """What a lone message costs as things are, without what the server does when nobody speaks."""
    (pair,) = await befriend(server, Meter(), 1)
    found = Blocks()
    with punctual():
        await block(pair, plan.warm_s / 2)
        stopwatch = watch(server)
        await asyncio.sleep(plan.run_s / 2)
        silent = stopwatch.read()
        for _ in range(BLOCKS):
            await found.measure(server, pair, plan.run_s / BLOCKS, silent)
    _leave([pair])
    await asyncio.sleep(SETTLE_S)
    return found


def _leave(pairs: Iterable[Pair]) -> None:
    for pair in pairs:
        pair.close()
