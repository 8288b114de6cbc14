"""What every `MessageStore` promises of parts of the log, and of messages to which something happened."""

import asyncio

import msgspec
import pytest

from fireside.core.ids import new_id
from fireside.features.changes.service import ChangeKind, Deletion, Edit, Pin, Reaction, folded
from fireside.features.conversations.groups import (
    GroupChange,
    GroupCreated,
    GroupUpdated,
    MemberLeft,
    MemberRemoved,
    MembersAdded,
    RoleChanged,
)
from fireside.features.conversations.mending import SystemRow
from fireside.features.messages.service import NEWEST, Extra, Message, MessageStore, State, Tail
from tests.contract.samples import NOW, ODD_TEXTS, change, message, run

ADA, BOB, CARL = "a" * 24, "b" * 24, "c" * 24

GROUP_CHANGES: tuple[GroupChange, ...] = (
    GroupCreated("Friends"),
    GroupCreated("Friends", (BOB, CARL), "of the fire", "https://example.org/fire.png", open_history=True),
    GroupUpdated("Foes"),
    GroupUpdated(None, "", "", open_history=False),
    MembersAdded((BOB,)),
    MembersAdded((CARL, BOB)),
    MemberRemoved(BOB, rev=1 << 40),
    MemberLeft(),
    MemberLeft(rev=3),
    RoleChanged(BOB, "admin"),
    RoleChanged(CARL, "owner"),
)
EXTRAS = (
    Extra(),
    Extra(reply_to=1),
    Extra(reply_to=1 << 40),
    Extra(forwarded=True),
    Extra(mentions=(BOB, ADA)),
    Extra(5, True, (CARL,)),
    *(Extra(system=each) for each in GROUP_CHANGES),
)
STATES = (
    None,
    State(),
    State(edited_at=NOW),
    State(deleted_at=NOW, deleted_by=BOB),
    State(pinned_at=1, pinned_by=ADA),
    State(reactions={BOB: "\U0001f44d", ADA: "\U0001f468\u200d\U0001f469\u200d\U0001f467"}),
    State(edited_at=NOW, pinned_at=NOW, pinned_by=CARL, reactions={CARL: "\u2764\ufe0f"}),
)


def system(conversation: str, seq: int, what: GroupChange | None = None, *, sender: str = ADA) -> Message:
    return message(conversation, seq, sender=sender, content="", extra=Extra(system=what or MemberLeft()))


def row(of: Message) -> SystemRow:
    assert of.extra is not None
    assert of.extra.system is not None
    return SystemRow(of.seq, of.sender, of.sent_at, of.extra.system)


def with_change(of: Message, rev: int, what: ChangeKind) -> Message:
    return folded(of, [change(of.conversation, rev, seq=of.seq, what=what)])


async def kept(messages: MessageStore, of: Message) -> Message:
    (found,) = await messages.at([(of.conversation, of.seq)])
    return found


async def everywhere(messages: MessageStore, conversation: str) -> list[Message]:
    """All messages of a conversation, after it was made sure that every way to read them finds the same."""
    log = await messages.after(conversation, 0, 1000)
    assert await messages.before(conversation, NEWEST, 1000) == log
    assert await messages.tails([Tail(conversation, 0, NEWEST, 1000)]) == ({conversation: log} if log else {})
    for found in (
        await messages.at([(each.conversation, each.seq) for each in log]),
        await messages.sent([(each.sender, each.client_id) for each in log]),
    ):
        assert sorted(found, key=lambda each: each.seq) == log
    return log


async def test_what_few_messages_have_comes_back_with_them(messages: MessageStore) -> None:
    here = new_id()
    batch = [message(here, seq, extra=extra) for seq, extra in enumerate((None, *EXTRAS), 1)]
    assert await messages.append(batch) == len(batch)
    assert await everywhere(messages, here) == batch


async def test_any_text_comes_back_unchanged_in_what_happened_to_a_group(messages: MessageStore) -> None:
    here = new_id()
    batch = [system(here, seq, GroupUpdated(text, text, text)) for seq, text in enumerate(ODD_TEXTS, 1)]
    assert await messages.append(batch) == len(batch)
    assert await everywhere(messages, here) == batch
    assert await messages.system({here: 0}) == {here: list(map(row, batch))}


