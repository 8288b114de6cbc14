"""What there is to say of one of somebody's conversations, and that it says nothing that is not theirs."""

from typing import Any

import pytest

from fireside.core.errors import NotFound
from fireside.features.conversations.groups import MemberLeft
from fireside.features.messages.service import Extra, Message
from tests.features.whole import ANN, BOB, CAT, DAN, EVE, MAX_MEMBERS, NOBODY, NOW, Node, World, seqs


async def test_it_says_all_there_is_to_say(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here, "one", clientId="mine")
    await node.do(BOB, "reactToMessage", conversation=here, seq=1, emoji="👍")
    await node.do(ANN, "setFlags", conversation=here, pinned=True, mutedUntil=NOW)
    await node.do(BOB, "markDelivered", conversation=here, seq=1)
    await node.settle()
    message = {
        "_id": f"{here}000000000001",
        "conversation": here,
        "seq": 1,
        "sender": ANN,
        "content": "one",
        "timestamp": NOW,
        "clientId": "mine",
        "recipient": BOB,
        "rev": 1,
        "reactions": {BOB: "👍"},
    }
    members = [{"user": ANN, "username": "ann"}, {"user": BOB, "username": "bob"}]
    talk = {"_id": here, "kind": "direct", "createdAt": NOW, "members": members, "memberCount": 2, "role": "member"}
    said = {
        "conversation": talk,
        "seq": 1,
        "rev": 1,
        "activeAt": NOW,
        "receipts": [{"user": ANN, "delivered": 1, "read": 1}, {"user": BOB, "delivered": 1}],
        "messages": [message],
        "changed": [],
        "changedFrom": 1,
    }
    answer = await node.do(ANN, "getConversation", conversation=here)
    assert answer == {
        "ok": True,
        "item": said | {"unread": 0, "flags": {"pinned": True, "mutedUntil": NOW}},
        "people": {ANN: "ann", BOB: "bob"},
    }
    assert await node.item(BOB, here) == said | {"unread": 1, "flags": {}}
    await node.fall_asleep()
    assert await node.do(ANN, "getConversation", conversation=here) == answer, "asleep it says the same"


