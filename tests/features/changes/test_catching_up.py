"""Catching up on changes by `rev`: each changed message once, up to date, and only what one may see."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from fireside.core.errors import NotFound, Unavailable
from fireside.features.changes.service import Change
from fireside.features.conversations.service import GROUPS_TRUSTED_S
from tests.fakes import FakeChanges
from tests.features.whole import ANN, BOB, CAT, EVE, Node, World, seqs


async def talk(node: Node, many: int = 5) -> str:
    here = await node.direct(ANN, BOB)
    for number in range(1, many + 1):
        await node.say(ANN, here, f"message {number}")
    return here


async def react(node: Node, here: str, seq: int, emoji: str, who: str = BOB) -> int:
    rev: int = (await node.do(who, "reactToMessage", conversation=here, seq=seq, emoji=emoji))["rev"]
    return rev


async def test_each_message_that_has_changed_comes_once_as_it_is_now(node: Node) -> None:
    here = await talk(node)
    assert [await react(node, here, seq, emoji) for seq, emoji in ((3, "👍"), (1, "👍"), (3, "🎉"), (5, "👍"))] == [
        1,
        2,
        3,
        4,
    ]
    answer = await node.do(ANN, "getChanges", conversation=here)
    assert [(each["seq"], each["rev"]) for each in answer["messages"]] == [(1, 2), (3, 3), (5, 4)]
    assert (answer["rev"], answer["more"]) == (4, False)
    answer = await node.do(ANN, "getChanges", conversation=here, after=2)
    assert seqs(answer["messages"]) == [3, 5]
    for after in (4, 99):
        answer = await node.do(ANN, "getChanges", conversation=here, after=after)
        assert (answer["messages"], answer["rev"], answer["more"]) == ([], after, False)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
async def test_pages_lead_to_the_end_and_leave_nothing_out(node: Node, limit: int) -> None:
    here = await talk(node)
    for number in range(6):
        await react(node, here, 1 + number % 4, "👍🎉"[number // 4])
    after, known, pages = 0, dict[int, Any](), 0
    while True:
        answer = await node.do(ANN, "getChanges", conversation=here, after=after, limit=limit)
        known |= {each["seq"]: each for each in answer["messages"]}
        after, pages = answer["rev"], pages + 1
        if not answer["more"]:
            break
    assert (after, pages) == (6, -(-6 // limit))
    whole = (await node.do(ANN, "getMessages", conversation=here))["messages"]
    assert sorted(known) == [1, 2, 3, 4]
    assert [known[each["seq"]] for each in whole[:4]] == whole[:4]


async def test_numbers_are_of_one_conversation(node: Node) -> None:
    here, there = await talk(node), await node.direct(ANN, CAT)
    await node.say(ANN, there)
    assert [
        await react(node, here, 1, "👍"),
        await react(node, there, 1, "👍", CAT),
        await react(node, here, 2, "👍"),
    ] == [
        1,
        1,
        2,
    ]


@pytest.mark.parametrize("nodes", [1, 3])
async def test_changes_of_one_moment_get_numbers_without_a_gap(world: World, nodes: int) -> None:
    all_nodes = [await world.node() for _ in range(nodes)]
    here = await talk(all_nodes[0], 9)
    revs = await asyncio.gather(
        *(
            react(all_nodes[number % nodes], here, 1 + number % 9, "👍🎉❤👏"[number // 9], (ANN, BOB)[number % 2])
            for number in range(36)
        )
    )
    assert sorted(revs) == list(range(1, 37))
    for each in all_nodes:
        answer = await each.do(ANN, "getChanges", conversation=here)
        assert answer["rev"] == 36


async def test_whoever_was_in_a_conversation_is_told_of_changes_up_to_when_they_left(node: Node) -> None:
    here = await node.group(ANN, BOB, CAT)
    for number in range(3):
        await node.say(ANN, here, f"message {number}")
    await react(node, here, 2, "👍")
    await react(node, here, 3, "👍")
    await node.do(CAT, "leaveGroup", conversation=here)
    await react(node, here, 3, "🎉")
    await react(node, here, 4, "👍")
    for limit in (1, 2, 3, 100):
        after, found, more = 0, list[Any](), True
        while more:
            answer = await node.do(CAT, "getChanges", conversation=here, after=after, limit=limit)
            found += answer["messages"]
            after, more = answer["rev"], answer["more"]
        assert after == 2
        assert [(each["seq"], each["rev"], each["reactions"]) for each in found] == [
            (2, 1, {BOB: "👍"}),
            (3, 2, {BOB: "👍"}),
        ]
    versions = await node.do(CAT, "getEdits", conversation=here, seq=2)
    await node.do(ANN, "editMessage", conversation=here, seq=2, content="otherwise")
    assert await node.do(CAT, "getEdits", conversation=here, seq=2) == versions


@pytest.mark.parametrize("how", ["removed", "leaving"])
async def test_who_goes_by_way_of_one_node_keeps_the_changes_they_saw_by_way_of_another(world: World, how: str) -> None:
    one, other = await world.node(), await world.node()
    here = await one.group(ANN, BOB, CAT)
    await other.say(BOB, here, "teh text")
    await react(one, here, 2, "👍")
    await other.do(BOB, "editMessage", conversation=here, seq=2, content="the text")
    assert one.talks[here].rev == 1, "changes are told to people, not to nodes"
    if how == "removed":
        await one.do(ANN, "removeMember", conversation=here, user=BOB)
    else:
        await one.do(BOB, "leaveGroup", conversation=here)
    await react(other, here, 2, "🎉", CAT)
    world.time.go_on(GROUPS_TRUSTED_S + 1)
    for node in (one, other):
        (seen,) = (await node.do(BOB, "getChanges", conversation=here))["messages"]
        assert (seen["content"], seen["rev"], seen["reactions"]) == ("the text", 2, {BOB: "👍"})


async def test_what_was_changed_elsewhere_is_read_once_however_many_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await world.node(), await world.node()
    here = await one.group(ANN, BOB, CAT)
    await other.say(BOB, here)
    for emoji in "👍🎉":
        await react(other, here, 2, emoji)
    read: list[tuple[str, int]] = []
    after = FakeChanges.after

    async def noted(self: FakeChanges, conversation: str, rev: int, limit: int) -> list[Change]:
        read.append((conversation, rev))
        return await after(self, conversation, rev, limit)

    monkeypatch.setattr(FakeChanges, "after", noted)
    await one.do(ANN, "removeMember", conversation=here, user=BOB)
    await one.do(ANN, "removeMember", conversation=here, user=CAT)
    assert [rev for _, rev in read].count(0) == 1


async def test_a_change_whose_answer_was_lost_while_somebody_went_is_told_to_the_others(
    world: World, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await node.group(ANN, BOB, CAT)
    await node.say(ANN, here)
    append = world.stores.changes.append

    async def lost(changes: Sequence[Change]) -> int:
        monkeypatch.undo()
        await append(changes)
        await node.do(CAT, "leaveGroup", conversation=here)
        raise Unavailable("The store did not answer.")

    monkeypatch.setattr(world.stores.changes, "append", lost)
    assert await react(node, here, 2, "👍") == 1
    (told,) = node.publisher.heard(ANN, "messageReacted")
    assert told["message"]["reactions"] == {BOB: "👍"}
    (seen,) = (await node.do(CAT, "getChanges", conversation=here))["messages"]
    assert seen["reactions"] == {BOB: "👍"}, "it was there when they went"


async def test_an_outsider_is_told_that_there_is_nothing(node: Node) -> None:
    here = await talk(node)
    assert isinstance(await node.refused(EVE, "getChanges", conversation=here), NotFound)
    assert (await node.do(ANN, "getChanges", conversation=here)) == {
        "ok": True,
        "messages": [],
        "rev": 0,
        "more": False,
    }


async def test_what_is_hidden_for_oneself_is_hidden_there_too(node: Node) -> None:
    here = await talk(node)
    await node.do(BOB, "markMessage", conversation=here, seq=1, hidden=True)
    await react(node, here, 1, "👍")
    (mine,) = (await node.do(BOB, "getChanges", conversation=here))["messages"]
    (theirs,) = (await node.do(ANN, "getChanges", conversation=here))["messages"]
    assert (mine["content"], mine["hidden"]) == ("", True)
    assert (theirs["content"], "hidden" in theirs) == ("message 1", False)
