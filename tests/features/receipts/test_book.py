"""The book of receipts: few writes for many marks, and nothing that somebody waits for is lost."""

import asyncio
from collections.abc import Iterable

import pytest

from fireside.core.errors import InvalidInput, NotFound, Unavailable
from fireside.features.receipts.book import AT_ONCE
from fireside.features.receipts.service import Mark, Receipt
from tests.features.receipts.conftest import WatchedReceipts, turns
from tests.features.whole import ANN, BOB, CAT, EVE, NOBODY, Node, World


async def talk(node: Node, many: int = 9) -> str:
    """Ann has said so many things to Bob; what that implies for her is on disk."""
    here = await node.direct(ANN, BOB)
    for _ in range(many):
        await node.say(ANN, here)
    await node.settle()
    return here


async def read(node: Node, who: str, conversation: str, seq: int) -> None:
    await node.do(who, "markRead", conversation=conversation, seq=seq)


# ── forward only ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_mark_is_on_disk_when_it_is_acknowledged(node: Node, store: WatchedReceipts) -> None:
    here = await talk(node)
    assert await node.do(BOB, "markDelivered", conversation=here, seq=5) == {"ok": True}
    assert await store.mark(here, BOB) == Mark(5, 0, 0)
    assert await node.do(BOB, "markRead", conversation=here, seq=3) == {"ok": True}
    assert await store.mark(here, BOB) == Mark(5, 3, 3)
    await read(node, BOB, here, 7)
    assert await store.mark(here, BOB) == Mark(7, 7, 7), "who has read it has it"


async def test_a_late_or_repeated_receipt_is_done_already(node: Node, store: WatchedReceipts) -> None:
    here = await talk(node)
    for command, seq in (("markRead", 6), ("markDelivered", 8)):
        for late in (seq, seq, seq - 1, 1):
            assert await node.do(BOB, command, conversation=here, seq=late) == {"ok": True}
    assert await store.mark(here, BOB) == Mark(8, 6, 6)


async def test_who_sends_has_read_and_waits_for_no_receipt(node: Node, store: WatchedReceipts) -> None:
    here = await talk(node)
    store.writes.clear()
    assert await node.say(BOB, here) == 10
    assert store.writes == []
    assert node.book.unwritten(here, BOB) == Mark(10, 10)
    await node.fall_asleep()
    assert await store.mark(here, BOB) == Mark(10, 10, 10)
    assert node.book.unwritten(here, BOB) == Mark()


async def test_a_message_that_is_not_there_yet_cannot_be_read(world: World, node: Node, store: WatchedReceipts) -> None:
    here = await talk(node, 2)
    for command in ("markRead", "markDelivered"):
        refused = await node.refused(BOB, command, conversation=here, seq=3)
        assert isinstance(refused, InvalidInput)
        assert refused.details == {"field": "seq"}
    assert await store.mark(here, BOB) == Mark()
    there = await world.node()
    await there.say(ANN, here)
    await read(node, BOB, here, 3)
    assert await store.mark(here, BOB) == Mark(3, 3, 3), "another node has stored it"


@pytest.mark.parametrize("command", ["markRead", "markDelivered", "getReceipts", "getSeenBy"])
async def test_what_is_not_theirs_is_not_there(node: Node, store: WatchedReceipts, command: str) -> None:
    here = await node.group(ANN, BOB, CAT)
    await node.do(CAT, "leaveGroup", conversation=here)
    fields = {} if command == "getReceipts" else {"seq": 1}
    outsiders = [(EVE, here), (ANN, NOBODY), (ANN, "me")]
    if command.startswith("mark"):
        outsiders.append((CAT, here))
    for who, conversation in outsiders:
        refused = await node.refused(who, command, conversation=conversation, **fields)
        assert isinstance(refused, NotFound)
        assert refused.message == "There is no such conversation."
    assert await store.mark(here, EVE) == Mark()
    assert (await node.do(BOB, command, conversation=here, **fields))["ok"]


