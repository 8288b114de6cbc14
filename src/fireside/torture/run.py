"""A whole run: people talk while things go wrong, all heals, everything is read, and the checker judges."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import aiohttp

from fireside.torture import ending
from fireside.torture.check import Finding, check
from fireside.torture.devices import address_through, sessions_through
from fireside.torture.faults import Fault, befall, network_faults, plan
from fireside.torture.people import Rest, RestError
from fireside.torture.proxy import Proxy
from fireside.torture.record import Befell, Record
from fireside.torture.storm import Storm
from fireside.torture.town import found, living_in
from fireside.torture.workload import Workload

SPARE_IDLE = 2
TELL_EVERY_S = 5.0

Say = Callable[[str], None]
"""Called with what is going on, for people."""


@dataclass(frozen=True)
class Order:
    """What is to be done. `urls` are the same service, taken in turns; `faults` come on top of those of the network."""

    urls: Sequence[str]
    seed: int
    duration_s: float = 60.0
    clients: int = 40
    rate: float = 20.0
    """Messages a second, all together."""
    within_s: float = 75.0
    """Once all is well, everybody has everything so soon: a heartbeat that fails, and half a minute."""
    faults: Mapping[str, Fault] = field(default_factory=dict)
    storm: int = 0
    """So many connect at once, again and again; 0: that does not happen."""
    network: Sequence[str] | None = None
    """Which of the network's faults; None: all."""
    record: Path | None = None
    again: str = ""
    """The command that does the same, where it is not this program's own."""


class CannotRun(Exception):
    """Nothing can be said of the deployment: the run could not begin."""


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    order: Order
    findings: Sequence[Finding]
    counts: Mapping[str, int]
    seconds: Mapping[str, float]
    record: Record

    @property
    def is_green(self) -> bool:
        return not self.findings


async def run(order: Order, say: Say = lambda _: None) -> Outcome:
    """Do it all.

    Raises:
        CannotRun: there is no such deployment, or nobody can be registered there.
        ValueError: an address is none.
    """
    record, random = Record(order.record), Random(order.seed)
    try:
        return await _Run(order, record, random, say).whole()
    finally:
        record.close()


class _Run:
    """The steps share what they all need."""

    def __init__(self, order: Order, record: Record, random: Random, say: Say) -> None:
        self._order = order
        self._record = record
        # Each has numbers of its own, so that one choice more in one place changes nothing in another.
        self._of_town, self._of_work, self._of_proxy, self._of_faults = (Random(random.random()) for _ in range(4))
        self._say = say
        self._now = ""

    async def whole(self) -> Outcome:
        order, record, url = self._order, self._record, self._order.urls[0]
        targets = [target_of(each) for each in order.urls]
        async with AsyncExitStack() as everything:
            rests = [await everything.enter_async_context(Rest(each)) for each in order.urls]
            proxy = await everything.enter_async_context(Proxy(targets, self._of_proxy))
            faults = network_faults(proxy)
            if order.network is not None:
                faults = {name: faults[name] for name in order.network}
            faults |= order.faults
            storm = Storm(proxy, order.storm)
            if order.storm:
                faults["storm"] = storm.burst
            incidents = plan(sorted(faults), self._of_faults, order.duration_s)
            self._say(f"registering {order.clients // 2 + 1} people")
            idle = len(incidents) + SPARE_IDLE
            try:
                town = await found(rests[0], record, self._of_town, clients=order.clients, idle=idle)
            except (RestError, aiohttp.ClientError, TimeoutError) as error:
                raise CannotRun(f"nobody can register at {url}: {str(error) or type(error).__name__}") from error
            self._say(f"connecting {order.clients} clients")
            http, server = sessions_through(proxy), address_through(url, proxy)
            storm.among(town.people, server, http)
            await everything.enter_async_context(living_in(town, server, record, self._of_town, http, order.clients))
            workload = Workload(town, rests, record, self._of_work, order.rate)
            seconds = {"setting up": record.now}
            async with self._progress(workload):
                workload.start()
                for number, incident in enumerate(incidents, 1):
                    self._now = f"{number} of {len(incidents)}: {incident.fault}"
                    await befall(incident, faults, self._of_faults, record, workload.say_in_idle_place)
                await workload.stop()
            proxy.clear()
            healed = record.now
            record.note(Befell(at=healed, what="nothing any more", over=True))
            self._say("all is well: waiting until everything is settled")
            in_time = await ending.run_dry(workload.unsettled, order.within_s, record)
            seconds["until all was settled"] = record.now - healed
            self._say("reading everything with fresh clients")
            ends = await ending.read_everything(town, url, rests[0], record, self._of_town)
            left = max(1.0, healed + order.within_s - record.now) if in_time else order.within_s
            await ending.everybody_has_everything(town, ends, left)
            seconds["until everybody had everything"] = record.now - healed
            await ending.note_devices(town, record)
        began = record.now
        self._say(f"checking {len(record.lines)} lines")
        findings = check(record.lines)
        seconds["checking"] = record.now - began
        return Outcome(order, findings, dict(workload.counts), seconds, record)

    @asynccontextmanager
    async def _progress(self, workload: Workload) -> AsyncIterator[None]:
        async def tell() -> None:
            while True:
                await asyncio.sleep(TELL_EVERY_S)
                counts = workload.counts
                self._say(
                    f"{self._record.now:.0f} s: {counts['messages']} messages, {counts['acknowledged']} acknowledged, "
                    f"{len(workload.unsettled)} under way, incident {self._now}"
                )

        telling = asyncio.create_task(tell())
        try:
            yield
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


def target_of(url: str) -> tuple[str, int]:
    """Host and port of a URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url} is not an http:// or https:// address")
    return parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
