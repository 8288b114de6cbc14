"""What a message costs as its conversation grows."""

import asyncio
from statistics import median

from bench import figures
from bench.figures import Figures, Measure
from bench.filling import Filling
from bench.load import Meter, Pair
from bench.plan import Plan
from bench.proc import punctual
from bench.rest import Rest, User
from bench.servers import Running
from bench.workloads import both, connect_pair, drain, fill, watch

BLOCKS = 10
SETTLE_S = 0.1


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
    """What the messages of each cost, and the last against the first. A block of each, and again; of each block the
    median, of those the median."""
    for pair in pairs.values():
        await block(pair, plan.warm_s / 2)
    acks: dict[str, list[float]] = {label: [] for label in pairs}
    costs: dict[str, list[float]] = {label: [] for label in pairs}
    rows = Figures()
    for _ in range(BLOCKS):
        for label, pair in pairs.items():
            pair.meter.restart()
            before, stopwatch = pair.meter.done, watch(server)
            await block(pair, plan.run_s / BLOCKS)
            window = stopwatch.read()
            acks[label].append(figures.percentile(pair.meter.ack_s, 0.5) * 1000)
            costs[label].append(window.server_s / (pair.meter.done - before) * 1e6)
            rows = both(rows, {figures.OTHERS: 100 * window.others})
    for name, found, digits in (("acknowledged, p50 ms", acks, 3), ("server CPU, µs per message", costs, 0)):
        of_each = {label: median(values) for label, values in found.items()}
        rows |= {Measure(f"{label}: {name}", "neither", digits): value for label, value in of_each.items()}
        (short, first), *_, (long, last) = of_each.items()
        rows[Measure(f"{long} against {short}: {name}, times", "neither", 2)] = last / first
    return rows


async def block(pair: Pair, seconds: float) -> None:
    """One message after the other, for so long."""
    pair.begin(1, lockstep=True)
    await asyncio.sleep(seconds)
    await drain([pair], pair.meter)
    await asyncio.sleep(SETTLE_S)
