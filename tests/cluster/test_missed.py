"""What nodes could not tell each other is found when they can again, also the last message with nothing after it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from fireside.cluster.bus import Bus
from fireside.features.inbox import missed
from tests.client.house import Device, House
from tests.cluster.buses import dies, until
from tests.valkey import Valkey

Nodes = list[House]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missed, "COMPANY_S", 0.0)


def bus(house: House) -> Bus:
    assert house.fireside.bus is not None
    return house.fireside.bus


@asynccontextmanager
async def pair(one: House, other: House) -> AsyncIterator[tuple[Device, Device, str]]:
    """Ann on one node and Bob on the other, who have talked, and their conversation."""
    ann = await one.device(await one.user("ann")).start()
    bob = await other.device(await one.user("bob")).start()
    sent = await ann.client.send("hello", to=bob.user)
    await until(lambda: sent.conversation in bob.client.state.conversations and told(bob, sent.conversation) == (1, 0))
    await bob.settled()
    yield ann, bob, sent.conversation
    await ann.stop()
    await bob.stop()


def told(device: Device, conversation: str) -> tuple[int, int]:
    """How far a device knows a conversation to have got."""
    local = device.client.state.conversations[conversation]
    return local.seq, local.rev


async def test_what_happened_while_the_bus_was_away_is_found_when_it_is_back(
    own_nodes: Nodes, own_valkey: Valkey
) -> None:
    one, other = own_nodes
    async with pair(one, other) as (ann, bob, here), pair(one, other) as (cat, dan, there):
        own_valkey.kill()
        await until(lambda: not (bus(one).is_up or bus(other).is_up))
        last = await ann.client.send("you do not hear this", conversation=here)
        await ann.client.react(last, "👍")
        await bob.client.send("nor do you", conversation=here)
        await cat.client.send("nor here", conversation=there)
        # It goes to sleep, and nobody's heads tell of it any more.
        await one.tell()
        await one.rest()
        await bob.settled()
        assert (told(bob, here), told(dan, there)) == ((3, 0), (1, 0))
        await asyncio.to_thread(own_valkey.start)
        await until(lambda: told(ann, here) == told(bob, here) == (3, 1))
        await until(lambda: told(dan, there) == (2, 0))


@contextmanager
def cut_off(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It alone does not reach the bus."""

    def refuse() -> None:
        raise ConnectionRefusedError("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(bus(house)._lines, "open", refuse)
        yield


async def test_what_a_node_did_while_it_alone_was_cut_off_is_found_by_the_others_and_the_other_way(
    own_nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = own_nodes
    async with pair(one, other) as (ann, bob, here), pair(other, one) as (cat, dan, there):
        for house in own_nodes:
            await house.tell()
            await house.rest()
        with cut_off(one, monkeypatch):
            await dies(bus(one))
            await bus(one).start()
            assert (bus(one).is_up, bus(other).is_up) == (False, True)
            await ann.client.send("bob does not hear this", conversation=here)
            await cat.client.send("dan does not hear this", conversation=there)
            for house in own_nodes:
                await house.rest()
            assert (told(bob, here), told(dan, there)) == ((1, 0), (1, 0))
        await until(lambda: told(bob, here) == told(dan, there) == (2, 0))


async def test_a_frame_that_was_lost_between_nodes_that_hear_each_other_is_found_by_heads(own_nodes: Nodes) -> None:
    one, other = own_nodes
    async with pair(one, other) as (ann, bob, here):
        hears = bus(other)._handlers["f"]
        lost: list[bytes] = []
        bus(other)._handlers["f"] = lambda _, body: lost.append(body)
        await ann.client.send("you do not hear this", conversation=here)
        await until(lambda: lost)
        bus(other)._handlers["f"] = hears
        assert told(bob, here) == (1, 0)
        await one.fireside.features.heads.tell()
        await until(lambda: told(bob, here) == (2, 0))


async def test_ones_own_log_is_told_again_too(own_nodes: Nodes, own_valkey: Valkey) -> None:
    one, other = own_nodes
    async with pair(one, other) as (ann, _, here):
        also_ann = await other.device(ann.user).start()
        await also_ann.settled()
        own_valkey.kill()
        await until(lambda: not (bus(one).is_up or bus(other).is_up))
        await ann.client.set_flags(here, pinned=True)
        await one.fireside.features.heads.tell()
        assert not also_ann.client.state.conversations[here].flags.pinned
        await asyncio.to_thread(own_valkey.start)
        await until(lambda: also_ann.client.state.conversations[here].flags.pinned)
        await also_ann.stop()
