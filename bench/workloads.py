"""The workloads. Each takes a running, empty server and gives figures; each is the same for every system.

Closed loops (durable, pingpong) look for capacity. Latency under load comes from the open loop alone, where messages
have an intended time that no slow answer can move. A message lost, doubled or refused fails the round.
"""

from __future__ import annotations  # array[float] is a type only for the type checker on Python 3.11

import asyncio
import itertools
import math
import random
import time
from array import array
from collections.abc import Iterable
from dataclasses import replace

from bench import figures
from bench.client import SocketClient, connect
from bench.figures import Figures, Measure
from bench.load import Meter, Pair
from bench.plan import Plan
from bench.proc import Stopwatch, Window, punctual, rss_bytes
from bench.rest import Rest, User, get
from bench.servers import Running
from bench.ticker import Ticker

PAGE = 50
HANDSHAKES_AT_ONCE = 64
TICK_S = 0.0002
KEPT_UP = 0.95  # of the offered messages: below this an open loop is saturated, and its percentiles mean nothing
SETTLE_S = 2.0
_numbers = itertools.count()


def watch(server: Running) -> Stopwatch:
    return Stopwatch(server.pids, server.database_pid)


def conditions(server: Running, window: Window) -> Figures:
    """What else was going on: a core at its limit, or a stranger on it, decides how to read the other rows."""
    busy = {figures.core(number): 100 * window.busy(number) for number in range(len(window.cores_s))}
    return {figures.LOAD: load(server, window)} | busy | {figures.OTHERS: 100 * window.others}


def load(server: Running, window: Window) -> float:
    """How much of their cores the database and the generator have used, in percent."""
    return 100 * (window.database_s + window.generator_s) / window.wall_s / server.load_cores


def both(one: Figures, other: Figures) -> Figures:
    """The rows of two stretches of a round, as disturbed as the worse of them."""
    others = max(one.get(figures.OTHERS, 0.0), other[figures.OTHERS])
    return {key: value for key, value in one.items() if key != figures.OTHERS} | other | {figures.OTHERS: others}


def per_message(window: Window, messages: int) -> Figures:
    if not messages:
        raise RuntimeError("no message was both acknowledged and delivered")
    return {
        figures.MESSAGES: messages / window.wall_s,
        figures.SERVER: window.server_s / messages * 1e6,
        figures.DATABASE: window.database_s / messages * 1e6,
        figures.GENERATOR: window.generator_s / messages * 1e6,
    }


async def befriend(server: Running, meter: Meter, count: int) -> list[Pair]:
    """Register and connect this many pairs."""
    run = f"r{next(_numbers)}"
    async with Rest(server.port) as rest:
        users = await rest.register(f"{run}-{number}" for number in range(2 * count))
    pairs = []
    for number in range(count):
        sender, recipient = users[2 * number : 2 * number + 2]
        pairs.append(await connect_pair(server, meter, sender, recipient, f"{run}-{number}", number))
    return pairs


async def connect_pair(server: Running, meter: Meter, sender: User, recipient: User, run: str, number: int = 0) -> Pair:
    """These two, connected: where there are several nodes, never to the same one."""
    pair = Pair(meter, sender.token, recipient.token, recipient.id, run)
    ports = server.ports
    await connect(pair.recipient, ports[(number + 1) % len(ports)])
    await connect(pair.sender, ports[number % len(ports)])
    return pair


async def drain(pairs: list[Pair], meter: Meter, patience_s: float = 20.0) -> None:
    """Stop sending and wait for what is under way."""
    for pair in pairs:
        pair.refill = False
    deadline = time.perf_counter() + patience_s
    while left := sum(pair.in_flight for pair in pairs):
        meter.check()
        if time.perf_counter() > deadline:
            raise RuntimeError(f"{left} messages were not acknowledged or not delivered")
        await asyncio.sleep(0.01)
    meter.check()


async def warm_up(plan: Plan, pairs: list[Pair], meter: Meter) -> None:
    """Work in a closed loop until warm, and come to rest."""
    start = time.perf_counter()
    for pair in pairs:
        pair.begin(plan.in_flight)
    while (spent := time.perf_counter() - start) < plan.warm_patience_s:
        if spent >= plan.warm_s and meter.done >= plan.warm_messages:
            break
        await asyncio.sleep(0.1)
    await drain(pairs, meter)


