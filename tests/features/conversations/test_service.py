"""Conversations: two people have exactly one, and it is nobody else's."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fireside.core.errors import NotFound, Unavailable
from fireside.core.ids import direct_conversation_id
from fireside.features.conversations import service as module
from fireside.features.conversations.service import Conversation, Conversations
from tests.contract.samples import direct
from tests.fakes import FakeConversations

ANN, BOB, EVE = "a" * 24, "b" * 24, "e" * 24
NOBODY = "0" * 24
NOW_MS = 1_700_000_000_000
HERE = direct(ANN, BOB, created_at=NOW_MS)
MALFORMED = ["", "me", "b" * 23, "b" * 25, "B" * 24, "\u0660" * 24, "\ud800", "\x00" * 24, "{'$ne': ''}", HERE.id + " "]


class CountedConversations(FakeConversations):
    """A store that notes what it is asked, and may be down."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.is_down = False

    async def ensure(self, conversation: Conversation) -> Conversation:
        self._answer("ensure")
        return await super().ensure(conversation)

    async def by_ids(self, conversation_ids: Sequence[str]) -> dict[str, Conversation]:
        self._answer("by_ids")
        return await super().by_ids(conversation_ids)

    def _answer(self, name: str) -> None:
        self.asked.append(name)
        if self.is_down:
            raise Unavailable("The store is down.")


