"""The kit is seen to turn red: on a server that breaks a promise it says which.

A green run means something only because of these. The weaknesses are those of `tests/durability`, on SQLite.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fireside.torture.check import Rule
from fireside.torture.faults import Fault
from fireside.torture.report import report
from fireside.torture.run import Order, Outcome, run
from tests.durability import weakened
from tests.durability.runs import new_seed, weak_server
from tests.durability.test_positive_controls import server_here
from tests.durability.weakened import Replace
from tests.durability.wire import HOST
from tests.torture.test_short import killing

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Control:
    """A weakness, the rules by which it must be found, and what has to go wrong for it to show."""

    weakness: Callable[[Replace], None]
    found_by: set[Rule]
    network: tuple[str, ...] = ("nothing",)


CONTROLS = (
    Control(weakened.forgets_client_ids, {Rule.ONCE}, ("lost answers",)),
    Control(weakened.loses_frames_and_tells_no_heads, {Rule.HANDED_OVER}),
    Control(weakened.drops_some, {Rule.KEPT, Rule.CONTIGUOUS}),
    Control(weakened.stores_what_it_refuses, {Rule.TRUE}),
    Control(weakened.shows_an_old_page, {Rule.FRESH}),
    Control(weakened.announces_some_to_everybody, {Rule.PRIVATE}),
)


def order(port: int, network: tuple[str, ...], **faults: Fault) -> Order:
    return Order(
        urls=[f"http://{HOST}:{port}"],
        seed=new_seed(),
        duration_s=5,
        clients=8,
        rate=30,
        within_s=20,
        faults=faults,
        network=network,
    )


def require_found(outcome: Outcome, rules: set[Rule]) -> None:
    assert rules <= {each.rule for each in outcome.findings}, report(outcome)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.weakness.__name__)
async def test_a_deployment_that_breaks_a_promise_is_found_out(
    control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.weakness(monkeypatch.setattr)
    async with server_here(tmp_path) as port:
        outcome = await run(order(port, control.network))
    require_found(outcome, control.found_by)


async def test_one_that_acknowledges_before_it_has_written_is_found_out_when_it_is_killed(tmp_path: Path) -> None:
    async with weak_server(tmp_path, weakened.acknowledges_before_the_write) as server:
        outcome = await run(order(server.port, (), kill=killing(server)))
    require_found(outcome, {Rule.KEPT})


async def test_frames_that_are_lost_are_made_good_by_heads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So what the second control finds is that there are none."""
    weakened.loses_frames(monkeypatch.setattr)
    async with server_here(tmp_path) as port:
        outcome = await run(order(port, ("nothing",)))
    assert outcome.is_green, report(outcome)
