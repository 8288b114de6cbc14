"""Metrics: what the parts of the server have measured, by the names under which monitors know it.

Every metric is a line of `METRICS`: its name, what it means, and where it is read. Nothing is done for one until
somebody asks; the parts count in plain numbers of their own (`core.measures`). `docs/operating.md` has the table that
`reference` makes, and a test holds the dashboard to it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from fireside import __version__
from fireside.auth.passwords import BcryptHasher
from fireside.core.batches import Batches
from fireside.core.measures import Histogram
from fireside.engines import Engine
from fireside.features.accounts.service import Accounts
from fireside.http.middleware import Traffic
from fireside.realtime.delivery import Devices
from fireside.realtime.options import Census
from fireside.realtime.server import EngineServer
from fireside.telemetry.pulse import Pulse
from fireside.wiring import Features

Value = float | Histogram
Values = Value | Mapping[tuple[str, ...], Value]
"""One, or one for each combination of labels."""


class Bus(Protocol):
    """The line to the other processes, as far as it is watched."""

    @property
    def is_up(self) -> bool: ...

    @property
    def sent(self) -> int: ...

    @property
    def received(self) -> int: ...

    @property
    def dropped(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a server that keep measures."""

    engine: Engine
    features: Features
    accounts: Accounts
    hasher: BcryptHasher
    devices: Devices
    sockets: EngineServer
    traffic: Traffic
    pulse: Pulse
    bus: Bus | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """The parts when somebody asks, and what has to be found out for the answer."""

    parts: Parts
    census: Census
    database_s: float | None
    """Seconds in which the database answered; None if it did not."""

    @property
    def logs(self) -> dict[str, list[Batches[Any]]]:
        """The batches of each log, by name."""
        features = self.parts.features
        return {"messages": [log.batches for log in features.log.logs], "changes": [features.change_log.batches]}


