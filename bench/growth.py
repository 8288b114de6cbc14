"""What a message costs as its conversation grows."""

import asyncio

from bench.blocks import Blocks, block, compared
from bench.figures import Figures
from bench.filling import Filling
from bench.load import Meter, Pair
from bench.plan import Plan
from bench.proc import punctual
from bench.rest import Rest, User
from bench.servers import Running
from bench.workloads import connect_pair, fill

BLOCKS = 10


async def growth(server: Running, plan: Plan) -> Figures:
    """One pair, one message in flight, in a conversation of a hundred messages and in one of a million, in turn: ten
    times a little of each, so that what disturbs one disturbs the other."""
    async with Rest(server.port) as rest:
        me, short, long = await rest.register(f"g-{who}" for who in ("me", "short", "long"))
    places = {}
    for friend, sizes in ((short, plan.short), (long, plan.short)):
        pair = await _pair(server, me, friend, "first")
        await fill(pair, sizes)
        places[friend.id] = pair.recipient.last_message()["conversation"]
        pair.close()

    def lengthen(database: Filling) -> None:
        database.lengthen(places[long.id], me.id, plan.short + 1, plan.long)

    await asyncio.to_thread(server.fill, lengthen)
    pairs = {f"{size:,} messages": await _pair(server, me, who, "then") for who, size in _sizes(plan, short, long)}
    with punctual():
        rows = await in_turn(server, plan, pairs)
    last = pairs[f"{plan.long:,} messages"].recipient.last_message()
    if last["seq"] <= plan.long:
        raise RuntimeError(f"the long conversation is not as long as it should be: {last['seq']}")
    for pair in pairs.values():
        pair.close()
    return rows


def _sizes(plan: Plan, short: User, long: User) -> tuple[tuple[User, int], ...]:
    return (short, plan.short), (long, plan.long)


async def _pair(server: Running, me: User, friend: User, run: str) -> Pair:
    return await connect_pair(server, Meter(), me, friend, f"{friend.id}-{run}")


async def in_turn(server: Running, plan: Plan, pairs: dict[str, Pair]) -> Figures:
    """What the messages of each cost: a block of each, and again."""
    found = {label: Blocks() for label in pairs}
    for pair in pairs.values():
        await block(pair, plan.warm_s / 2)
    for _ in range(BLOCKS):
        for label, pair in pairs.items():
            await found[label].measure(server, pair, plan.run_s / BLOCKS)
    return compared(found)
