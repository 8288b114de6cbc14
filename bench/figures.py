"""What is measured: names, directions, and percentiles."""

from __future__ import annotations  # array[float] is a type only for the type checker on Python 3.11

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the report. `better` says which way is good; "neither" is a condition of the run, without a ratio."""

    label: str
    better: Literal["more", "less", "neither"]
    digits: int = 0


Figures = dict[Measure, float]

MESSAGES = Measure("messages/s", "more")
SERVER = Measure("server CPU, µs per message", "less", 1)
DATABASE = Measure("mongod CPU, µs per message", "neither", 1)
GENERATOR = Measure("generator CPU, µs per message", "neither", 1)
ACK_P50 = Measure("acknowledged, p50 ms", "less", 2)
ACK_P99 = Measure("acknowledged, p99 ms", "less", 2)
DELIVERY_P50 = Measure("delivered, p50 ms", "less", 2)
DELIVERY_P99 = Measure("delivered, p99 ms", "less", 2)
LOAD = Measure("mongod and generator, % of what they may use", "neither")
OTHERS = Measure("used by the kernel and other programs, % of a core", "neither")

HANDSHAKES = Measure("handshakes/s", "more")
HANDSHAKE_CPU = Measure("server CPU, µs per handshake", "less")
MEMORY = Measure("memory, KiB per connection", "less", 1)

DISTURBED = 25.0  # % of a core in OTHERS; the kernel's own threads take 5 to 15 where there is much to fsync


def core(number: int) -> Measure:
    return Measure(f"core {number} busy, %", "neither")


def percentile(values: Sequence[float] | array[float], share: float) -> float:
    """The value `share` of all values do not exceed; not a number if there are none."""
    if not values:
        return math.nan
    return sorted(values)[min(len(values) - 1, math.ceil(share * len(values)) - 1)]


def latencies(ack_s: array[float], delivery_s: array[float]) -> Figures:
    """The four rows every latency table has, in milliseconds."""
    return {
        ACK_P50: percentile(ack_s, 0.50) * 1000,
        ACK_P99: percentile(ack_s, 0.99) * 1000,
        DELIVERY_P50: percentile(delivery_s, 0.50) * 1000,
        DELIVERY_P99: percentile(delivery_s, 0.99) * 1000,
    }
