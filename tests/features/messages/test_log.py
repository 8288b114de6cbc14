"""The message log: what is acknowledged is there, once, in order, whatever the store does."""

import asyncio

import pytest

from fireside.core.errors import Conflict, Unavailable
from fireside.features.messages.log import MessageLog
from fireside.features.messages.service import Draft, Message, Stored
from tests.contract.samples import direct
from tests.features.messages.nodes import (
    ANN,
    BOB,
    EVE,
    HERE,
    THERE,
    Pending,
    UnreliableMessages,
    running,
    stored,
)


def contents(writes: list[list[Message]]) -> list[list[str]]:
    return [[each.content for each in write] for write in writes]


# ── group commit ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_lone_message_leaves_at_once(store: UnreliableMessages) -> None:
    async with running(store) as node:
        pending = node.send("alone")
        assert await pending.stored() == Stored(pending.draft.at(1), HERE, repeated=False)
        assert contents(store.writes) == [["alone"]]
        assert node.now_s == 0


async def test_what_arrives_while_a_write_is_under_way_forms_the_next_batch(store: UnreliableMessages) -> None:
    async with running(store) as node:
        store.hold()
        node.send("first")
        await store.under_way()
        second, third = node.send("second"), node.send("third", sender=BOB)
        store.release()
        await stored([second, third])
        assert contents(store.writes) == [["first"], ["second", "third"]]


async def test_a_batch_has_a_bound(store: UnreliableMessages) -> None:
    async with running(store, max_batch=3) as node:
        pending = [node.send(f"{number}") for number in range(8)]
        await stored(pending)
    assert contents(store.writes) == [["0", "1", "2"], ["3", "4", "5"], ["6", "7"]]


async def test_nothing_is_acknowledged_before_its_write_has_returned(store: UnreliableMessages) -> None:
    async with running(store) as node:
        store.hold()
        pending = node.send("hello")
        await store.under_way()
        assert (pending.told, await store.history()) == ([], [])
        store.release()
        assert (await pending.stored()).message in await store.history()


