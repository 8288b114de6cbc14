"""What every `ConversationStore` promises."""

import asyncio

from fireside.core.ids import new_id
from fireside.features.conversations.service import ConversationStore
from tests.contract.samples import direct


async def test_a_conversation_comes_back_as_it_was_kept(conversations: ConversationStore) -> None:
    talk = direct(new_id(), new_id(), created_at=1_700_000_000_123)
    await conversations.ensure(talk)
    assert await conversations.by_ids([talk.id]) == {talk.id: talk}


async def test_notes_to_self_have_one_member(conversations: ConversationStore) -> None:
    me = new_id()
    notes = direct(me, me)
    await conversations.ensure(notes)
    found = await conversations.by_ids([notes.id])
    assert list(found[notes.id].members) == [me]


async def test_what_is_not_there_is_none(conversations: ConversationStore) -> None:
    await conversations.ensure(direct(new_id(), new_id()))
    assert await conversations.by_ids([new_id()]) == {}


async def test_the_first_to_open_a_conversation_made_it(conversations: ConversationStore) -> None:
    one, other = new_id(), new_id()
    first, second = direct(one, other, created_at=1000), direct(other, one, created_at=2000)
    assert await conversations.ensure(first) == first
    assert await conversations.ensure(second) == first
    assert await conversations.by_ids([first.id]) == {first.id: first}


async def test_twenty_who_open_it_at_once_make_one(conversations: ConversationStore) -> None:
    one, other = new_id(), new_id()
    tried = [direct(one, other, created_at=1000 + number) for number in range(20)]
    kept = await asyncio.gather(*map(conversations.ensure, tried))
    (found,) = (await conversations.by_ids([tried[0].id])).values()
    assert kept == [found] * 20
    assert found in tried
