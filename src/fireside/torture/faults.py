"""What goes wrong, and when: chosen by the seed.

What can go wrong with the network always can. What befalls processes is up to whoever owns them, and is given as
functions or, on the command line, as commands.
"""

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from fireside.torture.proxy import Proxy, Way, Weather
from fireside.torture.record import Befell, Failed, Record

CALM_S, LEAST_CALM_S = 4.0, 0.3
"""Before each, on average; and where there is less time than that takes."""
TAKES_S = 3.0
"""What one takes, about."""
SILENCES: Sequence[frozenset[Way]] = (frozenset({"up"}), frozenset({"down"}), frozenset({"up", "down"}))

Fault = Callable[[Random], Awaitable[None]]
"""Happens, lasts, and is over when this returns."""


@dataclass(frozen=True)
class Incident:
    """One of them, and how long everything is well before it."""

    after_s: float
    fault: str


class Network:
    """What a network does to those who are behind it."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    async def nothing(self, random: Random) -> None:
        """All is well: what is said in an idle place comes without any help."""
        await asyncio.sleep(random.uniform(0.5, 1.5))

    async def cut(self, random: Random) -> None:
        """Some connections, or all, end with a reset."""
        self._proxy.cut(random.choice((0.2, 1.0)))

    async def half_open(self, random: Random) -> None:
        """Some lines carry nothing any more, and nobody is told; in the end they are gone."""
        self._proxy.hold_some(0.3)
        await asyncio.sleep(random.uniform(2.0, 6.0))
        self._proxy.cut_held()

    async def lost_answers(self, random: Random) -> None:
        """What is asked arrives, and no answer comes back before the connection ends."""
        self._proxy.set(Weather(held=frozenset({"down"})))
        await asyncio.sleep(random.uniform(0.5, 2.0))
        self._proxy.cut()
        self._proxy.clear()

    async def ends_after_bytes(self, random: Random) -> None:
        """Each new connection ends after some bytes, in the midst of a message perhaps."""
        self._proxy.cut(0.5)
        await self._for_a_while(random, Weather(reset_after=(600, 6000)), 4.0, share=0)

    async def delay(self, random: Random) -> None:
        """Everything takes longer."""
        await self._for_a_while(random, Weather(delay_s=random.uniform(0.02, 0.3)), 5.0)

    async def slow(self, random: Random) -> None:
        """Lines are narrow."""
        await self._for_a_while(random, Weather(bytes_per_s=random.uniform(5_000, 50_000)), 5.0)

    async def silence(self, random: Random) -> None:
        """Nothing gets through one way, or either, and then all of it."""
        await self._for_a_while(random, Weather(held=random.choice(SILENCES)), 4.0)

    async def refuse(self, random: Random) -> None:
        """All connections end, and for a moment none is to be had."""
        self._proxy.cut()
        await self._for_a_while(random, Weather(refused=True), 3.0, share=0)

    async def _for_a_while(
        self, random: Random, weather: Weather, longest_s: float, share: float | None = None
    ) -> None:
        self._proxy.set(weather, share=random.choice((0.3, 1.0)) if share is None else share)
        await asyncio.sleep(random.uniform(1.0, longest_s))
        self._proxy.clear()


def network_faults(proxy: Proxy) -> dict[str, Fault]:
    """All of them, by name."""
    network = Network(proxy)
    faults: tuple[Fault, ...] = (
        network.nothing,
        network.cut,
        network.half_open,
        network.lost_answers,
        network.ends_after_bytes,
        network.delay,
        network.slow,
        network.silence,
        network.refuse,
    )
    return {each.__name__.replace("_", " "): each for each in faults}


def command(words: str) -> Fault:
    """A fault that a program makes: it is over when the program ends, which has to be with status 0."""

    async def run(_: Random) -> None:
        process = await asyncio.create_subprocess_exec(*shlex.split(words))
        if await process.wait():
            raise RuntimeError(f"{words} ended with status {process.returncode}")

    return run


def named_command(given: str) -> tuple[str, Fault]:
    """What stands on the command line: NAME=COMMAND.

    Raises:
        ValueError: it does not say so.
    """
    name, equals, words = given.partition("=")
    if not (name.strip() and equals and shlex.split(words)):
        raise ValueError(f"{given} is not NAME=COMMAND")
    return name.strip(), command(words)


def plan_takes_s(incidents: int) -> float:
    """How many seconds so many incidents take, about."""
    return incidents * (CALM_S + TAKES_S)


def plan(names: Sequence[str], random: Random, duration_s: float) -> list[Incident]:
    """Incidents for about so long: each of these kinds as often as any other but for one, and once at least."""
    count = max(len(names), int(duration_s / plan_takes_s(1)))
    calm_s = max(LEAST_CALM_S, duration_s / count - TAKES_S)
    chosen: list[str] = []
    while len(chosen) < count:
        chosen += random.sample(names, len(names))
    return [Incident(calm_s * random.uniform(0.5, 1.5), name) for name in chosen[:count]]


async def befall(
    incident: Incident,
    faults: Mapping[str, Fault],
    random: Random,
    record: Record,
    meanwhile: Callable[[], None],
) -> None:
    """Let it happen. `meanwhile` is called once while it lasts."""
    await asyncio.sleep(incident.after_s)
    record.note(Befell(at=record.now, what=incident.fault))
    lasting = asyncio.ensure_future(faults[incident.fault](random))
    await asyncio.wait({lasting}, timeout=random.uniform(0.0, 1.5))
    meanwhile()
    try:
        await lasting
    except Exception as error:
        record.note(Failed(at=record.now, what=f"{incident.fault} could not be made: {error!r}"))
    record.note(Befell(at=record.now, what=incident.fault, over=True))
