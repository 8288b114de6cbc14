"""Judges a run by its record: were the promises kept? Pure, so that it can be tested itself.

`check` gives what was broken; nothing means green. Each rule is a function from the facts to its breaches: those about
what is stored are here, those about what reaches people in `check_people.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fireside.torture import check_people
from fireside.torture.facts import Facts
from fireside.torture.record import Line, Row, Sent


class Rule(StrEnum):
    """What must hold."""

    VALID = "I0: the run shows something: there are acknowledgements, frames, messages handed over and histories"
    KEPT = "I1: what was acknowledged or came to anybody is in the history, unchanged"
    ONCE = "I2: what was sent under one name is in the history at most once"
    TRUE = "I3: nothing is there, or came to anybody, that was never sent, was refused, or is somebody else's"
    CONTIGUOUS = "I4: the history is numbered 1, 2, 3 …, and no id is given twice"
    SAME = "I5: everybody reads the same of what is theirs to see"
    HANDED_OVER = "I6: every device has every message of its owner, and gives each to its program once"
    IN_ORDER = "I7: what was acknowledged before another message was sent stands before it"
    FRESH = "I8: who reads after an acknowledgement finds it"
    AGREED = "I9: acknowledgements, frames and devices say what the history says, however often"
    RISING = "I10: a device gives a conversation to its program in the order of its numbers"
    PRIVATE = "I11: nobody is told or reads what is not theirs"
    FORWARD = "I12: receipts never go back, nor beyond the history"
    SERVED = "B1: what may be sent is stored in the end, and what may not is refused"

    @property
    def number(self) -> str:
        return self.value.partition(":")[0]


@dataclass(frozen=True)
class Finding:
    """A rule that was broken, and by what."""

    rule: Rule
    what: str

    def __str__(self) -> str:
        return f"{self.rule.number} {self.what}"


def check(lines: Iterable[Line]) -> list[Finding]:
    """Everything that was broken."""
    facts = Facts.of(lines)
    return [Finding(rule, what) for rule, breaches in RULES.items() for what in breaches(facts)]


def _valid(facts: Facts) -> Iterator[str]:
    counted: dict[str, object] = {
        "acknowledgements": any(True for _ in facts.acks()),
        "frames": facts.heard,
        "messages handed to a program": facts.handed,
        "histories": facts.histories,
        "devices": facts.held,
    }
    for name, found in counted.items():
        if not found:
            yield f"the run is invalid: there are no {name}"
    for conversation in facts.talks.keys() - facts.histories.keys():
        yield f"the run is invalid: nobody has read {conversation}"


def _kept(facts: Facts) -> Iterator[str]:
    stored = {(row.conversation, row.seq): row for whole in facts.whole.values() for row in whole}
    for attempt in facts.acks():
        row = attempt.row
        assert row is not None
        if isinstance(attempt.asked, Sent):
            if row.key not in facts.rows:
                yield f"{_name(row)} was acknowledged and is not there"
        elif stored.get((row.conversation, row.seq)) != row:
            yield f"{_name(row)}, that {attempt.asked.kind}, was acknowledged and is not there"
    for heard in facts.heard:
        row = heard.row
        if row.key in facts.sends and row.key not in facts.rows:
            yield f"{_name(row)} came to {heard.user} and is not there"
    for key, rows in facts.rows.items():
        sent = {each.asked.digest for each in facts.sends.get(key, ()) if isinstance(each.asked, Sent)}
        for row in rows:
            if sent and row.digest not in sent:
                yield f"{_name(row)} has another content"


def _once(facts: Facts) -> Iterator[str]:
    for rows in facts.rows.values():
        if len(rows) > 1:
            yield f"{_name(rows[0])} is there {len(rows)} times: {[row.seq for row in rows]}"


def _true(facts: Facts) -> Iterator[str]:
    for key, rows in facts.rows.items():
        sends = facts.sends.get(key, ())
        for row in rows:
            if not sends:
                yield f"{_name(row)} is there and was never sent"
            elif _is_elsewhere(facts, row):
                yield f"{_name(row)} is in another conversation than it was sent to"
            elif _was_refused(facts, row):
                yield f"{_name(row)} is there and was refused"
    for heard in facts.heard:
        if not heard.row.kind and heard.row.key not in facts.sends:
            yield f"{_name(heard.row)} came to {heard.user} and was never sent"
    asked = Counter(
        (each.asked.user, each.asked.conversation, each.asked.kind, each.asked.who)
        for each in facts.changes
        if not isinstance(each.asked, Sent) and each.may_be_stored
    )
    done = Counter(
        (row.sender, row.conversation, row.kind, row.who) for whole in facts.whole.values() for row in whole if row.kind
    )
    for what, times in (done - asked).items():
        if what[2] != "groupCreated":
            yield f"{what} happened {times} times more than it was asked for"


def _is_elsewhere(facts: Facts, row: Row) -> bool:
    talk = facts.talks.get(row.conversation)
    if talk is None:
        return True
    places = {row.conversation, *(talk.members if talk.kind == "direct" else ())}
    return not any(isinstance(each.asked, Sent) and each.asked.place in places for each in facts.sends[row.key])


def _was_refused(facts: Facts, row: Row) -> bool:
    """Each time that this was sent under this name, it was certainly refused."""
    tried = [each for each in facts.sends[row.key] if isinstance(each.asked, Sent) and each.asked.digest == row.digest]
    return bool(tried) and not any(each.may_be_stored for each in tried)


def _contiguous(facts: Facts) -> Iterator[str]:
    for histories in facts.histories.values():
        for history in histories:
            numbers = [row.seq for row in history.rows]
            first = history.since + 1
            if numbers != list(range(first, first + len(numbers))):
                place = next(place for place, seq in enumerate(numbers) if seq != first + place)
                where = f"{history.user} reads {history.conversation} ({history.how})"
                yield f"{where}: number {numbers[place]} stands where {first + place} should"
    for conversation, whole in facts.whole.items():
        if whole and whole[0].seq != 1:
            yield f"{conversation} begins at {whole[0].seq}"
    for each, times in Counter(row.id for whole in facts.whole.values() for row in whole).items():
        if times > 1:
            yield f"the id {each} is there {times} times"


def _same(facts: Facts) -> Iterator[str]:
    for conversation, histories in facts.histories.items():
        for history in histories:
            theirs = list(facts.seen(conversation, (history.since, history.until)))
            if list(history.rows) != theirs:
                odd = next(
                    (one.seq for one, other in zip(history.rows, theirs, strict=False) if one != other), "its end"
                )
                yield f"{history.user} reads {conversation} ({history.how}) differently from {odd} on"


def _in_order(facts: Facts) -> Iterator[str]:
    acked: dict[str, list[tuple[int, Row]]] = defaultdict(list)
    first_acks: dict[tuple[str, str], int] = {}
    for attempt in sorted(facts.acks(), key=lambda each: each.acked):
        assert attempt.row is not None
        if isinstance(attempt.asked, Sent) and first_acks.setdefault(attempt.row.key, attempt.acked) == attempt.acked:
            for row in facts.rows.get(attempt.row.key, ())[:1]:
                acked[row.conversation].append((attempt.acked, row))
    sent: dict[str, list[tuple[int, Row]]] = defaultdict(list)
    for key, rows in facts.rows.items():
        # A time that was refused for certain made nothing of it.
        times = [each.time for each in facts.sends.get(key, ()) if each.may_be_stored]
        if times:
            sent[rows[0].conversation].append((min(times), rows[0]))
    for conversation, sends in sent.items():
        acks = iter(acked[conversation])
        ack = next(acks, None)
        highest: Row | None = None
        for time, row in sorted(sends, key=lambda each: each[0]):
            while ack is not None and ack[0] < time:
                highest = ack[1] if highest is None or ack[1].seq > highest.seq else highest
                ack = next(acks, None)
            if highest is not None and highest.seq > row.seq:
                yield f"{_name(row)} stands before {_name(highest)}, which had been acknowledged when it was sent"


def _agreed(facts: Facts) -> Iterator[str]:
    for attempt in facts.acks():
        assert attempt.row is not None
        stored = facts.rows.get(attempt.row.key, ())
        if stored and attempt.row not in stored:
            yield f"{_name(attempt.row)} was acknowledged and is {_name(stored[0])}"
    for key, attempts in facts.sends.items():
        answers = {each.row for each in attempts if each.row is not None}
        if len(answers) > 1:
            yield f"{key} was acknowledged as {sorted(_name(row) for row in answers)}"
    stored_at = {(row.conversation, row.seq): row for whole in facts.whole.values() for row in whole}
    for heard in facts.heard:
        if stored_at.get((heard.row.conversation, heard.row.seq), heard.row) != heard.row:
            yield f"a frame to {heard.user} says {_name(heard.row)}, and the history does not"
    for (device, _), handed in facts.handed.items():
        for each in handed:
            if stored_at.get((each.row.conversation, each.row.seq), each.row) != each.row:
                yield f"{device} gave its program {_name(each.row)}, and the history does not say so"


def _served(facts: Facts) -> Iterator[str]:
    for key, attempts in facts.sends.items():
        first = attempts[0].asked
        assert isinstance(first, Sent)
        acked = any(each.row is not None for each in attempts)
        if first.bad:
            if acked:
                yield f"{key} was acknowledged and may not be sent"
        elif not acked and _is_settled(facts, first):
            codes = sorted({each.refused.code for each in attempts if each.refused is not None})
            yield f"{key} was sent {len(attempts)} times and never acknowledged {codes}"
    yield from facts.failures


def _is_settled(facts: Facts, sent: Sent) -> bool:
    """Whether its sender was in the conversation all the time."""
    talk = facts.talks.get(sent.place)
    return talk is None or talk.stay or facts.spans[sent.place].get(sent.user) == [(0, None)]


def _name(row: Row) -> str:
    return f"{row.sender}'s {row.client_id} (number {row.seq} of {row.conversation})"


RULES: Mapping[Rule, Callable[[Facts], Iterator[str]]] = {
    Rule.VALID: _valid,
    Rule.KEPT: _kept,
    Rule.ONCE: _once,
    Rule.TRUE: _true,
    Rule.CONTIGUOUS: _contiguous,
    Rule.SAME: _same,
    Rule.HANDED_OVER: check_people.handed_over,
    Rule.IN_ORDER: _in_order,
    Rule.FRESH: check_people.fresh,
    Rule.AGREED: _agreed,
    Rule.RISING: check_people.rising,
    Rule.PRIVATE: check_people.private,
    Rule.FORWARD: check_people.forward,
    Rule.SERVED: _served,
}
