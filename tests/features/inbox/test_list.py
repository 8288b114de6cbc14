"""The list of one's conversations: the last active one first, a page at a time."""

from typing import Any

import pytest

from fireside.core.errors import InvalidInput
from tests.features.whole import ANN, BOB, CAT, DAN, EVE, Node, World, seqs


def ids(answer: dict[str, Any]) -> list[str]:
    return [each["conversation"]["_id"] for each in answer["conversations"]]


async def everything(node: Node, who: str, limit: int) -> list[str]:
    """All pages."""
    found: list[str] = []
    before = ""
    while True:
        answer = await node.do(who, "getConversations", before=before, limit=limit)
        found += ids(answer)
        if answer["next"] is None:
            return found
        assert len(answer["conversations"]) == limit, "only the last page may be short"
        before = answer["next"]


async def test_the_last_active_one_comes_first_with_its_last_message(node: Node) -> None:
    talks = [await node.direct(ANN, other) for other in (BOB, CAT, DAN)]
    for each in (*talks, talks[1]):
        node.time.go_on(1)
        await node.say(ANN, each)
    answer = await node.do(ANN, "getConversations")
    assert ids(answer) == [talks[1], talks[2], talks[0]]
    assert answer["next"] is None
    assert [seqs(each["messages"]) for each in answer["conversations"]] == [[2], [1], [1]]
    assert [each["changed"] for each in answer["conversations"]] == [[], [], []]
    assert answer["people"] == {ANN: "ann", BOB: "bob", CAT: "cat", DAN: "dan"}


async def test_the_order_is_the_same_when_all_have_come_to_rest(node: Node) -> None:
    talks = [await node.direct(ANN, other) for other in (BOB, CAT, DAN, EVE)]
    for each in (talks[2], talks[0], talks[3], talks[1], talks[2]):
        node.time.go_on(1)
        await node.say(ANN, each)
    awake = await node.do(ANN, "getConversations")
    await node.fall_asleep()
    assert await node.do(ANN, "getConversations") == awake
    assert ids(awake) == [talks[2], talks[1], talks[3], talks[0]]


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
@pytest.mark.parametrize("apart_s", [0, 1], ids=["all at once", "one after the other"])
async def test_the_pages_hold_each_conversation_once(world: World, node: Node, limit: int, apart_s: int) -> None:
    others = [f"{number:024x}" for number in range(1, 8)]
    await world.join(*others)
    talks = [await node.direct(ANN, other) for other in others]
    for each in talks:
        await node.say(ANN, each)
        node.time.go_on(apart_s)
    assert await everything(node, ANN, limit) == (talks[::-1] if apart_s else sorted(talks, reverse=True))


async def test_what_is_going_on_on_another_node_counts(world: World, node: Node) -> None:
    there = await world.node()
    talks = [await node.direct(ANN, other) for other in (BOB, CAT)]
    for each, where in ((talks[0], node), (talks[1], node), (talks[0], there)):
        node.time.go_on(1)
        await where.say(ANN, each)
    for asked in (node, there):
        answer = await asked.do(ANN, "getConversations")
        assert ids(answer) == talks
        assert [item["activeAt"][-7:] for item in answer["conversations"]] == ["23.123Z", "22.123Z"]


async def test_a_clock_that_was_ahead_for_a_while_counts_until_the_next_message_alone(node: Node) -> None:
    talks = [await node.direct(ANN, other) for other in (BOB, CAT)]
    node.time.now_ms += 10**10
    await node.say(ANN, talks[0])
    await node.fall_asleep()
    node.time.now_ms -= 10**10
    await node.say(ANN, talks[0])
    node.time.go_on(1)
    await node.say(ANN, talks[1])
    assert await everything(node, ANN, 10) == talks[::-1], "while they are awake"
    await node.fall_asleep()
    assert await everything(node, ANN, 10) == talks[::-1], "and when they have come to rest"


@pytest.mark.parametrize("last_awake", [0, 1])
async def test_who_falls_asleep_last_need_not_have_sent_the_last_message(
    world: World, node: Node, last_awake: int
) -> None:
    there = await world.node()
    talks = [await node.direct(ANN, other) for other in (BOB, CAT)]
    for each, where in ((talks[0], node), (talks[1], node), (talks[0], there)):
        node.time.go_on(1)
        await where.say(ANN, each)
    both = (there, node) if last_awake == 0 else (node, there)
    for one in both:
        await one.fall_asleep()
    for asked in both:
        answer = await asked.do(ANN, "getConversations")
        assert ids(answer) == talks
        assert len({item["activeAt"] for item in answer["conversations"]}) == 2
        for item in answer["conversations"]:
            assert item["activeAt"] == item["messages"][-1]["timestamp"]


async def test_what_rises_between_two_pages_hides_no_other(node: Node) -> None:
    talks = [await node.direct(ANN, other) for other in (BOB, CAT, DAN, EVE)]
    for each in talks:
        node.time.go_on(1)
        await node.say(ANN, each)
    first = await node.do(ANN, "getConversations", limit=2)
    assert ids(first) == [talks[3], talks[2]]
    node.time.go_on(1)
    await node.say(BOB, talks[0])
    second = await node.do(ANN, "getConversations", limit=2, before=first["next"])
    assert ids(second) == [talks[1]]
    assert ids(await node.do(ANN, "getConversations", limit=1)) == [talks[0]]


async def test_a_direct_conversation_is_in_it_from_its_first_message_and_a_group_from_its_making(node: Node) -> None:
    here, group = await node.direct(ANN, BOB), await node.group(ANN, BOB)
    # It stirs, and has nothing in it.
    assert isinstance(await node.refused(ANN, "markRead", conversation=here, seq=1), InvalidInput)
    for who in (ANN, BOB):
        assert await everything(node, who, 10) == [group]
    assert await everything(node, CAT, 10) == []
    node.time.go_on(1)
    await node.say(BOB, here)
    for who in (ANN, BOB):
        assert await everything(node, who, 10) == [here, group]


async def test_who_has_left_keeps_it_where_it_was_however_much_the_others_say(node: Node) -> None:
    group, here = await node.group(ANN, BOB, CAT), await node.direct(BOB, DAN)
    node.time.go_on(1)
    await node.do(BOB, "leaveGroup", conversation=group)
    node.time.go_on(1)
    await node.say(DAN, here)
    await node.settle()
    before = await node.do(BOB, "getConversations")
    assert ids(before) == [here, group]
    for _ in range(2):
        node.time.go_on(100)
        await node.say(ANN, group)
        assert await node.do(BOB, "getConversations") == before, "nor do they learn that anything is said"
        assert (await node.do(BOB, "getConversations", limit=1))["next"].endswith(here)
        assert (await node.item(BOB, group))["activeAt"] == before["conversations"][1]["activeAt"]
        await node.fall_asleep()


@pytest.mark.parametrize(
    "before", ["x", "1", "1.", ".", "1." + "x" * 24, "1." + "a" * 23, "-1." + "a" * 24, "\u0661." + "é" * 24, " "]
)
async def test_what_is_no_next_of_a_page_is_refused(node: Node, before: str) -> None:
    refused = await node.refused(ANN, "getConversations", before=before)
    assert isinstance(refused, InvalidInput)
    assert refused.details == {"field": "before"}
    assert (await node.do(ANN, "getConversations", before="1." + "a" * 24))["conversations"] == []
