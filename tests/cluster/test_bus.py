"""The bus on a real Valkey: who hears what."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from fireside.cluster.bus import ENTRIES_AT_ONCE, WAITING, Bus
from fireside.cluster.envelopes import pack
from fireside.core.peers import EVERYBODY
from tests.cluster.buses import Ears, members, redis, until
from tests.valkey import Valkey

Make = Callable[[], Awaitable[Ears]]


@pytest.fixture
def valkey(own_valkey: Valkey) -> Valkey:
    """Nobody else's: what is in it is changed, and thrown away."""
    return own_valkey


@pytest.fixture
async def make(valkey: Valkey) -> AsyncIterator[Make]:
    """Makes buses that end with the test."""
    made: list[Ears] = []

    async def make() -> Ears:
        made.append(Ears(valkey.url))
        await made[-1].start()
        return made[-1]

    yield make
    for bus in made:
        await bus.stop()


async def test_what_is_sent_goes_once_to_each_other_node_that_joined_one_of_the_topics(make: Make) -> None:
    one, two, three = [await make() for _ in range(3)]
    await one.join_now("ann", "bob")
    await two.join_now("ann", "bob", "cat")
    one.send(["ann", "cat", "dan"], "k", b"a body\x00\xff")
    await until(lambda: two.heard)
    await one.flushed()
    assert [(sorted(topics), body) for topics, body in two.heard] == [(["ann", "cat"], b"a body\x00\xff")]
    assert one.heard == three.heard == []
    assert (one.sent, two.received, three.received) == (1, 1, 0)


async def test_what_is_sent_in_one_turn_of_the_loop_is_one_envelope_in_order(make: Make) -> None:
    one, two = await make(), await make()
    await two.join_now("ann", "bob")
    for number in range(5):
        one.send(["ann"] if number % 2 else ["bob", "ann"], "k", b"%d" % number)
    one.tell(two.node, "k", b"5")
    await until(lambda: len(two.heard) == 6)
    bodies = [body for _, body in two.heard]
    assert sorted(bodies) == [b"%d" % number for number in range(6)]
    assert [body for body in bodies if body != b"5"] == [b"%d" % number for number in range(5)]
    assert two.received == 1


async def test_more_than_one_call_takes_arrives_in_order(make: Make) -> None:
    one, two = await make(), await make()
    await two.join_now("ann")
    bodies = [b"%d" % number for number in range(3 * ENTRIES_AT_ONCE)]
    for body in bodies:
        one.send(["ann"], "k", body)
    await two.hears(*bodies)


async def test_a_crowd_of_any_size_is_reached(make: Make) -> None:
    one, two = await make(), await make()
    crowd = [f"{number:024x}" for number in range(12_000)]
    await two.join_now(*crowd[::2])
    one.send(crowd, "k", b"x")
    await until(lambda: two.heard)
    assert two.heard == [(crowd[::2], b"x")]
    assert await one.joined(crowd) == set(crowd[::2])


async def test_joins_are_counted(make: Make) -> None:
    one, two = await make(), await make()
    await two.join_now("ann", "ann")
    two.leave("ann")
    one.send(["ann"], "k", b"1")
    await two.hears(b"1")
    two.leave("ann")
    await two.in_force("ann")
    one.send(["ann"], "k", b"2")
    await one.flushed()
    assert await one.joined(["ann"]) == set()
    await two.join_now("ann")
    one.send(["ann"], "k", b"3")
    await two.hears(b"3")


async def test_every_node_hears_what_is_for_everybody(make: Make) -> None:
    one, two, three = [await make() for _ in range(3)]
    one.send([EVERYBODY], "k", b"x")
    await two.hears(b"x")
    await three.hears(b"x")
    assert one.heard == []


async def test_one_node_is_told_by_its_name(make: Make) -> None:
    one, two, three = [await make() for _ in range(3)]
    one.tell(two.node, "k", b"x")
    await until(lambda: two.heard)
    assert (two.heard, three.heard) == ([([], b"x")], [])


async def test_who_tells_a_node_that_is_not_there_is_told_so(make: Make) -> None:
    one = await make()
    undelivered = asyncio.Event()
    one.tell("nobody", "k", b"x", undelivered.set)
    await asyncio.wait_for(undelivered.wait(), 10)
    assert one.dropped == 1


