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
    """One pair, one message in flight, in conversations of which each is ten times as long as the one before, in turn:
    ten times a little of each, so that what disturbs one disturbs the others."""
    async with Rest(server.port) as rest:
        me, *friends = await rest.register(f"g-{who}" for who in ("me", *plan.lengths))
    sized = list(zip(plan.lengths, friends, strict=True))
    places = [await _begin(server, me, friend) for _, friend in sized]

    def lengthen(database: Filling) -> None:
        for (length, _), place in zip(sized, places, strict=True):
            database.lengthen(place, me.id, 2, length)

    await asyncio.to_thread(server.fill, lengthen)
    pairs = {f"{length:,} messages": await _pair(server, me, friend, "then") for length, friend in sized}
    with punctual():
        rows = await in_turn(server, plan, pairs)
    for (length, _), pair in zip(sized, pairs.values(), strict=True):
        if (seq := pair.recipient.last_message()["seq"]) <= length:
            raise RuntimeError(f"a conversation of {length} messages is not as long as that: {seq}")
        pair.close()
    return rows


async def _begin(server: Running, me: User, friend: User) -> str:
    """A conversation of one message."""
    pair = await _pair(server, me, friend, "first")
    await fill(pair, 1)
    place: str = pair.recipient.last_message()["conversation"]
    pair.close()
    return place


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
