"""How soon all was well again after something went wrong, by the record of a run.

It is well when everybody who was cut off is connected again, and everybody has what was said until the fault was over.
Where the next fault comes before that, its time is in it, too: these are upper bounds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fireside.torture.record import Acked, Befell, Closed, Handed, Line, Opened, Sent

NOTICED_S = 1.0
"""Who is cut off so soon after a fault is cut off by it: a death is instant, and noticed a little later."""

Span = tuple[float, float]
"""From when to when, in seconds."""


@dataclass(frozen=True)
class Recovery:
    """Of one fault, in seconds since it began."""

    fault: str
    lasted_s: float
    took_s: float


def recoveries(lines: Iterable[Line]) -> list[Recovery]:
    """One for each fault that began and ended, in order."""
    lines = list(lines)
    outages, messages = list(_outages(lines)), list(_messages(lines))
    found = []
    for what, (began, over) in _faults(lines):
        ends = [end for start, end in outages if began <= start <= over + NOTICED_S]
        ends += [end for start, end in messages if start <= over < end]
        found.append(Recovery(what, over - began, max([over, *ends]) - began))
    return found


def _faults(lines: Iterable[Line]) -> Iterator[tuple[str, Span]]:
    began: dict[str, float] = {}
    for each in lines:
        if isinstance(each, Befell):
            if not each.over:
                began[each.what] = each.at
            elif each.what in began:
                yield each.what, (began.pop(each.what), each.at)


def _outages(lines: Iterable[Line]) -> Iterator[Span]:
    """When a device was connected no more, until it was again."""
    devices: dict[int, str] = {}
    since: dict[str, float] = {}
    for each in lines:
        if isinstance(each, Opened):
            devices[each.connection] = each.device
            if each.device in since:
                yield since.pop(each.device), each.at
        elif isinstance(each, Closed):
            since.setdefault(devices[each.connection], each.at)


def _messages(lines: Iterable[Line]) -> Iterator[Span]:
    """From when somebody began to send a message until it was acknowledged and every program had it."""
    began: dict[tuple[str, str], float] = {}
    keys: dict[int, tuple[str, str]] = {}
    ended: dict[tuple[str, str], float] = {}
    acknowledged = set()
    for each in lines:
        if isinstance(each, Sent):
            key = keys[each.attempt] = each.user, each.client_id
            began.setdefault(key, each.at)
        elif isinstance(each, Acked) and each.attempt in keys and keys[each.attempt] not in acknowledged:
            acknowledged.add(keys[each.attempt])
            ended[keys[each.attempt]] = each.at
        elif isinstance(each, Handed) and each.row.key in began:
            ended[each.row.key] = each.at
    return ((began[key], at) for key, at in ended.items())
