"""What a run says at its end, for people: green or what was broken, what happened, and how to do it again."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median

from fireside.torture.check import RULES
from fireside.torture.record import Acked, Befell, Closed, Handed, Heard, History, Opened, Refused, Sent
from fireside.torture.recovery import recoveries
from fireside.torture.run import Outcome

SHOWN = 5
"""Of the breaches of a rule."""


def report(outcome: Outcome) -> str:
    """All of it."""
    parts = _happenings(outcome), _recoveries(outcome), _rules(outcome), [_again(outcome)]
    lines = [_verdict(outcome), *(line for part in parts for line in ("", *part))]
    return "\n".join(lines)


def _verdict(outcome: Outcome) -> str:
    if outcome.is_green:
        return "GREEN: every promise was kept."
    broken = Counter(each.rule.number for each in outcome.findings)
    return "RED: " + ", ".join(f"{number} broken {times} times" for number, times in broken.items())


def _happenings(outcome: Outcome) -> list[str]:
    lines = outcome.record.lines
    kinds = Counter(type(each) for each in lines)
    befell = Counter(each.what for each in lines if isinstance(each, Befell) and not each.over)
    transports = Counter(each.transport for each in lines if isinstance(each, Opened))
    took = latencies(outcome)
    return [
        ", ".join(f"{times} {name}" for name, times in sorted(outcome.counts.items())),
        f"{kinds[Sent]} sends, {kinds[Acked]} acknowledgements, {kinds[Refused]} refusals, {kinds[Heard]} frames, "
        f"{kinds[Handed]} messages handed to programs, {kinds[History]} histories read",
        f"connections: {', '.join(f'{n} {name}' for name, n in sorted(transports.items()))}; {kinds[Closed]} ended",
        f"befell: {', '.join(f'{n} x {name}' for name, n in sorted(befell.items()))}",
        f"frames out of order: {out_of_order(outcome)} (devices put them right)",
        "acknowledged after: " + ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in took),
        ", ".join(f"{name} {seconds:.1f} s" for name, seconds in outcome.seconds.items()),
    ]


def _recoveries(outcome: Outcome) -> list[str]:
    found = defaultdict(list)
    for each in recoveries(outcome.record.lines):
        found[each.fault].append(each)
    width = max(map(len, found), default=0)
    lines = ["until all were back and had what was said meanwhile, in seconds since the fault began:"]
    for fault, those in sorted(found.items()):
        lasted, took = median(each.lasted_s for each in those), [each.took_s for each in those]
        lines.append(
            f"  {fault:<{width}}  median {median(took):5.1f}, worst {max(took):5.1f}; "
            f"{len(those)} times, it lasts {lasted:.1f} itself"
        )
    return lines


def latencies(outcome: Outcome) -> Sequence[tuple[str, float]]:
    """How long messages took from the first attempt to the first acknowledgement, in seconds, faults included."""
    began: dict[tuple[str, str], float] = {}
    keys: dict[int, tuple[str, str]] = {}
    took: dict[tuple[str, str], float] = {}
    for each in outcome.record.lines:
        if isinstance(each, Sent):
            key = keys[each.attempt] = each.user, each.client_id
            began.setdefault(key, each.at)
        elif isinstance(each, Acked) and each.attempt in keys:
            took.setdefault(keys[each.attempt], each.at - began[keys[each.attempt]])
    times = sorted(took.values())
    if not times:
        return [("never", 0.0)]
    return [(name, times[int(share * (len(times) - 1))]) for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))]


def out_of_order(outcome: Outcome) -> int:
    """Frames that came to a connection after one with a higher number of their conversation."""
    highest: dict[tuple[int, str], int] = {}
    count = 0
    for each in outcome.record.lines:
        if isinstance(each, Heard):
            key = each.connection, each.row.conversation
            count += each.row.seq <= highest.get(key, 0)
            highest[key] = max(highest.get(key, 0), each.row.seq)
    return count


def _rules(outcome: Outcome) -> list[str]:
    lines = []
    for rule in RULES:
        broken = [each.what for each in outcome.findings if each.rule is rule]
        lines.append(f"{'BROKEN' if broken else 'kept  '} {rule.value}")
        lines += [f"         {what}" for what in broken[:SHOWN]]
        if len(broken) > SHOWN:
            lines.append(f"         and {len(broken) - SHOWN} more")
    return lines


def _again(outcome: Outcome) -> str:
    order = outcome.order
    urls = " ".join(f"--url {each}" for each in order.urls)
    words = f"fireside torture {urls} --seed {order.seed} --minutes {order.duration_s / 60:g} --clients {order.clients}"
    kept = f"\nrecord: {order.record}" if order.record is not None else ""
    return f"seed {order.seed}; again: {order.again or f'{words} --rate {order.rate:g}'}{kept}"
