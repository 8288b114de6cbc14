"""`make torture`: the long run, against a deployment of our own. `--help` lists what can be had otherwise.

Without options: two nodes of two workers each, on a replica set of three and Valkey, 200 clients of all transports, and
each kind of fault at least five times.
"""

import argparse
import asyncio
import secrets
import shlex
import signal
import sys
import tempfile
from pathlib import Path
from random import Random

from fireside.torture.faults import network_faults, plan_takes_s
from fireside.torture.proxy import Proxy
from fireside.torture.report import report
from fireside.torture.run import Order, Outcome, run
from tests.torture.deployment import Topology, running_deployment


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make torture ARGS=…", description=__doc__)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--database", choices=["sqlite", "mongod", "replica set"], default="replica set")
    parser.add_argument("--no-valkey", dest="valkey", action="store_false")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument(
        "--rate", type=float, default=6.0, help="messages a second: what two cores carry beside all the rest"
    )
    parser.add_argument("--storm", type=int, default=1000, help="reconnects in a burst")
    parser.add_argument("--times", type=int, default=5, help="that each kind of fault happens")
    parser.add_argument("--minutes", type=float, help="how long things go wrong, instead of --times")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--record", type=Path)
    return parser.parse_args()


async def torture(given: argparse.Namespace) -> Outcome:
    topology = Topology(given.nodes, given.workers, given.database, given.valkey)
    print(f"{topology}, seed {given.seed}", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="fireside-torture-") as folder:
        async with running_deployment(Path(folder), topology, Random(given.seed)) as deployment:
            kinds = len(network_faults(Proxy([], Random(0)))) + len(deployment.faults) + bool(given.storm)
            duration_s = 60 * given.minutes if given.minutes else plan_takes_s(kinds * given.times)
            order = Order(
                urls=deployment.urls,
                seed=given.seed,
                duration_s=duration_s,
                clients=given.clients,
                rate=given.rate,
                storm=given.storm,
                faults=deployment.faults,
                record=given.record,
                again=again(given),
            )
            return await run(order, lambda text: print(text, file=sys.stderr, flush=True))


def again(given: argparse.Namespace) -> str:
    """What does the same as this command line does."""
    words = [each for each in sys.argv[1:] if each]
    if not any(each.startswith("--seed") for each in words):
        words += ["--seed", str(given.seed)]
    return f'make torture ARGS="{shlex.join(words)}"'


def main() -> None:
    # What was started has to be stopped, whoever says that it is over: as Ctrl-C does, this cancels the run.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    outcome = asyncio.run(torture(options()))
    print(report(outcome))
    sys.exit(not outcome.is_green)


if __name__ == "__main__":
    main()
