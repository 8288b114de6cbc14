"""The command: which systems, which workloads, how often, and where the report goes.

Workload by workload, round by round, the order of the systems rotates (ABC, BCA, CAB) and one is up at a time.
"""

import argparse
import gc
import os
import resource
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

import uvloop

from bench import figures, proc, report, servers
from bench.catalogue import ON_MONGODB_ALONE, WITHOUT_REFERENCE, WORKLOADS
from bench.figures import Figures
from bench.plan import QUICK, Plan
from bench.report import Report, Run
from bench.servers import Layout, Mongod, System

TRIES, QUICK_TRIES = 3, 1
QUIET_S = 5.0  # waited for silence before a round, times the tries


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Fireside beside the Node reference.")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="short, once, small: does it work? (flatters Fireside: Node is not warm yet)",
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each workload runs (3)")
    parser.add_argument(
        "--only", action="append", choices=WORKLOADS, metavar="NAME", help=f"one of {', '.join(WORKLOADS)}"
    )
    parser.add_argument(
        "--systems", nargs="+", choices=[system.name for system in servers.SYSTEMS], help="all by default"
    )
    parser.add_argument("--layout", choices=("split", "shared"), default="split", help="who runs on which core (split)")
    parser.add_argument("--tries", type=int, metavar="N", help=f"how often a disturbed round is run at most ({TRIES})")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the report there, as Markdown")
    return parser.parse_args()


class Session:
    """One run of the whole benchmark: a mongod, a layout, and what has been measured so far."""

    def __init__(
        self, mongod: Mongod, scratch: Path, layout: Layout, plan: Plan, systems: list[System], tries: int
    ) -> None:
        self._mongod, self._scratch, self._layout = mongod, scratch, layout
        self._plan, self._systems, self._tries = plan, systems, tries
        about = {name: " ".join((workload.__doc__ or "").split()) for name, workload in WORKLOADS.items()}
        self.report = Report([system.name for system in systems], about)

    def calibrate(self) -> str:
        """What the generator does when the server does nothing: everything below is far from that, or suspect."""
        alone = self._measure("durable", servers.NULL)
        rate, cost = alone[figures.MESSAGES], alone[figures.GENERATOR]
        return (
            f"the load generator alone, against a server that only answers: {rate:,.0f} messages/s, {cost:.1f} µs each"
        )

    def workload(self, name: str, rounds: int) -> None:
        systems = [each for each in self._systems if _takes_part(each, name)]
        for number in range(rounds):
            turn = number % max(len(systems), 1)
            for system in systems[turn:] + systems[:turn]:
                found = self._try(name, system)
                self.report.runs.append(Run(name, number, system.name, found))
                shown = ", ".join(f"{key.label} {value:,.{key.digits}f}" for key, value in found.items())
                print(f"{name} {number + 1}/{rounds} {system.name}: {shown}", file=sys.stderr, flush=True)
        if name == "durable":
            rates = {s.name: self.report.values(name, s.name, figures.MESSAGES).values() for s in self._systems}
            self._plan = replace(self._plan, capacity={name: median(found) for name, found in rates.items() if found})

    def _try(self, workload: str, system: System) -> Figures:
        """A round in which strangers took part is run again, and the least disturbed counts.

        No figures if it went wrong; the report says so and the command fails in the end.
        """
        tries: list[Figures] = []
        try:
            while len(tries) < self._tries and (not tries or tries[-1][figures.OTHERS] > figures.DISTURBED):
                tries.append(self._measure(workload, system))
        except (RuntimeError, OSError) as error:
            print(f"{workload} {system.name} failed: {error}", file=sys.stderr, flush=True)
            self.report.failures.append(f"**failed**: {workload}, {system.name}: {str(error).splitlines()[0]}")
            return {}
        return min(tries, key=lambda found: found[figures.OTHERS])

    def _measure(self, workload: str, system: System) -> Figures:
        gc.collect()
        proc.wait_for_quiet(QUIET_S * self._tries)
        with servers.running(system, self._mongod, self._scratch, self._layout) as server:
            return uvloop.run(_as_coroutine(workload, server, self._plan))


def _takes_part(system: System, workload: str) -> bool:
    if system is servers.NODE_REFERENCE:
        return workload not in WITHOUT_REFERENCE
    return workload not in ON_MONGODB_ALONE or system.database == "mongod"


async def _as_coroutine(workload: str, server: servers.Running, plan: Plan) -> Figures:
    return await WORKLOADS[workload](server, plan)


def prepare(layout: Layout) -> None:
    """This process is the load generator: on its cores, with room for sockets, without pauses, ending tidily."""
    os.sched_setaffinity(0, layout.generator)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.disable()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # even in the background; the event loop knows this one
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def main() -> None:
    options = arguments()
    layout = servers.layouts()[options.layout]
    systems = [system for system in servers.SYSTEMS if not options.systems or system.name in options.systems]
    chosen = [name for name in WORKLOADS if not options.only or name in options.only]
    if "openloop" in chosen and "durable" not in chosen:
        chosen.insert(0, "durable")  # the open loop needs to know each capacity
    servers.install_reference()
    prepare(layout)
    with tempfile.TemporaryDirectory(prefix="fireside-bench-") as folder:
        scratch = Path(folder)
        with Mongod(scratch, layout) as mongod:
            fsync = proc.fsync_ms(scratch)
            plan, tries = (QUICK, QUICK_TRIES) if options.quick else (Plan(), TRIES)
            tries = options.tries or tries
            session = Session(mongod, scratch, layout, plan, systems, tries)
            machine = report.machine(proc.cpu_model(), servers.node_version(), mongod.version, fsync)
            session.report.heading += [machine, f"layout {layout}", session.calibrate()]
            for name in chosen:
                session.workload(name, options.rounds)
                if options.write:
                    # Each time: it takes more than an hour, and who has to stop it keeps what there is.
                    options.write.write_text(session.report.markdown())
    print(session.report.markdown())
    if session.report.failures:
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # everything that was started has been stopped on the way here
        sys.exit(130)