async def test_numbers_are_contiguous_and_in_the_order_of_sending(store: UnreliableMessages) -> None:
    async with running(store, max_batch=7) as node:
        pending = [
            node.send(
                f"{number}",
                sender=(ANN, BOB, ANN, EVE)[number % 4],
                conversation=(HERE, HERE, THERE, THERE)[number % 4],
            )
            for number in range(100)
        ]
        await stored(pending)
    for half, conversation in enumerate((HERE, THERE)):
        history = await store.history(conversation)
        assert [each.seq for each in history] == list(range(1, 51))
        assert [each.content for each in history] == [f"{number}" for number in range(100) if number % 4 // 2 == half]
    assert [await each.seq() for each in pending] == [number // 4 * 2 + number % 2 + 1 for number in range(100)]


async def test_an_active_conversation_costs_one_call_a_batch(store: UnreliableMessages) -> None:
    async with running(store) as node:
        for number in range(5):
            await node.send(f"{number}").stored()
    assert store.asked == ["append"] * 5


async def test_a_log_goes_on_from_what_is_there(store: UnreliableMessages) -> None:
    async with running(store) as before:
        await stored([before.send("first"), before.send("second")])
    async with running(store) as after:
        assert await after.send("third").seq() == 3
        assert await after.send("elsewhere", conversation=THERE).seq() == 1


async def test_a_conversation_that_fell_asleep_goes_on_where_it_was(store: UnreliableMessages) -> None:
    conversations = [direct(f"{number:024x}", ANN) for number in range(7)]
    async with running(store, max_batch=4) as node:
        for round_ in range(1, 5):
            pending = [node.send("hi", conversation=each) for each in conversations]
            assert [await each.seq() for each in pending] == [round_] * 7
            await node.talks.let_sleep(node.talks.quiet(float("inf"), 4))
    assert "heads" not in store.asked, "its row says how far it had got"


# ── other nodes ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_number_that_another_node_took_is_replaced_by_the_next(store: UnreliableMessages) -> None:
    async with running(store) as one, running(store) as other:
        assert await one.send("1").seq() == 1
        assert await other.send("2", sender=BOB).seq() == 2
        pending = [one.send("3"), one.send("4"), one.send("1", conversation=THERE), one.send("5")]
        assert [await each.seq() for each in pending] == [3, 4, 1, 5]
        assert await other.send("6", sender=BOB).seq() == 6
        assert await store.contents() == ["1", "2", "3", "4", "5", "6"]
        assert one.now_s == other.now_s == 0, "a number that is taken is no reason to wait"


async def test_two_nodes_that_write_into_one_conversation_together_leave_no_hole(store: UnreliableMessages) -> None:
    async with running(store, max_batch=5) as one, running(store, max_batch=3) as other:
        pending: list[Pending] = []
        for number in range(40):
            pending += [one.send(f"{number}"), other.send(f"{number}", sender=BOB)]
            if number % 7 == 0:
                await pending[-1].stored()
        assert not any(each.repeated for each in await stored(pending))
    history = await store.history()
    assert [each.seq for each in history] == list(range(1, 81))
    for sender in (ANN, BOB):
        assert [each.content for each in history if each.sender == sender] == [f"{number}" for number in range(40)]


async def test_heads_that_another_node_moved_cost_one_more_round_however_many(store: UnreliableMessages) -> None:
    conversations = [direct(f"{number:024x}", ANN) for number in range(50)]
    async with running(store) as one, running(store) as other:
        await stored([one.send("1", conversation=each) for each in conversations])
        await stored([other.send("2", conversation=each) for each in conversations])
        store.asked.clear()
        pending = [one.send("3", conversation=each) for each in conversations]
        assert [await each.seq() for each in pending] == [3] * 50
        assert store.asked == ["append", "sent", "heads", "append"]


# ── sending again ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("where", ["the same batch", "a later batch", "another node", "a node that started later"])
async def test_a_repeated_client_id_returns_the_first_message(store: UnreliableMessages, where: str) -> None:
    async with running(store) as node, running(store) as other:
        first = node.send("hello", client_id="once")
        if where != "the same batch":
            await first.stored()
        again = (other if where == "another node" else node).send("hello", client_id="once")
        assert await again.stored() == Stored((await first.stored()).message, HERE, repeated=True)
        assert not (await first.stored()).repeated
    async with running(store) as later:
        assert (await later.send("hello", client_id="once").stored()).repeated
    assert await store.contents() == ["hello"]


async def test_fifty_identical_sends_at_once_are_one_message_and_fifty_equal_answers(
    store: UnreliableMessages,
) -> None:
    async with running(store) as one, running(store) as other:
        pending = [(one, other)[number % 2].send("hello", client_id="once") for number in range(50)]
        answers = await stored(pending)
        assert [each.message for each in answers] == [answers[0].message] * 50
        assert sum(not each.repeated for each in answers) == 1, "one, and only one, is to be announced"
    assert await store.contents() == ["hello"]


async def test_a_repeated_message_does_not_hold_up_others(store: UnreliableMessages) -> None:
    async with running(store) as node:
        await node.send("hello", client_id="once").stored()
        await stored([node.send("hello", client_id="once"), node.send("bye", sender=BOB)])
        assert node.now_s == 0, "a repeated client id is no reason to wait"


async def test_repeated_messages_cost_one_more_round_however_many(store: UnreliableMessages) -> None:
    async with running(store) as node:
        store.hold()
        node.send("first")
        await store.under_way()
        pending = [node.send(f"{number // 2}", client_id=f"{number // 2}") for number in range(100)]
        store.release()
        answers = await stored(pending)
        assert [each.repeated for each in answers] == [False, True] * 50
        assert [each.message.seq for each in answers] == [2 + number // 2 for number in range(100)]
        assert store.asked.count("append") <= 3


@pytest.mark.parametrize("where", ["the same batch", "a later batch", "another node"])
@pytest.mark.parametrize("what", ["another content", "another conversation"])
async def test_a_client_id_used_for_another_message_is_a_conflict(
    store: UnreliableMessages, where: str, what: str
) -> None:
    async with running(store) as node, running(store) as other:
        first = node.send("hello", client_id="once")
        if where != "the same batch":
            await first.stored()
        there = other if where == "another node" else node
        if what == "another content":
            second = there.send("bye", client_id="once")
        else:
            second = there.send("hello", client_id="once", conversation=THERE)
        unharmed = there.send("unharmed", sender=BOB)
        assert isinstance(await second.refusal(), Conflict)
        assert ((await first.stored()).message.seq, await unharmed.seq()) == (1, 2)
    assert (await store.contents(), await store.contents(THERE)) == (["hello", "unharmed"], [])


async def test_two_people_may_use_one_client_id(store: UnreliableMessages) -> None:
    async with running(store) as node:
        answers = await stored([node.send("hello", client_id="1"), node.send("hello", client_id="1", sender=BOB)])
        assert [(each.message.seq, each.repeated) for each in answers] == [(1, False), (2, False)]


# ── bounds and the end ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_full_queue_refuses_and_takes_again_when_there_is_room(store: UnreliableMessages) -> None:
    async with running(store, max_waiting=3) as node:
        store.hold()
        under_way = node.send("under way")
        await store.under_way()
        waiting = [node.send(f"{number}") for number in range(3)]
        with pytest.raises(Unavailable) as refused:
            node.send("one too many")
        assert refused.value.retry_after_s
        store.release()
        await stored([under_way, *waiting])
        await node.send("now").stored()
    assert await store.contents() == ["under way", "0", "1", "2", "now"]


async def test_stopping_settles_everything_that_was_accepted_and_refuses_the_rest(store: UnreliableMessages) -> None:
    async with running(store, max_batch=2) as node:
        store.hold()
        pending = [node.send(f"{number}") for number in range(7)]
        await store.under_way()
        stopping = asyncio.create_task(node.log.stop())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            node.send("too late")
        assert not stopping.done()
        store.release()
        await stopping
        assert [await each.seq() for each in pending] == [1, 2, 3, 4, 5, 6, 7]


async def test_stopping_while_the_store_is_down_ends_and_settles_all(store: UnreliableMessages) -> None:
    async with running(store, max_batch=2) as node:
        store.is_down = True
        pending = [node.send(f"{number}") for number in range(9)]
        await node.log.stop()
        assert {(await each.refusal()).code for each in pending} == {"unavailable"}


async def test_a_log_that_has_not_started_refuses_and_can_be_stopped(store: UnreliableMessages) -> None:
    log = MessageLog(store, store.shared.talks(store))
    with pytest.raises(Unavailable):
        log.append(Draft(HERE, ANN, "1", "1", 0), lambda _outcome: None)
    await log.stop()


async def test_an_idle_log_stops_at_once_and_can_be_stopped_twice(store: UnreliableMessages) -> None:
    async with running(store) as node:
        await node.send("hello").stored()
        await node.log.stop()
        await node.log.stop()
        with pytest.raises(Unavailable):
            node.send("too late")


async def test_a_log_that_is_cancelled_leaves_nobody_waiting_and_can_start_again(store: UnreliableMessages) -> None:
    async with running(store, max_batch=2) as node:
        store.hold()
        pending = [node.send(f"{number}", client_id=f"{number}") for number in range(5)]
        await store.under_way()
        stopping = asyncio.create_task(node.log.stop())
        await asyncio.sleep(0)
        stopping.cancel()
        refusals = [await each.refusal() for each in pending]
        assert [(each.code, each.details) for each in refusals] == [
            ("unavailable", {"clientId": f"{number}"}) for number in range(5)
        ]
        await asyncio.wait([stopping])
        assert stopping.cancelled()
        with pytest.raises(Unavailable):
            node.send("too late")
        await node.log.start()
        store.release()
        assert await node.send("2", client_id="2").seq() == 1
