"""Who hears of receipts, and who has seen what."""

from typing import Any

import pytest

from fireside.core.errors import NotFound
from fireside.features.receipts.wire import TOLD_UP_TO
from tests.features.receipts.conftest import WatchedReceipts, turns
from tests.features.whole import ANN, BOB, CAT, DAN, Device, Node, World


async def group(node: Node, *members: str) -> str:
    """A group in which Ann has said something; what that implies is told and forgotten."""
    here = await node.group(ANN, *(members or (BOB, CAT)))
    await node.say(ANN, here)
    await node.settle()
    node.publisher.told.clear()
    return here


async def hide(node: Node, who: str, hides: bool = True) -> None:
    """Somebody keeps their reading to themselves from now on, or does so no more."""
    await node.stores.accounts.show_reading(who, not hides)
    node.privacy.learn(who, not hides)


async def heard(node: Node, *people: str) -> list[dict[str, dict[str, int]]]:
    """What each of these has been told since the last time, by whose mark it is; the last word on each counts."""
    await turns()
    found = []
    for who in people:
        marks: dict[str, dict[str, int]] = {}
        for body in node.publisher.heard(who, "receiptUpdated"):
            for receipt in body["receipts"]:
                told = marks.setdefault(receipt["user"], {"delivered": 0, "read": 0})
                for name in told:
                    told[name] = max(told[name], receipt.get(name, 0))
        found.append(marks)
    node.publisher.told.clear()
    return found


async def shown(node: Node, who: str, conversation: str) -> dict[str, tuple[int, int]]:
    """Everybody's marks as this one sees them, delivered and read; the item says the same."""
    receipts = (await node.do(who, "getReceipts", conversation=conversation))["receipts"]
    assert receipts == (await node.item(who, conversation))["receipts"]
    return {each["user"]: (each["delivered"], each.get("read", 0)) for each in receipts}


async def seen(node: Node, who: str, conversation: str, seq: int) -> tuple[list[str], list[str]]:
    """To whom a message was delivered, and who has seen it, as this one sees it."""
    answer = await node.do(who, "getSeenBy", conversation=conversation, seq=seq)
    return answer["deliveredTo"], answer["seenBy"]


async def test_everybody_hears_of_it_and_so_do_the_other_devices_of_whom_it_is(node: Node) -> None:
    here = await group(node)
    await node.do(Device(BOB), "markRead", conversation=here, seq=2)
    told = {BOB: {"delivered": 2, "read": 2}}
    assert await heard(node, ANN, BOB, CAT, DAN) == [told, told, told, {}]
    await node.do(CAT, "markDelivered", conversation=here, seq=1)
    told = {CAT: {"delivered": 1, "read": 0}}
    assert await heard(node, ANN, BOB, CAT) == [told] * 3


async def test_what_sending_implies_is_told_too(node: Node) -> None:
    here = await group(node)
    await node.say(CAT, here)
    await node.settle()
    assert await heard(node, ANN, BOB) == [{CAT: {"delivered": 3, "read": 3}}] * 2


async def test_a_receipt_carries_no_more_than_its_number(node: Node) -> None:
    here = await group(node)
    await node.do(BOB, "markRead", conversation=here, seq=2)
    await turns()
    said = {"conversation": here, "receipts": [{"user": BOB, "delivered": 2, "read": 2}]}
    assert node.publisher.heard(ANN) == [said]


# ── who keeps it to themselves ───────────────────────────────────────────────────────────────────────────────────────


async def test_who_keeps_their_reading_to_themselves_shows_that_they_have_it_and_no_more(node: Node) -> None:
    here = await group(node)
    await hide(node, BOB)
    await node.do(BOB, "markRead", conversation=here, seq=2)
    mine, theirs = {BOB: {"delivered": 2, "read": 2}}, {BOB: {"delivered": 2, "read": 0}}
    assert await heard(node, ANN, BOB, CAT) == [theirs, mine, theirs], "their own devices go together"
    assert (await shown(node, ANN, here))[BOB] == (2, 0)
    assert (await shown(node, BOB, here))[BOB] == (2, 2)
    assert (await node.item(BOB, here))["unread"] == 0
    assert await seen(node, ANN, here, 2) == ([BOB], [])


async def test_and_sees_of_others_that_they_have_it_and_no_more(node: Node) -> None:
    here = await group(node)
    await hide(node, BOB)
    await node.do(CAT, "markRead", conversation=here, seq=2)
    assert await heard(node, ANN, BOB) == [{CAT: {"delivered": 2, "read": 2}}, {CAT: {"delivered": 2, "read": 0}}]
    assert await shown(node, BOB, here) == {ANN: (2, 0), CAT: (2, 0)}
    assert await seen(node, BOB, here, 1) == ([CAT], [])
    assert await seen(node, ANN, here, 1) == ([CAT], [CAT])


