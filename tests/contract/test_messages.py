"""What every `MessageStore` promises."""

import asyncio

import pytest

from fireside.core.ids import new_id
from fireside.features.messages.service import NEWEST, Message, MessageStore
from tests.contract.samples import ODD_TEXTS, message, run


async def seqs(messages: MessageStore, conversation: str) -> list[int]:
    return [each.seq for each in await messages.after(conversation, 0, 10_000)]


async def test_messages_come_back_as_they_were_appended(messages: MessageStore) -> None:
    here, there = new_id(), new_id()
    batch = [message(here, 1), message(there, 1, sender=new_id()), message(here, 2, content="again")]
    assert await messages.append(batch) == 3
    assert await messages.after(here, 0, 10) == [batch[0], batch[2]]
    assert await messages.after(there, 0, 10) == [batch[1]]


async def test_nothing_appended_is_nothing_stored(messages: MessageStore) -> None:
    assert await messages.append([]) == 0


async def test_a_taken_place_keeps_its_first_message(messages: MessageStore) -> None:
    here = new_id()
    first, second = message(here, 1, content="first"), message(here, 1, content="second", sender=new_id())
    assert await messages.append([first]) == 1
    assert await messages.append([second]) == 0
    assert await messages.after(here, 0, 10) == [first]
    assert await messages.sent([(second.sender, second.client_id)]) == []


@pytest.mark.parametrize("place", ["in the same conversation", "in another conversation"])
async def test_a_repeated_client_id_keeps_its_first_message(messages: MessageStore, place: str) -> None:
    here = new_id()
    there = here if place == "in the same conversation" else new_id()
    first, again = message(here, 1, client_id="once"), message(there, 2, client_id="once", content="other")
    assert await messages.append([first]) == 1
    assert await messages.append([again]) == 0
    assert await messages.sent([(first.sender, "once")]) == [first]
    assert await messages.heads([there]) == ({here: 1} if there == here else {})


async def test_two_senders_may_use_one_client_id(messages: MessageStore) -> None:
    here = new_id()
    batch = [message(here, 1, sender=new_id(), client_id="1"), message(here, 2, sender=new_id(), client_id="1")]
    assert await messages.append(batch) == 2


@pytest.mark.parametrize(
    "client_ids", [("a", "A"), ("\u00e9", "e\u0301"), ("a", "a "), ("ss", "\u00df"), ("1", "\uff11")], ids=range(5)
)
async def test_client_ids_that_look_alike_are_different(messages: MessageStore, client_ids: tuple[str, str]) -> None:
    here = new_id()
    assert await messages.append([message(here, seq, client_id=each) for seq, each in enumerate(client_ids, 1)]) == 2


@pytest.mark.parametrize("broken", [0, 1, 5, 9])
@pytest.mark.parametrize("rule", ["place", "client id"])
async def test_what_comes_before_a_broken_rule_is_stored_and_the_rest_left_no_trace(
    messages: MessageStore, broken: int, rule: str
) -> None:
    here, there = new_id(), new_id()
    batch = run(here, 1, 10)
    victim = batch[broken]
    taken = message(here, victim.seq) if rule == "place" else message(there, 1, client_id=victim.client_id)
    await messages.append([taken])
    assert await messages.append(batch) == broken
    kept = [each for each in await messages.after(here, 0, 20) if each != taken]
    assert kept == batch[:broken]
    found = await messages.sent([(each.sender, each.client_id) for each in batch if each is not victim])
    assert sorted(found, key=lambda each: each.seq) == batch[:broken]


async def test_a_batch_may_break_a_rule_by_itself(messages: MessageStore) -> None:
    here = new_id()
    twice = message(here, 2, client_id="twice")
    assert await messages.append([message(here, 1), twice, message(here, 2), message(here, 3)]) == 2
    assert await messages.append([message(here, 3), message(here, 4, client_id="twice"), message(here, 5)]) == 1
    assert await seqs(messages, here) == [1, 2, 3]


async def test_the_rest_can_be_appended_renumbered(messages: MessageStore) -> None:
    here = new_id()
    await messages.append([message(here, 3, content="somebody else's")])
    mine = run(here, 1, 5)
    assert await messages.append(mine) == 2
    renumbered = [
        Message(here, seq, each.sender, each.client_id, each.content, each.sent_at)
        for seq, each in enumerate(mine[2:], 4)
    ]
    assert await messages.append(renumbered) == 3
    assert await seqs(messages, here) == [1, 2, 3, 4, 5, 6]


async def test_a_large_batch_is_stored_whole_and_in_order(messages: MessageStore) -> None:
    here = new_id()
    batch = run(here, 1, 2500)
    assert await messages.append(batch) == 2500
    assert await messages.after(here, 0, 3000) == batch


async def test_a_large_batch_stops_at_a_broken_rule_wherever_it_is(messages: MessageStore) -> None:
    here = new_id()
    await messages.append([message(here, 1700)])
    assert await messages.append(run(here, 1, 2500)) == 1699
    assert await messages.heads([here]) == {here: 1700}
    assert len(await messages.before(here, NEWEST, 3000)) == 1700


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
async def test_any_text_comes_back_unchanged(messages: MessageStore, text: str) -> None:
    odd = message(new_id(), 1, content=text, client_id=text[:30])
    assert await messages.append([odd]) == 1
    assert await messages.after(odd.conversation, 0, 1) == [odd]
    assert await messages.sent([(odd.sender, odd.client_id)]) == [odd]