class Metric(NamedTuple):
    """One metric. `read` returns None where there is nothing to say."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    meaning: str
    read: Callable[[Moment], Values | None]
    labels: Sequence[str] = ()


METRICS = (
    Metric("fireside_info", "gauge", "Always 1; what runs.", lambda _m: {(__version__,): 1}, ["version"]),
    # What people do.
    Metric(
        "fireside_messages_stored_total",
        "counter",
        "Messages that are on disk, new ones only.",
        lambda m: sum(log.stored for log in m.parts.features.log.logs),
    ),
    Metric(
        "fireside_changes_stored_total",
        "counter",
        "Edits, deletions, reactions and pins that are on disk.",
        lambda m: m.parts.features.change_log.stored,
    ),
    Metric(
        "fireside_log_ins_total",
        "counter",
        "Log-ins, by what came of them: `ok`, or the code of the refusal.",
        lambda m: _by_one(m.parts.accounts.logged_in),
        ["outcome"],
    ),
    Metric(
        "fireside_registrations_total",
        "counter",
        "Registrations, by what came of them.",
        lambda m: _by_one(m.parts.accounts.registered),
        ["outcome"],
    ),
    Metric(
        "fireside_refusals_total",
        "counter",
        "What was refused, by wire (`http`, `socket`) and code.",
        lambda m: {
            (wire, code): count
            for wire, refusals in (("http", m.parts.traffic.refusals), ("socket", m.parts.sockets.metrics.refusals))
            for code, count in refusals.items()
        },
        ["wire", "code"],
    ),
    # The logs.
    Metric(
        "fireside_batch_items",
        "histogram",
        "Messages or changes that were written at once.",
        lambda m: {(name,): _sum(each.sizes for each in some) for name, some in m.logs.items()},
        ["log"],
    ),
    Metric(
        "fireside_commit_seconds",
        "histogram",
        "Time from the beginning of such a batch until it was durable. Who sends waits for one or two of them.",
        lambda m: {(name,): _sum(each.seconds for each in some) for name, some in m.logs.items()},
        ["log"],
    ),
    Metric(
        "fireside_waiting",
        "gauge",
        "What waits: for a batch (`messages`, `changes`), for SQLite's threads (`writes`, `reads`), for the hash of a "
        "password (`passwords`).",
        lambda m: {
            **{(name,): sum(map(len, some)) for name, some in m.logs.items()},
            **{(name,): count for name, count in m.parts.engine.waiting().items()},
            ("passwords",): m.parts.hasher.waiting,
        },
        ["queue"],
    ),
    Metric(
        "fireside_conversations_in_memory",
        "gauge",
        "Conversations that are kept in memory because something happens there.",
        lambda m: len(m.parts.features.talks),
    ),
    # Sockets.
    Metric(
        "fireside_connections",
        "gauge",
        "Clients that are connected, by transport.",
        lambda m: {("websocket",): m.census.websocket, ("polling",): m.census.polling},
        ["transport"],
    ),
    Metric(
        "fireside_people_connected", "gauge", "People with a device connected here.", lambda m: len(m.parts.devices)
    ),
    Metric(
        "fireside_connections_opened_total",
        "counter",
        "Connections that were opened.",
        lambda m: m.parts.sockets.metrics.opened,
    ),
    Metric(
        "fireside_connections_closed_total",
        "counter",
        "Connections that ended, by reason.",
        lambda m: _by_one(m.parts.sockets.metrics.closed),
        ["reason"],
    ),
    Metric(
        "fireside_connections_refused_total",
        "counter",
        "Connections that were not let in, because of their origin or number, or because they were none.",
        lambda m: m.parts.sockets.metrics.refused,
    ),
    Metric(
        "fireside_slow_clients_total",
        "counter",
        "Clients that were cut off because they did not read.",
        lambda m: m.parts.sockets.metrics.slow_consumers,
    ),
    Metric(
        "fireside_protocol_errors_total",
        "counter",
        "Clients that were cut off because what they sent was no Socket.IO.",
        lambda m: m.parts.sockets.metrics.protocol_errors,
    ),
    Metric(
        "fireside_outgoing_bytes",
        "gauge",
        "Bytes that wait for clients to take them.",
        lambda m: m.census.pending_bytes,
    ),
    Metric(
        "fireside_delivery_seconds",
        "histogram",
        "Time from the first frame of a turn that was queued until all of that turn had been handed to the network.",
        lambda m: m.parts.sockets.metrics.turns,
    ),
    # REST.
    Metric(
        "fireside_http_requests_total",
        "counter",
        "Requests, by method, route (`other`: none of the API) and status; polling is not among them.",
        lambda m: m.parts.traffic.requests,
        ["method", "route", "status"],
    ),
    Metric(
        "fireside_http_request_seconds",
        "histogram",
        "Time until they were answered.",
        lambda m: m.parts.traffic.seconds,
    ),
    # What is behind it.
    Metric(
        "fireside_database_up",
        "gauge",
        "1 if the database answers, asked when the metrics are.",
        lambda m: m.database_s is not None,
    ),
    Metric("fireside_database_ping_seconds", "gauge", "In which time; absent if it did not.", lambda m: m.database_s),
    Metric(
        "fireside_bus_up",
        "gauge",
        "1 if the bus is connected; absent, like all of the bus, where there is none.",
        lambda m: None if m.parts.bus is None else m.parts.bus.is_up,
    ),
    Metric(
        "fireside_bus_sent_total",
        "counter",
        "Entries that were told to other processes.",
        lambda m: None if m.parts.bus is None else m.parts.bus.sent,
    ),
    Metric(
        "fireside_bus_received_total",
        "counter",
        "Entries that were heard from other processes.",
        lambda m: None if m.parts.bus is None else m.parts.bus.received,
    ),
    Metric(
        "fireside_bus_dropped_total",
        "counter",
        "Entries that were not told, because the bus was away or slow. Clients notice by the numbers, and catch up.",
        lambda m: None if m.parts.bus is None else m.parts.bus.dropped,
    ),
    # The process.
    Metric(
        "fireside_loop_lag_seconds",
        "histogram",
        "By how much a timer of the event loop was late; one is tried every half second.",
        lambda m: m.parts.pulse.lag,
    ),
    Metric(
        "fireside_gc_pause_seconds",
        "histogram",
        "How long the garbage collector stopped everything, by generation.",
        lambda m: {(str(number),): each for number, each in enumerate(m.parts.pulse.collections)},
        ["generation"],
    ),
)


def _by_one(counts: Mapping[str, int]) -> dict[tuple[str, ...], Value]:
    return {(label,): count for label, count in counts.items()}


def _sum(some: Iterable[Histogram]) -> Histogram:
    """All of them as one. They have the same bounds."""
    first, *others = some
    whole = Histogram(first.bounds)
    for each in (first, *others):
        whole.counts = [a + b for a, b in zip(whole.counts, each.counts, strict=True)]
        whole.total += each.total
    return whole


def reference() -> str:
    """The table of docs/operating.md."""
    rows = (
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels) or '–'} "
        f"| {metric.meaning} |"
        for metric in METRICS
    )
    return "\n".join(["| metric | kind | labels | meaning |", "|---|---|---|---|", *rows, ""])