# ── in groups ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_hundred_receipts_of_one_moment_are_one_write_and_one_frame(node: Node, store: WatchedReceipts) -> None:
    here = await node.group(ANN, BOB, CAT)
    for _ in range(20):
        await node.say(ANN, here)
    await node.settle()
    store.writes.clear()
    node.publisher.told.clear()
    await asyncio.gather(*(read(node, who, here, seq) for seq in range(1, 21) for who in (BOB, CAT)))
    await turns()
    assert [sorted(write, key=lambda each: each.user) for write in store.writes] == [
        [Receipt(here, BOB, Mark(20, 20, 20)), Receipt(here, CAT, Mark(20, 20, 20))]
    ]
    (heard,) = node.publisher.heard(ANN, "receiptUpdated")
    assert {each["user"]: each["read"] for each in heard["receipts"]} == {BOB: 20, CAT: 20}


async def test_what_comes_while_a_group_is_written_is_the_next_and_is_not_done_before(
    node: Node, store: WatchedReceipts
) -> None:
    here = await talk(node)
    store.writes.clear()
    first, second = store.hold(), store.hold()
    early = asyncio.create_task(read(node, BOB, here, 1))
    await turns()
    late = [asyncio.create_task(read(node, BOB, here, seq)) for seq in range(2, 10)]
    await turns()
    assert store.writes == [[Receipt(here, BOB, Mark(1, 1, 1))]]
    assert node.book.unwritten(here, BOB) == Mark(9, 9)
    first.set()
    await turns()
    assert store.writes[1:] == [[Receipt(here, BOB, Mark(9, 9, 9))]]
    assert early.done()
    assert not any(each.done() for each in late), "theirs is not on disk"
    assert await store.mark(here, BOB) == Mark(1, 1, 1)
    second.set()
    await asyncio.gather(*late)
    assert await store.mark(here, BOB) == Mark(9, 9, 9)


async def test_a_group_has_a_bound(world: World, node: Node, store: WatchedReceipts) -> None:
    others = [f"{number:024x}" for number in range(1, AT_ONCE + 3)]
    await world.join(*others)
    talks = [await node.direct(ANN, each) for each in others]
    for each in talks:
        await node.say(ANN, each)
    await node.settle()
    store.writes.clear()
    await asyncio.gather(*(read(node, other, here, 1) for other, here in zip(others, talks, strict=True)))
    assert sum(map(len, store.writes)) == len(others)
    assert max(map(len, store.writes)) <= AT_ONCE


async def test_what_falls_asleep_waits_for_every_write_of_it_whoever_has_begun_it(
    node: Node, store: WatchedReceipts
) -> None:
    here = await talk(node)
    gates = [store.hold(), store.hold()]
    marks = [asyncio.create_task(read(node, BOB, here, 1))]
    await turns()
    await node.say(ANN, here)
    asleep = asyncio.create_task(node.book.settle([here]))
    await turns()
    marks.append(asyncio.create_task(read(node, BOB, here, 2)))
    gates[0].set()
    await turns()
    assert not asleep.done()
    gates[1].set()
    await asyncio.gather(asleep, *marks)
    assert node.book.unwritten(here, ANN) == node.book.unwritten(here, BOB) == Mark()
    assert (await store.mark(here, ANN), await store.mark(here, BOB)) == (Mark(10, 10, 10), Mark(2, 2, 2))


async def test_only_what_is_asked_for_is_settled(node: Node, store: WatchedReceipts) -> None:
    here, there = await node.direct(ANN, BOB), await node.direct(ANN, CAT)
    await node.say(ANN, here)
    await node.say(ANN, there)
    await node.book.settle([here])
    assert (await store.mark(here, ANN), await store.mark(there, ANN)) == (Mark(1, 1, 1), Mark())


