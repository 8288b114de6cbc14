"""What every `ConversationStore` promises of groups, and of who is in a conversation."""

import asyncio
from itertools import permutations

import msgspec

from fireside.core.ids import new_id
from fireside.engines import Stores
from fireside.features.conversations.groups import (
    GroupCreated,
    GroupUpdated,
    MemberLeft,
    MemberRemoved,
    MembersAdded,
    RoleChanged,
)
from fireside.features.conversations.mending import newborn, who_changed
from fireside.features.conversations.service import Conversation, ConversationStore, Gone, Info, Member
from tests.contract.samples import NOW, ODD_TEXTS, direct, history

Spans = dict[str, tuple[int, int | None] | None]


class Story:
    """A group to which something happens four times, and who came, went or came back each time."""

    def __init__(self) -> None:
        self.ada, self.bob, self.carl = new_id(), new_id(), new_id()
        self.states = history(
            (self.ada, GroupCreated("Friends", (self.bob,))),
            (self.ada, MembersAdded((self.carl,))),
            (self.bob, MemberLeft(rev=7)),
            (self.ada, MembersAdded((self.bob,))),
        )
        before = [newborn(self.id, NOW), *self.states]
        self.changed = [who_changed(*pair) for pair in zip(before, self.states, strict=False)]

    @property
    def id(self) -> str:
        return self.states[0].id

    @property
    def end(self) -> Conversation:
        return self.states[-1]

    async def happen(self, conversations: ConversationStore, *numbers: int) -> None:
        """Keep these states, in this order; the first is 1."""
        for each in numbers:
            await conversations.keep(self.states[each - 1], self.changed[each - 1])

    async def spans(self, stores: Stores) -> Spans:
        """What is kept of each person: what they see, above and up to."""
        await stores.activity.wake([self.id], "node")
        people = {"ada": self.ada, "bob": self.bob, "carl": self.carl}
        rows = {name: await stores.inbox.all(person) for name, person in people.items()}
        return {name: (found[0].since, found[0].until) if found else None for name, found in rows.items()}


ENDING: Spans = {"ada": (0, None), "bob": (3, None), "carl": (1, None)}


async def test_a_group_comes_back_as_it_was_kept(conversations: ConversationStore) -> None:
    ada, bob, carl, dora, eve = (new_id() for _ in range(5))
    group = Conversation(
        new_id(),
        "group",
        {carl: Member("owner"), ada: Member("admin", 3), dora: Member("member", 1 << 40)},
        1_700_000_000_123,
        as_of=1 << 41,
        info=Info("Friends", "of the fire", "https://example.org/fire.png", open_history=True),
        gone={eve: Gone(0, 9, 0), bob: Gone(4, 1 << 40, 1 << 33)},
    )
    await conversations.keep(group, [ada, bob, carl, dora, eve])
    found = (await conversations.by_ids([group.id]))[group.id]
    assert found == group
    assert list(found.members) == [carl, ada, dora]


async def test_a_group_may_say_little_of_itself_and_have_nobody_left(conversations: ConversationStore) -> None:
    ada = new_id()
    created, empty = history((ada, GroupCreated("t")), (ada, MemberLeft()))
    for state in (created, empty):
        await conversations.keep(state, [ada])
        assert await conversations.by_ids([state.id]) == {state.id: state}
    assert empty.members == {}


async def test_members_stay_in_the_order_in_which_they_came(conversations: ConversationStore) -> None:
    people = [new_id() for _ in range(50)]
    (group,) = history((people[0], GroupCreated("Friends", tuple(people[1:]))))
    await conversations.keep(group, people)
    assert list((await conversations.by_ids([group.id]))[group.id].members) == people


async def test_any_text_comes_back_unchanged(conversations: ConversationStore) -> None:
    ada = new_id()
    for text in ODD_TEXTS:
        (group,) = history((ada, GroupCreated(text, (), text, text)))
        await conversations.keep(group, [ada])
        assert await conversations.by_ids([group.id]) == {group.id: group}


