"""The rules about what reaches people: devices, readers, receipts."""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from fireside.torture.facts import Facts
from fireside.torture.record import Marked, Row, Told


def handed_over(facts: Facts) -> Iterator[str]:
    """At the end a device has all that its owner sees now; what it gave to its program it gave once, without a gap."""
    for device, user in facts.owners.items():
        for conversation in facts.talks:
            span = facts.last_span(conversation, user)
            if span is not None:
                held = facts.held[device].get(conversation)
                has = {row.seq: row for row in held.rows} if held is not None else {}
                missing = [row.seq for row in facts.seen(conversation, span) if has.get(row.seq) != row]
                if missing:
                    yield f"{device} of {user} does not have {_some(missing)} of {conversation}"
    for (device, conversation), handed in facts.handed.items():
        numbers = Counter(each.row.seq for each in handed)
        twice = [seq for seq, times in numbers.items() if times > 1]
        if twice:
            yield f"{device} gave its program {_some(twice)} of {conversation} twice"
        user = handed[0].user
        span = facts.last_span(conversation, user)
        due = facts.seen(conversation, span) if span is not None else ()
        # It begins with what was unread by then, which the server knows; from there on nothing is left out.
        missing = [each.seq for each in due if each.seq > handed[0].row.seq and _is_news(each, user)]
        missing = [seq for seq in missing if seq not in numbers]
        if missing:
            yield f"{device} never gave its program {_some(missing)} of {conversation}"


def _is_news(row: Row, user: str) -> bool:
    return row.sender != user and not row.kind


def rising(facts: Facts) -> Iterator[str]:
    """One after the other."""
    for (device, conversation), handed in facts.handed.items():
        for one, other in pairwise(handed):
            if one.row.seq > other.row.seq:
                yield f"{device} gave its program {other.row.seq} after {one.row.seq} of {conversation}"


def fresh(facts: Facts) -> Iterator[str]:
    """Of all that had been acknowledged when somebody asked for the newest page, the last is on it."""
    acks: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for attempt in facts.acks():
        assert attempt.row is not None
        acks[attempt.row.conversation].append((attempt.acked, attempt.row.seq))
    for theirs in acks.values():
        theirs.sort()
    places, highest = Counter[str](), Counter[str]()
    for question in sorted(facts.questions.values(), key=lambda each: each.time):
        conversation, answer = question.asked.conversation, question.answer
        theirs = acks[conversation]
        while places[conversation] < len(theirs) and theirs[places[conversation]][0] < question.time:
            highest[conversation] = max(highest[conversation], theirs[places[conversation]][1])
            places[conversation] += 1
        if answer is None or answer.code or facts.last_span(conversation, question.asked.user) != (0, None):
            continue
        last = answer.rows[-1].seq if answer.rows else 0
        if last < highest[conversation]:
            acked = highest[conversation]
            yield f"{question.asked.user} read {conversation} up to {last}, and {acked} was acknowledged"
        if [row.seq for row in answer.rows] != list(range(last - len(answer.rows) + 1, last + 1)):
            yield f"{question.asked.user} read a page of {conversation} with a hole in it, up to {last}"


def private(facts: Facts) -> Iterator[str]:
    """Whatever came to somebody is theirs to see, by what the log says of who came and went."""
    for how, user, row in _given(facts):
        if not facts.may_see(user, row):
            yield f"{user} {how} number {row.seq} of {row.conversation}"
    for conversation, histories in facts.histories.items():
        for history in histories:
            span, theirs = (history.since, history.until), facts.last_span(conversation, history.user)
            if span != theirs:
                yield f"{history.user} reads {conversation} from and to {span}, and should {theirs}"


def _given(facts: Facts) -> Iterator[tuple[str, str, Row]]:
    """Everything that was given to anybody while the run went on: how, to whom, and what."""
    for heard in facts.heard:
        yield "was told of", heard.user, heard.row
    for question in facts.questions.values():
        for row in question.answer.rows if question.answer is not None else ():
            yield "read", question.asked.user, row
    for conversations in facts.held.values():
        for held in conversations.values():
            for row in held.rows:
                yield "has", held.user, row


def forward(facts: Facts) -> Iterator[str]:
    """What is read of marks is not less than had been acknowledged or told before it was asked for, nor too much."""
    ends = {conversation: max((row.seq for row in rows), default=0) for conversation, rows in facts.whole.items()}
    marks: dict[tuple[str, str], list[Marked | Told]] = defaultdict(list)
    for mark in facts.marks:
        marks[mark.conversation, mark.user].append(mark)
        if max(mark.delivered, mark.read) > ends.get(mark.conversation, sys.maxsize):
            yield f"{mark.user} is said to be beyond the end of {mark.conversation}: {mark.delivered}, {mark.read}"
    for conversation, histories in facts.histories.items():
        for history in histories:
            for user, delivered, read in history.receipts:
                before = [each for each in marks[conversation, user] if each.at < history.asked_at]
                was = (
                    max((each.delivered for each in before), default=0),
                    max((each.read for each in before), default=0),
                )
                if delivered < was[0] or read < was[1]:
                    yield f"{user} had got to {was} in {conversation}, and is at {(delivered, read)} for {history.user}"
                if max(delivered, read) > ends[conversation]:
                    yield f"{user} is beyond the end of {conversation} for {history.user}: {delivered}, {read}"


def _some(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return f"{shown} and {len(numbers) - 5} more" if len(numbers) > 5 else shown
