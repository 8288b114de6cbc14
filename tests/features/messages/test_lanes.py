"""Lanes: a conversation keeps its order, and one that waits for the store holds up nobody in another lane."""

import asyncio
from itertools import count

from fireside.features.conversations.service import Conversation
from fireside.features.messages.lanes import Lanes
from fireside.features.messages.log import MessageLog
from fireside.features.messages.service import Draft
from tests.contract.samples import direct
from tests.features.messages.nodes import ANN, Pending, UnreliableMessages, stored


def conversations_in_lanes(lanes: int) -> list[Conversation]:
    """One conversation for each lane: which takes which differs from run to run."""
    found: dict[int, Conversation] = {}
    for number in count():
        conversation = direct(ANN, f"{number:024x}")
        found.setdefault(hash(conversation.id) % lanes, conversation)
        if len(found) == lanes:
            return list(found.values())
    raise AssertionError


def sent(lanes: Lanes, conversation: Conversation, content: str) -> Pending:
    pending = Pending(Draft(conversation, ANN, f"{conversation.id} {content}", content, 0))
    lanes.append(pending.draft, pending.done)
    return pending


async def test_a_conversation_keeps_its_order_however_many_lanes_there_are(store: UnreliableMessages) -> None:
    talks = store.shared.talks(store)
    lanes = Lanes([MessageLog(store, talks, max_batch=2) for _ in range(3)])
    await lanes.start()
    places = conversations_in_lanes(3)
    pending = [sent(lanes, place, f"{number}") for number in range(20) for place in places]
    await stored(pending)
    for talk in places:
        assert [each.content for each in await store.history(talk)] == [f"{number}" for number in range(20)]
    await lanes.stop()


async def test_each_lane_has_a_batch_under_way(store: UnreliableMessages) -> None:
    talks = store.shared.talks(store)
    lanes = Lanes([MessageLog(store, talks), MessageLog(store, talks)])
    await lanes.start()
    one, other = conversations_in_lanes(2)
    store.hold()
    first = sent(lanes, one, "first")
    await store.under_way()
    second = sent(lanes, other, "second")
    for _ in range(10):
        await asyncio.sleep(0)
    assert [[each.content for each in write] for write in store.writes] == [["first"], ["second"]]
    assert (first.told, second.told) == ([], [])
    store.release()
    await stored([first, second])
    await lanes.stop()


async def test_what_was_accepted_is_settled_before_the_end(store: UnreliableMessages) -> None:
    talks = store.shared.talks(store)
    lanes = Lanes([MessageLog(store, talks), MessageLog(store, talks)])
    await lanes.start()
    pending = [sent(lanes, talk, "hello") for talk in conversations_in_lanes(2)]
    await lanes.stop()
    assert [len(each.told) for each in pending] == [1, 1]
