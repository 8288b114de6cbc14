"""The message log when the store does not answer, is down, or breaks: nothing is lost, doubled or wrongly refused."""

import logging
from collections.abc import Sequence

import pytest

from fireside.core.errors import ChatError, Conflict, Internal, Unavailable
from fireside.features.messages.service import Draft, Message, Stored
from tests.features.messages.nodes import (
    ANN,
    BOB,
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
    stored,
)

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