async def test_who_is_there_is_who_has_joined_on_a_node_that_lives(make: Make, valkey: Valkey) -> None:
    one, two = await make(), await make()
    await one.join_now("ann")
    await two.join_now("bob")
    assert await one.joined(["ann", "bob", "cat"]) == {"ann", "bob"}
    assert await one.joined([]) == set()
    await redis(valkey.url, "SADD", "fs:nodes", "dead")
    assert await one.joined(["bob"]) == {"bob"}
    assert await members(valkey.url, "fs:nodes") == {one.node, two.node}


async def test_a_node_that_is_gone_is_taken_out_of_the_register_by_who_has_something_for_it(
    make: Make, valkey: Valkey
) -> None:
    one = await make()
    await redis(valkey.url, "SADD", "fs:nodes", "dead")
    await redis(valkey.url, "SADD", "fs:node:dead", "ann")
    assert await one.joined(["ann"]) == {"ann"}, "it may be alive, for all that is known"
    one.send(["ann"], "k", b"x")
    await one.flushed()
    assert await members(valkey.url, "fs:nodes") == {one.node}
    assert await members(valkey.url, "fs:node:dead") == set()
    assert one.sent == 0


async def test_who_stops_sends_what_waits_and_is_dead_at_once(make: Make, valkey: Valkey) -> None:
    one, two = await make(), await make()
    await one.join_now("ann")
    await two.join_now("bob")
    one.send(["bob"], "k", b"farewell")
    await one.stop()
    await two.hears(b"farewell")
    assert await two.joined(["ann"]) == set()


async def test_a_node_whose_lease_has_lapsed_says_everything_again(make: Make, valkey: Valkey) -> None:
    one, two = await make(), await make()
    await two.join_now("ann")
    assert (await redis(valkey.url, "PTTL", f"fs:node:{two.node}")) > 0
    await redis(valkey.url, "FLUSHALL")
    await until(lambda: one.returns and two.returns)
    one.send(["ann"], "k", b"x")
    await two.hears(b"x")


async def test_what_it_left_without_being_able_to_say_so_it_leaves_when_it_hears_of_it(
    make: Make, valkey: Valkey
) -> None:
    one, two = await make(), await make()
    await redis(valkey.url, "SADD", f"fs:node:{two.node}", "ann")
    one.send(["ann"], "k", b"x")
    await until(lambda: two.received)
    await two.in_force("ann")
    assert await members(valkey.url, f"fs:node:{two.node}") == {EVERYBODY}
    assert two.heard == []


@pytest.mark.parametrize("noise", [b"\xff\xff", pack([("?", ["*"], b"of a kind that nobody knows")])])
async def test_what_nobody_understands_is_left_aside(
    make: Make, valkey: Valkey, noise: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = await make(), await make()
    from fireside.cluster.line import Lines  # what the bus uses

    async with Lines(valkey.url).open() as line:
        await line._ask("PUBLISH", f"fs:n:{two.node}", noise)
    await until(lambda: two.received)
    one.send([EVERYBODY], "k", b"x")
    await two.hears(b"x")
    assert two.returns == 0


async def test_a_handler_that_fails_takes_nothing_from_the_others(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    one, two = await make(), await make()

    def fail(*_: object) -> None:
        raise RuntimeError("a handler")

    two.on("!", fail)
    one.send([EVERYBODY], "!", b"")
    one.send([EVERYBODY], "k", b"x")
    await two.hears(b"x")
    assert "could not be taken" in caplog.text


async def test_past_a_bound_it_drops_and_says_so_and_when_it_has_caught_up_something_was_lost(make: Make) -> None:
    one, two = await make(), await make()
    await two.join_now("ann")
    for number in range(WAITING + 10):
        one.send(["ann"], "k", b"%d" % number)
    assert one.dropped == 10
    await until(lambda: one.returns == 1)
    await until(lambda: len(two.heard) == WAITING)
    assert two.heard[-1] == (["ann"], b"%d" % (WAITING - 1))


def test_a_kind_has_one_handler() -> None:
    bus = Bus("valkey://127.0.0.1:1")
    bus.on("k", print)
    with pytest.raises(AssertionError):
        bus.on("k", repr)  # type: ignore[arg-type]
