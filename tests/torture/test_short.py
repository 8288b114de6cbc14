"""A short run in each setting, as part of all tests; `make torture` is the long one.

`FIRESIDE_TEST_SEED` repeats the choices of a run.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from fireside.torture.faults import Fault
from fireside.torture.record import Befell
from fireside.torture.report import report
from fireside.torture.run import Order, Outcome, run
from tests.durability.runs import new_seed
from tests.serving import FiresideProcess
from tests.torture.deployment import Topology, running_deployment

pytestmark = pytest.mark.timeout(300)

DOWN_S = 0.5
HEARTBEATS = {"FIRESIDE_PING_INTERVAL_S": "3", "FIRESIDE_PING_TIMEOUT_S": "4"}
"""Who is cut off without being told notices it so soon."""
KILLS = ("kill the primary", "kill Valkey", "kill a worker", "restart a node")
NETWORK = ("cut", "ends after bytes", "half open", "lost answers", "refuse")
"""Faults that take things away. Those that only take time are for longer runs."""


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[Outcome], None]:
    """Says what happened, also when all went well."""

    def print_report(outcome: Outcome) -> None:
        with capsys.disabled():
            print(f"\n{report(outcome)}")

    return print_report


def killing(server: FiresideProcess) -> Fault:
    """kill -9, and start again."""

    async def kill(_: Random) -> None:
        server.kill()
        await asyncio.sleep(DOWN_S)
        await server.start()

    return kill


def order(server: FiresideProcess, **faults: Fault) -> Order:
    return Order(urls=[server.url], seed=new_seed(), duration_s=12, clients=12, rate=30, faults=faults, network=NETWORK)


def require_green(outcome: Outcome) -> None:
    """Nothing was broken, and what was to happen has happened."""
    assert outcome.is_green, report(outcome)
    befell = {each.what for each in outcome.record.lines if isinstance(each, Befell)}
    assert befell >= {*(outcome.order.network or ()), *outcome.order.faults}
    for what in ("acknowledged", "messages sent twice at once", "bad messages", "comings and goings", "pages read"):
        assert outcome.counts[what], f"nothing of this has happened: {what}"


async def test_a_node_on_sqlite_keeps_every_promise_though_it_is_killed(
    tmp_path: Path, show: Callable[[Outcome], None]
) -> None:
    async with FiresideProcess(tmp_path, HEARTBEATS) as server:
        outcome = await run(order(server, kill=killing(server)))
    show(outcome)
    require_green(outcome)


async def test_nodes_with_workers_keep_every_promise_though_all_there_is_is_killed(
    tmp_path: Path, show: Callable[[Outcome], None]
) -> None:
    """What `make torture` does to processes, once, but for what takes long; and everybody is cut off and comes back."""
    seed = new_seed()
    topology = Topology(nodes=2, workers=2, database="replica set", valkey=True)
    async with running_deployment(tmp_path, topology, Random(seed)) as deployment:
        outcome = await run(
            Order(
                urls=deployment.urls,
                seed=seed,
                duration_s=15,
                clients=20,
                rate=30,
                storm=100,
                faults={name: deployment.faults[name] for name in KILLS},
                network=(),
            )
        )
    show(outcome)
    require_green(outcome)
