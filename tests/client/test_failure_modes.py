"""The ways in which chat products lose, double and misplace messages, as they were found in peers, each tried here.

F1 to F13 are their names in our notes on the field.
"""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from fireside.client import Client
from fireside.client.state import MissingChanges
from fireside.core.ids import new_id
from fireside.features.messages.service import Message
from fireside.features.messages.wire import Page
from tests.client.house import Device, House, at_once
from tests.client.world import DAY_MS, seen, shown

AT_ONCE = 200
LOOKS = 100


async def pair_in(house: House) -> tuple[Device, Device]:
    """Ann and Bob, who have said hello."""
    ann = await house.device(await house.user("ann"), keep=None).start()
    bob = await house.device(await house.user("bob"), keep=None).start()
    await ann.client.send("hello", to=bob.user)
    await both_settled(ann, bob)
    return ann, bob


async def both_settled(*devices: Device) -> None:
    for device in devices:
        await device.settled()


async def both_stopped(*devices: Device) -> None:
    for device in devices:
        await device.stop()


async def flood(device: Device, to: str, many: int) -> None:
    """Many messages, not one after the other."""
    assert device.connection is not None
    room = asyncio.Semaphore(AT_ONCE)

    async def send(number: int) -> None:
        async with room:
            body = {"recipient": to, "content": f"{number}", "clientId": new_id()}
            assert (await device.connection.call("sendMessage", body))["ok"]  # type: ignore[union-attr]

    await asyncio.gather(*map(send, range(many)))


async def equals_a_fresh_one(house: House, *devices: Device) -> None:
    """These have what a fresh device of their user gets. Everybody ends."""
    for device in devices:
        fresh = await house.device(device.user, keep=None).start()
        for each in (fresh, device):
            await each.settled()
            await each.read_all()
        for _ in range(LOOKS):
            one, other = ({each: shown(local) for each, local in seen(d).items()} for d in (device, fresh))
            if one == other:
                break
            # How far others have got is found at once, and told a moment later.
            await asyncio.sleep(0.05)
        assert one == other
        await fresh.stop()
    for device in devices:
        await device.stop()


@pytest.mark.parametrize("days", [-1, 1])
async def test_f1_a_clock_that_is_wrong_hides_nothing(house: House, days: int) -> None:
    ann, bob = await pair_in(house)
    assert bob.connection is not None
    bob.connection.deaf_for = 2
    house.skew_ms = days * DAY_MS
    for number in range(3):
        await ann.client.send(f"{number}", to=bob.user)
    await bob.restart()
    house.skew_ms = 0
    await ann.client.send("last", to=bob.user)
    await equals_a_fresh_one(house, ann, bob)


async def test_f2_what_was_changed_while_one_was_away_is_found(house: House) -> None:
    ann, bob = await pair_in(house)
    messages = [await ann.client.send(f"{number}", to=bob.user) for number in range(4)]
    await both_settled(ann, bob)
    memory = bob.client.remember()
    await bob.stop()
    await ann.client.edit(messages[0], "edited")
    await ann.client.delete(messages[1])
    await ann.client.react(messages[2], "👍")
    await ann.client.pin(messages[3])
    await bob.start(memory)
    await bob.settled()
    found = {message.seq: message for message in next(iter(seen(bob).values())).history()}
    assert found[messages[0].seq].content == "edited"
    assert found[messages[1].seq].deleted_at
    assert found[messages[2].seq].reactions == {ann.user: "👍"}
    assert found[messages[3].seq].pinned
    await equals_a_fresh_one(house, ann, bob)


async def test_f3_what_is_said_between_connecting_and_asking_is_heard(house: House) -> None:
    ann, bob = await pair_in(house)
    await bob.stop()

    class Slow(Device):
        async def _connect(self, server: str, token: str, hear: Any) -> Any:
            connection = await super()._connect(server, token, hear)
            await ann.client.send("between", to=self.user)
            return connection

    slow = await Slow(house, bob.user).start()
    await slow.settled()
    assert [message.content for message in next(iter(seen(slow).values())).history()] == ["hello", "between"]
    await equals_a_fresh_one(house, ann, slow)


async def test_f5_what_is_read_while_frames_are_lost_is_as_true_as_the_rest(house: House) -> None:
    ann, bob = await pair_in(house)
    messages = [await ann.client.send(f"{number}", to=bob.user) for number in range(30)]
    await bob.restart(forgetful=True)
    await bob.settled()
    (local,) = seen(bob).values()
    assert bob.connection is not None
    bob.connection.deaf_for = 1
    changing = asyncio.create_task(ann.client.edit(messages[0], "edited"))
    while not local.is_whole:
        await bob.client.older(local.id, 5)
    await changing
    await house.tell()
    await equals_a_fresh_one(house, ann, bob)


async def test_f5_what_changes_while_older_messages_are_on_their_way_is_asked_for_again(house: House) -> None:
    ann, bob = await pair_in(house)
    for number in range(30):
        await ann.client.send(f"{number}", to=bob.user)
    await bob.restart(forgetful=True)
    await bob.settled()
    (local,) = seen(bob).values()
    rev, first = local.rev, local.first
    page = await bob.client.call("getMessages", Page, conversation=local.id, before=first, limit=5)
    await ann.client.edit(page.messages[-1], "edited")
    await house.tell()
    await bob.settled()
    bob.client.state.take_older(local, page.messages, rev)
    assert bob.client.state.missing() == [MissingChanges(local.id, rev, rev + 1)]
    await both_stopped(ann, bob)