@pytest.mark.parametrize("rows", [10, 600])
async def test_messages_with_and_without_more_keep_their_order_in_a_batch(messages: MessageStore, rows: int) -> None:
    here = new_id()
    batch = [message(here, seq, extra=Extra(reply_to=seq) if seq % 3 else None) for seq in range(1, rows + 1)]
    await messages.append([message(here, rows - 1)])
    assert await messages.append(batch) == rows - 2
    assert (await messages.after(here, 0, 1000))[:-1] == batch[: rows - 2]


async def test_before_stops_above_a_number(messages: MessageStore) -> None:
    here = new_id()
    batch = run(here, 1, 10)
    await messages.append([*batch, *run(new_id(), 1, 3)])
    assert await messages.before(here, 8, 100, above=3) == batch[3:7]
    assert await messages.before(here, 8, 2, above=3) == batch[5:7]
    assert await messages.before(here, NEWEST, 100, above=9) == batch[9:]
    assert await messages.before(here, NEWEST, 3, above=0) == batch[7:]
    assert await messages.before(here, 8, 100, above=7) == await messages.before(here, 8, 100, above=20) == []


async def test_after_stops_below_a_number(messages: MessageStore) -> None:
    here = new_id()
    batch = run(here, 1, 10)
    await messages.append([*batch, *run(new_id(), 1, 3)])
    assert await messages.after(here, 3, 100, below=8) == batch[3:7]
    assert await messages.after(here, 3, 2, below=8) == batch[3:5]
    assert await messages.after(here, 0, 100, below=2) == batch[:1]
    assert await messages.after(here, 8, 3, below=NEWEST) == batch[8:]
    assert await messages.after(here, 7, 100, below=8) == await messages.after(here, 20, 100, below=8) == []


async def test_tails_are_the_ends_of_several_oldest_first(messages: MessageStore) -> None:
    here, there, short, nowhere = (new_id() for _ in range(4))
    batch, others, few = run(here, 1, 10), run(there, 1, 10), run(short, 1, 2)
    await messages.append([*batch, *others, *few])
    wanted = [Tail(there, 2, 6, 100), Tail(nowhere, 0, NEWEST, 5), Tail(here, 0, NEWEST, 3), Tail(short, 0, 9, 5)]
    assert await messages.tails(wanted) == {here: batch[7:], there: others[2:5], short: few}
    assert await messages.tails([Tail(here, 4, 9, 2)]) == {here: batch[6:8]}
    assert await messages.tails([]) == {}


async def test_a_tail_with_nothing_in_it_is_absent(messages: MessageStore) -> None:
    here = new_id()
    await messages.append(run(here, 1, 5))
    for tail in (Tail(here, 5, NEWEST, 9), Tail(here, 9, NEWEST, 9), Tail(here, 2, 3, 9), Tail(here, 4, 2, 9)):
        assert await messages.tails([tail]) == {}


async def test_tails_of_many_conversations_come_at_once(messages: MessageStore) -> None:
    batches = {each: run(each, 1, 3) for each in (new_id() for _ in range(250))}
    await messages.append([each for batch in batches.values() for each in batch])
    found = await messages.tails([Tail(each, 1, NEWEST, 10) for each in batches])
    assert found == {each: batch[1:] for each, batch in batches.items()}


async def test_those_messages_are_found_that_are_at_these_places(messages: MessageStore) -> None:
    here, there = new_id(), new_id()
    batch, others = run(here, 1, 5), run(there, 1, 5)
    await messages.append([*batch, *others])
    found = await messages.at([(there, 2), (here, 9), (here, 5), (new_id(), 1), (here, 1), (there, 2)])
    assert sorted(found, key=lambda each: each.sent_at) == [batch[0], batch[4], others[1]]
    assert await messages.at([(here, 9)]) == await messages.at([]) == []


async def test_a_message_shows_what_its_changes_have_made_of_it(messages: MessageStore) -> None:
    here = new_id()
    log = run(here, 1, 5)
    await messages.append(log)
    whats: list[ChangeKind] = [Edit("anew"), Reaction("\U0001f44d"), Pin(), Edit("again"), Reaction(None)]
    for rev, what in enumerate(whats, 1):
        log[2] = with_change(log[2], rev, what)
        await messages.bring_up([log[2]])
        assert await everywhere(messages, here) == log
    log[2] = with_change(log[2], 6, Deletion())
    await messages.bring_up([log[2]])
    assert await everywhere(messages, here) == log
    assert log[2].is_deleted


