"""Several nodes are one service: whatever happens on one, the devices on the others hear of it as it happens."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from fireside.client import Refused
from fireside.cluster.bus import Bus
from fireside.features.messages.service import Message
from fireside.features.presence import service as presence
from fireside.features.presence import typing
from fireside.store.mongo import MongoMessages
from tests.client.house import House
from tests.cluster.buses import dies, until
from tests.cluster.phones import Phone

Nodes = list[House]


async def phones(*where: House, names: str = "ann bob cat") -> list[Phone]:
    """A phone of one person each, on these nodes."""
    return [
        await Phone(house, await where[0].user(name)).connect()
        for house, name in zip(where, names.split(), strict=False)
    ]


def bus(house: House) -> Bus:
    assert house.fireside.bus is not None
    return house.fireside.bus


async def group_of(owner: Phone, *others: Phone) -> str:
    made = await owner.do("createGroup", title="Friends", members=[each.user for each in others])
    found: str = made["conversation"]["_id"]
    for each in others:
        await each.hears("messageReceived", conversation=found)
    return found


async def test_a_message_reaches_the_devices_on_other_nodes_and_the_others_of_who_sent_it(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[0], nodes[1])
    also_ann = await Phone(nodes[1], ann.user).connect()
    sent = (await ann.do("sendMessage", recipient=bob.user, content="hello"))["message"]
    assert await bob.hears("messageReceived") == await also_ann.hears("messageReceived") == sent
    assert [name for name, _ in ann.heard] == []


async def test_what_one_sends_arrives_elsewhere_in_order(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[0], nodes[1])
    await asyncio.gather(
        *(ann.do("sendMessage", recipient=bob.user, content=f"{number}", clientId=f"{number}") for number in range(200))
    )
    for number in range(200):
        assert (await bob.hears("messageReceived"))["content"] == f"{number}"


async def test_a_node_that_has_none_of_the_people_gets_nothing(nodes: Nodes) -> None:
    ann, bob, _ = await phones(*nodes)
    for _ in range(20):
        await ann.do("sendMessage", recipient=bob.user, content="hello")
        await bob.hears("messageReceived")
    assert bus(nodes[1]).received > 0
    assert (bus(nodes[0]).received, bus(nodes[2]).received) == (0, 0)


async def test_receipts_edits_reactions_and_deletions_reach_other_nodes(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[0], nodes[1])
    message = (await ann.do("sendMessage", recipient=bob.user, content="helo"))["message"]
    at = {"conversation": message["conversation"], "seq": 1}
    await bob.do("markRead", **at)
    moved = await ann.hears("receiptUpdated", conversation=at["conversation"])
    assert {"user": bob.user, "delivered": 1, "read": 1} in moved["receipts"]
    await ann.do("editMessage", **at, content="hello")
    assert (await bob.hears("messageEdited"))["message"]["content"] == "hello"
    await bob.do("reactToMessage", **at, emoji="👍")
    assert (await ann.hears("messageReacted"))["message"]["reactions"] == {bob.user: "👍"}
    await ann.do("deleteMessage", **at)
    assert (await bob.hears("messageDeleted"))["message"]["content"] == ""


async def test_ones_own_flags_reach_ones_other_devices_on_other_nodes(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[0], nodes[0])
    also_ann = await Phone(nodes[1], ann.user).connect()
    message = (await ann.do("sendMessage", recipient=bob.user, content="hello"))["message"]
    await ann.do("setFlags", conversation=message["conversation"], pinned=True)
    assert (await also_ann.hears("ownChanged"))["n"] == 1
    await ann.do("updateMe", readReceipts=False)
    assert (await also_ann.hears("meUpdated"))["readReceipts"] is False


async def test_a_larger_group_hears_everywhere(nodes: Nodes) -> None:
    crowd = await phones(*(nodes[number % 3] for number in range(90)), names=" ".join(["someone"] * 90))
    here = await group_of(*crowd)
    sent = (await crowd[0].do("sendMessage", conversation=here, content="all of you"))["message"]
    for each in crowd[1:]:
        assert await each.hears("messageReceived") == sent


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_was_put_out_by_way_of_another_node_is_out_at_once(nodes: Nodes) -> None:
    ann, bob, cat = await phones(*nodes)
    here = await group_of(ann, bob, cat)
    await bob.do("sendMessage", conversation=here, content="I am here")
    await bob.do("openConversation", conversation=here)
    await cat.hears("messageReceived")
    await ann.do("removeMember", conversation=here, user=bob.user)
    await bob.hears("messageReceived", conversation=here, seq=3)
    with pytest.raises(Refused) as refused:
        await bob.do("setTyping", conversation=here)
    assert refused.value.code == "not_found"
    await ann.do("setTyping", conversation=here)
    await ann.do("sendMessage", conversation=here, content="he is gone")
    await cat.hears("messageReceived", seq=4)
    assert not [name for name, _ in bob.heard if name in ("typing", "messageReceived")]


async def test_a_new_title_is_known_everywhere_at_once(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[0], nodes[1])
    here = await group_of(ann, bob)
    await bob.do("getConversation", conversation=here)
    await ann.do("updateGroup", conversation=here, title="Enemies")
    await bob.hears("messageReceived", seq=2)
    assert (await bob.do("getConversation", conversation=here))["item"]["conversation"]["title"] == "Enemies"


async def test_whoever_was_added_by_way_of_another_node_may_write_at_once(nodes: Nodes) -> None:
    ann, bob, cat = await phones(*nodes)
    here = await group_of(ann, bob)
    await bob.do("sendMessage", conversation=here, content="cat?")
    await ann.do("addMembers", conversation=here, members=[cat.user])
    await cat.hears("messageReceived", seq=3)
    also_cat = await Phone(nodes[1], cat.user).connect()
    await also_cat.do("sendMessage", conversation=here, content="here")
    await ann.hears("messageReceived", content="here")


@pytest.fixture
def collisions(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers that were taken already when somebody wanted to write at them."""
    found: list[int] = []
    append = MongoMessages.append

    async def watched(self: MongoMessages, messages: Sequence[Message]) -> int:
        stored = await append(self, messages)
        found.extend(each.seq for each in messages[stored:])
        return stored

    monkeypatch.setattr(MongoMessages, "append", watched)
    return found


