"""Judges a run after it: were the promises about messages kept? Pure, so that it can be tested itself.

`check` takes the journal of a run and the histories read at its end, and gives what was broken; nothing means green.
There are three outcomes of a send, and most home-made checkers mix up the last two:

- acknowledged: it is stored, as the message in the acknowledgement;
- refused for good: it is certainly not stored;
- anything else (a lost connection, a time-out, `unavailable`, `internal`): unknown. It is there once, or not at all,
  and sending it again with the same client id is how to find out.

The order that is promised, exactly (I7). Let j be a message, and i another of the same conversation.
- If i had been acknowledged before j was sent for the first time, by whomever, i comes before j.
- If each time that j was sent, i had been acknowledged already or had been sent earlier on the same connection, i comes
  before j, unless i was ever refused: who is refused and asks again goes to the end of the line.
So a client keeps its order through any number of lost connections by sending again, in order, what was not
acknowledged, before anything new. A copy that takes another way (a second socket, say) may overtake what was not.
"""

from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from tests.durability.journal import Acked, Delivered, Drained, Event, Key, Message, Opened, Reading, Refused, Sent

Pair = tuple[str, str]


class Rule(StrEnum):
    """What must hold. The numbers are those of the fault-injection plan; the others need groups or receipts."""

    VALID = "I0: the run shows something: there are acknowledgements, deliveries and histories"
    KEPT = "I1: what was acknowledged or delivered is in the history, its content unchanged"
    ONCE = "I2: a client id is in the history at most once"
    TRUE = "I3: nothing is there that was never sent, was refused, or is from or for somebody else"
    CONTIGUOUS = "I4: the history is numbered 1, 2, 3 …, and no id is given twice"
    SAME = "I5: both people read the same, in every way there is to read"
    HANDED_OVER = "I6: a connection is handed every message once, from when it was let in until it was lost"
    IN_ORDER = "I7: messages stand in the order that was promised to who sent them"
    AGREED = "I9: acknowledgements and deliveries say what the history says, however often"
    RISING = "I10: a connection is handed a conversation in the order of its numbers"
    PRIVATE = "I11: only the two people hear of it"

    @property
    def number(self) -> str:
        return self.value.partition(":")[0]


@dataclass(frozen=True)
class Violation:
    """A rule that was broken, and by what."""

    rule: Rule
    what: str

    def __str__(self) -> str:
        return f"{self.rule.number} {self.what}"


def check(events: Sequence[Event], readings: Sequence[Reading]) -> list[Violation]:
    """Everything that was broken."""
    facts = _Facts(events, readings)
    return [Violation(rule, what) for rule, breaches in RULES for what in breaches(facts)]


def pair_of(one: str, other: str) -> Pair:
    """Two people, whichever is named first."""
    return (one, other) if one < other else (other, one)


class _Facts:
    """The journal, put in the order in which the rules ask. Times are places in the journal."""

    def __init__(self, events: Sequence[Event], readings: Sequence[Reading]) -> None:
        self.person: dict[int, str] = {}
        self.opened: dict[int, int] = {}
        self.drained: dict[int, int] = {}
        self.sent: dict[Key, list[tuple[int, Sent]]] = defaultdict(list)
        self.acks: dict[Key, list[tuple[int, Acked]]] = defaultdict(list)
        self.refusals: dict[Key, list[Refused]] = defaultdict(list)
        self.delivered: dict[int, list[Message]] = defaultdict(list)
        self.heard: dict[int, set[Key]] = defaultdict(set)
        """For each connection, the messages it was handed, and its own that were acknowledged there."""
        self.last_heard: dict[int, int] = {}
        """When each connection was handed its last message."""
        self.events = events
        for time, event in enumerate(events):
            self._note(time, event)
        self.readings = readings
        self.histories: dict[Pair, list[Message]] = {}
        for reading in readings:
            self.histories.setdefault(pair_of(reading.reader, reading.other), reading.rows)
        self.rows: dict[Key, list[Message]] = defaultdict(list)
        for history in self.histories.values():
            for row in history:
                self.rows[row.key].append(row)

    def _note(self, time: int, event: Event) -> None:
        match event:
            case Sent():
                self.sent[event.key].append((time, event))
            case Acked():
                key = self.person[event.connection], event.client_id
                self.acks[key].append((time, event))
                self.heard[event.connection].add(key)
            case Delivered():
                self.delivered[event.connection].append(event.message)
                self.last_heard[event.connection] = time
                self.heard[event.connection].add(event.message.key)
            case Refused():
                self.refusals[self.person[event.connection], event.client_id].append(event)
            case Opened():
                self.person[event.connection] = event.person
                self.opened[event.connection] = time
            case Drained():
                self.drained[event.connection] = time

    def not_taken(self, key: Key) -> set[str]:
        """The contents that cannot be stored under this name: each time that they were sent, they were refused."""
        sends = Counter(each.content for _, each in self.sent[key])
        sends.subtract(each.content for each in self.refusals[key] if each.for_good)
        return {content for content, taken in sends.items() if taken <= 0}

    def deliveries(self) -> Iterator[tuple[int, Message]]:
        for connection, messages in self.delivered.items():
            for message in messages:
                yield connection, message