async def test_a_direct_conversation_says_so_before_its_first_message(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    item = await node.item(BOB, here)
    assert (item["seq"], item["rev"], item["unread"], item["messages"], item["receipts"]) == (0, 0, 0, [], [])
    assert item["activeAt"] == item["conversation"]["createdAt"] == NOW


@pytest.mark.parametrize("known", ["", "me", "\ud800", NOBODY, "B" * 24, "theirs"])
async def test_an_outsider_cannot_tell_it_from_none(node: Node, known: str) -> None:
    here = await node.group(ANN, BOB)
    refused = await node.refused(EVE, "getConversation", conversation=here if known == "theirs" else known)
    assert isinstance(refused, NotFound)
    assert (refused.message, refused.details) == ("There is no such conversation.", None)
    assert (await node.item(BOB, here))["seq"] == 1


# ── unread ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def unread(node: Node, conversation: str, *people: str) -> list[int]:
    """By each of these, as the list and the item say alike, awake and asleep."""
    counts = [(await node.item(each, conversation))["unread"] for each in people]
    for each, count in zip(people, counts, strict=True):
        listed = (await node.do(each, "getConversations"))["conversations"]
        assert [item["unread"] for item in listed if item["conversation"]["_id"] == conversation] == [count]
    return counts


async def test_unread_are_the_messages_of_others_after_what_one_has_read(node: Node) -> None:
    here = await node.group(ANN, BOB, CAT)
    for _ in range(3):
        await node.say(ANN, here)
    assert await unread(node, here, ANN, BOB, CAT) == [0, 3, 3]
    await node.do(BOB, "markRead", conversation=here, seq=3)
    assert await unread(node, here, ANN, BOB, CAT) == [0, 1, 3]
    await node.do(CAT, "markDelivered", conversation=here, seq=4)
    assert await unread(node, here, ANN, BOB, CAT) == [0, 1, 3]
    await node.say(BOB, here)
    assert await unread(node, here, ANN, BOB, CAT) == [1, 0, 4], "who writes has read what was before"


async def test_what_is_deleted_hidden_or_says_what_happened_to_the_group_is_not_unread(node: Node) -> None:
    here = await node.group(ANN, BOB, CAT)
    for _ in range(4):
        await node.say(ANN, here)
    await node.do(ANN, "updateGroup", conversation=here, title="Others")
    assert await unread(node, here, ANN, BOB, CAT) == [0, 4, 4]
    await node.do(ANN, "deleteMessage", conversation=here, seq=2)
    assert await unread(node, here, ANN, BOB, CAT) == [0, 3, 3]
    await node.do(BOB, "markMessage", conversation=here, seq=3, hidden=True)
    await node.do(BOB, "markMessage", conversation=here, seq=2, hidden=True)
    assert await unread(node, here, ANN, BOB, CAT) == [0, 2, 3], "what is both counts once"
    await node.do(BOB, "markMessage", conversation=here, seq=3, hidden=False)
    assert await unread(node, here, ANN, BOB, CAT) == [0, 3, 3]
    await node.fall_asleep()
    assert await unread(node, here, ANN, BOB, CAT) == [0, 3, 3]


@pytest.mark.parametrize(("is_open", "count"), [(True, 2), (False, 0)], ids=["open history", "closed history"])
async def test_to_a_newcomer_is_unread_what_they_can_see(node: Node, is_open: bool, count: int) -> None:
    here = await node.group(ANN, BOB, openHistory=is_open)
    await node.say(ANN, here)
    await node.say(ANN, here)
    await node.do(ANN, "addMembers", conversation=here, members=[CAT])
    assert await unread(node, here, CAT) == [count]
    await node.say(ANN, here)
    assert await unread(node, here, CAT, BOB) == [count + 1, 3]


async def test_another_node_counts_what_was_sent_here_as_read_before_it_is_on_disk(world: World, node: Node) -> None:
    there = await world.node()
    here = await node.direct(ANN, BOB)
    await node.say(BOB, here)
    await node.say(ANN, here)
    assert await unread(there, here, ANN, BOB) == [0, 1]
    await there.say(BOB, here)
    assert await unread(node, here, ANN, BOB) == await unread(there, here, ANN, BOB) == [1, 0]


# ── who has left ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def left_group(node: Node) -> tuple[str, Any]:
    """A group that Bob has left, in which more has happened since; the id, and what he knew."""
    here = await node.group(ANN, BOB, CAT)
    for content in ("edited later", "deleted later", "stays"):
        await node.say(ANN, here, content)
    await node.do(CAT, "reactToMessage", conversation=here, seq=4, emoji="👍")
    await node.do(BOB, "leaveGroup", conversation=here)
    known = await node.item(BOB, here)
    await node.do(ANN, "editMessage", conversation=here, seq=2, content="otherwise")
    await node.do(ANN, "reactToMessage", conversation=here, seq=4, emoji="🎉")
    await node.say(ANN, here)
    return here, known


async def test_who_has_left_is_told_what_they_could_see_and_nothing_after(node: Node) -> None:
    here, known = await left_group(node)
    for _ in range(2):
        item = await node.item(BOB, here)
        assert item == known
        assert (item["seq"], item["rev"], item["unread"], item["receipts"]) == (5, 1, 0, [])
        assert seqs(item["messages"]) == [5]
        assert item["conversation"]["until"] == 5
        assert "role" not in item["conversation"]
        await node.fall_asleep()


async def test_what_was_said_to_who_has_left_is_as_they_knew_it_but_for_what_is_gone_for_all(node: Node) -> None:
    here, _ = await left_group(node)
    await node.do(ANN, "deleteMessage", conversation=here, seq=3)
    page = (await node.do(BOB, "getMessages", conversation=here))["messages"]
    assert [(each["seq"], each["content"]) for each in page] == [
        (1, ""),
        (2, "edited later"),
        (3, ""),
        (4, "stays"),
        (5, ""),
    ]
    assert page[3]["reactions"] == {CAT: "👍"}
    assert "deletedAt" in page[2]


async def test_who_comes_back_sees_what_is_said_from_then_on(node: Node) -> None:
    here, _ = await left_group(node)
    await node.do(ANN, "addMembers", conversation=here, members=[BOB])
    await node.say(ANN, here, "welcome")
    item = await node.item(BOB, here)
    assert (item["seq"], item["unread"], item["conversation"]["since"]) == (8, 1, 6)
    assert "until" not in item["conversation"]
    assert seqs((await node.do(BOB, "getMessages", conversation=here))["messages"]) == [7, 8]


# ── large groups ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_of_a_large_group_it_names_the_first_and_tells_ones_own_receipt_alone(world: World, node: Node) -> None:
    crowd = [f"{number:024x}" for number in range(1, MAX_MEMBERS - 1)]
    await world.join(*crowd)
    here = await node.group(ANN, BOB, *crowd)
    await node.say(ANN, here)
    await node.do(BOB, "markDelivered", conversation=here, seq=1)
    await node.settle()
    item = await node.item(BOB, here)
    assert item["conversation"]["memberCount"] == MAX_MEMBERS
    assert [each["user"] for each in item["conversation"]["members"]] == [ANN, BOB, *crowd[:8]]
    assert item["receipts"] == [{"user": BOB, "delivered": 1}]
    assert await unread(node, here, ANN, BOB, crowd[-1]) == [0, 1, 1]


async def test_the_names_of_all_who_are_named_come_with_it(world: World, node: Node) -> None:
    crowd = [f"{number:024x}" for number in range(1, 20)]
    await world.join(*crowd)
    here = await node.group(ANN, *crowd, DAN)
    await node.say(DAN, here)
    people = (await node.do(ANN, "getConversation", conversation=here))["people"]
    assert people == {ANN: "ann", DAN: "dan", **{each: f"user-{each[-20:]}" for each in crowd[:9]}}


# ── several nodes ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_another_node_wrote_before_it_let_go_of_a_conversation_counts(world: World, node: Node) -> None:
    there = await world.node()
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    await there.say(ANN, here)
    await there.do(ANN, "reactToMessage", conversation=here, seq=1, emoji="👍")
    await there.fall_asleep()
    await there.settle()
    for each in (node, there):
        item = await each.item(BOB, here)
        assert (item["seq"], item["rev"], item["unread"], seqs(item["messages"])) == (2, 1, 2, [2])


async def test_what_another_node_wrote_before_it_died_counts_where_the_conversation_was_awake_all_along(
    world: World, node: Node
) -> None:
    there = await world.node()
    here = await node.group(ANN, BOB, CAT)
    await node.settle()
    await there.do(ANN, "addMembers", conversation=here, members=[DAN])
    await there.say(BOB, here)
    await world.kill(there)
    await node.keeper.look()
    await node.settle()
    item = await node.item(CAT, here)
    assert (item["seq"], item["unread"], seqs(item["messages"])) == (3, 1, [3])
    assert {each["user"]: each["delivered"] for each in item["receipts"]} == {ANN: 2, BOB: 3}
    assert (await node.item(DAN, here))["unread"] == 1


async def test_what_is_stored_and_not_counted_yet_is_not_said(node: Node) -> None:
    """Who goes and what is said behind that may be stored in one batch, which is counted a moment later."""
    group = await node.group(ANN, BOB, CAT)
    seq = await node.say(BOB, group)
    going = Message(group, seq + 1, ANN, "going", "", 0, Extra(system=MemberLeft()))
    await node.stores.messages.append([going, Message(group, seq + 2, BOB, "behind", "not for Ann", 0)])
    item = await node.item(ANN, group)
    assert (item["seq"], seqs(item["messages"])[-1]) == (seq, seq)
    page = await node.do(ANN, "getMessages", conversation=group, after=seq)
    assert seqs(page["messages"]) == [seq + 1]
    page = await node.do(BOB, "getMessages", conversation=group, after=seq)
    assert seqs(page["messages"]) == [seq + 1, seq + 2]