async def test_several_are_found_at_once_of_either_kind(conversations: ConversationStore) -> None:
    first, second, talk = Story(), Story(), direct(new_id(), new_id())
    await first.happen(conversations, 1)
    await second.happen(conversations, 1, 2)
    await conversations.ensure(talk)
    wanted = [second.id, new_id(), talk.id, first.id, second.id]
    kept = {first.id: first.states[0], second.id: second.states[1], talk.id: talk}
    assert await conversations.by_ids(wanted) == kept
    assert await conversations.by_ids([]) == {}


async def test_many_are_found_at_once(conversations: ConversationStore) -> None:
    talks = [direct(new_id(), new_id()) for _ in range(120)]
    await asyncio.gather(*map(conversations.ensure, talks))
    assert await conversations.by_ids([each.id for each in talks]) == {each.id: each for each in talks}


async def test_a_further_state_takes_the_place_of_the_one_before(conversations: ConversationStore) -> None:
    story = Story()
    for number in (1, 2, 3, 4):
        await story.happen(conversations, number)
        assert await conversations.by_ids([story.id]) == {story.id: story.states[number - 1]}


async def test_what_the_group_says_of_itself_and_roles_change_where_nobody_comes_or_goes(
    conversations: ConversationStore,
) -> None:
    ada, bob = new_id(), new_id()
    created, renamed, given = history(
        (ada, GroupCreated("Friends", (bob,))),
        (ada, GroupUpdated("Foes", "once friends", open_history=True)),
        (ada, RoleChanged(bob, "owner")),
    )
    await conversations.keep(created, [ada, bob])
    for state in (renamed, given):
        await conversations.keep(state, [])
        assert await conversations.by_ids([state.id]) == {state.id: state}


async def test_keeping_it_again_changes_nothing(stores: Stores) -> None:
    story = Story()
    await story.happen(stores.conversations, 1, 2, 3, 4, 4, 4)
    assert await stores.conversations.by_ids([story.id]) == {story.id: story.end}
    assert await story.spans(stores) == ENDING


async def test_a_late_state_changes_nothing(stores: Stores) -> None:
    story = Story()
    await story.happen(stores.conversations, 1, 2, 3, 4)
    for late in (3, 1, 2):
        await story.happen(stores.conversations, late)
        assert await stores.conversations.by_ids([story.id]) == {story.id: story.end}
        assert await story.spans(stores) == ENDING


async def test_in_whatever_order_all_comes_it_ends_the_same(stores: Stores) -> None:
    for order in permutations((1, 2, 3, 4)):
        story = Story()
        await story.happen(stores.conversations, *order)
        assert await stores.conversations.by_ids([story.id]) == {story.id: story.end}
        assert await story.spans(stores) == ENDING


async def test_a_late_state_still_tells_of_who_had_not_been_told_of(stores: Stores) -> None:
    story = Story()
    await story.happen(stores.conversations, 4)
    assert await story.spans(stores) == {"ada": None, "bob": (3, None), "carl": None}
    await story.happen(stores.conversations, 1, 2)
    assert await story.spans(stores) == ENDING
    assert await stores.conversations.by_ids([story.id]) == {story.id: story.end}


async def test_of_states_that_come_at_once_the_furthest_stays(stores: Stores) -> None:
    for _ in range(10):
        story = Story()
        await asyncio.gather(*(story.happen(stores.conversations, number) for number in (2, 4, 1, 3) * 5))
        assert await stores.conversations.by_ids([story.id]) == {story.id: story.end}
        assert await story.spans(stores) == ENDING


async def test_of_two_states_that_both_come_first_the_further_stays(stores: Stores) -> None:
    for _ in range(60):
        story = Story()
        await asyncio.gather(*(story.happen(stores.conversations, number) for number in (3, 4)))
        assert await stores.conversations.by_ids([story.id]) == {story.id: story.end}
        assert await story.spans(stores) == {"ada": None, "bob": (3, None), "carl": None}