async def test_sixteen_kibibytes_a_message_are_fine_in_a_batch(messages: MessageStore) -> None:
    here = new_id()
    batch = [message(here, seq, content=f"{seq:04}" + "漢" * 5460) for seq in range(1, 257)]
    assert await messages.append(batch) == 256
    assert await messages.before(here, NEWEST, 256) == batch


async def test_the_head_is_the_highest_number(messages: MessageStore) -> None:
    here, there, nowhere = new_id(), new_id(), new_id()
    await messages.append([*run(here, 1, 7), message(there, 1)])
    assert await messages.heads([here, nowhere, there, here]) == {here: 7, there: 1}
    assert await messages.heads([nowhere]) == {}
    assert await messages.heads([]) == {}


async def test_heads_of_neighbouring_conversations_do_not_mix(messages: MessageStore) -> None:
    ids = [f"{number:024x}" for number in (0, 1, 255, 256, (1 << 96) - 2, (1 << 96) - 1)]
    await messages.append([message(each, seq) for each in ids[::2] for seq in (1, 256, 65536)])
    assert await messages.heads(ids) == dict.fromkeys(ids[::2], 65536)


async def test_heads_of_many_conversations_come_at_once(messages: MessageStore) -> None:
    ids = [new_id() for _ in range(350)]
    assert await messages.append([message(each, 1 + number % 5) for number, each in enumerate(ids)]) == 350
    assert await messages.heads(ids) == {each: 1 + number % 5 for number, each in enumerate(ids)}


async def test_sent_finds_by_sender_and_client_id(messages: MessageStore) -> None:
    here, ada, bob = new_id(), new_id(), new_id()
    batch = [
        message(here, 1, sender=ada, client_id="x"),
        message(here, 2, sender=bob, client_id="x"),
        message(here, 3, sender=ada, client_id="y"),
    ]
    await messages.append(batch)
    found = await messages.sent([(ada, "y"), (bob, "y"), (ada, "x"), (new_id(), "x"), (ada, "y")])
    assert sorted(found, key=lambda each: each.seq) == [batch[0], batch[2]]
    assert await messages.sent([(bob, "y")]) == await messages.sent([]) == []


async def test_sent_finds_a_whole_batch(messages: MessageStore) -> None:
    batch = run(new_id(), 1, 300)
    await messages.append(batch)
    found = await messages.sent([(each.sender, each.client_id) for each in batch])
    assert sorted(found, key=lambda each: each.seq) == batch


async def test_before_is_the_page_next_below_oldest_first(messages: MessageStore) -> None:
    here = new_id()
    batch = run(here, 1, 10)
    await messages.append([*batch, *run(new_id(), 1, 3)])
    assert await messages.before(here, NEWEST, 3) == batch[7:]
    assert await messages.before(here, 8, 3) == batch[4:7]
    assert await messages.before(here, 3, 3) == batch[:2]
    assert await messages.before(here, 1, 3) == await messages.before(here, 0, 3) == []
    assert await messages.before(here, 11, 100) == batch


async def test_after_is_the_page_next_above_oldest_first(messages: MessageStore) -> None:
    here = new_id()
    batch = run(here, 1, 10)
    await messages.append([*batch, *run(new_id(), 1, 3)])
    assert await messages.after(here, 0, 3) == batch[:3]
    assert await messages.after(here, 3, 3) == batch[3:6]
    assert await messages.after(here, 8, 3) == batch[8:]
    assert await messages.after(here, 10, 3) == await messages.after(here, NEWEST, 3) == []


async def test_an_empty_conversation_has_no_pages(messages: MessageStore) -> None:
    assert await messages.before(new_id(), NEWEST, 10) == await messages.after(new_id(), 0, 10) == []


async def test_the_highest_numbers_keep_their_order(messages: MessageStore) -> None:
    here = new_id()
    batch = [message(here, seq) for seq in (1, 255, 256, 65_535, 65_536, 1 << 32, NEWEST - 1)]
    await messages.append(batch)
    assert await messages.after(here, 0, 10) == await messages.before(here, NEWEST, 10) == batch
    assert await messages.heads([here]) == {here: NEWEST - 1}


async def test_of_two_that_race_for_one_place_exactly_one_gets_it(messages: MessageStore) -> None:
    here = new_id()
    for seq in range(1, 11):
        rivals = [message(here, seq, sender=new_id()), message(here, seq, sender=new_id())]
        assert sorted(await asyncio.gather(*(messages.append([each]) for each in rivals))) == [0, 1]
    assert await seqs(messages, here) == list(range(1, 11))


async def test_of_ten_that_race_with_one_client_id_exactly_one_is_stored(messages: MessageStore) -> None:
    sender, conversations = new_id(), [new_id() for _ in range(10)]
    rivals = [message(each, 1, sender=sender, client_id="once") for each in conversations]
    assert sorted(await asyncio.gather(*(messages.append([each]) for each in rivals))) == [0] * 9 + [1]
    assert len(await messages.sent([(sender, "once")])) == len(await messages.heads(conversations)) == 1


async def test_batches_that_race_each_keep_a_prefix(messages: MessageStore) -> None:
    here = new_id()
    batches = [[message(here, seq, sender=sender) for seq in range(1, 21)] for sender in (new_id() for _ in range(5))]
    counts = await asyncio.gather(*map(messages.append, batches))
    stored = await messages.after(here, 0, 100)
    assert [each.seq for each in stored] == list(range(1, 21))
    for batch, count in zip(batches, counts, strict=True):
        assert [each for each in stored if each.sender == batch[0].sender] == batch[:count]
