"""What is one's own: flags, stars, what one has hidden; the same on all of one's devices, and nobody else's."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from fireside.core.errors import InvalidInput, NotFound, Unavailable
from fireside.features.personal import log as module
from fireside.features.personal.hiding import Hiding
from fireside.features.personal.service import Entry
from tests.fakes import FakePersonal
from tests.features.whole import ANN, BOB, CAT, EVE, NOBODY, NOW, Device, Node, World, seqs


async def talk(node: Node, many: int = 3) -> str:
    here = await node.direct(ANN, BOB)
    for number in range(1, many + 1):
        await node.say(BOB, here, f"message {number}")
    return here


async def own(node: Node, who: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await node.do(who, "getOwn"))["entries"]
    return entries


# ── flags ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_flags_are_set_one_by_one_and_what_is_absent_stays(node: Node) -> None:
    here = await talk(node)
    steps: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = [
        ({"pinned": True}, {"pinned": True}),
        ({"archived": True, "mutedUntil": NOW}, {"pinned": True, "archived": True, "mutedUntil": NOW}),
        ({"unread": True, "pinned": False}, {"archived": True, "mutedUntil": NOW, "unread": True}),
        ({"mutedUntil": None}, {"archived": True, "unread": True}),
        ({"archived": False, "unread": False}, {}),
    ]
    for n, (said, flags) in enumerate(steps, 1):
        answer = await node.do(ANN, "setFlags", conversation=here, **said)
        assert answer == {"ok": True, "entry": {"n": n, "conversation": here, "flags": flags}}
        assert (await node.item(ANN, here))["flags"] == flags
    assert (await node.item(BOB, here))["flags"] == {}, "they are nobody else's"
    assert [each["n"] for each in await own(node, ANN)] == [1, 2, 3, 4, 5]
    assert await own(node, BOB) == []


async def test_marking_it_unread_is_no_matter_of_receipts(node: Node) -> None:
    here = await talk(node)
    await node.do(ANN, "markRead", conversation=here, seq=3)
    await node.do(ANN, "setFlags", conversation=here, unread=True)
    item = await node.item(ANN, here)
    assert (item["unread"], item["flags"]) == (0, {"unread": True})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-22T09:42:00.123Z", "2026-11-22T09:42:00.123Z"),
        ("2026-11-22T10:42:00+01:00", "2026-11-22T09:42:00.000Z"),
        ("2026-11-22T09:42:00.1239Z", "2026-11-22T09:42:00.124Z"),
    ],
)
async def test_a_time_is_kept_as_utc(node: Node, text: str, shown: str) -> None:
    here = await talk(node)
    answer = await node.do(ANN, "setFlags", conversation=here, mutedUntil=text)
    assert answer["entry"]["flags"] == {"mutedUntil": shown}


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-11-22", "2026-11-22T09:42:00", "1700000000", "2026-13-01T00:00Z"]
)
async def test_what_is_no_time_is_refused(node: Node, text: str) -> None:
    here = await talk(node)
    refused = await node.refused(ANN, "setFlags", conversation=here, mutedUntil=text)
    assert isinstance(refused, InvalidInput)
    assert refused.details == {"field": "mutedUntil"}
    assert await own(node, ANN) == []


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_is_hidden_is_shown_to_oneself_no_more_and_to_others_as_it_was(node: Node) -> None:
    here = await talk(node)
    answer = await node.do(ANN, "markMessage", conversation=here, seq=2, hidden=True, starred=True)
    assert answer["entry"] == {"n": 1, "conversation": here, "seq": 2, "starred": True, "hidden": True}
    for who, content in ((ANN, ""), (BOB, "message 2")):
        found = [
            (await node.do(who, "getMessage", conversation=here, seq=2))["message"],
            (await node.do(who, "getMessages", conversation=here))["messages"][1],
            (await node.do(who, "getMessages", conversation=here, before=3, limit=1))["messages"][0],
            next(each for each in (await node.do(who, "sync"))["conversations"][0]["messages"] if each["seq"] == 2),
        ]
        assert [each["content"] for each in found] == [content] * 4
        assert [each.get("hidden", False) for each in found] == [who == ANN] * 4
    assert [(await node.item(who, here))["unread"] for who in (ANN, BOB)] == [2, 0]
    await node.do(ANN, "markMessage", conversation=here, seq=2, hidden=False)
    assert (await node.do(ANN, "getMessage", conversation=here, seq=2))["message"]["content"] == "message 2"


async def test_a_hidden_message_cannot_be_forwarded_by_whom_it_is_hidden_from(node: Node) -> None:
    here = await talk(node)
    await node.do(ANN, "markMessage", conversation=here, seq=2, hidden=True)
    refused = await node.refused(ANN, "forwardMessage", conversation=here, seq=2, recipient=CAT)
    assert refused.code == "conflict"
    assert (await node.do(ANN, "forwardMessage", conversation=here, seq=1, recipient=CAT))["message"]["forwarded"]


@pytest.mark.parametrize("command", ["setFlags", "markMessage"])
async def test_one_marks_only_what_one_can_see(node: Node, command: str) -> None:
    here = await node.group(ANN, BOB)
    await node.do(ANN, "addMembers", conversation=here, members=[CAT])
    await node.do(BOB, "leaveGroup", conversation=here)
    await node.say(ANN, here)
    places: list[tuple[str, str, int]] = [(EVE, here, 1), (ANN, NOBODY, 1), (ANN, "me", 1)]
    if command == "markMessage":
        places += [(CAT, here, 1), (BOB, here, 4), (ANN, here, 99)]
    for who, conversation, seq in places:
        fields = {"pinned": True} if command == "setFlags" else {"seq": seq, "starred": True}
        assert isinstance(await node.refused(who, command, conversation=conversation, **fields), NotFound)
        assert await own(node, who) == []
    fields = {"archived": True} if command == "setFlags" else {"seq": 3, "starred": True}
    assert (await node.do(BOB, command, conversation=here, **fields))["entry"]["n"] == 1, "who has left keeps theirs"


# ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_ones_other_devices_hear_of_it_and_nobody_else(node: Node) -> None:
    here = await talk(node)
    node.publisher.told.clear()
    device = Device(ANN)
    flags = (await node.do(device, "setFlags", conversation=here, pinned=True))["entry"]
    star = (await node.do(ANN, "markMessage", conversation=here, seq=1, starred=True))["entry"]
    assert node.publisher.told == [([ANN], "ownChanged", flags, device), ([ANN], "ownChanged", star, None)]


async def test_repeating_it_is_answered_with_how_things_are_and_told_to_nobody(node: Node) -> None:
    here = await talk(node)
    await node.do(ANN, "setFlags", conversation=here, pinned=True)
    node.publisher.told.clear()
    for said in ({"pinned": True}, {}, {"archived": False}):
        answer = await node.do(ANN, "setFlags", conversation=here, **said)
        assert answer["entry"] == {"n": 0, "conversation": here, "flags": {"pinned": True}}, "there is no line of it"
    assert node.publisher.told == []
    assert len(await own(node, ANN)) == 1
    assert "starred" not in (await node.do(ANN, "markMessage", conversation=here, seq=1, starred=False))["entry"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
async def test_the_log_is_caught_up_on_in_pages(node: Node, limit: int) -> None:
    here = await talk(node)
    for seq, starred in ((1, True), (2, True), (1, False), (3, True), (2, False)):
        await node.do(ANN, "markMessage", conversation=here, seq=seq, starred=starred)
    entries, more = list[Any](), True
    while more:
        after = entries[-1]["n"] if entries else 0
        page = await node.do(ANN, "getOwn", after=after, limit=limit)
        entries += page["entries"]
        more = page["more"]
        assert len(page["entries"]) == limit or not more
    assert [(each["n"], each["seq"], each.get("starred", False)) for each in entries] == [
        (1, 1, True),
        (2, 2, True),
        (3, 1, False),
        (4, 3, True),
        (5, 2, False),
    ]
    assert await node.do(ANN, "getOwn", after=5) == {"ok": True, "entries": [], "more": False}


@pytest.mark.parametrize("nodes", [1, 3])
async def test_what_many_devices_say_at_once_is_numbered_without_a_gap_and_nothing_of_it_is_lost(
    world: World, nodes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0)
    all_nodes = [await world.node() for _ in range(nodes)]
    here = await talk(all_nodes[0], 12)
    said: list[tuple[str, dict[str, Any]]] = [
        ("setFlags", {"pinned": True}),
        ("setFlags", {"archived": True}),
        ("setFlags", {"unread": True}),
        *(("markMessage", {"seq": seq, "starred": True}) for seq in range(1, 13)),
        *(("markMessage", {"seq": seq, "hidden": True}) for seq in range(1, 13)),
    ]
    answers = await asyncio.gather(
        *(
            all_nodes[number % nodes].do(ANN, command, conversation=here, **fields)
            for number, (command, fields) in enumerate(said)
        )
    )
    assert sorted(each["entry"]["n"] for each in answers) == list(range(1, len(said) + 1))
    entries = await own(all_nodes[-1], ANN)
    assert [each["n"] for each in entries] == list(range(1, len(said) + 1))
    last = {each.get("seq", 0): each for each in entries}
    assert last[0]["flags"] == {"pinned": True, "archived": True, "unread": True}
    assert all(last[seq]["starred"] and last[seq]["hidden"] for seq in range(1, 13))
    told = [each.body["n"] for node in all_nodes for each in node.publisher.told if each.event == "ownChanged"]
    assert sorted(told) == list(range(1, len(said) + 1))


class Unanswering(FakePersonal):
    """Takes it, and is not heard to have."""

    async def append(self, entry: Entry) -> bool:
        await super().append(entry)
        raise Unavailable("The store did not answer.")


async def test_a_line_that_may_be_there_is_told_with_the_heads(node: Node) -> None:
    unanswering = Unanswering()
    log = module.PersonalLog(unanswering, Hiding(unanswering), lambda: 0)
    with pytest.raises(Unavailable):
        await log.note(ANN, NOBODY, 0, {"pinned": True})
    assert log.moved == {ANN: 1}


async def test_so_is_one_that_is_found_to_be_there_when_it_is_said_again(world: World, node: Node) -> None:
    here, there = await talk(node), await world.node()
    await node.do(ANN, "setFlags", conversation=here, pinned=True)
    await there.do(ANN, "setFlags", conversation=here, pinned=True)
    await there.heads.tell()
    assert there.publisher.heard(ANN) == [{"heads": [], "own": 1}], "the other node may have died before it told"
    await there.do(BOB, "setFlags", conversation=here, pinned=False)
    assert there.personal.moved == {}, "of an empty log there is nothing to tell"


class Contested(FakePersonal):
    """Somebody else is always a little faster."""

    async def append(self, entry: Entry) -> bool:
        return False


async def test_who_is_never_the_first_is_told_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0)
    contested = Contested()
    log = module.PersonalLog(contested, Hiding(contested), lambda: 0)
    with pytest.raises(Unavailable):
        await log.note(ANN, NOBODY, 0, {"pinned": True})
    assert log.moved == {}


# ── stars ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def starred(node: Node, **fields: Any) -> tuple[list[tuple[int, str, int]], bool]:
    answer = await node.do(ANN, "getStarred", **fields)
    assert all(each["starred"] for each in answer["entries"])
    return [(each["n"], each["conversation"], each["seq"]) for each in answer["entries"]], answer["more"]


async def test_stars_are_found_again_the_newest_first_and_only_those_that_still_are(node: Node) -> None:
    here, there = await talk(node), await node.group(ANN)
    assert await starred(node) == ([], False)
    for conversation, seq, is_starred in ((here, 3, True), (here, 1, True), (there, 1, True), (here, 3, False)):
        await node.do(ANN, "markMessage", conversation=conversation, seq=seq, starred=is_starred)
    assert await starred(node) == ([(3, there, 1), (2, here, 1)], False)
    await node.do(ANN, "markMessage", conversation=here, seq=1, hidden=True)
    assert await starred(node) == ([(5, here, 1), (3, there, 1)], False), "the last word on each place counts"
    assert (await node.do(BOB, "getStarred"))["entries"] == []


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
async def test_stars_come_in_pages_each_once(node: Node, limit: int) -> None:
    here = await talk(node, 7)
    for seq in (4, 1, 6, 2, 7, 5, 3):
        await node.do(ANN, "markMessage", conversation=here, seq=seq, starred=True)
    found, more = await starred(node, limit=limit)
    while more:
        page, more = await starred(node, limit=limit, before=found[-1][0])
        assert len(page) == limit or not more
        found += page
    assert [seq for _, _, seq in found] == [3, 5, 7, 2, 6, 1, 4]


async def test_what_is_starred_can_be_read_by_its_place(node: Node) -> None:
    here = await talk(node)
    await node.do(ANN, "markMessage", conversation=here, seq=2, starred=True)
    ((_, conversation, seq),) = (await starred(node))[0]
    messages = (await node.do(ANN, "getMessages", conversation=conversation, before=seq + 1, limit=1))["messages"]
    assert seqs(messages) == [2]