async def test_what_was_read_in_private_is_not_shown_by_showing_again(node: Node) -> None:
    here = await group(node)
    await node.do(BOB, "markRead", conversation=here, seq=1)
    await hide(node, BOB)
    await node.do(BOB, "markRead", conversation=here, seq=2)
    assert (await shown(node, ANN, here))[BOB] == (2, 1), "what was shown is not taken back"
    await hide(node, BOB, False)
    assert (await shown(node, ANN, here))[BOB] == (2, 1)
    await node.say(ANN, here)
    await node.do(BOB, "markRead", conversation=here, seq=3)
    assert (await shown(node, ANN, here))[BOB] == (3, 3)


# ── in large groups ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("many", [TOLD_UP_TO, TOLD_UP_TO + 1])
async def test_in_a_large_group_one_hears_of_ones_own_alone_and_asks_for_the_others(
    world: World, node: Node, many: int
) -> None:
    crowd = [f"{number:024x}" for number in range(1, many - 2)]
    await world.join(*crowd)
    here = await group(node, BOB, CAT, *crowd)
    await node.do(BOB, "markRead", conversation=here, seq=2)
    told = {BOB: {"delivered": 2, "read": 2}}
    everybody = many == TOLD_UP_TO
    assert await heard(node, ANN, BOB, crowd[-1]) == [told if everybody else {}, told, told if everybody else {}]
    receipts = (await node.do(CAT, "getReceipts", conversation=here))["receipts"]
    assert receipts == [{"user": ANN, "delivered": 2, "read": 2}, {"user": BOB, "delivered": 2, "read": 2}]
    assert await seen(node, CAT, here, 2) == ([BOB], [BOB])


# ── who has seen it ──────────────────────────────────────────────────────────────────────────────────────────────────


async def test_seen_by_is_read_off_the_marks_without_its_sender(node: Node) -> None:
    here = await node.group(ANN, BOB, CAT, DAN)
    for who in (ANN, ANN, BOB):
        await node.say(who, here)
    await node.do(CAT, "markRead", conversation=here, seq=2)
    await node.do(CAT, "markDelivered", conversation=here, seq=4)
    await node.settle()
    assert await seen(node, ANN, here, 2) == ([BOB, CAT], [BOB, CAT])
    assert await seen(node, ANN, here, 3) == ([BOB, CAT], [BOB])
    assert await seen(node, ANN, here, 4) == ([CAT], []), "Ann has written before it, and not read it"
    assert await seen(node, CAT, here, 1) == ([BOB, CAT], [BOB, CAT])


async def test_who_has_not_seen_a_message_is_not_told_who_has(node: Node) -> None:
    here = await group(node)
    await node.do(ANN, "addMembers", conversation=here, members=[DAN])
    for seq in (1, 2, 99):
        assert isinstance(await node.refused(DAN, "getSeenBy", conversation=here, seq=seq), NotFound)
    assert await seen(node, DAN, here, 3) == ([], [])


async def test_who_could_never_see_a_message_has_not_seen_it_however_far_they_have_got(node: Node) -> None:
    here = await group(node)
    await node.do(ANN, "addMembers", conversation=here, members=[DAN])
    await node.do(ANN, "removeMember", conversation=here, user=CAT)
    await node.say(ANN, here)
    await node.do(ANN, "addMembers", conversation=here, members=[CAT])
    for who in (CAT, DAN):
        await node.do(who, "markRead", conversation=here, seq=6)
    await node.settle()
    assert await seen(node, ANN, here, 2) == ([], []), "it was before Dan came"
    assert await seen(node, ANN, here, 5) == ([DAN], [DAN]), "Cat was away"
    assert await seen(node, BOB, here, 6) == ([DAN, CAT], [DAN, CAT])


async def test_who_has_left_is_told_nothing_and_is_told_of_by_nobody(node: Node, store: WatchedReceipts) -> None:
    here = await group(node)
    for who in (BOB, CAT):
        await node.do(who, "markRead", conversation=here, seq=2)
    await node.do(CAT, "leaveGroup", conversation=here)
    await node.settle()
    assert await shown(node, CAT, here) == {}
    assert await seen(node, CAT, here, 2) == ([], [])
    assert await shown(node, ANN, here) == {ANN: (2, 2), BOB: (2, 2)}
    assert (await store.mark(here, CAT)).read == 3
    node.publisher.told.clear()
    await node.do(BOB, "markRead", conversation=here, seq=3)
    assert await heard(node, ANN, CAT) == [{BOB: {"delivered": 3, "read": 3}}, {}]


async def test_ones_own_mark_is_there_before_it_is_on_disk_and_others_are_not(node: Node) -> None:
    here: Any = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    assert await shown(node, ANN, here) == {ANN: (1, 1)}
    assert await shown(node, BOB, here) == {}
    await node.settle()
    assert await shown(node, BOB, here) == {ANN: (1, 1)}
