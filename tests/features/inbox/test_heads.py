"""Heads: how far conversations have got, so that nobody misses a last frame."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from fireside.core.errors import Unavailable
from tests.features.whole import ANN, BOB, CAT, DAN, EVE, MAX_MEMBERS, Device, Node, World

TURNS = 100
"""Turns of the loop in which whoever waits for nothing but them is done."""


def told(node: Node, who: str) -> list[dict[str, Any]]:
    """What somebody has been told."""
    return node.publisher.heard(who, "heads")


async def tell(node: Node) -> dict[str, Any]:
    """Who is told what, by person."""
    node.publisher.told.clear()
    await node.heads.tell()
    found: dict[str, Any] = {}
    for each in node.publisher.told:
        assert (each.event, each.origin, len(each.users)) == ("heads", None, 1)
        assert each.users[0] not in found
        found[each.users[0]] = each.body
    return found


async def greet(node: Node, who: str) -> list[Any]:
    """What a device that has just come is told."""
    node.publisher.handed.clear()
    device = Device(who)
    node.heads.came(who, device)
    await node.heads.greet()
    assert all((devices, event) == ([device], "heads") for devices, event, _ in node.publisher.handed)
    return [body for _, _, body in node.publisher.handed]


async def test_who_has_moved_something_is_told_how_far_it_got_and_so_is_everybody_else_in_it(node: Node) -> None:
    here, there = await node.direct(ANN, BOB), await node.direct(BOB, CAT)
    await node.say(ANN, here)
    await node.say(BOB, here)
    await node.do(ANN, "reactToMessage", conversation=here, seq=2, emoji="👍")
    await node.say(CAT, there)
    await node.settle()
    heads = await tell(node)
    first = {"conversation": here, "seq": 2, "rev": 1, "receipts": 1 + 1 + 2 + 2}
    second = {"conversation": there, "seq": 1, "rev": 0, "receipts": 1 + 1}
    assert heads[ANN] == {"heads": [first]}
    assert sorted(heads[BOB]["heads"], key=lambda each: each["seq"]) == [second, first]
    assert heads[CAT] == {"heads": [second]}
    assert heads.keys() == {ANN, BOB, CAT}


async def test_what_has_not_moved_since_is_not_told_again(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    await node.settle()
    assert (await tell(node)).keys() == {ANN, BOB}
    assert await tell(node) == {}
    await node.do(BOB, "markRead", conversation=here, seq=1)
    assert {who: each["heads"][0]["receipts"] for who, each in (await tell(node)).items()} == {ANN: 4, BOB: 4}
    await node.do(BOB, "markRead", conversation=here, seq=1)
    await node.do(ANN, "deleteMessage", conversation=here, seq=1)
    assert {who: each["heads"][0]["rev"] for who, each in (await tell(node)).items()} == {ANN: 1, BOB: 1}


async def test_whoever_is_not_here_is_not_told(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    node.publisher.away = {BOB}
    await node.say(ANN, here)
    assert (await tell(node)).keys() == {ANN}


async def test_ones_own_log_is_told_to_oneself_with_the_rest_or_alone(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    await node.do(ANN, "setFlags", conversation=here, pinned=True)
    await node.do(ANN, "setFlags", conversation=here, archived=True)
    heads = await tell(node)
    assert (heads[ANN]["own"], len(heads[ANN]["heads"])) == (2, 1)
    assert "own" not in heads[BOB]
    await node.settle()
    await tell(node)
    await node.do(BOB, "setFlags", conversation=here, pinned=True)
    assert await tell(node) == {BOB: {"heads": [], "own": 1}}
    node.publisher.away = {BOB}
    await node.do(BOB, "setFlags", conversation=here, pinned=False)
    assert await tell(node) == {}


async def test_what_could_not_be_told_is_told_the_next_time_as_far_as_it_goes(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await node.direct(ANN, BOB)
    for pinned in (True, False):
        await node.do(ANN, "setFlags", conversation=here, pinned=pinned)

    async def failing(user_ids: Collection[str]) -> set[str]:
        node.personal.has_grown(ANN, 1)  # somebody who looked earlier says so only now
        raise Unavailable("The others do not answer.")

    monkeypatch.setattr(node.publisher, "present", failing)
    with pytest.raises(Unavailable):
        await node.heads.tell()
    monkeypatch.undo()
    assert await tell(node) == {ANN: {"heads": [], "own": 2}}


async def test_who_was_put_out_is_told_up_to_there_and_no_more_after(node: Node) -> None:
    here = await node.group(ANN, BOB, CAT)
    await node.do(ANN, "removeMember", conversation=here, user=BOB)
    await node.say(ANN, here)
    await node.do(ANN, "reactToMessage", conversation=here, seq=3, emoji="👍")
    heads = await tell(node)
    assert heads[BOB] == {"heads": [{"conversation": here, "seq": 2, "rev": 0}]}
    assert [(each["seq"], each["rev"]) for each in heads[CAT]["heads"]] == [(3, 1)]
    await node.say(ANN, here)
    assert (await tell(node)).keys() == {ANN, CAT}, "nor do they learn that anything is said"
    await node.do(CAT, "leaveGroup", conversation=here)
    assert (await tell(node)).keys() == {ANN, CAT}


async def test_of_a_large_group_no_receipts_are_told(world: World, node: Node) -> None:
    crowd = [f"{number:024x}" for number in range(1, MAX_MEMBERS - 1)]
    await world.join(*crowd)
    here = await node.group(ANN, BOB, *crowd)
    await node.settle()
    heads = await tell(node)
    assert len(heads) == MAX_MEMBERS
    assert heads[BOB] == {"heads": [{"conversation": here, "seq": 1, "rev": 0}]}


async def test_who_keeps_their_reading_to_themselves_is_told_another_sum_which_is_that_of_what_they_see(
    node: Node,
) -> None:
    await node.stores.accounts.show_reading(BOB, False)
    here = await node.group(ANN, BOB, CAT)
    await node.say(ANN, here)
    for who in (BOB, CAT):
        await node.do(who, "markRead", conversation=here, seq=2)
    await node.settle()
    heads = await tell(node)
    for who in (ANN, BOB, CAT):
        receipts = (await node.item(who, here))["receipts"]
        assert heads[who]["heads"][0]["receipts"] == sum(each["delivered"] + each.get("read", 0) for each in receipts)
    assert heads[ANN]["heads"][0]["receipts"] == 2 + 2 + 2 + 0 + 2 + 2
    assert heads[BOB]["heads"][0]["receipts"] == 2 + 0 + 2 + 2 + 2 + 0


# ── on connecting ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_device_that_comes_is_told_of_what_is_going_on_and_nobody_else_is(node: Node) -> None:
    here, quiet = await node.direct(ANN, BOB), await node.direct(ANN, CAT)
    await node.say(ANN, quiet)
    await node.fall_asleep()
    await node.say(ANN, here)
    await node.settle()
    node.publisher.told.clear()
    assert await greet(node, BOB) == [{"heads": [{"conversation": here, "seq": 1, "rev": 0, "receipts": 2}]}]
    assert node.publisher.told == []
    assert await greet(node, CAT) == await greet(node, EVE) == [], "what is asleep has not moved"
    await node.fall_asleep()
    assert await greet(node, BOB) == []


async def test_each_device_that_comes_is_told_once(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    devices = [Device(who) for who in (ANN, BOB, BOB)]
    for each in devices:
        node.heads.came(each.user_id, each)
    await node.heads.greet()
    await node.heads.greet()
    assert [handed for handed, _, _ in node.publisher.handed] == [[each] for each in devices]


async def test_who_has_left_is_told_nothing_when_they_come(node: Node) -> None:
    here = await node.group(ANN, BOB, DAN)
    await node.do(BOB, "leaveGroup", conversation=here)
    assert await greet(node, BOB) == []
    assert len(await greet(node, DAN)) == 1


async def test_it_is_told_at_once_and_by_itself_and_a_failure_ends_nothing(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    of, failures = node.heads.of, [RuntimeError("a bug")]

    async def break_once(user_id: str) -> Any:
        if failures:
            raise failures.pop()
        return await of(user_id)

    node.heads.of = break_once  # type: ignore[method-assign]
    await node.heads.start()
    try:
        for _ in range(2):
            node.heads.came(BOB, Device(BOB))
            for _ in range(TURNS):
                await asyncio.sleep(0)
    finally:
        await node.heads.stop()
    assert [event for _, event, _ in node.publisher.handed] == ["heads"]


async def test_what_moves_is_told_when_it_is_due(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    await node.heads.start()
    try:
        await node.say(ANN, here)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert told(node, BOB) == []
        node.time.go_on(10)
        node.heads.came(BOB, Device(BOB))  # looks at the time, too
        for _ in range(TURNS):
            await asyncio.sleep(0)
    finally:
        await node.heads.stop()
    assert [each["heads"][0]["seq"] for each in told(node, BOB)] == [1]


async def test_what_falls_asleep_is_told_of_before(node: Node) -> None:
    place = await node.direct(ANN, BOB)
    await node.say(ANN, place)
    await node.fall_asleep()
    assert [head["seq"] for body in told(node, BOB) for head in body["heads"]] == [1]
    assert await tell(node) == {}


async def test_what_a_node_that_died_may_have_told_nobody_its_heir_tells(world: World, node: Node) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    heir = await world.node()
    await world.kill(node)
    await heir.keeper.look()
    assert {who: body["heads"][0]["seq"] for who, body in (await tell(heir)).items()} == {ANN: 1, BOB: 1}
