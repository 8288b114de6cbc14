"""The official JavaScript client talks to the server in each of its transport modes (tests/js/journey.mjs)."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.journeys import programs
from tests.journeys.conftest import on_sqlite_alone
from tests.journeys.people import MODES, House, Person
from tests.journeys.programs import NODE, SCRIPTS, Program, node_modules, running

SCENARIOS = ("connects", "isRefused", "talks", "sendsBytes", "isTold", "comesBack", "keepsOrder")
modes = pytest.mark.parametrize("mode", MODES)


@asynccontextmanager
async def playing(scenario: str, mode: str, ann: Person, bob: Person) -> AsyncIterator[Program]:
    node_modules()
    people = {name: {"id": each.id, "token": each.token} for name, each in (("ann", ann), ("bob", bob))}
    setting = json.dumps({"url": ann.url, "mode": mode, **people})
    async with running(NODE, SCRIPTS / "journey.mjs", scenario, setting) as program:
        yield program


@modes
@pytest.mark.parametrize("scenario", SCENARIOS)
@on_sqlite_alone
async def test_the_official_client(ann: Person, bob: Person, scenario: str, mode: str) -> None:
    async with playing(scenario, mode, ann, bob) as program:
        assert await program.finish() == ["done"]


async def test_nothing_is_lost_doubled_or_out_of_order_while_the_transport_changes(ann: Person, bob: Person) -> None:
    async with playing("upgradesWhileMessagesFlow", "default", ann, bob) as program:
        assert await program.finish() == ["done"]
    kept = [message["seq"] for message in await ann.history(bob)]
    assert kept == list(range(1, len(kept) + 1))


async def test_clients_of_every_mode_come_back_to_a_server_that_was_killed(own_house: House) -> None:
    async with AsyncExitStack() as stack:
        programs = []
        for mode in MODES:
            ann, bob = await own_house.person("ann"), await own_house.person("bob")
            programs.append(await stack.enter_async_context(playing("outlivesTheServer", mode, ann, bob)))
        for program in programs:
            assert await program.line() == "ready"
        own_house.server.kill()
        await own_house.server.start()
        for program in programs:
            assert await program.finish() == ["ready", "done"]


@on_sqlite_alone
async def test_what_is_not_as_it_must_be_ends_the_script_with_an_error(ann: Person, bob: Person) -> None:
    """The tests above believe the script, so that it can fail is tried too: this token is nobody's."""
    nobody = replace(ann, token="nonsense")
    async with playing("talks", "websocket", nobody, bob) as program:
        with pytest.raises(AssertionError, match="token is not valid"):
            await program.finish()


def test_without_the_client_these_tests_are_skipped_on_a_desk_and_fail_in_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "SCRIPTS", tmp_path)
    monkeypatch.delenv("FIRESIDE_TEST_ALL", raising=False)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="make tests/js/node_modules"):
        node_modules()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="make tests/js/node_modules"):
        node_modules()


def test_the_lock_names_one_version_of_the_client_and_no_place_to_get_it_from() -> None:
    package, lock = (json.loads((SCRIPTS / name).read_text()) for name in ("package.json", "package-lock.json"))
    assert package["dependencies"]["socket.io-client"] == "4.8.4"
    assert lock["packages"]["node_modules/socket.io-client"]["version"] == "4.8.4"
    assert not any("resolved" in each for each in lock["packages"].values())
