"""The lines of a record, put in the order in which the rules ask. Times are places in the record.

A send has three outcomes, and most home-made checkers mix up the last two:

- acknowledged: it is stored, as the acknowledgement says;
- refused for certain: it is not stored by this attempt;
- anything else (no answer, `unavailable`, `internal`): unknown. It is there once or not at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fireside.torture.record import (
    Acked,
    Answered,
    Asked,
    Befell,
    Changing,
    Closed,
    Failed,
    Handed,
    Heard,
    Held,
    History,
    Line,
    Marked,
    Opened,
    Refused,
    Row,
    Sent,
    Talk,
    Told,
)

Key = tuple[str, str]
"""A sender and the name they gave."""
Span = tuple[int, int | None]
"""Above which number somebody sees messages, and up to which; None: to the end."""


@dataclass(slots=True)
class Attempt:
    """One time that something was asked for."""

    time: int
    asked: Sent | Changing
    row: Row | None = None
    acked: int = 0
    """When."""
    refused: Refused | None = None

    @property
    def may_be_stored(self) -> bool:
        return self.refused is None or not self.refused.is_certain


@dataclass(slots=True)
class Question:
    """A page that was read while things went on."""

    time: int
    asked: Asked
    answer: Answered | None = None


@dataclass
class Facts:
    """All there is to know of a run."""

    talks: dict[str, Talk] = field(default_factory=dict)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    sends: dict[Key, list[Attempt]] = field(default_factory=lambda: defaultdict(list))
    """Those of messages, in order."""
    changes: list[Attempt] = field(default_factory=list)
    """Those of groups."""
    heard: list[Heard] = field(default_factory=list)
    handed: dict[tuple[str, str], list[Handed]] = field(default_factory=lambda: defaultdict(list))
    """By device and conversation."""
    questions: dict[int, Question] = field(default_factory=dict)
    marks: list[Marked | Told] = field(default_factory=list)
    histories: dict[str, list[History]] = field(default_factory=lambda: defaultdict(list))
    """By conversation."""
    held: dict[str, dict[str, Held]] = field(default_factory=lambda: defaultdict(dict))
    """By device and conversation."""
    owners: dict[str, str] = field(default_factory=dict)
    """Of devices: whose."""
    failures: list[str] = field(default_factory=list)
    whole: dict[str, Sequence[Row]] = field(default_factory=dict)
    """Of each conversation what was read by who saw most of it."""
    rows: dict[Key, list[Row]] = field(default_factory=lambda: defaultdict(list))
    """What is stored under each name, system messages left out."""
    spans: dict[str, Mapping[str, list[Span]]] = field(default_factory=dict)
    """Who saw what of a conversation, by what its log says of who came and went."""

    @classmethod
    def of(cls, lines: Iterable[Line]) -> "Facts":
        """Read them."""
        facts = cls()
        for time, line in enumerate(lines):
            facts._take(time, line)
        for conversation, histories in facts.histories.items():
            facts.whole[conversation] = max(histories, key=lambda each: (len(each.rows), each.until is None)).rows
        for conversation, talk in facts.talks.items():
            whole = facts.whole.get(conversation, ())
            facts.spans[conversation] = spans_of(talk, whole)
            for row in whole:
                if not row.kind:
                    facts.rows[row.key].append(row)
        return facts

    def acks(self) -> Iterator[Attempt]:
        """The attempts that were acknowledged."""
        return (each for each in self.attempts.values() if each.row is not None)

    def last_span(self, conversation: str, user: str) -> Span | None:
        """What they see of it now."""
        spans = self.spans[conversation].get(user)
        return spans[-1] if spans else None

    def may_see(self, user: str, row: Row) -> bool:
        """Whether the message is, or was, for this person; of what nobody has read it is not known."""
        if row.conversation in self.talks and row.conversation not in self.whole:
            return True
        spans = self.spans.get(row.conversation, {}).get(user, ())
        return any(since < row.seq and (until is None or row.seq <= until) for since, until in spans)

    def seen(self, conversation: str, span: Span) -> Sequence[Row]:
        """What there is to see of it in a span."""
        since, until = span
        return [each for each in self.whole.get(conversation, ()) if since < each.seq <= (until or each.seq)]

    def _take(self, time: int, line: Line) -> None:
        match line:
            case Heard():
                self.heard.append(line)
            case Handed():
                self.handed[line.device, line.row.conversation].append(line)
            case Sent():
                attempt = self.attempts[line.attempt] = Attempt(time, line)
                self.sends[line.user, line.client_id].append(attempt)
            case Changing():
                attempt = self.attempts[line.attempt] = Attempt(time, line)
                self.changes.append(attempt)
            case Acked():
                attempt = self.attempts[line.attempt]
                attempt.row, attempt.acked = line.row, time
            case Refused():
                self.attempts[line.attempt].refused = line
            case Asked():
                self.questions[line.question] = Question(time, line)
            case Answered():
                self.questions[line.question].answer = line
            case _:
                self._take_rare(line)

    def _take_rare(self, line: Line) -> None:
        match line:
            case Marked() | Told():
                self.marks.append(line)
            case Opened():
                self.owners[line.device] = line.user
            case Talk():
                self.talks[line.conversation] = line
            case History():
                self.histories[line.conversation].append(line)
            case Held():
                self.held[line.device][line.conversation] = line
            case Failed():
                self.failures.append(line.what)
            case Closed() | Befell():
                pass  # for readers


def spans_of(talk: Talk, rows: Sequence[Row]) -> dict[str, list[Span]]:
    """Who saw what of it."""
    spans: dict[str, list[Span]] = {each: [(0, None)] for each in talk.members}
    for row in rows:
        if row.kind == "membersAdded":
            for each in row.who:
                spans.setdefault(each, []).append((row.seq - 1, None))
        elif row.kind in ("memberRemoved", "memberLeft"):
            for each in row.who or (row.sender,):
                if theirs := spans.get(each):
                    theirs[-1] = (theirs[-1][0], row.seq)
    return spans