def _valid(facts: _Facts) -> Iterator[str]:
    counted = {"acknowledgements": facts.acks, "deliveries": facts.delivered, "messages in any history": facts.rows}
    for name, found in counted.items():
        if not found:
            yield f"the run is invalid: there are no {name}"


def _kept(facts: _Facts) -> Iterator[str]:
    for key in facts.acks:
        if key not in facts.rows:
            yield f"{key} was acknowledged and is not there"
    for connection, message in facts.deliveries():
        if message.key in facts.sent and message.key not in facts.rows:
            yield f"{message.key} was delivered to connection {connection} and is not there"
    for key, rows in facts.rows.items():
        contents = {each.content for _, each in facts.sent.get(key, ())}
        for row in rows:
            if contents and row.content not in contents:
                yield f"{key} has another content: {_short(row.content)}"


def _once(facts: _Facts) -> Iterator[str]:
    for key, rows in facts.rows.items():
        if len(rows) > 1:
            yield f"{key} is there {len(rows)} times: {[row.id for row in rows]}"


def _true(facts: _Facts) -> Iterator[str]:
    for key, rows in facts.rows.items():
        sends = [each for _, each in facts.sent.get(key, ())]
        for row in rows:
            if not sends:
                yield f"{key} is there and was never sent"
            elif all(each.recipient != row.recipient for each in sends):
                yield f"{key} is for {row.recipient} now"
            elif key in facts.refusals and row.content in facts.not_taken(key):
                yield f"{key} is there and was refused"
    for connection, message in facts.deliveries():
        if message.key not in facts.sent:
            yield f"{message.key} was delivered to connection {connection} and never sent"


def _contiguous(facts: _Facts) -> Iterator[str]:
    for reading in facts.readings:
        numbers = [row.seq for row in reading.rows]
        if numbers != list(range(1, len(numbers) + 1)):
            first = next(place for place, seq in enumerate(numbers, 1) if seq != place)
            yield f"{_name(reading)}: number {first} is {numbers[first - 1]}, of {len(numbers)}"
    ids = Counter(row.id for history in facts.histories.values() for row in history)
    for each, times in ids.items():
        if times > 1:
            yield f"the id {each} is there {times} times"


def _same(facts: _Facts) -> Iterator[str]:
    for reading in facts.readings:
        history = facts.histories[pair_of(reading.reader, reading.other)]
        if reading.rows != history:
            yield f"{_name(reading)} differs: {len(reading.rows)} messages, elsewhere {len(history)}"


def _handed_over(facts: _Facts) -> Iterator[str]:
    for connection, messages in facts.delivered.items():
        for key, times in Counter(message.key for message in messages).items():
            if times > 1:
                yield f"{key} was delivered {times} times to connection {connection}"
    theirs: dict[str, list[_ByTime]] = defaultdict(list)
    for pair, history in facts.histories.items():
        by_time = _ByTime(facts, history)
        for person in set(pair):
            theirs[person].append(by_time)
    for connection, person in facts.person.items():
        for by_time in theirs[person]:
            yield from _missed(facts, connection, by_time)


class _ByTime:
    """A history in the order in which its messages were first sent."""

    def __init__(self, facts: _Facts, history: Sequence[Message]) -> None:
        self.conversation = history[0].conversation if history else None
        self._rows = sorted((facts.sent[row.key][0][0], row.seq, row.key) for row in history if row.key in facts.sent)
        self._times = [time for time, _, _ in self._rows]

    def between(self, start: int, end: int) -> Sequence[tuple[int, int, Key]]:
        """Those that were first sent between two times: `(time, seq, key)`."""
        return self._rows[bisect(self._times, start) : bisect(self._times, end)]


def _missed(facts: _Facts, connection: int, history: _ByTime) -> Iterator[str]:
    """What was first sent while the connection was open, stands before the last it was handed, and was not handed over.

    What had been sent before it was open may have been stored before, too. What stands after the last that it was
    handed may have been lost with it, unless it is known to be drained.
    """
    heard, drained = facts.heard[connection], facts.drained.get(connection)
    numbers = [each.seq for each in facts.delivered.get(connection, ()) if each.conversation == history.conversation]
    last = max(numbers, default=0)
    # What stands before the last that it was handed had been sent by then.
    end = facts.last_heard.get(connection, 0) if drained is None else drained
    for _, seq, key in history.between(facts.opened[connection], end):
        if key not in heard and (seq < last or drained is not None):
            yield f"{key}, number {seq}, never came to connection {connection}"


def _in_order(facts: _Facts) -> Iterator[str]:
    order = _Order(facts)
    for event in facts.events:
        if isinstance(event, Sent):
            order.sent(event)
        elif isinstance(event, Acked):
            order.acked((facts.person[event.connection], event.client_id))
    for later, earlier in order.promised():
        if facts.rows[earlier][0].seq > facts.rows[later][0].seq:
            yield f"{later} stands before {earlier}"


