"""The checker is checked: an honest run passes, and every fault that can be planted is found, by the rule it breaks."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tests.durability.checker import Rule, check
from tests.durability.journal import Acked, Delivered, Drained, Event, Message, Opened, Reading, Refused, Sent
from tests.durability.story import ANN, BOB, EVE, LAST, Run, Story, story


@pytest.fixture
def run() -> Run:
    return story().end()


def test_an_honest_run_passes(run: Run) -> None:
    assert check(run.events, run.readings) == []
    assert [row.seq for row in run.readings[0].rows] == list(range(1, LAST + 1))


# ── planted faults ───────────────────────────────────────────────────────────────────────────────────────────────────


def at(place: int, **changes: object) -> Callable[[Message], Message]:
    """A change of one message."""
    return lambda message: replace(message, **changes) if message.seq == place else message


def numbered(numbers: dict[int, int]) -> Callable[[Message], Message]:
    """Other numbers for some messages."""
    return lambda message: replace(message, seq=numbers.get(message.seq, message.seq))


def swapped(run: Run, one: int, another: int) -> Run:
    """Two messages change places, and everybody says so."""
    places = {one: another, another: one}
    moved = run.rewritten(lambda m: replace(m, seq=places.get(m.seq, m.seq)))
    return moved.with_rows(lambda rows: sorted(rows, key=lambda row: row.seq))


def delivery(connection: int, seq: int) -> Callable[[Event], bool]:
    return lambda each: isinstance(each, Delivered) and (each.connection, each.message.seq) == (connection, seq)


def acknowledgement(seq: int) -> Callable[[Event], bool]:
    return lambda each: isinstance(each, Acked) and each.message.seq == seq


def row(seq: int) -> Message:
    return story().rows[seq - 1]


def renumbered(rows: list[Message]) -> list[Message]:
    return [replace(each, seq=seq) for seq, each in enumerate(rows, 1)]


FAULTS: dict[str, tuple[Callable[[Run], Run], set[Rule]]] = {
    "one is lost": (lambda run: run.without(3), {Rule.KEPT, Rule.CONTIGUOUS}),
    "one is lost and the hole is closed": (
        lambda run: run.without(3).with_rows(renumbered),
        {Rule.KEPT, Rule.AGREED},
    ),
    "the last is lost": (lambda run: run.without(LAST), {Rule.KEPT}),
    "one that was only delivered is lost": (
        lambda run: run.without(LAST).but(acknowledgement(LAST)),
        {Rule.KEPT},
    ),
    "one is there twice": (
        lambda run: run.with_rows(lambda rows: [*rows, replace(rows[4], seq=LAST + 1, id="f" * 36)]),
        {Rule.ONCE},
    ),
    "one that was sent again is there twice, and the second answer names the second": (
        lambda run: Run(
            [
                replace(each, message=replace(each.message, seq=LAST + 1, id="f" * 36))
                if isinstance(each, Acked) and each.client_id == "4" and each.connection == 3
                else each
                for each in run.events
            ],
            run.readings,
        ).with_rows(lambda rows: [*rows, replace(rows[5], seq=LAST + 1, id="f" * 36)]),
        {Rule.ONCE},
    ),
    "one is there that nobody sent": (
        lambda run: run.with_rows(lambda rows: [*rows, replace(rows[0], seq=LAST + 1, id="f" * 36, client_id="?")]),
        {Rule.TRUE},
    ),
    "one is delivered that nobody sent": (
        lambda run: run.after(Delivered(2, replace(row(LAST), seq=LAST + 1, client_id="?"))),
        {Rule.TRUE},
    ),
    "one was refused and is there": (
        lambda run: run.with_rows(
            lambda rows: [*rows, replace(rows[0], seq=LAST + 1, id="f" * 36, client_id="bad", content=f"bad of {ANN}")]
        ),
        {Rule.TRUE, Rule.HANDED_OVER},
    ),
    "one has another sender": (
        lambda run: run.rewritten(at(2, sender=BOB, recipient=ANN, client_id="2a"), Reading),
        {Rule.KEPT, Rule.TRUE},
    ),
    "one has another recipient": (
        lambda run: run.rewritten(at(2, recipient=EVE)),
        {Rule.TRUE, Rule.PRIVATE},
    ),
    "one has another content": (lambda run: run.rewritten(at(6, content="4 of")), {Rule.KEPT}),
    "one has another content in the history": (
        lambda run: run.rewritten(at(6, content="4 of"), Reading),
        {Rule.KEPT, Rule.AGREED},
    ),
    "one has another content where it is delivered": (
        lambda run: run.rewritten(at(6, content="4 of"), Delivered),
        {Rule.AGREED},
    ),
    "one has another time in the history": (lambda run: run.rewritten(at(6, timestamp="then"), Reading), {Rule.AGREED}),
    "an acknowledgement has a wrong number": (lambda run: run.rewritten(at(5, seq=7), Acked), {Rule.AGREED}),
    "an acknowledgement has a wrong id": (lambda run: run.rewritten(at(5, id="f" * 36), Acked), {Rule.AGREED}),
    "two acknowledgements of one message differ, and the first is right": (
        lambda run: run.after(Acked(3, "7", replace(row(LAST), seq=LAST + 1))),
        {Rule.AGREED},
    ),
    "what was acknowledged is refused when it is sent again": (
        lambda run: run.after(Sent(3, ANN, BOB, "7", f"7 of {ANN}"), Refused(3, "7", f"7 of {ANN}", "conflict")),
        {Rule.AGREED},
    ),
    "a number is left out": (
        lambda run: run.rewritten(lambda m: replace(m, seq=m.seq + (m.seq > 4))),
        {Rule.CONTIGUOUS},
    ),
    "the first number is left out": (
        lambda run: run.rewritten(lambda m: replace(m, seq=m.seq + 1)),
        {Rule.CONTIGUOUS},
    ),
    "a number is given twice": (lambda run: run.rewritten(numbered({5: 4})), {Rule.CONTIGUOUS}),
    "an id is given twice": (lambda run: run.rewritten(at(5, id=row(4).id)), {Rule.CONTIGUOUS}),
    "the history is not sorted": (
        lambda run: run.with_rows(lambda rows: [rows[1], rows[0], *rows[2:]]),
        {Rule.CONTIGUOUS},
    ),
    "one of the two does not see the last": (
        lambda run: Run(run.events, [run.readings[0], replace(run.readings[1], rows=run.readings[1].rows[:-1])]),
        {Rule.SAME},
    ),
    "two that were sent one after the other stand the other way round": (
        lambda run: swapped(run, 7, 8),
        {Rule.IN_ORDER, Rule.RISING},
    ),
    "an answer stands before what had been acknowledged to the other before": (
        lambda run: swapped(run, 2, 3),
        {Rule.IN_ORDER},
    ),
    "one that was sent again stands behind what had been sent after it": (
        lambda run: swapped(run, 6, 7),
        {Rule.IN_ORDER, Rule.RISING},
    ),
    "one is delivered twice": (
        lambda run: run.after(Delivered(2, row(LAST))),
        {Rule.HANDED_OVER},
    ),
    "one in the middle is never delivered": (lambda run: run.but(delivery(2, 7)), {Rule.HANDED_OVER}),
    "the last is never delivered": (lambda run: run.but(delivery(2, LAST)), {Rule.HANDED_OVER}),
    "one's own device never hears of it": (
        lambda run: run.but(acknowledgement(8)),
        {Rule.HANDED_OVER},
    ),
    "deliveries overtake each other": (
        lambda run: Run(exchanged(run.events, delivery(2, 7), delivery(2, 8)), run.readings),
        {Rule.RISING},
    ),
    "an outsider is told": (
        lambda run: run.after(Opened(9, EVE), Delivered(9, row(LAST))),
        {Rule.PRIVATE},
    ),
}


def exchanged(events: list[Event], one: Callable[[Event], bool], other: Callable[[Event], bool]) -> list[Event]:
    """Two events change places."""
    first, second = (next(place for place, each in enumerate(events) if test(each)) for test in (one, other))
    moved = list(events)
    moved[first], moved[second] = events[second], events[first]
    return moved


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(run: Run, fault: str) -> None:
    plant, expected = FAULTS[fault]
    assert plant(run).broken() == expected


def test_every_rule_has_a_fault_that_breaks_it() -> None:
    found = set().union(*(rules for _, rules in FAULTS.values()))
    assert found == set(Rule) - {Rule.VALID}


@pytest.mark.parametrize("missing", [Acked, Delivered, Reading])
def test_a_run_that_shows_nothing_is_invalid(run: Run, missing: type) -> None:
    events = [each for each in run.events if not isinstance(each, missing)]
    readings = [] if missing is Reading else run.readings
    assert Rule.VALID in Run(events, readings).broken()


# ── what looks like a fault and is none ──────────────────────────────────────────────────────────────────────────────


def quick() -> tuple[Story, int, int]:
    """Both are there and something has been said."""
    told = Story()
    ann, bob = told.open(ANN), told.open(BOB)
    told.said(ann, "hello")
    return told, ann, bob


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("code", [None, "unavailable", "internal"])
def test_what_had_an_unknown_outcome_may_be_there_or_not(code: str | None, is_there: bool) -> None:
    told, ann, _ = quick()
    told.sent(ann, "1")
    if is_there:
        told.stored(ann, "1")
        told.events.pop()
    if code is not None:
        told.refused(ann, "1", code)
    told.lost(ann)
    assert told.end().broken() == set()


def test_who_was_refused_for_now_may_ask_again() -> None:
    told, ann, _ = quick()
    told.sent(ann, "1")
    told.refused(ann, "1", "rate_limited")
    told.said(ann, "1")
    assert told.end().broken() == set()


def test_who_was_refused_goes_to_the_end_of_the_line() -> None:
    told, ann, _ = quick()
    told.sent(ann, "1", "2")
    told.refused(ann, "1", "unavailable")
    told.stored(ann, "2")
    told.said(ann, "1")
    assert told.end().broken() == set()


def test_a_copy_on_another_socket_may_overtake_what_was_not_acknowledged() -> None:
    told, ann, _ = quick()
    second = told.open(ANN)
    told.sent(ann, "1", "2")
    told.sent(second, "2")
    told.stored(second, "2")
    told.stored(ann, "1")
    told.repeated(ann, "2")
    assert told.end().broken() == set()


def test_a_copy_on_another_socket_may_not_overtake_what_was_acknowledged() -> None:
    told, ann, _ = quick()
    second = told.open(ANN)
    told.said(ann, "1")
    told.sent(ann, "2")
    told.sent(second, "2")
    told.stored(second, "2")
    told.repeated(ann, "2")
    assert told.end().broken() == set()
    assert Rule.IN_ORDER in swapped(told.end(), 2, 3).broken()


def test_what_was_sent_again_out_of_order_may_stay_so() -> None:
    told, ann, _ = quick()
    told.sent(ann, "1", "2")
    told.lost(ann)
    ann = told.open(ANN)
    told.sent(ann, "2", "1")
    told.stored(ann, "2", "1")
    assert told.end().broken() == set()


def test_the_last_messages_may_be_lost_with_a_connection() -> None:
    told, ann, bob = quick()
    told.said(ann, "1")
    run = told.end()
    assert run.but(delivery(bob, 2)).broken() == {Rule.HANDED_OVER}
    assert run.but(delivery(bob, 2)).but(lambda each: each == Drained(bob)).broken() == set()


def test_what_was_sent_before_a_connection_was_open_need_not_come_to_it() -> None:
    told, ann, _ = quick()
    told.sent(ann, "1")
    late = told.open(BOB)
    told.stored(ann, "1")
    told.said(ann, "2")
    assert told.end().but(delivery(late, 2)).broken() == set()


def test_two_people_may_use_the_same_client_id() -> None:
    told, _, bob = quick()
    told.said(bob, "hello")
    assert told.end().broken() == set()
