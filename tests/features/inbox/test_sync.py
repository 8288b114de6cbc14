"""Catching up: everything that has changed since a cursor, however old, and nothing else."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from fireside.core.errors import InvalidInput, Unavailable
from fireside.features.changes.service import Change, ChangeTail
from fireside.features.inbox.items import Item
from fireside.features.inbox.service import InboxRow
from fireside.features.inbox.syncing import (
    AT_ONCE,
    BUDGET_BYTES,
    ENDS,
    FIRST_ENDS,
    OWN_PER_ANSWER,
    PER_ANSWER,
    Syncing,
)
from fireside.features.personal.service import Entry
from tests.features.whole import ANN, BOB, CAT, DAN, EVE, Node, World, seqs


def ids(answer: dict[str, Any]) -> list[str]:
    return [each["conversation"]["_id"] for each in answer["conversations"]]


def numbers(item: dict[str, Any]) -> dict[str, int]:
    """What a client says of what it has."""
    return {"seq": item["seq"], "rev": item["rev"]}


async def catch_up(node: Node, who: str, cursor: str = "") -> tuple[list[Any], str]:
    """All items since the cursor, and the next one."""
    items: list[Any] = []
    while True:
        answer = await node.do(who, "sync", cursor=cursor)
        items += answer["conversations"]
        cursor = answer["cursor"]
        if not answer["more"]:
            return items, cursor


# ── what it finds ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_device_gets_everything(node: Node) -> None:
    here, group = await node.direct(ANN, BOB), await node.group(CAT, ANN, BOB)
    await node.direct(ANN, DAN)
    for number in range(25):
        await node.say(BOB, here, f"message {number}")
    await node.do(BOB, "editMessage", conversation=here, seq=25, content="otherwise")
    await node.do(ANN, "setFlags", conversation=group, archived=True)
    await node.do(ANN, "markMessage", conversation=here, seq=24, starred=True)
    answer = await node.do(ANN, "sync")
    assert ids(answer) == sorted([here, group]), "one that has not begun is none"
    direct, other = sorted(answer["conversations"], key=lambda item: -item["seq"])
    assert (direct["seq"], direct["rev"], direct["unread"]) == (25, 1, 25)
    assert seqs(direct["messages"]) == list(range(6, 26)), "the newest 20"
    assert direct["messages"][-1]["content"] == "otherwise"
    assert (direct["changed"], direct["changedFrom"]) == ([], 1), "the messages are as they are now"
    assert (other["flags"], other["unread"], seqs(other["messages"])) == ({"archived": True}, 0, [1])
    assert [each["n"] for each in answer["own"]] == [1, 2]
    assert answer["people"] == {ANN: "ann", BOB: "bob", CAT: "cat"}
    assert not answer["more"]
    assert len(direct["messages"]) == FIRST_ENDS.messages


async def test_where_nothing_has_changed_nothing_is_found(node: Node) -> None:
    await node.say(ANN, await node.direct(ANN, BOB))
    await node.fall_asleep()
    first = await node.do(BOB, "sync")
    assert len(first["conversations"]) == 1
    again = await node.do(BOB, "sync", cursor=first["cursor"])
    nothing = {"conversations": [], "own": [], "people": {}, "more": False}
    assert again == {"ok": True, "readReceipts": True, "cursor": first["cursor"], **nothing}
    assert (await node.do(EVE, "sync"))["conversations"] == []


CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "a message": ("sendMessage", {"content": "hello"}),
    "an edit": ("editMessage", {"seq": 2, "content": "otherwise"}),
    "a deletion": ("deleteMessage", {"seq": 2}),
    "a reaction": ("reactToMessage", {"seq": 2, "emoji": "👍"}),
    "a pin": ("pinMessage", {"seq": 2}),
    "a new title": ("updateGroup", {"title": "Others"}),
    "a newcomer": ("addMembers", {"members": [DAN]}),
    "a role": ("setRole", {"user": BOB, "role": "admin"}),
    "a removal": ("removeMember", {"user": CAT}),
    "a farewell": ("leaveGroup", {}),
    "a receipt": ("markRead", {"seq": 3}),
}


@pytest.mark.parametrize("asleep", [True, False], ids=["long ago", "just now"])
@pytest.mark.parametrize("what", CHANGES)
async def test_whatever_happens_to_a_conversation_is_found_by_everybody_in_it(
    node: Node, what: str, asleep: bool
) -> None:
    groups = [await node.group(ANN, BOB, CAT) for _ in range(3)]
    for each in groups:
        await node.say(ANN, each)
        await node.say(BOB, each)
    await node.fall_asleep()
    cursors = {who: (await node.do(who, "sync"))["cursor"] for who in (ANN, BOB, CAT)}
    command, fields = CHANGES[what]
    await node.do(ANN, command, conversation=groups[1], **fields)
    if asleep:
        await node.fall_asleep()
    for who, cursor in cursors.items():
        answer = await node.do(who, "sync", cursor=cursor)
        assert ids(answer) == [groups[1]]
        fresh = await node.do(who, "sync")
        (found,) = (each for each in fresh["conversations"] if each["conversation"]["_id"] == groups[1])
        assert {**answer["conversations"][0], "changed": [], "changedFrom": found["changedFrom"]} == found
    if not asleep:
        await node.fall_asleep()
    for who, cursor in cursors.items():
        answer = await node.do(who, "sync", cursor=cursor)
        assert ids(answer) == [groups[1]], "also by who asks again with an old cursor"
        assert ids(await node.do(who, "sync", cursor=answer["cursor"])) == []


async def test_a_cursor_never_runs_out(node: Node) -> None:
    talks = [await node.direct(ANN, other) for other in (BOB, CAT, DAN)]
    await node.say(ANN, talks[0])
    await node.fall_asleep()
    cursor = (await node.do(ANN, "sync"))["cursor"]
    for each in (talks[1], talks[2], talks[1]):
        await node.say(ANN, each)
        await node.fall_asleep()
    node.time.go_on(10 * 365 * 24 * 3600)
    assert ids(await node.do(ANN, "sync", cursor=cursor)) == sorted(talks[1:])


async def test_it_is_the_same_cursor_on_every_node(world: World, node: Node) -> None:
    there = await world.node()
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    cursor = (await node.do(BOB, "sync"))["cursor"]
    await there.say(ANN, here)
    await node.fall_asleep()
    await there.fall_asleep()
    answer = await there.do(BOB, "sync", cursor=cursor, known={here: {"seq": 1}})
    assert [seqs(each["messages"]) for each in answer["conversations"]] == [[2]]


# ── how much of it ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_says_what_they_have_gets_the_rest(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    for _ in range(5):
        await node.say(ANN, here)
    await node.do(BOB, "reactToMessage", conversation=here, seq=2, emoji="👍")
    await node.fall_asleep()
    first = await node.do(BOB, "sync")
    known = {here: numbers(first["conversations"][0])}
    await node.say(ANN, here)
    await node.do(ANN, "editMessage", conversation=here, seq=4, content="otherwise")
    (item,) = (await node.do(BOB, "sync", cursor=first["cursor"], known=known))["conversations"]
    assert (seqs(item["messages"]), seqs(item["changed"]), item["changedFrom"]) == ([6], [4], 1)
    (item,) = (await node.do(BOB, "sync", cursor=first["cursor"], known={here: numbers(item)}))["conversations"]
    assert (item["messages"], item["changed"], item["changedFrom"]) == ([], [], 2)
    (item,) = (await node.do(BOB, "sync", cursor=first["cursor"]))["conversations"]
    assert (seqs(item["messages"]), seqs(item["changed"])) == ([1, 2, 3, 4, 5, 6], [2, 4]), "who says nothing has none"


async def test_of_more_than_an_answer_holds_it_has_the_newest_and_says_from_where(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    await node.fall_asleep()
    cursor = (await node.do(BOB, "sync"))["cursor"]
    many = ENDS.messages + 10
    for _ in range(many):
        await node.say(ANN, here)
    for number in range(ENDS.changes + 7):
        await node.do(BOB, "reactToMessage", conversation=here, seq=number + 1, emoji="👍")
    (item,) = (await node.do(BOB, "sync", cursor=cursor, known={here: {"seq": 1, "rev": 0}}))["conversations"]
    assert seqs(item["messages"]) == list(range(12, many + 2)), "the newest 50"
    assert item["changedFrom"] == 7
    assert seqs(item["changed"]) == list(range(8, 58))
    between = await node.do(BOB, "getChanges", conversation=here, after=0)
    assert between["rev"] == 50
    assert set(seqs(between["messages"])) | set(seqs(item["changed"])) == set(range(1, 58))
    (item,) = (await node.do(BOB, "sync", cursor=cursor, known={here: {"seq": 1, "rev": 7}}))["conversations"]
    assert (item["changedFrom"], seqs(item["changed"])) == (7, list(range(8, 58))), "it fits exactly"


async def test_who_has_left_is_told_what_changed_before_however_much_the_others_change_after(node: Node) -> None:
    group = await node.group(ANN, BOB, CAT)
    for _ in range(3):
        await node.say(ANN, group)
    cursor = (await node.do(BOB, "sync"))["cursor"]
    await node.do(ANN, "deleteMessage", conversation=group, seq=2)
    await node.do(ANN, "editMessage", conversation=group, seq=3, content="otherwise")
    await node.do(ANN, "removeMember", conversation=group, user=BOB)
    for number in range(ENDS.changes + 1):
        await node.do(CAT, "reactToMessage", conversation=group, seq=4, emoji="👍🎉"[number % 2])
    (item,) = (await node.do(BOB, "sync", cursor=cursor, known={group: {"seq": 4, "rev": 0}}))["conversations"]
    assert (item["rev"], item["changedFrom"], seqs(item["changed"])) == (2, 0, [2, 3])


@pytest.mark.parametrize("missed", [ENDS.changes, ENDS.changes + 1])
async def test_a_change_that_comes_while_it_looks_takes_no_other_out_of_the_answer(
    node: Node, monkeypatch: pytest.MonkeyPatch, missed: int
) -> None:
    here = await node.direct(ANN, BOB)
    for _ in range(missed + 1):
        await node.say(ANN, here)
    cursor = (await node.do(BOB, "sync"))["cursor"]
    for number in range(missed):
        await node.do(BOB, "reactToMessage", conversation=here, seq=number + 1, emoji="👍")
    tails = node.stores.changes.tails

    async def late(wanted: Sequence[ChangeTail]) -> dict[str, list[Change]]:
        await node.do(BOB, "reactToMessage", conversation=here, seq=missed + 1, emoji="👍")
        return await tails(wanted)

    monkeypatch.setattr(node.stores.changes, "tails", late)
    (item,) = (await node.do(BOB, "sync", cursor=cursor, known={here: {"seq": missed + 1, "rev": 0}}))["conversations"]
    low = missed - ENDS.changes
    assert (item["rev"], item["changedFrom"]) == (missed, low)
    assert seqs(item["changed"]) == list(range(low + 1, missed + 1)), "all above, up to the rev it tells"


async def test_past_its_budget_an_answer_says_only_how_far_things_have_got(node: Node) -> None:
    large = "x" * 16_000
    talks = sorted([await node.direct(ANN, other) for other in (BOB, CAT, DAN, EVE)])
    for each in talks:
        for _ in range(8):
            await node.say(ANN, each, large)
        await node.do(ANN, "reactToMessage", conversation=each, seq=1, emoji="👍")
    small = await node.direct(ANN, ANN)
    await node.say(ANN, small)
    items = (await node.do(ANN, "sync"))["conversations"]
    assert len(items) == 5
    by_id = {each["conversation"]["_id"]: each for each in items}
    fits = [each for each in talks if by_id[each]["messages"]]
    assert fits == talks[: BUDGET_BYTES // (8 * 16_400)]
    for each in talks[len(fits) :]:
        item = by_id[each]
        assert (item["seq"], item["rev"], item["changed"], item["changedFrom"]) == (8, 1, [], 1)
    assert len(by_id[small]["messages"]) == 1, "what fits is not left out for what does not"


async def test_conversations_come_in_several_answers_each_once(world: World, node: Node) -> None:
    others = [f"{number:024x}" for number in range(1, 2 * PER_ANSWER + 31)]
    await world.join(*others)
    talks = [await node.direct(ANN, each) for each in others]
    for each in talks:
        await node.say(ANN, each)
    await node.fall_asleep()
    cursor, found, sizes = "", [], []
    while True:
        answer = await node.do(ANN, "sync", cursor=cursor)
        found += ids(answer)
        sizes.append(len(answer["conversations"]))
        if not sizes[1:]:
            # What happens meanwhile to one that was there already.
            await node.say(ANN, min(talks))
            await node.fall_asleep()
        cursor = answer["cursor"]
        if not answer["more"]:
            break
    assert sizes == [PER_ANSWER, PER_ANSWER, 30]
    assert found == sorted(talks)
    assert ids(await node.do(ANN, "sync", cursor=cursor)) == [min(talks)], "is found the next time"


async def test_the_own_log_comes_in_several_answers_too(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    for number in range(OWN_PER_ANSWER + 30):
        await node.do(ANN, "markMessage", conversation=here, seq=1, starred=number % 2 == 0)
    first = await node.do(ANN, "sync")
    second = await node.do(ANN, "sync", cursor=first["cursor"])
    assert (first["more"], second["more"]) == (True, False)
    assert [each["n"] for each in (*first["own"], *second["own"])] == list(range(1, OWN_PER_ANSWER + 31))
    assert (ids(first), ids(second)) == ([here], [])
    await node.do(ANN, "setFlags", conversation=here, pinned=True)
    third = await node.do(ANN, "sync", cursor=second["cursor"])
    assert [each["n"] for each in third["own"]] == [OWN_PER_ANSWER + 31]


# ── who has left ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_was_put_out_hears_of_that_once_and_of_nothing_after(node: Node) -> None:
    here = await node.group(ANN, BOB, CAT)
    await node.fall_asleep()
    _, cursor = await catch_up(node, BOB)
    await node.do(ANN, "removeMember", conversation=here, user=BOB)
    await node.say(ANN, here)
    await node.fall_asleep()
    items, cursor = await catch_up(node, BOB, cursor)
    assert [(each["conversation"]["until"], seqs(each["messages"])) for each in items] == [(2, [1, 2])]
    for _ in range(3):
        await node.say(CAT, here)
        await node.do(ANN, "editMessage", conversation=here, seq=3, content=f"{node.time.now_ms}")
        assert await catch_up(node, BOB, cursor) == ([], cursor), "while they talk"
        await node.fall_asleep()
        items, cursor = await catch_up(node, BOB, cursor)
        assert items == []
    await node.do(ANN, "addMembers", conversation=here, members=[BOB])
    items, _ = await catch_up(node, BOB, cursor)
    assert [(each["conversation"]["since"], each["seq"]) for each in items] == [(6, 7)]
    items, _ = await catch_up(node, CAT)
    assert [each["seq"] for each in items] == [7]


# ── what is no cursor ────────────────────────────────────────────────────────────────────────────────────────────────

BAD = [
    "x",
    "1",
    "1.",
    ".1",
    "-1.0",
    "1.0.",
    "1.0.2",
    "1.0.2.",
    "1.0.2." + "A" * 24,
    "1.0.-2." + "a" * 24,
    "1.0.2." + "a" * 25,
    " 1.0",
    "1.0\n",
    "1" * 19 + ".0",
    "\ud800",
]


@pytest.mark.parametrize("cursor", BAD, ids=ascii)
async def test_what_is_no_cursor_is_refused(node: Node, cursor: str) -> None:
    refused = await node.refused(ANN, "sync", cursor=cursor)
    assert isinstance(refused, InvalidInput)
    assert refused.details == {"field": "cursor"}
    assert (await node.do(ANN, "sync", cursor="1.0"))["conversations"] == []


async def test_what_somebody_has_is_said_of_500_conversations_at_most(node: Node) -> None:
    known = {f"{number:024x}": {"seq": 1, "rev": 1} for number in range(500)}
    assert (await node.do(ANN, "sync", known=known))["conversations"] == []
    refused = await node.refused(ANN, "sync", known=known | {"f" * 24: {"seq": 1}})
    assert isinstance(refused, InvalidInput)
    assert refused.details == {"field": "known"}


# ── when all come at once ────────────────────────────────────────────────────────────────────────────────────────────


class Busy:
    """Every store that catching up reads from: there is nothing in it, and reading that takes a moment."""

    def __init__(self) -> None:
        self.reading = self.most = 0

    async def stamp(self) -> int:
        return 1

    async def after(self, user_id: str, n: int, limit: int) -> list[Entry]:
        return []

    async def of(self, *asked: object) -> list[Item]:
        return []

    async def changed(self, user_id: str, stamp: int, after: str, limit: int) -> list[InboxRow]:
        self.reading += 1
        self.most = max(self.most, self.reading)
        await asyncio.sleep(0)
        self.reading -= 1
        if user_id == BOB:
            raise Unavailable("The database is away.")
        return []


async def test_when_thousands_are_back_so_many_catch_up_at_a_time_and_each_has_a_turn() -> None:
    busy: Any = Busy()
    syncing = Syncing(busy, busy, busy, busy)
    everybody = [ANN, BOB] * 10 * AT_ONCE
    answers = await asyncio.gather(*(syncing.sync(each, "", {}) for each in everybody), return_exceptions=True)
    assert [isinstance(each, Unavailable) for each in answers] == [each == BOB for each in everybody]
    assert busy.most == AT_ONCE


async def test_who_finds_no_place_in_time_is_told_so_and_not_left_waiting_for_all_before_them() -> None:
    class Away(Busy):
        async def stamp(self) -> int:
            await back.wait()
            return 1

    back, away = asyncio.Event(), Away()
    stores: Any = away
    syncing = Syncing(stores, stores, stores, stores, patience_s=0.01)
    inside = [asyncio.create_task(syncing.sync(ANN, "", {})) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="Ask again"):
        await syncing.sync(ANN, "", {})
    back.set()
    assert len(await asyncio.gather(*inside)) == AT_ONCE
    assert (await syncing.sync(ANN, "", {})).items == []