class _Order:
    """Which messages must stand before a message, as things happened. What is not in a history is left out."""

    def __init__(self, facts: _Facts) -> None:
        self._rows = facts.rows
        self._refused = facts.refusals
        self._acked: set[Key] = set()
        self._highest: dict[str, Key] = {}
        """The acknowledged message of each conversation with the highest number."""
        self._floor: dict[Key, Key | None] = {}
        """The highest when each message was first sent: it stands above that, so above all acknowledged by then."""
        self._on: dict[int, set[Key]] = defaultdict(set)
        """What was sent on each connection."""
        self._open: dict[tuple[int, str], dict[Key, None]] = defaultdict(dict)
        """Of these, by conversation, the ones that were not acknowledged when last looked at."""
        self._before: dict[Key, list[Key]] = {}
        """Sent before each message on every connection that it was sent on, and not acknowledged by then."""

    def sent(self, event: Sent) -> None:
        key, on = event.key, self._on[event.connection]
        rows = self._rows.get(key)
        if not rows or rows[0].content != event.content:
            return
        unsettled = self._open[event.connection, rows[0].conversation]
        known = self._before.get(key)
        if known is None:
            self._floor[key] = self._highest.get(rows[0].conversation)
            for each in [each for each in unsettled if each in self._acked]:
                del unsettled[each]
            self._before[key] = list(unsettled)
        elif known:
            self._before[key] = [each for each in known if each in self._acked or each in on]
        # One that was sent here twice counts from the first time.
        on.add(key)
        if key not in self._refused:
            unsettled[key] = None

    def acked(self, key: Key) -> None:
        if key in self._acked or key not in self._rows:
            return
        self._acked.add(key)
        row = self._rows[key][0]
        highest = self._highest.get(row.conversation)
        if highest is None or self._rows[highest][0].seq < row.seq:
            self._highest[row.conversation] = key

    def promised(self) -> Iterator[tuple[Key, Key]]:
        """Pairs of a message and one that must stand before it."""
        for key, floor in self._floor.items():
            if floor is not None:
                yield key, floor
        for key, before in self._before.items():
            for each in before:
                yield key, each


def _agreed(facts: _Facts) -> Iterator[str]:
    for key, acks in facts.acks.items():
        rows = facts.rows.get(key, ())
        for _, ack in acks:
            if rows and ack.message not in rows:
                yield f"{key} was acknowledged as {_place(ack.message)} and is {_place(rows[0])}"
        if any(one[1].message != other[1].message for one, other in pairwise(acks)):
            yield f"{key} was acknowledged as {sorted({_place(ack.message) for _, ack in acks})}"
        stored = {ack.message.content for _, ack in acks}
        for refused in facts.refusals.get(key, ()):
            if refused.code == "conflict" and refused.content in stored:
                yield f"{key} was acknowledged and, with the same content, refused as a conflict"
    for connection, message in facts.deliveries():
        rows = facts.rows.get(message.key, ())
        if rows and message not in rows:
            yield f"{message.key} was delivered to connection {connection} as {_place(message)}, is {_place(rows[0])}"


def _rising(facts: _Facts) -> Iterator[str]:
    for connection, messages in facts.delivered.items():
        last: dict[str, int] = {}
        for message in messages:
            if message.seq < last.get(message.conversation, 0):
                yield f"number {message.seq} came to connection {connection} after {last[message.conversation]}"
            last[message.conversation] = message.seq


def _private(facts: _Facts) -> Iterator[str]:
    for connection, message in facts.deliveries():
        if facts.person[connection] not in (message.sender, message.recipient):
            yield f"{message.key} was delivered to connection {connection} of {facts.person[connection]}"
    for reading in facts.readings:
        for row in reading.rows:
            if {row.sender, row.recipient} != {reading.reader, reading.other}:
                yield f"{row.key} is in the history of {reading.reader} and {reading.other}"


RULES: Sequence[tuple[Rule, Callable[[_Facts], Iterator[str]]]] = (
    (Rule.VALID, _valid),
    (Rule.KEPT, _kept),
    (Rule.ONCE, _once),
    (Rule.TRUE, _true),
    (Rule.CONTIGUOUS, _contiguous),
    (Rule.SAME, _same),
    (Rule.HANDED_OVER, _handed_over),
    (Rule.IN_ORDER, _in_order),
    (Rule.AGREED, _agreed),
    (Rule.RISING, _rising),
    (Rule.PRIVATE, _private),
)


def _name(reading: Reading) -> str:
    return f"the history of {reading.reader} and {reading.other}, {reading.way}"


def _place(message: Message) -> str:
    return f"number {message.seq}, {message.id}, {message.timestamp}, {_short(message.content)}"


def _short(content: str) -> str:
    return repr(content if len(content) < 40 else content[:40] + "…")
