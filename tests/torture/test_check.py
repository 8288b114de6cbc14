"""The checker is checked: an honest run passes, and every fault that can be planted is found, by the rule it breaks."""

import time
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from fireside.torture.check import Rule, check
from fireside.torture.record import (
    Acked,
    Answered,
    Failed,
    Handed,
    Heard,
    Held,
    History,
    Line,
    Refused,
    Row,
    Sent,
    Talk,
    Told,
)
from tests.torture.story import ANN, BOB, CEM, EVE, GROUP, LAST, Run, Story, row_named, story


@pytest.fixture
def run() -> Run:
    return story().end()


def test_an_honest_run_passes(run: Run) -> None:
    assert [str(each) for each in check(run.lines)] == []


# ── planted faults ───────────────────────────────────────────────────────────────────────────────────────────────────

ROWS: tuple[type[Line], ...] = (Acked, Heard, Handed, History, Held, Answered)


def without(*names: str) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: [row for row in rows if row.client_id not in names]


def renumbered(rows: list[Row]) -> list[Row]:
    return [replace(row, seq=seq) for seq, row in enumerate(rows, 1)]


def swapped(run: Run, one: str, other: str) -> Run:
    """Two messages change places, and everybody says so."""
    places = {row_named(one).seq: row_named(other), row_named(other).seq: row_named(one)}

    def moved(row: Row) -> Row:
        other = places.get(row.seq) if row.conversation == GROUP else None
        if other is None:
            return row
        return replace(other, seq=row.seq, id=row.id)

    return run.rows(moved, History, Held, Answered).rows(
        lambda row: (
            replace(row, seq=places[row.seq].seq, id=places[row.seq].id)
            if row.conversation == GROUP and row.seq in places
            else row
        ),
        Acked,
        Heard,
        Handed,
    )


def named(name: str, **changes: object) -> Callable[[Row], Row]:
    """A change of one message."""
    return lambda row: replace(row, **changes) if row.client_id == name else row


def frame(user: str, name: str) -> Callable[[Line], bool]:
    return lambda line: isinstance(line, Heard) and (line.user, line.row.client_id) == (user, name)


def hand(device: str, name: str) -> Callable[[Line], bool]:
    return lambda line: isinstance(line, Handed) and (line.device, line.row.client_id) == (device, name)


def extra(**changes: object) -> Callable[[list[Row]], list[Row]]:
    """One more at the end."""
    last = {"seq": LAST + 1, "id": f"{GROUP} {LAST + 1}"} | changes
    return lambda rows: [*rows, replace(row_named("seven"), **last)]


def exchanged(run: Run, one: Callable[[Line], bool], other: Callable[[Line], bool]) -> Run:
    """Two lines change places."""
    first, second = (next(at for at, line in enumerate(run.lines) if test(line)) for test in (one, other))
    lines = list(run.lines)
    lines[first], lines[second] = lines[second], lines[first]
    return Run(lines)


def member_reads(user: str, change: Callable[[History], History]) -> Callable[[Run], Run]:
    return lambda run: run.one(History, lambda each: (each.user, each.conversation) == (user, GROUP), change)


BAD = replace(row_named("seven"), sender=BOB, client_id="bad", digest="#bad", seq=99)