async def closed_loop(server: Running, plan: Plan, pairs: int, in_flight: int, *, lockstep: bool) -> Figures:
    meter = Meter()
    return await measured(server, plan, await befriend(server, meter, pairs), meter, in_flight, lockstep=lockstep)


async def measured(
    server: Running, plan: Plan, talkers: list[Pair], meter: Meter, in_flight: int, *, lockstep: bool = False
) -> Figures:
    """What these reach in a closed loop, warm. They are gone afterwards."""
    await warm_up(plan, talkers, meter)
    for pair in talkers:
        pair.begin(in_flight, lockstep=lockstep)
    await asyncio.sleep(plan.run_s / 10)
    meter.restart()
    before, stopwatch = meter.done, watch(server)
    await asyncio.sleep(plan.run_s)
    window, done = stopwatch.read(), meter.done - before
    ack_s, delivery_s = array("d", meter.ack_s), array("d", meter.delivery_s)
    await drain(talkers, meter)
    for pair in talkers:
        pair.close()
    return per_message(window, done) | figures.latencies(ack_s, delivery_s) | conditions(server, window)


async def durable(server: Running, plan: Plan) -> Figures:
    """Many pairs, several messages in flight each: how many a second are stored, acknowledged and delivered."""
    return await closed_loop(server, plan, plan.pairs, plan.in_flight, lockstep=False)


async def pingpong(server: Running, plan: Plan) -> Figures:
    """One pair, one message in flight, the next after both acknowledgement and delivery."""
    with punctual():
        return await closed_loop(server, plan, 1, 1, lockstep=True)


# --- open loop


async def offer(pairs: list[Pair], rate: float, seconds: float, seed: int) -> array[float]:
    """Poisson arrivals at this rate, each from a random pair. Returns how late the generator itself was."""
    chance = random.Random(seed)
    lag_s = array("d")
    due = time.perf_counter() + 0.01
    end = due + seconds
    over = asyncio.Event()

    def tick() -> None:
        nonlocal due
        now = time.perf_counter()
        touched = set()
        while due <= now and due < end:
            pair = chance.choice(pairs)
            pair.send(due)
            touched.add(pair)
            lag_s.append(now - due)
            due += chance.expovariate(rate)
        for pair in touched:
            pair.sender.flush()
        if due >= end:
            over.set()

    ticker = Ticker(TICK_S, tick)
    await over.wait()
    ticker.stop()
    return lag_s


async def at_rate(server: Running, plan: Plan, pairs: list[Pair], rate: float, label: str) -> Figures:
    """Latencies at one offered rate, from intended times."""
    meter = pairs[0].meter
    await offer(pairs, rate, plan.run_s / 10, seed=1)
    meter.restart()
    before, stopwatch = meter.done, watch(server)
    lag_s = await offer(pairs, rate, plan.run_s, seed=2)
    window, done = stopwatch.read(), meter.done - before
    await drain(pairs, meter)
    kept_up = done >= KEPT_UP * len(lag_s)
    rows = {Measure(f"{label}: offered messages/s", "neither"): len(lag_s) / window.wall_s}
    for measure, value in figures.latencies(meter.ack_s, meter.delivery_s).items():
        rows[replace(measure, label=f"{label}: {measure.label}")] = value if kept_up else math.nan
    rows[Measure(f"{label}: server CPU, µs per message", "less", 1)] = window.server_s / max(done, 1) * 1e6
    rows[Measure(f"{label}: {figures.LOAD.label}", "neither")] = load(server, window)
    rows[Measure(f"{label}: generator late, p99 ms", "neither", 2)] = figures.percentile(lag_s, 0.99) * 1000
    return rows | {figures.OTHERS: 100 * window.others}


async def openloop(server: Running, plan: Plan) -> Figures:
    """Half of this system's own capacity, then half of the reference's: harder work, and the same work."""
    pairs = await befriend(server, Meter(), plan.pairs)
    rates = {"own half": server.system.name, "the reference's half": "node"}
    rows = Figures()
    await warm_up(plan, pairs, pairs[0].meter)
    with punctual():
        for label, system in rates.items():
            if system in plan.capacity:
                rows = both(rows, await at_rate(server, plan, pairs, plan.capacity[system] / 2, label))
    for pair in pairs:
        pair.close()
    return rows


# --- idle connections


