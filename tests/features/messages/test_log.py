"""The message log: what is acknowledged is there, once, in order, whatever the store does."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from fireside.core.errors import ChatError, Conflict, Internal, Unavailable
from fireside.features.messages import log as log_module
from fireside.features.messages.log import MessageLog
from fireside.features.messages.service import Draft, Message, Stored
from tests.contract.samples import direct
from tests.features.messages.nodes import (
    ANN,
    BOB,
    EVE,
    HERE,
    PATIENCE_S,
    THERE,
    Fate,
    Pending,
    UnreliableMessages,
    broken_after,
    broken_before,
    late,
    lost_after,
    lost_before,
    lost_half_way,
    running,
)


@pytest.fixture
def store() -> UnreliableMessages:
    return UnreliableMessages()


def contents(writes: list[list[Message]]) -> list[list[str]]:
    return [[each.content for each in write] for write in writes]


async def stored(pending: Sequence[Pending]) -> list[Stored]:
    return [await each.stored() for each in pending]


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
            node.send(f"{number}", sender=(ANN, BOB, EVE)[number % 3], conversation=(HERE, THERE)[number % 2])
            for number in range(100)
        ]
        await stored(pending)
    for parity, conversation in enumerate((HERE, THERE)):
        history = await store.history(conversation)
        assert [each.seq for each in history] == list(range(1, 51))
        assert [each.content for each in history] == [f"{number}" for number in range(parity, 100, 2)]
    assert [await each.seq() for each in pending] == [number // 2 + 1 for number in range(100)]


async def test_an_active_conversation_costs_one_call_a_batch(store: UnreliableMessages) -> None:
    async with running(store) as node:
        for number in range(5):
            await node.send(f"{number}").stored()
    assert store.asked == ["heads", *["append"] * 5]


async def test_a_log_goes_on_from_what_is_there(store: UnreliableMessages) -> None:
    async with running(store) as before:
        await stored([before.send("first"), before.send("second")])
    async with running(store) as after:
        assert await after.send("third").seq() == 3
        assert await after.send("elsewhere", conversation=THERE).seq() == 1


async def test_heads_that_were_forgotten_are_read_again(
    store: UnreliableMessages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "HEADS_KEPT", 3)
    conversations = [direct(f"{number:024x}", ANN) for number in range(7)]
    async with running(store, max_batch=4) as node:
        for round_ in range(1, 5):
            pending = [node.send("hi", conversation=each) for each in conversations]
            assert [await each.seq() for each in pending] == [round_] * 7
    assert len(node.log._heads) <= 3 + 4


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


# ── no answer ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("fate", [lost_before, lost_after, lost_half_way, late, broken_after])
@pytest.mark.parametrize("times", [1, 3])
async def test_an_unknown_outcome_is_resolved_and_never_reported(
    store: UnreliableMessages, fate: Fate, times: int
) -> None:
    async with running(store) as node:
        store.fates.extend([fate] * times)
        pending = [node.send(f"{number}") for number in range(4)]
        answers = await stored(pending)
        assert [each.message for each in answers] == [each.draft.at(seq) for seq, each in enumerate(pending, 1)]
        assert not any(each.repeated for each in answers), "nobody else can have announced them"
        await store.land()
    assert await store.contents() == ["0", "1", "2", "3"]


async def test_a_lone_message_whose_write_broke_after_it_was_stored_is_acknowledged(
    store: UnreliableMessages,
) -> None:
    async with running(store) as node:
        store.fates.append(broken_after)
        assert not (await node.send("hello").stored()).repeated
    assert await store.contents() == ["hello"]


async def test_what_a_broken_write_stored_is_acknowledged_though_it_breaks_alone_too(
    store: UnreliableMessages,
) -> None:
    async with running(store) as node:
        store.fates.extend([lost_before, broken_before, broken_after, lost_before, broken_after])
        answers = await stored([node.send("1"), node.send("2")])
        assert [(each.message.seq, each.repeated) for each in answers] == [(1, False), (2, False)]
    assert await store.contents() == ["1", "2"]


async def test_a_message_sent_twice_while_the_answer_is_lost_is_announced_once(store: UnreliableMessages) -> None:
    async with running(store) as node:
        store.fates.append(lost_after)
        answers = await stored([node.send("hello", client_id="once"), node.send("hello", client_id="once")])
        assert [each.repeated for each in answers] == [False, True]


async def test_a_message_sent_twice_while_the_write_is_lost_is_announced_once(store: UnreliableMessages) -> None:
    async with running(store) as node:
        store.fates.append(lost_before)
        answers = await stored([node.send("hello", client_id="once"), node.send("hello", client_id="once")])
        assert [each.repeated for each in answers] == [False, True]


async def test_a_write_that_lands_late_changes_nothing(store: UnreliableMessages) -> None:
    async with running(store) as node:
        store.fates.extend([late, late])
        pending = [node.send("1"), node.send("1", conversation=THERE), node.send("2")]
        await stored(pending)
        await node.send("3").stored()
        await store.land()
        assert await node.send("4").seq() == 4
    assert (await store.contents(), await store.contents(THERE)) == (["1", "2", "3", "4"], ["1"])


async def test_a_write_that_lands_between_the_look_and_the_second_write_changes_nothing(
    store: UnreliableMessages,
) -> None:
    async def lands_first(store: UnreliableMessages, messages: Sequence[Message]) -> int:
        await store.land()
        return await UnreliableMessages.append(store, messages)

    async with running(store) as node:
        store.fates.extend([late, lands_first])
        answers = await stored([node.send("1"), node.send("2")])
        assert [(each.message.seq, each.repeated) for each in answers] == [(1, False), (2, False)]
    assert await store.contents() == ["1", "2"]


async def test_another_nodes_messages_may_come_between_a_lost_write_and_the_next(store: UnreliableMessages) -> None:
    async def lost_to_another(store: UnreliableMessages, messages: Sequence[Message]) -> int:
        theirs = Message(HERE.id, 1, BOB, "theirs", "theirs", 0)
        await UnreliableMessages.append(store, [theirs])
        return await late(store, messages)

    async with running(store) as node:
        store.fates.append(lost_to_another)
        assert [each.message.seq for each in await stored([node.send("1"), node.send("2")])] == [2, 3]
        await store.land()
    assert await store.contents() == ["theirs", "1", "2"]


# ── the store is down ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_store_that_comes_back_in_time_costs_nobody_anything(store: UnreliableMessages) -> None:
    async def comes_back(_store: UnreliableMessages, _messages: Sequence[Message]) -> int:
        raise Unavailable("Not yet.")

    async with running(store) as node:
        store.fates.extend([comes_back] * 6)
        assert [await each.seq() for each in [node.send("1"), node.send("2")]] == [1, 2]
        assert 0 < node.now_s < PATIENCE_S


async def test_a_store_that_stays_down_makes_it_a_refusal_that_can_be_tried_again(store: UnreliableMessages) -> None:
    async with running(store) as node:
        store.is_down = True
        refusal = await node.send("hello", client_id="once").refusal()
        assert (refusal.code, refusal.retriable, refusal.details) == ("unavailable", True, {"clientId": "once"})
        assert refusal.retry_after_s
        assert PATIENCE_S < node.now_s < 2 * PATIENCE_S
        store.is_down = False
        assert not (await node.send("hello", client_id="once").stored()).repeated
    assert await store.contents() == ["hello"]


@pytest.mark.parametrize("lands", ["before it is sent again", "after it is sent again", "never"])
async def test_sending_again_is_safe_when_the_write_that_was_given_up_lands(
    store: UnreliableMessages, lands: str
) -> None:
    async def down(store: UnreliableMessages, messages: Sequence[Message]) -> int:
        store.is_down = True
        return await late(store, messages)

    async with running(store) as node:
        store.fates.append(down)
        assert isinstance(await node.send("hello", client_id="once").refusal(), Unavailable)
        store.is_down = False
        if lands == "before it is sent again":
            await store.land()
        again = await node.send("hello", client_id="once").stored()
        if lands == "after it is sent again":
            await store.land()
        assert again.message.seq == 1
        assert again.repeated == (lands == "before it is sent again")
    assert await store.contents() == ["hello"]


async def test_patience_begins_anew_with_every_message_that_gets_through(store: UnreliableMessages) -> None:
    async with running(store) as node:

        async def hardly(store: UnreliableMessages, messages: Sequence[Message]) -> int:
            return await lost_after(store, messages[:1])

        async def slowly(store: UnreliableMessages, messages: Sequence[Message]) -> int:
            node.now_s += 0.9 * PATIENCE_S
            return await lost_before(store, messages)

        store.fates.extend([hardly, slowly] * 5)
        pending = [node.send(f"{number}") for number in range(6)]
        assert [await each.seq() for each in pending] == [1, 2, 3, 4, 5, 6]
        assert node.now_s > 4 * PATIENCE_S


async def test_who_waited_behind_does_not_wait_as_long_again(store: UnreliableMessages) -> None:
    async with running(store, max_batch=2) as node:
        store.is_down = True
        pending = [node.send(f"{number}") for number in range(20)]
        refusals = [await each.refusal() for each in pending]
        assert {each.code for each in refusals} == {"unavailable"}
        assert len(set(map(id, refusals))) == 20, "a raised error carries its own traceback"
        assert node.now_s < 2 * PATIENCE_S
        store.is_down = False
        assert await node.send("back").seq() == 1


async def test_what_is_sent_by_somebody_who_is_being_refused_is_not_forgotten(store: UnreliableMessages) -> None:
    async with running(store) as node:
        again: list[Pending] = []

        def try_again(_outcome: Stored | ChatError) -> None:
            store.is_down = False
            again.append(node.send("again"))

        store.is_down = True
        node.log.append(Draft(HERE, ANN, "first", "first", 0), try_again)
        behind = node.send("behind")
        await behind.outcome()
        assert await again[0].seq() == 1


async def test_each_is_settled_once_though_the_store_fails_in_the_middle(store: UnreliableMessages) -> None:
    """Some are found to be stored, and before the others can be written, the store fails again."""

    async def then_down(store: UnreliableMessages, messages: Sequence[Message]) -> int:
        store.is_down = True
        raise Unavailable("The store did not answer.")

    async with running(store) as node:
        store.fates.extend([lost_half_way, then_down])
        pending = [node.send(f"{number}") for number in range(4)]
        for found in pending[:2]:
            await found.stored()
        for given_up in pending[2:]:
            assert isinstance(await given_up.refusal(), Unavailable)
        assert [len(each.told) for each in pending] == [1, 1, 1, 1]


# ── bugs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_message_that_breaks_the_write_breaks_no_others(
    store: UnreliableMessages, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(store) as node:
        store.poison = "poison"
        before, poisoned, after = [node.send("1"), node.send("2")], node.send("poison"), [node.send("3")]
        alone = node.send("poison", conversation=THERE)
        assert isinstance(await poisoned.refusal(), Internal)
        assert isinstance(await alone.refusal(), Internal)
        assert [await each.seq() for each in before + after] == [1, 2, 3]
        assert await node.send("4").seq() == 4
    assert await store.contents() == ["1", "2", "3", "4"]
    assert "a bug" in caplog.text
    assert "poison" not in caplog.text.replace("self.poison", ""), "what people write is no matter of the log"


async def test_a_client_id_belongs_to_its_first_message_though_that_one_broke(
    store: UnreliableMessages,
) -> None:
    """It is stored, but looking for it breaks; two more under its client id wait in the same batch."""
    async with running(store) as node:
        store.fates.append(broken_after)
        store.broken_looks = 2
        broken = node.send("hello", client_id="once")
        other, again = node.send("bye", client_id="once"), node.send("hello", client_id="once")
        assert isinstance(await broken.refusal(), Internal)
        assert isinstance(await other.refusal(), Conflict)
        assert (await again.stored()).message == broken.draft.at(1)
    assert await store.contents() == ["hello"]


async def test_one_that_breaks_the_write_does_not_make_the_others_wait_for_a_store_in_turn(
    store: UnreliableMessages,
) -> None:
    async def then_down(store: UnreliableMessages, messages: Sequence[Message]) -> int:
        store.is_down = True
        return await broken_before(store, messages)

    async with running(store) as node:
        store.fates.append(then_down)
        for pending in [node.send(f"{number}") for number in range(20)]:
            assert isinstance(await pending.refusal(), Unavailable)
        assert node.now_s < 2 * PATIENCE_S


async def test_a_store_that_contradicts_itself_is_given_up_in_the_end(store: UnreliableMessages) -> None:
    """It says that a rule is broken, and shows nothing that breaks it."""

    async def nothing(_store: UnreliableMessages, _messages: Sequence[Message]) -> int:
        return 0

    async with running(store) as node:
        store.fates.extend([nothing] * 100)
        assert isinstance(await node.send("hello").refusal(), Unavailable)
        store.fates.clear()
        assert await node.send("bye").seq() == 1


async def test_somebody_who_cannot_be_told_stops_nobody(
    store: UnreliableMessages, caplog: pytest.LogCaptureFixture
) -> None:
    def hung_up(_outcome: Stored | ChatError) -> None:
        raise ConnectionResetError("gone")

    async with running(store) as node:
        store.hold()
        before = node.send("1")
        node.log.append(Draft(HERE, ANN, "2", "2", 0), hung_up)
        store.poison = "poison"
        node.log.append(Draft(HERE, ANN, "poison", "poison", 0), hung_up)
        after = node.send("3")
        store.release()
        assert (await before.seq(), await after.seq()) == (1, 3)
    assert await store.contents() == ["1", "2", "3"]
    assert [each.levelno for each in caplog.records if "could be told" in each.message] == [logging.ERROR] * 2


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
    log = MessageLog(store)
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