async def test_whoever_answers_on_another_node_knows_the_next_number(nodes: Nodes, collisions: list[int]) -> None:
    ann, bob = await phones(nodes[0], nodes[1])
    for writer, reader in [(ann, bob), (bob, ann)] * 5:
        sent = (await writer.do("sendMessage", recipient=reader.user, content="your turn"))["message"]
        await reader.hears("messageReceived", seq=sent["seq"])
    assert collisions == []


async def test_in_a_group_too_and_whatever_happens_to_it(nodes: Nodes, collisions: list[int]) -> None:
    ann, bob, cat = await phones(*nodes)
    here = await group_of(ann, bob, cat)
    for writer in (ann, bob, cat, ann):
        await _say(here, writer, ann, bob, cat)
    collisions.clear()
    for number in range(3):
        await ann.do("updateGroup", conversation=here, title=f"{number}")
        for other in (bob, cat):
            await other.hears("messageReceived", conversation=here)
        for writer in (cat, bob, ann):
            await _say(here, writer, ann, bob, cat)
    assert collisions == []


async def _say(here: str, writer: Phone, *everybody: Phone) -> None:
    sent = (await writer.do("sendMessage", conversation=here, content="my turn"))["message"]
    for each in everybody:
        if each is not writer:
            await each.hears("messageReceived", seq=sent["seq"])


async def test_whoever_hides_their_reading_on_one_node_hides_it_on_all(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[0], nodes[1])
    also_bob = await Phone(nodes[0], bob.user).connect()
    message = (await ann.do("sendMessage", recipient=bob.user, content="hello"))["message"]
    at = {"conversation": message["conversation"], "seq": 1}
    await also_bob.do("markDelivered", **at)
    await ann.hears("receiptUpdated", conversation=at["conversation"])
    await bob.do("updateMe", readReceipts=False)
    await also_bob.hears("meUpdated")
    await also_bob.do("markRead", **at)
    for _, body in ann.heard:
        for each in body.get("receipts", ()):
            assert each["user"] != bob.user or not each.get("read")


