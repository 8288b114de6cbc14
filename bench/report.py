"""The report: every figure as the median of its rounds with the range, and its ratio to the reference.

A ratio is taken within a round, then the median of the rounds: what disturbs the machine for a while disturbs both.
Above 1 is better than the reference, whichever way the figure points.
"""

import math
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.figures import DISTURBED, LOAD, OTHERS, Figures, Measure

REFERENCE = "node"
BUSY = 85.0
HOW = (
    "Written by `make bench`. Each figure is the median of its rounds (lowest–highest). **×** is how many times better "
    "than the Node reference, taken within each round, then the median: above 1 is better, "
    "whichever way the figure points."
)


@dataclass(frozen=True, slots=True)
class Run:
    """One system in one round of one workload."""

    workload: str
    round: int
    system: str
    figures: Figures


@dataclass(slots=True)
class Report:
    """All runs, and how they were made."""

    systems: Sequence[str]
    about: dict[str, str]
    heading: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def values(self, workload: str, system: str, measure: Measure) -> dict[int, float]:
        """By round."""
        of_interest = (run for run in self.runs if (run.workload, run.system) == (workload, system))
        return {run.round: run.figures[measure] for run in of_interest if measure in run.figures}

    def ratio(self, workload: str, system: str, measure: Measure) -> float:
        """How many times better than the reference; not a number where one of them has no figure."""
        ours, theirs = self.values(workload, system, measure), self.values(workload, REFERENCE, measure)
        ratios = [_times_better(ours[number], theirs[number], measure) for number in ours.keys() & theirs.keys()]
        return median(ratios) if ratios else math.nan

    def markdown(self) -> str:
        sections = ["# Performance, measured", HOW, _bullets(self.heading + self.failures)]
        for workload, about in self.about.items():
            if any(run.workload == workload for run in self.runs):
                sections.append(f"## {workload}\n\n{about}\n\n{self.table(workload)}")
                sections.extend(_bullets(notes) for notes in [self.limits(workload)] if notes)
        return "\n\n".join(sections) + "\n"

    def limits(self, workload: str) -> list[str]:
        """What a reader must know before quoting: a disturbed round, or a load that was itself the limit."""
        notes = []
        for system in self.systems:
            others = self.values(workload, system, OTHERS).values()
            load = self.values(workload, system, LOAD).values()
            if disturbed := [f"{share:.0f} %" for share in others if share > DISTURBED]:
                notes.append(
                    f"**Disturbed, not to be quoted**: {system}, {len(disturbed)} of {len(others)} rounds, in which "
                    f"others took {', '.join(disturbed)} of a core. What needs the most CPU suffers the most from it."
                )
            if load and median(load) >= BUSY:
                notes.append(
                    f"{system}: mongod and the load generator used {median(load):.0f} % of their core. "
                    "The rate is theirs as much as the server's; the server's CPU is the sounder figure."
                )
        return notes

    def table(self, workload: str) -> str:
        present = [name for name in self.systems if any((r.workload, r.system) == (workload, name) for r in self.runs)]
        head, rule = "| |", "|---|"
        for system in present:
            head += f" {system} |" + ("" if system == REFERENCE else " × |")
            rule += "---:|" + ("" if system == REFERENCE else "---:|")
        found = dict.fromkeys(key for run in self.runs if run.workload == workload for key in run.figures)
        measures = sorted(found, key=OTHERS.__eq__)  # as they came, but this one last
        return "\n".join([head, rule, *(self._row(workload, present, measure) for measure in measures)])

    def _row(self, workload: str, systems: Iterable[str], measure: Measure) -> str:
        row = f"| {measure.label} |"
        for system in systems:
            row += f" {_cell(list(self.values(workload, system, measure).values()), measure)} |"
            if system != REFERENCE:
                row += f" {_factor(self.ratio(workload, system, measure))} |"
        return row


def _times_better(ours: float, theirs: float, measure: Measure) -> float:
    if measure.better == "neither" or not ours or not theirs:
        return math.nan
    return ours / theirs if measure.better == "more" else theirs / ours


def _cell(values: list[float], measure: Measure) -> str:
    if not values:
        return "–"
    if any(math.isnan(value) for value in values):
        return "saturated"
    texts = [f"{value:,.{measure.digits}f}" for value in (median(values), min(values), max(values))]
    return texts[0] if len(values) == 1 else f"{texts[0]} ({texts[1]}–{texts[2]})"


def _factor(ratio: float) -> str:
    if math.isnan(ratio):
        return ""
    return f"**{ratio:.1f}**" if ratio >= 10 else f"**{ratio:.2f}**"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def machine(cpu: str, node: str, mongod: str, fsync_ms: float) -> str:
    """One line about where this was measured."""
    return (
        f"{cpu}, {os.cpu_count()} cores; Linux {platform.release()}; Python {platform.python_version()}, "
        f"Node {node.removeprefix('v')}, mongod {mongod}; fdatasync {fsync_ms:.2f} ms"
    )
