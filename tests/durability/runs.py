"""A whole run: people talk to a server that things happen to, the histories are read, and the checker judges."""

import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from tests.durability import weakened
from tests.durability.accounts import Pairs, read_histories, register_pairs
from tests.durability.checker import Rule, Violation, check
from tests.durability.client import Habits, Notes
from tests.durability.crowd import Crowd, Incident, both_ways
from tests.durability.wire import HOST
from tests.serving import FiresideProcess

SEED = "FIRESIDE_TEST_SEED"
"""Set it to repeat the choices of a run."""
SHOWN = 10
ROOT = Path(__file__).parents[2]


def new_seed() -> int:
    """The one that was asked for, or any."""
    return int(os.environ.get(SEED) or SystemRandom().randrange(1_000_000))


def weak_server(folder: Path, weakness: Callable[[weakened.Replace], None]) -> FiresideProcess:
    """A program with this weakness, to be started and killed."""
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", weakened.__name__, weakness.__name__]
    return FiresideProcess(folder, {"PYTHONPATH": os.pathsep.join(path)}, command)


@dataclass(frozen=True)
class Run:
    """What came of it."""

    seed: int
    notes: Notes
    violations: Sequence[Violation]
    seconds: dict[str, float]

    @property
    def broken(self) -> set[Rule]:
        return {each.rule for each in self.violations}

    def __str__(self) -> str:
        """For people: how to repeat it, how much happened, how long it took, what was broken."""
        lines = [f"{SEED}={self.seed}"]
        lines.append(", ".join(f"{count} {name}" for name, count in sorted(self.notes.counts.items())))
        lines.append(", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.seconds.items()))
        lines += [f"BROKEN {each}" for each in self.violations[:SHOWN]]
        if len(self.violations) > SHOWN:
            lines.append(f"and {len(self.violations) - SHOWN} more")
        return "\n  ".join(lines)


async def run(
    port: int,
    *,
    pairs: int,
    messages: int,
    habits: Habits,
    seed: int,
    incidents: Sequence[Incident] = (),
    before_reading: Callable[[], Awaitable[None]] | None = None,
) -> Run:
    """People register, talk until all is said and settled, and read what there is."""
    url = f"http://{HOST}:{port}"
    people: Pairs = await register_pairs(url, pairs)
    crowd = Crowd(port, seed)
    crowd.add(both_ways(people), messages, habits)
    started = time.perf_counter()
    async with crowd.connected():
        await crowd.finish(incidents)
    talked = time.perf_counter()
    if before_reading is not None:
        await before_reading()
    readings = await read_histories(url, people)
    read = time.perf_counter()
    violations = check(crowd.notes.events, readings)
    seconds = {"talking": talked - started, "reading": read - talked, "checking": time.perf_counter() - read}
    return Run(seed, crowd.notes, violations, seconds)