# ── presence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def present(phone: Phone, conversation: str) -> dict[str, bool]:
    people = (await phone.do("getPresence", conversation=conversation))["people"]
    return {each["user"]: each["online"] for each in people}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is waited for."""
    monkeypatch.setattr(presence, "GONE_AFTER_S", 0.0)
    monkeypatch.setattr(presence, "LOOK_ELSEWHERE_EVERY_S", 0.0)


async def open_talk(ann: Phone, bob: Phone) -> str:
    """Ann and Bob look at what they say to each other."""
    message = (await ann.do("sendMessage", recipient=bob.user, content="hello"))["message"]
    conversation: str = message["conversation"]
    for each in (ann, bob):
        people = (await each.do("openConversation", conversation=conversation))["people"]
        assert [one["online"] for one in people] == [True, True]
        await bus(each.house).in_force(f"open:{conversation}")
    return conversation


async def test_who_types_on_one_node_is_seen_to_on_another_and_it_ends_there_too(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[0], nodes[1])
    here = await open_talk(ann, bob)
    await ann.do("setTyping", conversation=here)
    await bob.hears("typing", conversation=here, user=ann.user, typing=True)
    await ann.do("setTyping", conversation=here, typing=False)
    await bob.hears("typing", conversation=here, user=ann.user, typing=False)
    assert not [name for name, _ in ann.heard if name == "typing"]


async def test_typing_ends_where_the_end_is_not_heard_of(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typing, "TYPING_S", 0.0)
    ann, bob = await phones(nodes[0], nodes[1])
    here = await open_talk(ann, bob)
    await ann.do("setTyping", conversation=here)
    await bob.hears("typing", user=ann.user, typing=True)
    await bob.hears("typing", user=ann.user, typing=False)


@pytest.mark.usefixtures("impatient")
async def test_who_comes_and_goes_on_one_node_is_seen_to_on_another(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[0], nodes[1])
    here = await open_talk(ann, bob)
    await ann.hang_up()
    gone = await bob.hears("presenceChanged", user=ann.user, online=False)
    assert gone["lastSeen"]
    assert await present(bob, here) == {ann.user: False, bob.user: True}
    await Phone(nodes[2], ann.user).connect()
    await bob.hears("presenceChanged", user=ann.user, online=True)
    assert await present(bob, here) == {ann.user: True, bob.user: True}


@pytest.mark.usefixtures("impatient")
async def test_who_still_has_a_device_on_another_node_is_not_gone(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[0], nodes[1])
    also_ann = await Phone(nodes[2], ann.user).connect()
    here = await open_talk(ann, bob)
    await ann.hang_up()
    await until(lambda: not nodes[0].fireside.features.presence.is_here(ann.user))
    assert await present(bob, here) == {ann.user: True, bob.user: True}
    assert not [name for name, _ in bob.heard if name == "presenceChanged"]
    await also_ann.hang_up()
    await bob.hears("presenceChanged", user=ann.user, online=False)


@pytest.mark.usefixtures("impatient")
async def test_a_node_that_dies_takes_its_people_with_it(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[2], nodes[1])
    here = await open_talk(ann, bob)
    await dies(bus(nodes[2]))
    # Whoever has something for it finds out; or its lease lapses.
    await bob.do("sendMessage", conversation=here, content="are you there?")
    await bob.hears("presenceChanged", user=ann.user, online=False)
    assert await present(bob, here) == {ann.user: False, bob.user: True}


@pytest.mark.usefixtures("impatient")
async def test_who_came_while_that_could_not_be_heard_is_found_to_be_there(nodes: Nodes) -> None:
    ann, bob = await phones(nodes[0], nodes[1])
    here = await open_talk(ann, bob)
    await ann.hang_up()
    await bob.hears("presenceChanged", user=ann.user, online=False)
    bus(nodes[1])._handlers["p"] = lambda *_: None
    await Phone(nodes[0], ann.user).connect()
    await bob.hears("presenceChanged", user=ann.user, online=True)
    assert (await present(bob, here))[ann.user]


# ── the register, before anything is read ────────────────────────────────────────────────────────────────────────────


async def test_whoever_is_told_that_they_are_connected_hears_what_is_sent_from_then_on(nodes: Nodes) -> None:
    ann, _ = await phones(nodes[0], nodes[0])
    for number in range(20):
        bob = await Phone(nodes[1], await nodes[0].user("bob")).connect()
        await ann.do("sendMessage", recipient=bob.user, content=f"{number}")
        assert (await bob.hears("messageReceived"))["content"] == f"{number}"


async def test_who_is_not_let_in_leaves_nothing_in_the_register(nodes: Nodes) -> None:
    ann, _ = await phones(nodes[0], nodes[0])
    refused: Any = Phone(nodes[1], ann.user)
    accepting = asyncio.ensure_future(refused.connect())
    await until(lambda: ann.user in bus(nodes[1])._joined)
    refused.connection.cut()
    await asyncio.gather(accepting, return_exceptions=True)
    await until(lambda: ann.user not in bus(nodes[1])._joined)