@pytest.mark.parametrize("missed", [1, 24, 25, 500, 5_000])
@pytest.mark.parametrize("how", ["away", "deaf"])
async def test_f6_a_hole_of_any_size_is_filled(house: House, missed: int, how: str) -> None:
    ann, bob = await pair_in(house)
    assert bob.connection is not None
    if how == "away":
        memory = bob.client.remember()
        await bob.stop()
        await flood(ann, bob.user, missed)
        await bob.start(memory)
    else:
        bob.connection.deaf_for = missed
        await flood(ann, bob.user, missed)
        bob.connection.mend()
        await house.tell()
    await bob.settled()
    assert next(iter(seen(bob).values())).seq == 1 + missed
    await equals_a_fresh_one(house, bob)
    await ann.stop()


@pytest.mark.parametrize("later_ms", [31_000, 25 * 3_600_000])
async def test_f7_a_retry_finds_the_first_message_however_late(house: House, later_ms: int) -> None:
    ann, bob = await pair_in(house)
    first = await ann.client.send("once", to=bob.user, client_id="mine")
    house.skew_ms += later_ms
    assert await ann.client.send("once", to=bob.user, client_id="mine") == first
    await equals_a_fresh_one(house, ann, bob)


async def test_f7_a_retry_finds_the_first_message_after_a_restart(tmp_path: Path) -> None:
    house = House(tmp_path)
    await house.start()
    ann, bob = await pair_in(house)
    first = await ann.client.send("once", to=bob.user, client_id="mine")
    await ann.stop()
    await bob.stop()
    await house.stop()
    again = House(tmp_path)
    await again.start()
    ann = await again.device(ann.user).start()
    assert await ann.client.send("once", to=bob.user, client_id="mine") == first
    await ann.stop()
    await again.stop()


async def test_f7_a_retry_finds_the_first_message_on_another_node(houses: list[House]) -> None:
    ann, bob = await pair_in(houses[0])
    first = await ann.client.send("once", to=bob.user, client_id="mine")
    elsewhere = await houses[1].device(ann.user).start()
    assert await elsewhere.client.send("once", to=bob.user, client_id="mine") == first
    for device in (ann, bob, elsewhere):
        await device.stop()


async def test_f8_f9_fifty_identical_sends_at_once_are_one_message_and_fifty_equal_answers(houses: list[House]) -> None:
    ann, bob = await pair_in(houses[0])
    devices = [await house.device(ann.user).start() for house in houses for _ in range(5)]
    await both_settled(*devices)
    body = {"recipient": bob.user, "content": "once", "clientId": "mine"}
    calls = [devices[number % len(devices)].connection for number in range(50)]
    answers = await asyncio.gather(*(call.call("sendMessage", body) for call in calls if call is not None))
    assert len(answers) == 50
    assert all(answer == answers[0] for answer in answers)
    fresh = await houses[2].device(bob.user).start()
    await fresh.settled()
    assert [message.content for message in next(iter(seen(fresh).values())).history()] == ["hello", "once"]
    for device in (ann, bob, fresh, *devices):
        await device.stop()


async def test_f10_where_a_node_dies_after_the_insert_there_is_no_hole_and_nothing_twice(houses: list[House]) -> None:
    ann, bob = await pair_in(houses[0])
    (conversation,) = seen(bob)
    # What a node had stored when it died, with nothing counted and nobody told.
    stores = houses[0].fireside.stores
    assert await stores.messages.append([Message(conversation, 2, ann.user, "mine", "stored", houses[0].clock())]) == 1
    elsewhere = await houses[1].device(ann.user).start()
    first = await elsewhere.client.send("stored", to=bob.user, client_id="mine")
    second = await elsewhere.client.send("next", to=bob.user)
    assert (first.seq, second.seq) == (2, 3)
    fresh = await houses[2].device(bob.user).start()
    await fresh.settled()
    assert [message.content for message in seen(fresh)[conversation].history()] == ["hello", "stored", "next"]
    for device in (ann, bob, fresh, elsewhere):
        await device.stop()


async def test_f11_of_frames_that_are_lost_now_and_then_nothing_is_missing_in_the_end(house: House) -> None:
    ann, bob = await pair_in(house)
    chance = random.Random(11)
    lost = 0
    for number in range(1_000):
        if chance.random() < 0.01 and bob.connection is not None:
            lost += 1
            bob.connection.deaf_for += 1
        message = await ann.client.send(f"{number}", to=bob.user)
        if number % 50 == 0:
            await ann.client.react(message, "👍")
    assert lost
    assert bob.connection is not None
    bob.connection.mend()
    await house.tell()
    await equals_a_fresh_one(house, ann, bob)


async def test_f12_any_node_knows_what_was_missed(houses: list[House]) -> None:
    ann, bob = await pair_in(houses[0])
    memory = bob.client.remember()
    await bob.stop()
    for number in range(30):
        await ann.client.send(f"{number}", to=bob.user)
    elsewhere = await houses[1].device(bob.user).start(memory)
    await elsewhere.settled()
    assert next(iter(seen(elsewhere).values())).seq == 31
    await equals_a_fresh_one(houses[2], elsewhere)
    await ann.stop()


async def test_f13_who_has_heard_nothing_yet_misses_nothing_either(house: House) -> None:
    ann, bob = await pair_in(house)
    await bob.restart()
    await bob.settled()
    assert bob.connection is not None
    bob.connection.cut()
    await ann.client.send("while you were gone", to=bob.user)
    await equals_a_fresh_one(house, ann, bob)


async def test_a_client_says_whom_it_is_for() -> None:
    client = Client("", "no token", sleep=at_once)
    with pytest.raises(ValueError, match="no token"):
        await client.start()