FAULTS: dict[str, tuple[Callable[[Run], Run], set[Rule]]] = {
    "one is lost": (lambda run: run.history(without("five")), {Rule.KEPT, Rule.CONTIGUOUS, Rule.SAME}),
    "one is lost and the hole is closed": (
        lambda run: run.history(lambda rows: renumbered(without("six")(rows))),
        {Rule.KEPT, Rule.AGREED, Rule.SAME, Rule.HANDED_OVER, Rule.PRIVATE},
    ),
    "the last is lost": (lambda run: run.history(without("seven")), {Rule.KEPT}),
    "one that only came to others is lost": (
        lambda run: run.history(without("seven")).but(
            lambda line: isinstance(line, Acked) and line.row.client_id == "seven"
        ),
        {Rule.KEPT, Rule.SERVED},
    ),
    "a change of the group is lost": (
        lambda run: run.after(Acked(attempt=4, row=replace(row_named("one"), seq=77, kind="membersAdded"))),
        {Rule.KEPT, Rule.AGREED},
    ),
    "one is there twice": (lambda run: run.history(extra()), {Rule.ONCE, Rule.HANDED_OVER}),
    "one is there that nobody sent": (lambda run: run.history(extra(client_id="?")), {Rule.TRUE, Rule.HANDED_OVER}),
    "one comes to somebody that nobody sent": (
        lambda run: run.after(Heard(connection=2, user=BOB, row=replace(row_named("seven"), seq=11, client_id="?"))),
        {Rule.TRUE},
    ),
    "a coming is there that nobody asked for": (
        lambda run: run.history(extra(client_id="x", kind="membersAdded", who=(BOB,), digest="#")),
        {Rule.TRUE, Rule.PRIVATE},
    ),
    "one was refused and is there": (
        lambda run: run.history(extra(sender=BOB, client_id="bad", digest="#bad")),
        {Rule.TRUE},
    ),
    "one that may not be sent is acknowledged": (
        lambda run: run.one(
            Refused, lambda each: each.code == "invalid_input", lambda each: Acked(attempt=each.attempt, row=BAD)
        ),
        {Rule.KEPT, Rule.SERVED},
    ),
    "one stands in another conversation": (
        lambda run: run.one(Sent, lambda each: each.client_id == "seven", lambda each: replace(each, place="x")),
        {Rule.TRUE},
    ),
    "a number is left out": (
        lambda run: run.rows(
            lambda row: replace(row, seq=row.seq + (row.seq > 2 and row.conversation == GROUP)), *ROWS
        ),
        {Rule.CONTIGUOUS, Rule.PRIVATE, Rule.SAME},
    ),
    "an id is given twice": (
        lambda run: run.rows(named("five", id=row_named("four").id), *ROWS),
        {Rule.CONTIGUOUS},
    ),
    "two are swapped": (lambda run: swapped(run, "one", "two"), {Rule.IN_ORDER}),
    "one reads something else": (
        member_reads(BOB, lambda each: replace(each, rows=tuple(map(named("two", digest="#"), each.rows)))),
        {Rule.SAME},
    ),
    "one does not see the last": (member_reads(BOB, lambda each: replace(each, rows=each.rows[:-1])), {Rule.SAME}),
    "one never comes to a device": (
        lambda run: run.one(
            Held, lambda each: each.device == "a2", lambda each: replace(each, rows=each.rows[:4] + each.rows[5:])
        ),
        {Rule.HANDED_OVER},
    ),
    "the last never comes to a device": (
        lambda run: run.one(Held, lambda each: each.device == "a2", lambda each: replace(each, rows=each.rows[:-1])),
        {Rule.HANDED_OVER},
    ),
    "a device has nothing of a conversation": (
        lambda run: run.but(lambda line: isinstance(line, Held) and line.device == "a2"),
        {Rule.HANDED_OVER},
    ),
    "a device gives its program one twice": (
        lambda run: run.after(Handed(device="b1", user=BOB, row=row_named("seven"))),
        {Rule.HANDED_OVER},
    ),
    "a device never gives its program one": (lambda run: run.but(hand("b1", "four")), {Rule.HANDED_OVER}),
    "a device gives its program one too late": (
        lambda run: exchanged(run, hand("b1", "four"), hand("b1", "five")),
        {Rule.RISING},
    ),
    "somebody reads an old page": (
        lambda run: run.one(Answered, lambda each: bool(each.rows), lambda each: replace(each, rows=each.rows[:-1])),
        {Rule.FRESH},
    ),
    "somebody reads a page with a hole": (
        lambda run: run.one(
            Answered, lambda each: bool(each.rows), lambda each: replace(each, rows=(each.rows[0], each.rows[2]))
        ),
        {Rule.FRESH},
    ),
    "an acknowledgement has a wrong number": (
        lambda run: run.rows(named("six", seq=7), Acked),
        {Rule.AGREED},
    ),
    "two acknowledgements differ": (
        lambda run: run.one(
            Acked, lambda each: each.row.client_id == "five", lambda each: replace(each, row=replace(each.row, id="x"))
        ),
        {Rule.AGREED},
    ),
    "one has another content": (lambda run: run.rows(named("six", digest="#"), *ROWS), {Rule.KEPT}),
    "one has another content where it comes to": (
        lambda run: run.rows(named("six", digest="#"), Heard),
        {Rule.AGREED},
    ),
    "a program is given another content": (lambda run: run.rows(named("six", digest="#"), Handed), {Rule.AGREED}),
    "one has another sender": (
        lambda run: run.history(lambda rows: list(map(named("six", sender=ANN), rows))),
        {Rule.KEPT, Rule.TRUE, Rule.AGREED, Rule.SAME, Rule.HANDED_OVER},
    ),
    "somebody who is out hears of it": (
        lambda run: run.after(Heard(connection=3, user=CEM, row=row_named("seven"))),
        {Rule.PRIVATE},
    ),
    "somebody who was not in yet hears of it": (
        lambda run: run.after(Heard(connection=3, user=CEM, row=row_named("one"))),
        {Rule.PRIVATE},
    ),
    "an outsider reads it": (
        lambda run: run.one(
            Answered,
            lambda each: each.code == "not_found",
            lambda each: replace(each, code="", rows=(row_named("one"),)),
        ),
        {Rule.PRIVATE},
    ),
    "somebody who is out reads on": (
        member_reads(CEM, lambda each: replace(each, until=None, rows=(*each.rows, row_named("seven")))),
        {Rule.PRIVATE},
    ),
    "a receipt goes back": (
        member_reads(ANN, lambda each: replace(each, receipts=((BOB, 8, 7),))),
        {Rule.FORWARD},
    ),
    "a receipt goes beyond the end": (
        lambda run: run.after(Told(user=BOB, conversation=GROUP, delivered=LAST + 1, read=0, at=1e9)),
        {Rule.FORWARD},
    ),
    "one is never acknowledged": (
        lambda run: run.but(lambda line: isinstance(line, Acked) and line.row.client_id == "seven"),
        {Rule.SERVED},
    ),
    "something failed": (lambda run: run.after(Failed(what="it")), {Rule.SERVED}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(run: Run, fault: str) -> None:
    plant, expected = FAULTS[fault]
    planted = plant(run)
    assert planted.broken() == expected, [str(each) for each in check(planted.lines)]


def test_every_rule_has_a_fault_that_breaks_it() -> None:
    found = set().union(*(rules for _, rules in FAULTS.values()))
    assert found == set(Rule) - {Rule.VALID}


@pytest.mark.parametrize("missing", [Acked, Heard, Handed, History, Held])
def test_a_run_that_shows_nothing_is_invalid(run: Run, missing: type[Line]) -> None:
    assert Rule.VALID in run.but(lambda line: isinstance(line, missing)).broken()


def test_a_conversation_that_nobody_has_read_is_not_taken_for_a_good_one(run: Run) -> None:
    assert Rule.VALID in run.after(Talk(conversation="x", kind="group", members=(EVE,))).broken()


# ── what looks like a fault and is none ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("code", [None, "unavailable", "internal"])
def test_what_had_an_unknown_outcome_may_be_there_or_not(code: str | None, is_there: bool) -> None:
    told = story()
    told.change("membersAdded", (CEM,))
    # Of somebody who comes and goes: who stays sends until there is an answer.
    attempt = told.sent("c1", GROUP, "perhaps")
    if is_there:
        told.stored(GROUP, CEM, "perhaps")
    if code is not None:
        told.refused(attempt, code)
    assert told.end().broken() == set()


def test_a_change_of_the_group_that_nobody_was_told_of_may_have_happened() -> None:
    told = story()
    told.change("membersAdded", (CEM,), heard=False)
    assert told.end().broken() == set()


def test_one_that_was_sent_later_may_overtake_what_was_not_acknowledged() -> None:
    told = Story()
    first, second = told.sent("a1", GROUP, "one"), told.sent("b1", GROUP, "two")
    told.acked(second, told.stored(GROUP, BOB, "two"))
    told.acked(first, told.stored(GROUP, ANN, "one"))
    assert told.end().broken() == set()


def test_a_page_read_before_the_acknowledgement_may_lack_it() -> None:
    told = story()
    told.read(BOB, GROUP)
    told.said("a1", GROUP, "eight")
    assert told.end().broken() == set()


def test_who_was_refused_for_certain_and_sends_again_goes_to_the_end_of_the_line() -> None:
    told = story()
    told.refused(told.sent("b1", GROUP, "eight"), "rate_limited")
    told.said("a1", GROUP, "nine")
    told.said("b1", GROUP, "eight")
    assert told.end().broken() == set()


def test_a_quarter_of_a_million_lines_take_seconds() -> None:
    told = story()
    while len(told.lines) < 250_000:
        told.said("a1", GROUP, f"{len(told.lines)}")
    run = told.end()
    began = time.process_time()
    assert run.broken() == set()
    print(f"{len(run.lines)} lines in {time.process_time() - began:.1f} s")
