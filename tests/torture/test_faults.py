"""What goes wrong is chosen by the seed, and what cannot be made to go wrong is said."""

import sys
from collections import Counter
from random import Random

import pytest

from fireside.torture import faults
from fireside.torture.faults import Incident, befall, named_command, plan
from fireside.torture.proxy import FAIR, Proxy
from fireside.torture.record import Befell, Failed, Record

NAMES = ["a", "b", "c"]


def test_the_same_seed_gives_the_same_incidents_and_another_gives_others() -> None:
    assert plan(NAMES, Random(1), 100) == plan(NAMES, Random(1), 100)
    assert plan(NAMES, Random(1), 100) != plan(NAMES, Random(2), 100)


@pytest.mark.parametrize("duration_s", [1.0, 60.0, 600.0])
def test_each_fault_comes_as_often_as_the_others_and_once_at_least(duration_s: float) -> None:
    times = Counter(each.fault for each in plan(NAMES, Random(1), duration_s))
    assert set(times) == set(NAMES)
    assert max(times.values()) - min(times.values()) <= 1


async def run(incident: str, faults: dict[str, faults.Fault]) -> Record:
    record = Record()
    meanwhile: list[None] = []
    await befall(Incident(0.0, incident), faults, Random(1), record, lambda: meanwhile.append(None))
    assert len(meanwhile) == 1
    return record


async def test_a_command_is_a_fault() -> None:
    name, fault = named_command(f"restart = {sys.executable} -c 'import sys; sys.exit(0)'")
    record = await run(name, {name: fault})
    assert [(type(each), getattr(each, "over", None)) for each in record.lines] == [(Befell, False), (Befell, True)]


async def test_a_command_that_does_not_work_makes_the_run_red() -> None:
    name, fault = named_command(f"restart={sys.executable} -c 'import sys; sys.exit(3)'")
    record = await run(name, {name: fault})
    (failed,) = (each for each in record.lines if isinstance(each, Failed))
    assert "status 3" in failed.what


@pytest.mark.parametrize("given", ["restart", "=true", "restart=", "restart='"])
def test_what_is_no_name_and_command_is_refused(given: str) -> None:
    with pytest.raises(ValueError):
        named_command(given)


async def test_after_each_fault_of_the_network_the_weather_is_fair(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(_: float) -> None:
        """Nobody waits."""

    monkeypatch.setattr("fireside.torture.faults.asyncio.sleep", at_once)
    proxy = Proxy([("127.0.0.1", 1)], Random(1))
    for fault in faults.network_faults(proxy).values():
        await fault(Random(1))
        assert proxy.weather() == FAIR