class FakeUsers:
    """Everybody is there but `NOBODY`."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def exists(self, user_id: str) -> bool:
        await asyncio.sleep(0)
        self.asked.append(user_id)
        return user_id != NOBODY


@pytest.fixture
def store() -> CountedConversations:
    return CountedConversations()


@pytest.fixture
def users() -> FakeUsers:
    return FakeUsers()


@pytest.fixture
def conversations(store: CountedConversations, users: FakeUsers) -> Conversations:
    return Conversations(store, users, lambda: NOW_MS)


# ── of two ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_people_have_one_conversation_whoever_opens_it(
    conversations: Conversations, store: CountedConversations
) -> None:
    opened = [await conversations.open_direct(ANN, BOB), await conversations.open_direct(BOB, ANN)]
    assert opened == [HERE, HERE]
    assert await store.by_ids([HERE.id]) == {HERE.id: HERE}
    assert store.asked.count("ensure") == 1


async def test_a_node_that_has_never_seen_them_opens_the_same_one(
    conversations: Conversations, store: CountedConversations, users: FakeUsers
) -> None:
    first = await conversations.open_direct(ANN, BOB)
    elsewhere = Conversations(store, users, lambda: NOW_MS + 5)
    assert await elsewhere.open_direct(BOB, ANN) == elsewhere.recall_direct(ANN, BOB) == first
    assert await store.by_ids([HERE.id]) == {HERE.id: first} == {HERE.id: HERE}


ids = st.text("0123456789abcdef", min_size=24, max_size=24)


@given(ids, ids)
def test_an_id_is_derived_alike_from_either_side(one: str, other: str) -> None:
    assert direct_conversation_id(one, other) == direct_conversation_id(other, one)


@given(st.sets(ids, min_size=3, max_size=8))
def test_no_two_pairs_share_an_id(people: set[str]) -> None:
    pairs = {tuple(sorted((one, other))) for one in people for other in people}
    assert len({direct_conversation_id(*pair) for pair in pairs}) == len(pairs)


async def test_notes_to_self_are_a_conversation_of_one(conversations: Conversations) -> None:
    notes = await conversations.open_direct(ANN, ANN)
    assert (list(notes.members), notes.recipient_of(ANN)) == ([ANN], ANN)
    assert conversations.recall_direct(ANN, ANN) is notes
    assert await conversations.require_member(ANN, notes.id) is notes
    with pytest.raises(NotFound):
        await conversations.require_member(BOB, notes.id)


def test_the_recipient_is_the_other_one() -> None:
    assert (HERE.recipient_of(ANN), HERE.recipient_of(BOB)) == (BOB, ANN)


async def test_what_was_opened_is_recalled_from_both_sides_without_asking_anybody(
    conversations: Conversations, store: CountedConversations, users: FakeUsers
) -> None:
    assert conversations.recall_direct(ANN, BOB) is None
    opened = await conversations.open_direct(ANN, BOB)
    store.asked.clear()
    users.asked.clear()
    assert conversations.recall_direct(ANN, BOB) is conversations.recall_direct(BOB, ANN) is opened
    assert await conversations.open_direct(BOB, ANN) is await conversations.direct_of(BOB, ANN) is opened
    assert conversations.recall_direct(ANN, EVE) is None
    assert (store.asked, users.asked) == ([], [])


async def test_looking_at_a_conversation_that_has_never_begun_leaves_no_trace(
    conversations: Conversations, store: CountedConversations
) -> None:
    assert await conversations.direct_of(BOB, ANN) == HERE
    assert conversations.recall_direct(BOB, ANN) is None
    assert store.asked == []


@pytest.mark.parametrize("other", [NOBODY, *MALFORMED], ids=ascii)
async def test_nobody_can_talk_to_somebody_who_is_not_there(
    conversations: Conversations, store: CountedConversations, users: FakeUsers, other: str
) -> None:
    for ask in (conversations.open_direct, conversations.direct_of):
        with pytest.raises(NotFound, match="no such user"):
            await ask(ANN, other)
    assert conversations.recall_direct(ANN, other) is None
    assert store.asked == []
    assert set(users.asked) <= {NOBODY}, "what is no id is not looked up"
    assert await conversations.open_direct(ANN, BOB) == HERE


async def test_many_who_open_one_conversation_at_once_get_the_same_one(
    conversations: Conversations, store: CountedConversations
) -> None:
    opened = await asyncio.gather(
        *(conversations.open_direct(*((ANN, BOB) if number % 2 else (BOB, ANN))) for number in range(50)),
        *(conversations.open_direct(ANN, EVE) for _ in range(10)),
    )
    assert {id(each) for each in opened[:50]} == {id(conversations.recall_direct(ANN, BOB))}
    assert {id(each) for each in opened[50:]} == {id(conversations.recall_direct(EVE, ANN))}
    assert await store.by_ids([HERE.id]) == {HERE.id: opened[0]}


async def test_who_gives_up_while_it_is_opened_takes_it_from_nobody(conversations: Conversations) -> None:
    impatient, patient = (asyncio.create_task(conversations.open_direct(ANN, BOB)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == HERE
    assert impatient.cancelled()


async def test_what_could_not_be_stored_is_not_open(conversations: Conversations, store: CountedConversations) -> None:
    store.is_down = True
    with pytest.raises(Unavailable):
        await conversations.open_direct(ANN, BOB)
    assert conversations.recall_direct(ANN, BOB) is None
    store.is_down = False
    assert await conversations.open_direct(ANN, BOB) == HERE


# ── members only ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("remembered", [True, False], ids=["in memory", "on disk"])
async def test_members_get_their_conversation_and_an_outsider_cannot_tell_it_from_none(
    conversations: Conversations, store: CountedConversations, remembered: bool
) -> None:
    await store.ensure(HERE)
    if remembered:
        await conversations.open_direct(ANN, BOB)
    said = set()
    for user_id, conversation_id in ((EVE, HERE.id), (EVE, NOBODY), *((ANN, each) for each in MALFORMED)):
        with pytest.raises(NotFound) as refused:
            await conversations.require_member(user_id, conversation_id)
        said.add((refused.value.message, refused.value.details))
    assert len(said) == 1
    for member in (ANN, BOB):
        assert await conversations.require_member(member, HERE.id) == HERE


async def test_what_is_no_id_is_not_looked_up(conversations: Conversations, store: CountedConversations) -> None:
    for malformed in MALFORMED:
        with pytest.raises(NotFound):
            await conversations.require_member(ANN, malformed)
    assert store.asked == []


async def test_the_id_of_a_conversation_that_has_never_begun_is_not_found_until_it_has(
    conversations: Conversations,
) -> None:
    with pytest.raises(NotFound):
        await conversations.require_member(ANN, HERE.id)
    await conversations.open_direct(BOB, ANN)
    assert await conversations.require_member(ANN, HERE.id) == HERE


async def test_a_member_who_came_by_id_is_recalled_by_person(
    conversations: Conversations, store: CountedConversations
) -> None:
    await store.ensure(HERE)
    found = await conversations.require_member(BOB, HERE.id)
    store.asked.clear()
    assert conversations.recall_direct(ANN, BOB) is conversations.recall_direct(BOB, ANN) is found
    assert await conversations.require_member(ANN, HERE.id) is found
    assert store.asked == []


async def test_an_outsiders_question_is_not_remembered(
    conversations: Conversations, store: CountedConversations
) -> None:
    """Or anybody could push the active conversations out of memory."""
    await store.ensure(HERE)
    with pytest.raises(NotFound):
        await conversations.require_member(EVE, HERE.id)
    assert conversations.recall_direct(ANN, BOB) is None


# ── memory ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_memory_has_a_bound_and_what_was_forgotten_is_found_again(
    conversations: Conversations, store: CountedConversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CACHED", 3)
    others = [f"{number:024x}" for number in range(1, 8)]
    opened = [await conversations.open_direct(ANN, other) for other in [*others, ANN]]
    remembered = [each for each in [*others, ANN] if conversations.recall_direct(ANN, each)]
    assert remembered == [*others[-2:], ANN]
    assert [each for each in others if conversations.recall_direct(each, ANN)] == others[-2:]
    assert (len(conversations._cache), len(conversations._direct)) == (3, 5)
    assert await conversations.open_direct(others[0], ANN) == opened[0]
    assert await conversations.require_member(others[1], opened[1].id) == opened[1]
    # Those that were looked at in between have stayed; the notes to self, with one key, made room.
    assert (len(conversations._cache), len(conversations._direct)) == (3, 6)


@pytest.mark.parametrize("how", ["by id", "by person"])
async def test_what_is_in_use_is_forgotten_last(
    conversations: Conversations, store: CountedConversations, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(module, "CACHED", 3)
    active = await conversations.open_direct(ANN, BOB)
    for number in range(1, 10):
        await conversations.open_direct(ANN, f"{number:024x}")
        if how == "by id":
            assert await conversations.require_member(ANN, active.id) is active
        else:
            assert conversations.recall_direct(BOB, ANN) is active
    assert store.asked == ["ensure"] * 10, "it is never looked for"