async def crowd(server: Running, tokens: Iterable[str], trouble: list[str]) -> list[SocketClient]:
    """Connect everybody, a fixed number of handshakes at a time."""
    clients: list[SocketClient] = []
    left = iter(tokens)

    async def some() -> None:
        for token in left:
            client = SocketClient(token, trouble)
            await connect(client, server.port)
            clients.append(client)

    await asyncio.gather(*(some() for _ in range(HANDSHAKES_AT_ONCE)))
    return clients


async def idle(server: Running, plan: Plan) -> Figures:
    """Distinct users connect and stay. Memory is the slope between a fifth of them and all, on a fresh process, so
    that neither the program itself nor what registering left behind counts."""
    run, trouble = f"i{next(_numbers)}", list[str]()
    async with Rest(server.port) as rest:
        users = await rest.register(f"{run}-{number}" for number in range(plan.idle))
    server.restart()
    tokens = [user.token for user in users]
    first = len(tokens) // 5
    clients = await crowd(server, tokens[:first], trouble)
    await asyncio.sleep(SETTLE_S)
    memory, stopwatch = rss_bytes(server.pid), watch(server)
    clients += await crowd(server, tokens[first:], trouble)
    window = stopwatch.read()
    await asyncio.sleep(SETTLE_S)
    grown, count = rss_bytes(server.pid) - memory, len(tokens) - first
    for client in clients:
        client.close()
    if trouble:
        raise RuntimeError(f"{len(trouble)} of {len(tokens)} connections failed, the first: {trouble[0]}")
    rows = {
        figures.HANDSHAKES: count / window.wall_s,
        figures.HANDSHAKE_CPU: window.server_s / count * 1e6,
        figures.MEMORY: grown / count / 1024,
    }
    return rows | conditions(server, window)


# --- history


async def fill(pair: Pair, count: int) -> None:
    """Send this many messages, 200 at a time, and wait until they are stored."""
    for start in range(0, count, 200):
        for _ in range(min(200, count - start)):
            pair.send(time.perf_counter())
        pair.sender.flush()
        await drain([pair], pair.meter)


async def history(server: Running, plan: Plan) -> Figures:
    """A page of 50 by REST, from a conversation of growing length. The reference knows no pages: it returns it all."""
    reference = server.system.name == "node"
    lengths = plan.reference_history if reference else plan.history
    meter, rows, sent = Meter(), Figures(), 0
    async with Rest(server.port) as rest:
        run = f"h{next(_numbers)}"
        me, peer = await rest.register((f"{run}-me", f"{run}-peer"))
        pair = await connect_pair(server, meter, me, peer, run)
        for length in lengths:
            await fill(pair, length - sent)
            sent = length
            if reference:
                path = f"/api/chat/messages?sender={me.id}&recipient={peer.id}"
            else:
                path = f"/api/conversations/{pair.recipient.last_message()['conversation']}/messages?limit={PAGE}"
            page = get(path, me.token)
            if not rows:
                await rest.repeat(page, time.perf_counter() + plan.warm_s)
            found = await pages(server, plan, rest, page, f"{length:,} messages", length if reference else PAGE)
            rows = both(rows, found)
        if not reference:
            middle = get(f"{path}&before={sent // 2 + PAGE}", me.token)
            found = await pages(server, plan, rest, middle, f"{sent:,} messages, from the middle", PAGE)
            rows = both(rows, found)
    pair.close()
    return rows


async def pages(server: Running, plan: Plan, rest: Rest, page: bytes, label: str, expected: int) -> Figures:
    """One reader alone for the latency, then all connections for the rate."""
    body = await rest.request(page)
    if body.count(b'"content":') != expected:
        raise RuntimeError(f"expected a page of {expected} messages, got {body[:300]!r}")
    await rest.repeat(page, time.perf_counter() + plan.run_s / 5)
    alone = await rest.repeat_alone(page, time.perf_counter() + plan.run_s / 5)
    stopwatch = watch(server)
    together = await rest.repeat(page, time.perf_counter() + plan.run_s / 2)
    window = stopwatch.read()
    return {
        Measure(f"{label}: pages/s", "more"): len(together) / window.wall_s,
        Measure(f"{label}: one reader, p50 ms", "less", 2): figures.percentile(alone, 0.5) * 1000,
        Measure(f"{label}: server CPU, µs per page", "less"): window.server_s / len(together) * 1e6,
        Measure(f"{label}: page, KiB", "neither", 1): len(body) / 1024,
        figures.OTHERS: 100 * window.others,
    }