async def test_every_state_comes_back_as_it_was_brought_up(messages: MessageStore) -> None:
    here = new_id()
    plain = run(here, 1, len(STATES))
    await messages.append(plain)
    shown = [
        msgspec.structs.replace(each, content=f"at {seq}", rev=(1 << 40) + seq, state=state, extra=Extra(reply_to=seq))
        for seq, (each, state) in enumerate(zip(plain, STATES, strict=True), 1)
    ]
    await messages.bring_up(shown)
    assert await everywhere(messages, here) == shown


async def test_what_is_no_more_goes_again(messages: MessageStore) -> None:
    here = new_id()
    full = message(here, 1, extra=Extra(5, True, (BOB,)))
    await messages.append([full])
    await messages.bring_up([msgspec.structs.replace(full, rev=1, state=STATES[-1])])
    bare = msgspec.structs.replace(full, rev=2, content="", extra=None, state=None)
    await messages.bring_up([bare])
    assert await everywhere(messages, here) == [bare]


async def test_any_text_comes_back_unchanged_from_an_edit_and_a_reaction(messages: MessageStore) -> None:
    here = new_id()
    plain = run(here, 1, len(ODD_TEXTS))
    await messages.append(plain)
    odd = [
        with_change(with_change(each, 1, Edit(text)), 2, Reaction(text))
        for each, text in zip(plain, ODD_TEXTS, strict=True)
    ]
    await messages.bring_up(odd)
    assert await everywhere(messages, here) == odd


async def test_a_message_never_shows_less_than_it_did(messages: MessageStore) -> None:
    here = new_id()
    sent = message(here, 1)
    first = with_change(sent, 3, Edit("first"))
    second = with_change(first, 7, Edit("second"))
    await messages.append([sent])
    for late in (second, first, sent, second, msgspec.structs.replace(second, content="another")):
        await messages.bring_up([late])
        assert await kept(messages, sent) == second


async def test_many_are_brought_up_at_once_and_each_by_itself(messages: MessageStore) -> None:
    here, there = new_id(), new_id()
    log, others = run(here, 1, 150), run(there, 1, 150)
    await messages.append([*log, *others])
    ahead = with_change(log[4], 9, Edit("ahead"))
    await messages.bring_up([ahead])
    shown = [with_change(each, 2, Edit(f"anew {each.seq}")) for each in [*log, *others]]
    await messages.bring_up([*shown, message(here, 999, content="is nowhere")])
    shown[4] = ahead
    assert await messages.after(here, 0, 1000) == shown[:150]
    assert await messages.after(there, 0, 1000) == shown[150:]


async def test_bringing_up_nothing_changes_nothing(messages: MessageStore) -> None:
    here = new_id()
    log = run(here, 1, 3)
    await messages.append(log)
    await messages.bring_up([])
    await messages.bring_up([with_change(message(new_id(), 1), 1, Edit("nowhere"))])
    assert await everywhere(messages, here) == log


async def test_who_sent_it_when_stays_whatever_is_brought_up(messages: MessageStore) -> None:
    here = new_id()
    sent = message(here, 1, client_id="mine")
    await messages.append([sent])
    await messages.bring_up([Message(here, 1, BOB, "theirs", "anew", 5, None, 1, State(edited_at=NOW))])
    shown = msgspec.structs.replace(sent, content="anew", rev=1, state=State(edited_at=NOW))
    assert await kept(messages, sent) == shown
    assert await messages.sent([(BOB, "theirs")]) == []
    assert await messages.sent([(sent.sender, "mine")]) == [shown]


async def test_of_twenty_that_bring_up_a_message_at_once_the_furthest_is_shown(messages: MessageStore) -> None:
    sent = message(new_id(), 1)
    await messages.append([sent])
    versions = [with_change(sent, rev, Edit(f"version {rev}")) for rev in range(1, 21)]
    shuffled = [versions[(7 * number) % 20] for number in range(20)]
    await asyncio.gather(*(messages.bring_up([each]) for each in shuffled))
    assert await kept(messages, sent) == versions[-1]


