"""Who is there and who is typing, as those hear of it who are looking."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from fireside.core.errors import NotFound, Unavailable
from fireside.features.presence.service import (
    GONE_AFTER_S,
    LOOK_ELSEWHERE_EVERY_S,
    OPEN_AT_MOST,
    PEOPLE_AT_MOST,
)
from fireside.features.presence.typing import TYPING_AGAIN_S, TYPING_S
from fireside.features.presence.wire import (
    SAID_OF_SOMEBODY,
    SAID_OF_TYPING,
    Present,
    Typing,
    encode,
    open_in,
    seen_of,
)
from tests.fakes import FakeAccounts, FakePresence, in_memory
from tests.features.whole import ANN, BOB, CAT, DAN, EVE, Device, Node, World, open_world

TURNS = 100
"""Turns of the loop, each a second of whoever sleeps in it."""


class UnreliablePresence(FakePresence):
    """A store that may be down."""

    is_down = False

    async def saw(self, seen: Mapping[str, int]) -> None:
        if self.is_down:
            raise Unavailable("The store is down.")
        await super().saw(seen)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    stores = in_memory()
    assert isinstance(stores.accounts, FakeAccounts)
    async with open_world(replace(stores, presence=UnreliablePresence(stores.accounts))) as world:
        yield world


@pytest.fixture
def store(node: Node) -> UnreliablePresence:
    assert isinstance(node.stores.presence, UnreliablePresence)
    return node.stores.presence


@pytest.fixture
async def here(node: Node) -> str:
    return await node.direct(ANN, BOB)


def comes(node: Node, who: str) -> Device:
    """A device of theirs connects."""
    device = Device(who)
    node.presence.came(who, device)
    return device


async def looks(node: Node, who: str, conversation: str) -> Device:
    """A device of theirs connects, and opens the conversation."""
    device = comes(node, who)
    await node.do(device, "openConversation", conversation=conversation)
    return device


async def wait(node: Node, seconds: float) -> None:
    """Time passes."""
    node.time.go_on(seconds)
    await node.presence.look()


def heard(node: Node, *devices: Device) -> list[list[Any]]:
    """What each device was handed since the last time."""
    found = [[body for handed, _, body in node.publisher.handed if device in handed] for device in devices]
    node.publisher.handed.clear()
    return found


async def presence(node: Node, who: str, conversation: str) -> dict[str, bool | str]:
    """Of each: True if they are there, when they were last seen, or False if never."""
    people = (await node.do(who, "getPresence", conversation=conversation))["people"]
    return {each["user"]: each["online"] or each.get("lastSeen", False) for each in people}


# ── coming and going ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_has_a_device_connected_is_there_and_is_last_seen_when_they_went(node: Node, here: str) -> None:
    assert await presence(node, BOB, here) == {ANN: False, BOB: False}
    first, second = comes(node, ANN), comes(node, ANN)
    assert await presence(node, BOB, here) == {ANN: True, BOB: False}
    node.presence.went(ANN, first)
    await wait(node, GONE_AFTER_S)
    assert await presence(node, BOB, here) == {ANN: True, BOB: False}, "another of their devices is there"
    node.presence.went(ANN, second)
    await wait(node, GONE_AFTER_S)
    gone = (await presence(node, BOB, here))[ANN]
    assert gone == "2023-11-14T22:13:30.123Z"
    comes(node, ANN)
    assert await presence(node, BOB, here) == {ANN: True, BOB: False}


async def test_those_who_are_looking_hear_who_comes_and_goes(node: Node, here: str) -> None:
    looking = await looks(node, BOB, here)
    bystander = comes(node, BOB)
    device = comes(node, ANN)
    assert heard(node, looking, bystander) == [[{"user": ANN, "online": True}], []]
    node.presence.went(ANN, device)
    await wait(node, GONE_AFTER_S - 1)
    assert heard(node, looking) == [[]]
    await wait(node, 1)
    assert heard(node, looking, bystander) == [
        [{"user": ANN, "online": False, "lastSeen": "2023-11-14T22:13:25.123Z"}],
        [],
    ]


async def test_who_is_back_in_a_moment_was_never_gone(node: Node, here: str) -> None:
    looking = await looks(node, BOB, here)
    device = comes(node, ANN)
    heard(node)
    node.presence.went(ANN, device)
    await wait(node, GONE_AFTER_S - 1)
    assert (await presence(node, BOB, here))[ANN] is True
    comes(node, ANN)
    await wait(node, 10 * GONE_AFTER_S)
    assert heard(node, looking) == [[]]
    assert (await presence(node, BOB, here))[ANN] is True


async def test_a_second_device_is_no_news(node: Node, here: str) -> None:
    looking = await looks(node, BOB, here)
    devices = [comes(node, ANN) for _ in range(3)]
    assert len(heard(node, looking)[0]) == 1
    for each in devices[:2]:
        node.presence.went(ANN, each)
    await wait(node, GONE_AFTER_S)
    assert heard(node, looking) == [[]]


async def test_somebody_is_told_once_on_a_device_that_looks_at_them_in_several_conversations(node: Node) -> None:
    looking = await looks(node, BOB, await node.direct(ANN, BOB))
    group = await node.group(BOB, ANN)
    await node.do(looking, "openConversation", conversation=group)
    comes(node, ANN)
    assert heard(node, looking) == [[{"user": ANN, "online": True}]]


# ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_opening_a_conversation_says_who_is_there(node: Node) -> None:
    here = await node.group(ANN, BOB, CAT)
    comes(node, ANN)
    device = comes(node, BOB)
    answer = await node.do(device, "openConversation", conversation=here)
    assert answer["people"] == [
        {"user": ANN, "online": True},
        {"user": BOB, "online": True},
        {"user": CAT, "online": False},
    ]


@pytest.mark.parametrize("command", ["openConversation", "getPresence", "setTyping"])
async def test_nobody_looks_into_a_conversation_they_are_not_in(node: Node, command: str) -> None:
    here = await node.group(ANN, BOB, CAT)
    await node.do(CAT, "leaveGroup", conversation=here)
    inside = await looks(node, BOB, here)
    for who in (EVE, CAT):
        device = comes(node, who)
        assert isinstance(await node.refused(device, command, conversation=here), NotFound)
        heard(node)
        comes(node, ANN)
        await node.do(ANN, "setTyping", conversation=here)
        assert heard(node, device) == [[]]
        await node.do(ANN, "setTyping", conversation=here, typing=False)
    assert len(heard(node, inside)[0]) == 1


async def test_after_closing_it_nothing_is_heard(node: Node, here: str) -> None:
    looking = await looks(node, BOB, here)
    assert await node.do(looking, "closeConversation", conversation=here) == {"ok": True}
    comes(node, ANN)
    await node.do(ANN, "setTyping", conversation=here)
    assert heard(node, looking) == [[]]
    assert await node.do(looking, "closeConversation", conversation=here) == {"ok": True}, "closing it again is safe"
    await node.do(looking, "openConversation", conversation=here)
    await node.do(ANN, "setTyping", conversation=here, typing=False)
    assert len(heard(node, looking)[0]) == 1


async def test_a_device_that_is_gone_is_handed_nothing_and_cannot_look(node: Node, here: str) -> None:
    looking = await looks(node, BOB, here)
    node.presence.went(BOB, looking)
    comes(node, ANN)
    assert node.publisher.handed == []
    await node.do(looking, "openConversation", conversation=here)
    await node.do(ANN, "setTyping", conversation=here)
    assert node.publisher.handed == []
    assert not any((node.presence._open, node.presence._looking, node.presence._seen_in))


async def test_opening_one_too_many_closes_the_first(node: Node) -> None:
    talks = [await node.group(BOB, ANN) for _ in range(OPEN_AT_MOST + 1)]
    device = comes(node, BOB)
    for each in talks[:OPEN_AT_MOST]:
        await node.do(device, "openConversation", conversation=each)
    await node.do(device, "openConversation", conversation=talks[0])  # again: it is the last one now
    await node.do(device, "openConversation", conversation=talks[-1])
    for each in talks:
        await node.do(ANN, "setTyping", conversation=each)
    (typing,) = heard(node, device)
    assert [each["conversation"] for each in typing] == [talks[0], *talks[2:]]


async def test_whoever_comes_into_a_group_is_seen_there(node: Node) -> None:
    here = await node.group(ANN, BOB)
    looking = await looks(node, BOB, here)
    await node.do(ANN, "addMembers", conversation=here, members=[CAT])
    comes(node, CAT)
    assert heard(node, looking) == [[{"user": CAT, "online": True}]]


@pytest.mark.parametrize("how", ["removed", "left"])
async def test_whoever_is_in_it_no_more_hears_nothing_more(node: Node, how: str) -> None:
    here = await node.group(ANN, BOB, CAT)
    out, inside = await looks(node, BOB, here), await looks(node, CAT, here)
    if how == "removed":
        await node.do(ANN, "removeMember", conversation=here, user=BOB)
    else:
        await node.do(out, "leaveGroup", conversation=here)
    heard(node)
    await node.do(ANN, "setTyping", conversation=here)
    comes(node, ANN)
    assert heard(node, out, inside) == [[], [typing(here, True), {"user": ANN, "online": True}]]
    node.presence.went(CAT, inside)
    await wait(node, GONE_AFTER_S)
    assert heard(node, out) == [[]]


async def test_in_a_large_group_nobody_hears_who_comes_but_who_types_they_do(world: World, node: Node) -> None:
    crowd = [f"{number:024x}" for number in range(1, PEOPLE_AT_MOST + 1)]
    await world.join(*crowd)
    conversation = await node.stores.conversations.by_ids([await node.group(ANN, BOB)])
    (small,) = conversation.values()
    members = {**small.members, **dict.fromkeys(crowd[: PEOPLE_AT_MOST - 1], small.members[BOB])}
    large = type(small)(small.id, "group", members, small.created_at, small.as_of, small.info)
    device = comes(node, BOB)
    node.presence.look_at(device, BOB, large)
    comes(node, ANN)
    node.presence.types(ANN, large, True)
    (found,) = heard(node, device)
    assert found == [{"conversation": large.id, "user": ANN, "typing": True}]
    assert len(await node.presence.of(members)) == PEOPLE_AT_MOST


# ── by other processes ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_is_found_elsewhere_by_somebody_who_asks_is_told_to_all_who_look(node: Node, here: str) -> None:
    """Or nobody ever is: when they are heard of, they are known."""
    node.peers.is_up = True
    looking = await looks(node, ANN, here)
    node.peers.there.add(BOB)
    late = await looks(node, CAT, await node.group(CAT, BOB))
    assert heard(node, looking, late) == [[{"user": BOB, "online": True}], []], "who asks is answered"
    node.peers.say([seen_of(BOB)], SAID_OF_SOMEBODY, encode(Present(user=BOB, online=True)))
    assert heard(node, looking, late) == [[], []]


async def test_whatever_happens_to_a_group_who_is_there_elsewhere_is_seen_to_go(node: Node) -> None:
    node.peers.is_up = True
    node.peers.there.add(BOB)
    here = await node.group(ANN, BOB)
    looking = await looks(node, ANN, here)
    await wait(node, 0)
    await node.do(ANN, "updateGroup", conversation=here, title="Other")
    node.peers.there.clear()
    for _ in range(2):
        await wait(node, LOOK_ELSEWHERE_EVERY_S)
    ((gone,),) = heard(node, looking)
    assert (gone["user"], gone["online"]) == (BOB, False)


@pytest.mark.parametrize("cut_off", ["there", "here"])
async def test_whoever_was_put_out_elsewhere_hears_nothing_more_though_the_news_were_lost(
    world: World, node: Node, cut_off: str
) -> None:
    there = await world.node()
    node.peers.is_up = there.peers.is_up = True
    here = await there.group(ANN, BOB, CAT)
    out, inside = await looks(node, BOB, here), await looks(node, CAT, here)
    await there.do(ANN, "removeMember", conversation=here, user=BOB)
    there.peers.lose()
    (there if cut_off == "there" else node).peers.come_back()
    for topics, kind, body in there.peers.leaving():
        node.peers.say(topics, kind, body)
    await node.missed.look()
    heard(node)
    comes(node, ANN)
    node.peers.say([open_in(here)], SAID_OF_TYPING, encode(Typing(conversation=here, user=ANN, typing=True)))
    assert heard(node, out, inside) == [[], [{"user": ANN, "online": True}, typing(here, True)]]


@pytest.mark.parametrize("adopted", ["there", "here"])
async def test_whoever_was_put_out_by_a_node_that_died_at_once_hears_nothing_more(
    world: World, node: Node, adopted: str
) -> None:
    there, third = await world.node(), await world.node()
    third.peers.is_up = True
    here = await there.group(ANN, BOB, CAT)
    out, inside = await looks(node, BOB, here), await looks(node, CAT, here)
    await there.do(ANN, "removeMember", conversation=here, user=BOB)
    await world.kill(there)
    await (third if adopted == "there" else node).keeper.look()
    for topics, kind, body in third.peers.leaving():
        assert {ANN, BOB, CAT} <= {*topics}
        node.peers.say(topics, kind, body)
    heard(node)
    comes(node, ANN)
    assert heard(node, out, inside) == [[], [{"user": ANN, "online": True}]]


async def test_news_of_a_group_count_for_those_who_look_at_it_where_it_is_not_in_memory(
    world: World, node: Node
) -> None:
    there = await world.node()
    there.peers.is_up = True
    here = await there.group(ANN, BOB, CAT)
    out, inside = await looks(node, BOB, here), await looks(node, CAT, here)
    node.conversations.forget((await node.conversations.get([here]))[here])
    await there.do(ANN, "removeMember", conversation=here, user=BOB)
    for topics, kind, body in there.peers.leaving():
        node.peers.say(topics, kind, body)
    heard(node)
    comes(node, ANN)
    assert heard(node, out, inside) == [[], [{"user": ANN, "online": True}]]


# ── typing ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def typing(here: str, is_typing: bool, who: str = ANN) -> dict[str, Any]:
    return {"conversation": here, "user": who, "typing": is_typing}


async def test_others_who_are_looking_hear_that_somebody_types_and_stops(node: Node, here: str) -> None:
    theirs, mine = await looks(node, BOB, here), await looks(node, ANN, here)
    heard(node)
    assert await node.do(mine, "setTyping", conversation=here) == {"ok": True}
    await node.do(mine, "setTyping", conversation=here, typing=False)
    await node.do(mine, "setTyping", conversation=here, typing=False)
    assert heard(node, theirs, mine) == [[typing(here, True), typing(here, False)], []]


async def test_typing_ends_by_itself(node: Node, here: str) -> None:
    looking = await looks(node, BOB, here)
    await node.do(ANN, "setTyping", conversation=here)
    await wait(node, TYPING_S - 0.5)
    assert heard(node, looking) == [[typing(here, True)]]
    await wait(node, 0.5)
    assert heard(node, looking) == [[typing(here, False)]]
    await wait(node, 60)
    assert heard(node, looking) == [[]]


async def test_who_types_on_goes_on_typing_and_is_told_of_now_and_then(node: Node, here: str) -> None:
    looking = await looks(node, BOB, here)
    for _ in range(12):
        await node.do(ANN, "setTyping", conversation=here)
        await wait(node, TYPING_AGAIN_S / 4)
    assert heard(node, looking) == [[typing(here, True)] * 3]
    await wait(node, TYPING_S)
    assert heard(node, looking) == [[typing(here, False)]]


# ── when somebody was last there ─────────────────────────────────────────────────────────────────────────────────────


async def test_it_is_kept_and_every_node_knows_it(world: World, node: Node, here: str) -> None:
    there = await world.node()
    device = comes(node, ANN)
    node.presence.went(ANN, device)
    await wait(node, GONE_AFTER_S)
    assert (await presence(there, BOB, here))[ANN] == "2023-11-14T22:13:25.123Z"


async def test_what_could_not_be_kept_is_known_here_and_kept_later(
    node: Node, store: UnreliablePresence, here: str
) -> None:
    store.is_down = True
    device = comes(node, ANN)
    node.presence.went(ANN, device)
    await wait(node, GONE_AFTER_S)
    assert (await presence(node, BOB, here))[ANN] == "2023-11-14T22:13:25.123Z"
    assert await store.last_seen([ANN]) == {}
    store.is_down = False
    await wait(node, 1)
    assert list(await store.last_seen([ANN])) == [ANN]


async def test_at_the_end_who_is_still_there_was_last_seen_then(node: Node, store: UnreliablePresence) -> None:
    comes(node, ANN)
    leaving = comes(node, BOB)
    node.presence.went(BOB, leaving)
    node.time.go_on(1)
    await node.presence.stop()
    assert await store.last_seen([ANN, BOB, DAN]) == {ANN: node.time.now_ms, BOB: node.time.now_ms}


async def test_it_looks_at_the_time_by_itself_and_a_failure_ends_nothing(node: Node, here: str) -> None:
    looking = await looks(node, BOB, here)
    await node.do(ANN, "setTyping", conversation=here)
    look, failures = node.presence.look, [RuntimeError("a bug")]

    async def break_once() -> None:
        if failures:
            raise failures.pop()
        await look()

    node.presence.look = break_once  # type: ignore[method-assign]
    await node.presence.start()
    try:
        for _ in range(TURNS):
            await asyncio.sleep(0)
    finally:
        await node.presence.stop()
    assert heard(node, looking) == [[typing(here, True), typing(here, False)]]
