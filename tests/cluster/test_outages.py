"""The bus while Valkey is killed, stopped, or not what it was: nobody waits for it, and it comes back by itself."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fireside.cluster.bus import CHANGES_AT_ONCE
from fireside.cluster.line import ANSWER_S
from fireside.cluster.register import LEASE_S
from tests.cluster.buses import Ears, dies, redis, until
from tests.valkey import Valkey


@asynccontextmanager
async def running(*buses: Ears) -> AsyncIterator[None]:
    for bus in buses:
        await bus.start()
    try:
        yield
    finally:
        for bus in buses:
            await bus.stop()


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the bus has said in the log, without what changes."""
    return [record.getMessage()[:16] for record in caplog.records if record.name.startswith("fireside.cluster")]


async def test_a_bus_that_was_killed_comes_back_empty_and_is_told_everything(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = Ears(own_valkey.url), Ears(own_valkey.url)
    async with running(one, two):
        await two.join_now("ann")
        own_valkey.kill()
        await until(lambda: not (one.is_up or two.is_up))
        one.send(["ann"], "k", b"lost")
        two.join("bob")
        two.leave("ann")
        await two.in_force("bob")
        assert await one.joined(["ann", "bob"]) == set()
        await asyncio.to_thread(own_valkey.start)
        await until(lambda: one.returns == two.returns == 1)
        one.send(["ann", "bob"], "k", b"heard")
        await until(lambda: two.heard)
        assert two.heard == [(["bob"], b"heard")]
        assert one.dropped == 1
    assert sorted(lines(caplog)) == ["the bus is away "] * 2 + ["the bus is back "] * 2


async def test_a_bus_that_has_stopped_delays_nobody_and_is_noticed(own_valkey: Valkey) -> None:
    one, two = Ears(own_valkey.url), Ears(own_valkey.url)
    async with running(one, two):
        await two.join_now("ann")
        undelivered = asyncio.Event()
        with own_valkey.hanging():
            one.send(["ann"], "k", b"lost")
            one.tell(two.node, "k", b"lost", undelivered.set)
            # Who asks, and who waits for a topic, is let go when it is noticed.
            assert await one.joined(["ann"]) == set()
            one.join("bob")
            await one.in_force("bob")
            await undelivered.wait()
            await until(lambda: not (one.is_up or two.is_up))
        await until(lambda: one.returns == two.returns == 1)
        # What lay there when it stopped may have been taken all the same.
        two.heard.clear()
        one.send(["ann"], "k", b"heard")
        await two.hears(b"heard")


def stall() -> None:
    """As a machine that is too busy: for longer than anybody is waited for, this process does nothing."""
    time.sleep(ANSWER_S + 0.5)


async def test_a_process_that_stalls_has_not_lost_the_bus(own_valkey: Valkey) -> None:
    one, two = Ears(own_valkey.url), Ears(own_valkey.url)
    async with running(one, two):
        await two.join_now("ann")
        for body in (b"1", b"2", b"3"):
            one.send(["ann"], "k", body)
            await asyncio.sleep(0)  # it is under way
            stall()
            await two.hears(body)
        assert one.returns == two.returns == one.dropped == two.dropped == 0


async def test_a_bus_that_has_stopped_is_noticed_by_a_process_that_stalls(own_valkey: Valkey) -> None:
    one = Ears(own_valkey.url)
    async with running(one):
        with own_valkey.hanging():
            stall()
            await until(lambda: not one.is_up)
        await until(lambda: one.returns == 1)


async def test_a_channel_that_hears_nothing_is_noticed(own_valkey: Valkey) -> None:
    one, two = Ears(own_valkey.url), Ears(own_valkey.url)
    async with running(one, two):
        await two.join_now("ann")
        await redis(own_valkey.url, "CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: one.returns and two.returns)
        one.send(["ann"], "k", b"heard")
        await two.hears(b"heard")


async def test_what_it_left_while_its_lines_were_cut_is_not_in_the_register_when_it_is_back(
    own_valkey: Valkey,
) -> None:
    one, two = Ears(own_valkey.url), Ears(own_valkey.url)
    crowd = [f"{number:024x}" for number in range(CHANGES_AT_ONCE + 1)]
    async with running(one, two):
        await two.join_now("ann", *crowd)
        for kind in ("normal", "pubsub"):
            await redis(own_valkey.url, "CLIENT", "KILL", "TYPE", kind)
        await until(lambda: not two.is_up)
        two.leave("ann")
        await until(lambda: one.returns and two.returns)
        assert await one.joined(["ann", *crowd]) == set(crowd)


async def test_where_there_is_no_bus_at_the_start_it_is_found_later(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    own_valkey.kill()
    one, two = Ears(own_valkey.url), Ears(own_valkey.url)
    async with running(one, two):
        assert not one.is_up
        two.join("ann")
        await two.in_force("ann")
        await asyncio.to_thread(own_valkey.start)
        await until(lambda: one.returns == two.returns == 1)
        one.send(["ann"], "k", b"heard")
        await two.hears(b"heard")


async def test_with_another_password_it_is_away_until_that_is_put_right(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    one = Ears(own_valkey.url)
    async with running(one):
        await redis(own_valkey.url, "CONFIG", "SET", "requirepass", "other")
        theirs = own_valkey.url.replace("//", "//:other@")
        await redis(theirs, "CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: "AuthenticationError" in caplog.text)
        assert not one.is_up
        await redis(theirs, "CONFIG", "SET", "requirepass", "")
        await until(lambda: one.returns == 1)
    assert "other" not in caplog.text


async def test_of_a_replica_that_takes_no_writes_it_is_away_until_that_is_put_right(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    one = Ears(own_valkey.url)
    async with running(one):
        await redis(own_valkey.url, "REPLICAOF", "127.0.0.1", "1")
        await until(lambda: not one.is_up)
        assert "ReadOnlyError" in caplog.text
        await redis(own_valkey.url, "REPLICAOF", "NO", "ONE")
        await until(lambda: one.returns == 1)


async def test_a_node_that_says_nothing_for_its_lease_is_dead_for_others(own_valkey: Valkey) -> None:
    one, two = Ears(own_valkey.url), Ears(own_valkey.url)
    async with running(one, two):
        await two.join_now("ann")
        await dies(two)
        assert await one.joined(["ann"]) == {"ann"}
        assert 0 < await redis(own_valkey.url, "PTTL", f"fs:node:{two.node}") <= 1000 * LEASE_S
        await redis(own_valkey.url, "PEXPIRE", f"fs:node:{two.node}", "0")  # that time is over
        assert await one.joined(["ann"]) == set()
