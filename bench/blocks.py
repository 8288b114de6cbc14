"""What the messages of one pair cost, one in flight: a little at a time, so that several can be measured in turn."""

import asyncio
from dataclasses import dataclass, field
from statistics import fmean, median

from bench import figures
from bench.figures import Figures, Measure
from bench.load import Pair
from bench.proc import Window
from bench.servers import Running
from bench.workloads import drain, watch

SETTLE_S = 0.1


@dataclass(slots=True)
class Blocks:
    """Of each block the median time until a message is acknowledged, in ms; the server's CPU, in µs per message; and
    how much of a core others took, in percent."""

    acks: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)

    async def measure(self, server: Running, pair: Pair, seconds: float, silent: Window | None = None) -> None:
        """One more block, without what the server does when nobody speaks, if that is known."""
        pair.meter.restart()
        before, stopwatch = pair.meter.done, watch(server)
        await block(pair, seconds)
        window = stopwatch.read()
        at_rest_s = silent.server_s * window.wall_s / silent.wall_s if silent is not None else 0.0
        self.acks.append(figures.percentile(pair.meter.ack_s, 0.5) * 1000)
        self.costs.append((window.server_s - at_rest_s) / (pair.meter.done - before) * 1e6)
        self.others.append(100 * window.others)


async def block(pair: Pair, seconds: float) -> None:
    """One message after the other, for so long."""
    pair.begin(1, lockstep=True)
    await asyncio.sleep(seconds)
    await drain([pair], pair.meter)
    await asyncio.sleep(SETTLE_S)


def compared(found: dict[str, Blocks]) -> Figures:
    """The medians of each, and the last against the first."""
    rows = Figures()
    acks = {label: median(each.acks) for label, each in found.items()}
    costs = {label: median(each.costs) for label, each in found.items()}
    for name, values, digits in (("acknowledged, p50 ms", acks, 3), ("server CPU, µs per message", costs, 0)):
        rows |= {Measure(f"{label}: {name}", "neither", digits): value for label, value in values.items()}
        (few, first), *_, (many, last) = values.items()
        rows[Measure(f"{many} against {few}: {name}, times", "neither", 2)] = last / first
    return rows | {figures.OTHERS: max(fmean(each.others) for each in found.values())}
