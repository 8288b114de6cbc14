"""Every workload by its name. Each takes a running, empty server and gives figures."""

from collections.abc import Awaitable, Callable

from bench.catchup import catchup
from bench.fanout import fanout
from bench.figures import Figures
from bench.growth import growth
from bench.nodes import nodes
from bench.plan import Plan
from bench.scaling import scaling
from bench.servers import Running
from bench.slow import slow
from bench.storm import storm
from bench.workloads import durable, history, idle, openloop, pingpong

Workload = Callable[[Running, Plan], Awaitable[Figures]]
WORKLOADS: dict[str, Workload] = {
    "durable": durable,
    "pingpong": pingpong,
    "openloop": openloop,
    "idle": idle,
    "history": history,
    "fanout": fanout,
    "catchup": catchup,
    "growth": growth,
    "scaling": scaling,
    "storm": storm,
    "slow": slow,
    "nodes": nodes,
}
WITHOUT_REFERENCE = frozenset({"catchup", "growth", "nodes", "scaling", "slow"})
"""It has nothing of the kind: these compare each engine with itself."""
ON_MONGODB_ALONE = frozenset({"nodes"})
