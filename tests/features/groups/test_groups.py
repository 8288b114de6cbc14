"""What becomes of a group: its people, what it says of itself, and what its log tells of both."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from fireside.core.errors import Conflict, InvalidInput, NotFound
from tests.fakes import in_memory
from tests.features.messages.nodes import Fate, UnreliableMessages, lost_after, lost_before
from tests.features.whole import (
    ANN,
    BOB,
    CAT,
    DAN,
    EVE,
    MAX_MEMBERS,
    NOBODY,
    Device,
    Node,
    World,
    open_world,
    seqs,
)


async def roles(node: Node, conversation: str, reader: str = ANN) -> dict[str, str]:
    """Who is in it, in the order they came."""
    members = (await node.do(reader, "getMembers", conversation=conversation))["members"]
    return {each["user"]: each.get("role", "member") for each in members}


async def log(node: Node, conversation: str, reader: str = ANN) -> list[tuple[str, Any]]:
    """Who did what to it."""
    messages = (await node.do(reader, "getMessages", conversation=conversation))["messages"]
    return [(each["sender"], each["system"]) for each in messages if "system" in each]


# ── making one ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_whoever_makes_a_group_owns_it_and_everybody_in_it_hears_of_it(node: Node) -> None:
    fields = {"title": "Book club", "description": "We read.", "picture": "media/1", "openHistory": True}
    device = Device(ANN)
    made = (await node.do(device, "createGroup", members=[CAT, BOB], **fields))["conversation"]
    assert {name: made[name] for name in fields} == fields
    assert (made["kind"], made["memberCount"], made["role"]) == ("group", 3, "owner")
    assert list((await roles(node, made["_id"])).items()) == [(ANN, "owner"), (CAT, "member"), (BOB, "member")]
    (told,) = node.publisher.told
    assert (sorted(told.users), told.event, told.origin) == ([ANN, BOB, CAT], "messageReceived", None)
    assert told.body["system"] == {"type": "groupCreated", "members": [CAT, BOB], **fields}
    assert (told.body["seq"], told.body["sender"], told.body["content"]) == (1, ANN, "")
    assert "recipient" not in told.body


async def test_a_group_may_be_of_one_and_naming_oneself_or_somebody_twice_changes_nothing(node: Node) -> None:
    assert await roles(node, await node.group(ANN)) == {ANN: "owner"}
    assert await roles(node, await node.group(ANN, BOB, ANN, BOB)) == {ANN: "owner", BOB: "member"}


async def test_making_it_again_with_the_same_client_id_finds_the_first(world: World, node: Node) -> None:
    there = await world.node()
    fields = {"title": "Friends", "members": [BOB], "clientId": "mine"}
    made = await asyncio.gather(*(each.do(ANN, "createGroup", **fields) for each in (node, there, node, there)))
    assert len({each["conversation"]["_id"] for each in made}) == 1
    here = made[0]["conversation"]["_id"]
    assert len(await log(node, here)) == 1
    assert sum(len(each.publisher.told) for each in (node, there)) == 1, "they hear of it once"
    await node.do(ANN, "updateGroup", conversation=here, title="Others")
    again = await node.do(ANN, "createGroup", **fields)
    assert (again["conversation"]["_id"], again["conversation"]["title"]) == (here, "Others"), "a year later, too"
    assert (await node.do(BOB, "createGroup", **fields | {"members": []}))["conversation"]["_id"] != here
    assert (await node.do(ANN, "createGroup", **fields | {"clientId": "other"}))["conversation"]["_id"] != here


BAD: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "title"),
    ({"title": " \n"}, "title"),
    ({"title": "x" * 257}, "title"),
    ({"title": "a\x00"}, "title"),
    ({"description": "x" * 4097}, "description"),
    ({"description": "\ud800"}, "description"),
    ({"picture": "x" * 1025}, "picture"),
]


@pytest.mark.parametrize(("fields", "field"), BAD, ids=lambda value: ascii(value)[:30])
async def test_what_a_group_says_of_itself_has_limits(node: Node, fields: dict[str, Any], field: str) -> None:
    here = await node.group(ANN)
    told = len(node.publisher.told)
    for command, others in (("createGroup", {"title": "Friends"}), ("updateGroup", {"conversation": here})):
        refused = await node.refused(ANN, command, **others | fields)
        assert isinstance(refused, InvalidInput)
        assert refused.details is not None
        assert refused.details["field"] == field
    assert len(node.publisher.told) == told
    longest = {"title": "x" * 256, "description": "x" * 4096, "picture": "x" * 1024}
    await node.do(ANN, "updateGroup", conversation=here, **longest)


@pytest.mark.parametrize("client_id", ["", "x" * 129, "\x00"], ids=ascii)
async def test_a_client_id_of_a_group_must_be_one(node: Node, client_id: str) -> None:
    refused = await node.refused(ANN, "createGroup", title="Friends", clientId=client_id)
    assert isinstance(refused, InvalidInput)
    assert refused.details is not None
    assert refused.details["field"] == "clientId"


@pytest.mark.parametrize("nobody", [NOBODY, "me", "B" * 24, ""])
async def test_nobody_can_be_added_who_is_not_there(node: Node, nobody: str) -> None:
    here = await node.group(ANN)
    for command, fields in (("createGroup", {"title": "Friends"}), ("addMembers", {"conversation": here})):
        refused = await node.refused(ANN, command, members=[BOB, nobody], **fields)
        assert isinstance(refused, NotFound)
        assert refused.details == {"field": "members", "users": [nobody]}
    assert await roles(node, here) == {ANN: "owner"}


# ── its size ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_group_has_so_many_members_and_no_more(world: World, node: Node) -> None:
    crowd = [f"{number:024x}" for number in range(1, MAX_MEMBERS + 2)]
    await world.join(*crowd)
    here = await node.group(ANN, *crowd[: MAX_MEMBERS - 1])
    for command, fields in (
        ("createGroup", {"title": "Friends", "members": crowd[:MAX_MEMBERS]}),
        ("addMembers", {"conversation": here, "members": [BOB]}),
    ):
        refused = await node.refused(ANN, command, **fields)
        assert isinstance(refused, Conflict)
        assert refused.details == {"maxMembers": MAX_MEMBERS}
    refused = await node.refused(ANN, "createGroup", title="Friends", members=crowd)
    assert isinstance(refused, InvalidInput)
    await node.do(crowd[0], "leaveGroup", conversation=here)
    await node.do(ANN, "addMembers", conversation=here, members=[BOB])
    members = list[Any]()
    for number in range(3):
        after = members[-1]["user"] if members else ""
        page = await node.do(BOB, "getMembers", conversation=here, after=after, limit=33)
        members += page["members"]
        assert page["next"] == (members[-1]["user"] if number < 2 else None)
    assert [each["user"] for each in members] == [ANN, *crowd[1 : MAX_MEMBERS - 1], BOB]
    assert (members[0]["username"], members[-1]["username"]) == ("ann", "bob")


# ── what happens to it ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_whatever_happens_is_a_message_of_its_log_and_everybody_hears_it(node: Node) -> None:
    here = await node.group(ANN, BOB, CAT)
    node.publisher.told.clear()
    steps: list[tuple[str, str, dict[str, Any], dict[str, Any], set[str]]] = [
        (ANN, "updateGroup", {"title": "Others"}, {"type": "groupUpdated", "title": "Others"}, {ANN, BOB, CAT}),
        (ANN, "addMembers", {"members": [DAN, BOB]}, {"type": "membersAdded", "members": [DAN]}, {ANN, BOB, CAT, DAN}),
        (
            ANN,
            "setRole",
            {"user": BOB, "role": "admin"},
            {"type": "roleChanged", "member": BOB, "role": "admin"},
            {ANN, BOB, CAT, DAN},
        ),
        (BOB, "removeMember", {"user": CAT}, {"type": "memberRemoved", "member": CAT}, {ANN, BOB, CAT, DAN}),
        (DAN, "leaveGroup", {}, {"type": "memberLeft"}, {ANN, BOB, DAN}),
    ]
    for seq, (who, command, fields, system, hearers) in enumerate(steps, 2):
        answer = await node.do(who, command, conversation=here, **fields)
        told = node.publisher.told[-1]
        assert (told.event, told.body, set(told.users)) == ("messageReceived", answer["message"], hearers)
        assert (told.body["seq"], told.body["sender"], told.body["system"]) == (seq, who, system)
    assert len(node.publisher.told) == len(steps)
    assert [(who, system) for who, _, _, system, _ in steps] == (await log(node, here))[1:]
    item = await node.item(ANN, here)
    assert (item["conversation"]["title"], item["seq"]) == ("Others", 6)
    assert await roles(node, here) == {ANN: "owner", BOB: "admin"}


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("updateGroup", {"title": "Friends"}),
        ("updateGroup", {}),
        ("addMembers", {"members": [BOB, ANN]}),
        ("addMembers", {"members": []}),
        ("setRole", {"user": BOB, "role": "member"}),
    ],
)
async def test_what_is_so_already_is_a_conflict_and_nothing_is_said_of_it(
    node: Node, command: str, fields: dict[str, Any]
) -> None:
    here = await node.group(ANN, BOB)
    assert isinstance(await node.refused(ANN, command, conversation=here, **fields), Conflict)
    assert len(await log(node, here)) == 1


async def test_what_is_absent_stays_and_what_is_empty_is_taken_away(node: Node) -> None:
    here = await node.group(ANN, description="We read.", picture="media/1")
    await node.do(ANN, "updateGroup", conversation=here, title="Others", description="")
    talk = (await node.item(ANN, here))["conversation"]
    assert (talk["title"], talk["picture"], "description" in talk) == ("Others", "media/1", False)


@pytest.mark.parametrize("fate", [lost_before, lost_after])
async def test_what_happens_while_the_store_does_not_answer_is_told_to_those_whom_it_made_members(fate: Fate) -> None:
    messages = UnreliableMessages()
    async with open_world(replace(in_memory(), messages=messages)) as world:
        node = await world.node()
        messages.fates.append(fate)
        here = await node.group(ANN, BOB)
        messages.fates.append(fate)
        await node.do(ANN, "addMembers", conversation=here, members=[CAT])
        messages.fates.append(fate)
        await node.do(BOB, "leaveGroup", conversation=here)
        heard = [{ANN, BOB}, {ANN, BOB, CAT}, {ANN, BOB, CAT}]
        assert [set(each.users) for each in node.publisher.told] == heard
        assert await roles(node, here) == {ANN: "owner", CAT: "member"}
        assert await messages.heads([here]) == {here: 3}


# ── who owns it ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_when_the_owner_leaves_it_passes_to_the_longest_standing_admin_then_member(node: Node) -> None:
    here = await node.group(ANN, BOB, CAT, DAN)
    await node.do(ANN, "setRole", conversation=here, user=CAT, role="admin")
    await node.do(ANN, "leaveGroup", conversation=here)
    assert await roles(node, here, BOB) == {BOB: "member", CAT: "owner", DAN: "member"}
    await node.do(CAT, "leaveGroup", conversation=here)
    assert await roles(node, here, BOB) == {BOB: "owner", DAN: "member"}
    await node.do(BOB, "leaveGroup", conversation=here)
    await node.do(DAN, "leaveGroup", conversation=here)
    assert (await node.stores.conversations.by_ids([here]))[here].members == {}
    assert isinstance(await node.refused(DAN, "sendMessage", conversation=here, content="hello"), NotFound)


async def test_who_gives_it_away_becomes_an_admin_and_there_is_one_owner(node: Node) -> None:
    here = await node.group(ANN, BOB)
    await node.do(ANN, "setRole", conversation=here, user=BOB, role="owner")
    assert await roles(node, here) == {ANN: "admin", BOB: "owner"}
    refusals = [await node.refused(ANN, "setRole", conversation=here, user=BOB, role="member")]
    await node.do(BOB, "setRole", conversation=here, user=ANN, role="member")
    assert await roles(node, here) == {ANN: "member", BOB: "owner"}
    assert [type(each).__name__ for each in refusals] == ["Forbidden"]


async def test_of_two_who_put_each_other_out_at_once_the_first_has_done_it(world: World, node: Node) -> None:
    there = await world.node()
    here = await node.group(ANN, BOB, CAT)
    await node.do(ANN, "setRole", conversation=here, user=BOB, role="admin")
    await node.do(ANN, "setRole", conversation=here, user=BOB, role="owner")
    await there.say(ANN, here)
    outcomes = await asyncio.gather(
        node.do(BOB, "removeMember", conversation=here, user=ANN),
        there.do(ANN, "removeMember", conversation=here, user=CAT),
        there.do(ANN, "sendMessage", conversation=here, content="still here?"),
        return_exceptions=True,
    )
    messages = (await node.do(BOB, "getMessages", conversation=here))["messages"]
    assert seqs(messages) == list(range(1, len(messages) + 1))
    (removal,) = (each["seq"] for each in messages if each.get("system", {}).get("member") == ANN)
    assert all(each["sender"] != ANN for each in messages if each["seq"] > removal), "nothing of theirs stands above"
    assert [isinstance(each, BaseException) for each in outcomes[1:]] == [
        not any(each.get("system", {}).get("member") == CAT for each in messages),
        not any(each["content"] == "still here?" for each in messages),
    ]
    assert not isinstance(outcomes[0], BaseException)


# ── what newcomers see ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("is_open", "seen"), [(False, [3, 4]), (True, [1, 2, 3, 4])], ids=["closed", "open"])
async def test_newcomers_see_what_the_group_lets_them(node: Node, is_open: bool, seen: list[int]) -> None:
    here = await node.group(ANN, BOB, openHistory=is_open)
    await node.say(BOB, here, "before")
    await node.do(ANN, "addMembers", conversation=here, members=[CAT])
    await node.say(BOB, here, "after")
    assert seqs((await node.do(CAT, "getMessages", conversation=here))["messages"]) == seen
    for seq in range(1, 5):
        if seq in seen:
            await node.do(CAT, "getMessage", conversation=here, seq=seq)
        else:
            assert isinstance(await node.refused(CAT, "getMessage", conversation=here, seq=seq), NotFound)
            refused = await node.refused(CAT, "sendMessage", conversation=here, content="yes", replyTo=seq)
            assert isinstance(refused, InvalidInput)
    assert seqs((await node.do(BOB, "getMessages", conversation=here))["messages"]) == [1, 2, 3, 4]


@pytest.mark.parametrize(("is_open", "seen"), [(False, [5, 6]), (True, [1, 2, 3, 4, 5, 6])], ids=["closed", "open"])
async def test_who_comes_back_begins_anew(node: Node, is_open: bool, seen: list[int]) -> None:
    here = await node.group(ANN, BOB, openHistory=is_open)
    await node.say(BOB, here, "mine")
    await node.do(BOB, "leaveGroup", conversation=here)
    await node.say(ANN, here, "without you")
    assert seqs((await node.do(BOB, "getMessages", conversation=here))["messages"]) == [1, 2, 3]
    await node.do(ANN, "addMembers", conversation=here, members=[BOB])
    await node.say(ANN, here, "with you")
    assert seqs((await node.do(BOB, "getMessages", conversation=here))["messages"]) == seen


async def test_opening_the_history_later_changes_nothing_for_those_who_are_there(node: Node) -> None:
    here = await node.group(ANN)
    await node.do(ANN, "addMembers", conversation=here, members=[BOB])
    await node.do(ANN, "updateGroup", conversation=here, openHistory=True)
    await node.do(ANN, "addMembers", conversation=here, members=[CAT])
    assert seqs((await node.do(BOB, "getMessages", conversation=here))["messages"]) == [2, 3, 4]
    assert seqs((await node.do(CAT, "getMessages", conversation=here))["messages"]) == [1, 2, 3, 4]


async def test_an_outsider_learns_nothing_of_it(node: Node) -> None:
    here = await node.group(ANN, BOB)
    for command in ("getMembers", "getMessages", "getChanges", "getReceipts", "getPresence"):
        refused = await node.refused(EVE, command, conversation=here)
        assert (type(refused), refused.message) == (NotFound, "There is no such conversation.")