# ── in trouble ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_a_failing_store_did_not_take_is_refused_kept_and_written_later(
    node: Node, store: WatchedReceipts
) -> None:
    here = await talk(node)
    store.is_down = True
    refused = await node.refused(BOB, "markRead", conversation=here, seq=4)
    assert isinstance(refused, Unavailable)
    assert await store.mark(here, BOB) == Mark()
    assert (await node.item(BOB, here))["unread"] == 5, "it counts here all the same"
    await node.say(BOB, here)
    await turns()
    store.is_down = False
    await node.settle()
    assert await store.mark(here, BOB) == Mark(10, 10, 10)


@pytest.mark.parametrize("trouble", [Unavailable("It is down."), RuntimeError("a bug")], ids=["down", "broken"])
async def test_after_a_failure_the_writer_goes_on(node: Node, store: WatchedReceipts, trouble: Exception) -> None:
    here = await talk(node)
    store.troubles = [trouble]
    assert isinstance(await node.refused(BOB, "markRead", conversation=here, seq=4), Unavailable)
    await node.do(BOB, "markDelivered", conversation=here, seq=2)
    assert await store.mark(here, BOB) == Mark(4, 4, 4), "the first was kept"


async def test_what_is_written_and_could_not_be_told_is_told_with_the_heads(
    world: World, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    talks = [await talk(node), await node.direct(BOB, CAT), await node.direct(BOB, EVE)]
    for here in talks[1:]:
        await node.say(BOB, here)
    await node.settle()
    await node.heads.tell()
    for here in talks:
        await node.say(BOB, here)
    node.talks.moved.clear()
    open_ = node.privacy.open
    asked = []

    async def failing(user_ids: Iterable[str]) -> set[str]:
        asked.append(user_ids)
        if len(asked) == 2:  # the first is for writing them
            raise Unavailable("It is down.")
        return await open_(user_ids)

    monkeypatch.setattr(node.privacy, "open", failing)
    with pytest.raises(Unavailable):
        await node.settle()
    assert node.talks.moved == set(talks)


async def test_one_that_hangs_up_has_moved_their_mark(node: Node, store: WatchedReceipts) -> None:
    here = await talk(node)
    gate = store.hold()
    gone = asyncio.create_task(read(node, BOB, here, 3))
    stays = asyncio.create_task(read(node, BOB, here, 2))
    await turns()
    gone.cancel()
    gate.set()
    await stays
    assert await store.mark(here, BOB) == Mark(3, 3, 3)


async def test_what_waits_is_written_at_the_end_if_it_can_be(node: Node, store: WatchedReceipts) -> None:
    here = await talk(node)
    await node.say(BOB, here)
    await node.book.stop()
    assert await store.mark(here, BOB) == Mark(10, 10, 10)
    await node.say(ANN, here)
    store.is_down = True
    await node.book.stop()
    assert await store.mark(here, ANN) == Mark(9, 9, 9)


async def test_what_a_node_that_died_had_not_written_is_made_good_by_the_next(
    world: World, node: Node, store: WatchedReceipts
) -> None:
    here = await talk(node)
    await node.say(BOB, here)
    await node.say(ANN, here)
    assert await store.mark(here, BOB) == Mark()
    await world.kill(node)
    heir = await world.node()
    await heir.keeper.look()
    await heir.settle()
    assert (await store.mark(here, ANN), await store.mark(here, BOB)) == (Mark(11, 11, 11), Mark(10, 10, 10))
    assert [(await heir.item(who, here))["unread"] for who in (ANN, BOB)] == [0, 1]


async def test_whoever_lets_a_conversation_sleep_answers_for_what_others_had_not_written(
    world: World, node: Node, store: WatchedReceipts
) -> None:
    there = await world.node()
    here = await talk(node, 1)
    await there.say(BOB, here)
    await node.say(ANN, here)
    world.time.go_on(31)
    await node.keeper.look()
    await world.kill(there)
    await node.keeper.look()
    await node.settle()
    assert (await store.mark(here, BOB), (await node.item(BOB, here))["unread"]) == (Mark(2, 2, 2), 1)
