"""The machinery is seen to turn red: on a server that breaks a promise, the checker says which.

A green run means something only because of these. Each server is Fireside with one weakness (`weakened.py`), on SQLite.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fireside.app import Fireside
from fireside.config import load
from fireside.engines import stores_for
from fireside.realtime.serving import EdgeServer
from tests.durability import weakened
from tests.durability.checker import Rule
from tests.durability.client import QUIET, Habits
from tests.durability.crowd import Incident
from tests.durability.incidents import killing, killing_database
from tests.durability.runs import new_seed, run, weak_server
from tests.durability.weakened import Replace
from tests.durability.wire import HOST
from tests.engines import running_mongod
from tests.serving import QUICK, SECRET

PAIRS, MESSAGES = 4, 1500
DROPPING = replace(QUIET, sends_between_drops=20)


@dataclass(frozen=True)
class Control:
    """A weakness, the rules by which it must be found, and who meets it."""

    weakness: Callable[[Replace], None]
    found_by: set[Rule]
    habits: Habits = QUIET
    killed_later_s: float = 0.0


CONTROLS = (
    Control(weakened.forgets_client_ids, {Rule.ONCE}, DROPPING),
    Control(weakened.drops_some, {Rule.KEPT, Rule.CONTIGUOUS}),
    Control(weakened.drops_some_and_closes_the_hole, {Rule.KEPT, Rule.AGREED}),
    Control(weakened.lets_messages_overtake, {Rule.IN_ORDER}),
    Control(weakened.tidies_up, {Rule.KEPT}),
    Control(weakened.stores_what_it_refuses, {Rule.TRUE}, replace(QUIET, unacceptable=0.2)),
    Control(weakened.shows_an_old_page, {Rule.SAME}),
    Control(weakened.announces_some_twice, {Rule.HANDED_OVER}),
    Control(weakened.announces_most, {Rule.HANDED_OVER}),
    Control(weakened.announces_some_late, {Rule.RISING}),
    Control(weakened.announces_some_to_everybody, {Rule.PRIVATE}),
)
CONTROLS_TO_KILL = (
    Control(weakened.acknowledges_before_the_write, {Rule.KEPT}),
    Control(weakened.counts_before_it_writes, {Rule.CONTIGUOUS}, killed_later_s=weakened.COUNTED_S / 2),
)


def name(control: Control) -> str:
    return control.weakness.__name__


@asynccontextmanager
async def server_here(folder: Path, **given: str) -> AsyncIterator[int]:
    """A server in this process, so with what has been replaced in it; its port."""
    settings = load({**QUICK, "FIRESIDE_DATA_DIR": str(folder), **given}, env_file=folder / "none")
    fireside = Fireside(settings, SECRET, stores_for(settings))
    await fireside.start()
    server = EdgeServer(fireside.edge, own_signals=False, host=HOST, port=0, log_config=None, proxy_headers=False)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()
        await fireside.stop()


@pytest.mark.parametrize("control", CONTROLS, ids=name)
async def test_a_server_that_breaks_a_promise_is_found_out(
    control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control.weakness(monkeypatch.setattr)
    async with server_here(tmp_path) as port:
        result = await run(port, pairs=PAIRS, messages=MESSAGES, habits=control.habits, seed=new_seed())
    print(name(control), result)
    assert control.found_by <= result.broken


@pytest.mark.parametrize("control", CONTROLS_TO_KILL, ids=name)
async def test_a_server_that_breaks_a_promise_is_found_out_when_it_is_killed(control: Control, tmp_path: Path) -> None:
    async with weak_server(tmp_path, control.weakness) as server:
        result = await run(
            server.port,
            pairs=PAIRS,
            messages=MESSAGES,
            habits=control.habits,
            seed=new_seed(),
            incidents=[Incident(MESSAGES // 2, killing(server, later_s=control.killed_later_s))],
            before_reading=late_writes,
        )
    print(name(control), result)
    assert control.found_by <= result.broken


async def test_a_database_that_is_not_asked_for_its_journal_is_found_out_when_it_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weakened.acknowledges_before_the_journal(monkeypatch.setattr)
    with running_mongod(replica_set=False) as mongod:
        async with server_here(tmp_path, MONGO_URI=mongod.uri("fireside")) as port:
            result = await run(
                port,
                pairs=PAIRS,
                # More than can be said between its taking writes again and our knowing that it does.
                messages=2 * MESSAGES,
                habits=QUIET,
                seed=new_seed(),
                # Each time it loses what it has not written in the last tenth of a second; that may be nothing.
                incidents=[Incident(MESSAGES * quarters // 4, killing_database(mongod)) for quarters in (1, 2, 3)],
            )
    print(result)
    assert Rule.KEPT in result.broken


async def late_writes() -> None:
    """What was merely late is not lost."""
    await asyncio.sleep(2 * weakened.LATE_S)


def test_every_rule_turns_red_for_a_server() -> None:
    found = [control.found_by for control in CONTROLS + CONTROLS_TO_KILL]
    assert set().union(*found) == set(Rule) - {Rule.VALID}


async def test_a_server_that_keeps_its_promises_is_not(tmp_path: Path) -> None:
    async with server_here(tmp_path) as port:
        habits = replace(Habits(), sends_between_drops=20)
        result = await run(port, pairs=PAIRS, messages=MESSAGES, habits=habits, seed=new_seed())
    assert not result.violations, str(result)