async def test_one_who_went_sees_what_was_there_by_then_and_one_who_came_back_what_is_new(stores: Stores) -> None:
    story = Story()
    await story.happen(stores.conversations, 1, 2)
    assert await story.spans(stores) == {"ada": (0, None), "bob": (0, None), "carl": (1, None)}
    await story.happen(stores.conversations, 3)
    assert await story.spans(stores) == {"ada": (0, None), "bob": (0, 3), "carl": (1, None)}
    await story.happen(stores.conversations, 4)
    assert await story.spans(stores) == ENDING


async def test_of_those_who_did_not_change_nothing_is_kept_anew(stores: Stores) -> None:
    story = Story()
    await story.happen(stores.conversations, 1)
    # As somebody would see it who had not heard of the others.
    await stores.conversations.keep(story.states[2], [story.bob])
    assert await story.spans(stores) == {"ada": (0, None), "bob": (0, 3), "carl": None}


async def test_all_may_be_said_to_have_changed(stores: Stores) -> None:
    story = Story()
    for state in story.states:
        await stores.conversations.keep(state, [*state.members, *state.gone])
    assert await story.spans(stores) == ENDING


async def test_groups_do_not_mix(stores: Stores) -> None:
    one, other = Story(), Story()
    other.states = [msgspec.structs.replace(state, id=other.id) for state in one.states]
    other.ada, other.bob, other.carl = one.ada, one.bob, one.carl
    await one.happen(stores.conversations, 1, 2, 3)
    await stores.conversations.keep(other.states[1], [one.ada, one.bob, one.carl])
    assert await stores.conversations.by_ids([one.id, other.id]) == {one.id: one.states[2], other.id: other.states[1]}
    await stores.activity.wake([one.id, other.id], "node")
    found = {row.activity.conversation: row.until for row in await stores.inbox.all(one.bob)}
    assert found == {one.id: 3, other.id: None}


async def test_a_group_of_a_thousand_is_kept_whole(stores: Stores) -> None:
    people = [new_id() for _ in range(1024)]
    (group,) = history((people[0], GroupCreated("Friends", tuple(people[1:]))))
    await stores.conversations.keep(group, people)
    await stores.activity.wake([group.id], "node")
    assert await stores.conversations.by_ids([group.id]) == {group.id: group}
    assert [len(await stores.inbox.all(each)) for each in (people[0], people[500], people[-1])] == [1, 1, 1]


async def test_who_opens_a_direct_conversation_and_whom_with_are_in_it(stores: Stores) -> None:
    ada, bob = new_id(), new_id()
    talk, notes = direct(ada, bob), direct(ada, ada)
    for _ in range(2):
        await stores.conversations.ensure(talk)
        await stores.conversations.ensure(notes)
        await stores.activity.wake([talk.id, notes.id], "node")
        found = {row.activity.conversation: (row.since, row.until) for row in await stores.inbox.all(ada)}
        assert found == {talk.id: (0, None), notes.id: (0, None)}
        assert [row.activity.conversation for row in await stores.inbox.all(bob)] == [talk.id]


async def test_a_group_is_left_alone_by_who_puts_one_out_of_another(stores: Stores) -> None:
    ada, bob = new_id(), new_id()
    steps = ((ada, GroupCreated("Friends", (bob,))), (ada, MemberRemoved(bob)))
    (one, without), (other, _) = history(*steps), history(*steps)
    await stores.conversations.keep(one, [ada, bob])
    await stores.conversations.keep(other, [ada, bob])
    await stores.conversations.keep(without, [bob])
    await stores.activity.wake([one.id, other.id], "node")
    found = {row.activity.conversation: row.until for row in await stores.inbox.all(bob)}
    assert found == {one.id: 2, other.id: None}