async def test_system_messages_are_found_above_a_seq_oldest_first(messages: MessageStore) -> None:
    here = new_id()
    batch = [system(here, 2 * number, what) for number, what in enumerate(GROUP_CHANGES, 1)]
    plain = [message(here, seq, extra=EXTRAS[seq % 5]) for seq in range(1, 2 * len(batch) + 3, 2)]
    await messages.append(sorted([*batch, *plain], key=lambda each: each.seq))
    rows = list(map(row, batch))
    assert await messages.system({here: 0}) == await messages.system({here: 1}) == {here: rows}
    assert await messages.system({here: 2}) == await messages.system({here: 3}) == {here: rows[1:]}
    assert await messages.system({here: 2 * len(batch) - 1}) == {here: rows[-1:]}
    assert await messages.system({here: 2 * len(batch)}) == await messages.system({here: NEWEST}) == {}


async def test_system_messages_of_several_conversations_are_found_at_once(messages: MessageStore) -> None:
    here, there, plain = new_id(), new_id(), new_id()
    batch = [system(here, 1), system(there, 1, sender=BOB), system(here, 2), message(plain, 1), system(there, 2)]
    await messages.append(batch)
    found = await messages.system({there: 1, plain: 0, new_id(): 0, here: 0})
    assert found == {here: [row(batch[0]), row(batch[2])], there: [row(batch[4])]}
    assert await messages.system({}) == await messages.system({plain: 0}) == {}


async def test_what_is_deleted_is_no_system_message(messages: MessageStore) -> None:
    here = new_id()
    log = [system(here, 1), message(here, 2, extra=Extra(reply_to=1)), message(here, 3)]
    await messages.append(log)
    await messages.bring_up([with_change(each, each.seq, Deletion()) for each in log[1:]])
    assert await messages.system({here: 0}) == {here: [row(log[0])]}
    state = State(deleted_at=NOW, deleted_by=ADA)
    await messages.bring_up([msgspec.structs.replace(log[1], rev=9, content="", state=state)])
    assert await messages.system({here: 0}) == {here: [row(log[0])]}


async def test_silent_are_system_messages_and_what_is_deleted(messages: MessageStore) -> None:
    here = new_id()
    log = [system(here, seq) if seq % 4 == 0 else message(here, seq, extra=EXTRAS[seq % 5]) for seq in range(1, 13)]
    await messages.append(log)
    assert await messages.silent({here: (0, 12)}) == {here: [4, 8, 12]}
    await messages.bring_up([with_change(log[4], 1, Edit("anew")), with_change(log[0], 2, Reaction("\U0001f44d"))])
    assert await messages.silent({here: (0, 12)}) == {here: [4, 8, 12]}
    await messages.bring_up([with_change(log[seq - 1], 3, Deletion()) for seq in (10, 2)])
    assert await messages.silent({here: (0, NEWEST - 1)}) == {here: [2, 4, 8, 10, 12]}
    assert await messages.silent({here: (2, 10)}) == {here: [4, 8, 10]}
    assert await messages.silent({here: (1, 2)}) == {here: [2]}
    assert await messages.silent({here: (4, 7)}) == await messages.silent({here: (9, 3)}) == {}


async def test_silent_ones_of_many_conversations_are_found_at_once(messages: MessageStore) -> None:
    ids = [new_id() for _ in range(150)]
    await messages.append([each for here in ids for each in (system(here, 1), message(here, 2), system(here, 3))])
    plain, wanted = new_id(), {each: (number % 3, 3) for number, each in enumerate(ids)}
    await messages.append(run(plain, 1, 3))
    expected = {each: [1, 3] if number % 3 == 0 else [3] for number, each in enumerate(ids)}
    assert await messages.silent(wanted | {plain: (0, 3), new_id(): (0, 3)}) == expected
    assert await messages.silent({}) == await messages.silent({plain: (0, 3)}) == {}


async def test_the_last_of_each_who_has_written_above_a_seq(messages: MessageStore) -> None:
    here, there = new_id(), new_id()
    senders = (ADA, BOB, ADA, CARL, BOB)
    await messages.append([message(here, seq, sender=sender) for seq, sender in enumerate(senders, 1)])
    await messages.append([system(there, 1, sender=CARL), message(there, 2, sender=ADA)])
    assert await messages.last_of_each({here: 0}) == {here: {ADA: 3, BOB: 5, CARL: 4}}
    assert await messages.last_of_each({here: 3}) == {here: {BOB: 5, CARL: 4}}
    found = await messages.last_of_each({there: 0, here: 4, new_id(): 0})
    assert found == {here: {BOB: 5}, there: {CARL: 1, ADA: 2}}
    assert await messages.last_of_each({here: 5}) == await messages.last_of_each({here: NEWEST}) == {}
    assert await messages.last_of_each({}) == {}
