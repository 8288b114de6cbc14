"""What every `InboxStore` promises: it finds what has changed for somebody, and forgets nothing of it."""

import asyncio
from itertools import count

from fireside.core.ids import new_id
from fireside.engines import Stores
from fireside.features.conversations.activity import Activity
from fireside.features.conversations.groups import GroupCreated, MemberLeft, MembersAdded
from fireside.features.inbox.service import InboxRow
from fireside.features.receipts.service import Mark, Receipt
from tests.contract.samples import NOW, direct, history

ALL = -1


async def talks(stores: Stores, person: str, many: int) -> list[str]:
    """Direct conversations of this person with so many others, by id; none has ever been awake."""
    made = [direct(person, new_id()) for _ in range(many)]
    for each in made:
        await stores.conversations.ensure(each)
    return sorted(each.id for each in made)


async def stir(stores: Stores, *ids: str, seq: int = 1) -> int:
    """Something goes on in these for a moment; the stamp by which that is found."""
    await stores.activity.wake(ids, "node")
    await stores.activity.sleep([Activity(each, seq, 0, NOW) for each in ids], "node")
    return await stores.activity.stamp()


async def changed(stores: Stores, person: str, stamp: int, after: str = "", limit: int = 100) -> list[str]:
    return [row.activity.conversation for row in await stores.inbox.changed(person, stamp, after, limit)]


class Group:
    """Two people in a group, of whom Bob leaves, comes back and leaves again."""

    def __init__(self) -> None:
        self.ada, self.bob = new_id(), new_id()
        self.states = history(
            (self.ada, GroupCreated("Friends", (self.bob,))),
            (self.bob, MemberLeft()),
            (self.ada, MembersAdded((self.bob,))),
            (self.bob, MemberLeft()),
        )
        self.id = self.states[0].id

    async def keep(self, stores: Stores, number: int) -> None:
        await stores.conversations.keep(self.states[number - 1], [self.ada, self.bob] if number == 1 else [self.bob])

    async def finds(self, stores: Stores, stamp: int) -> bool:
        """Whether Bob finds that it has changed."""
        return await changed(stores, self.bob, stamp) == [self.id]


async def test_who_has_no_conversation_finds_none(stores: Stores) -> None:
    await stir(stores, *await talks(stores, new_id(), 1))
    assert await stores.inbox.changed(new_id(), ALL, "", 10) == await stores.inbox.all(new_id()) == []


async def test_a_row_says_what_is_kept_of_ones_conversation(stores: Stores) -> None:
    ada, bob = new_id(), new_id()
    _, joined, gone = history((ada, GroupCreated("Friends")), (ada, MembersAdded((bob,))), (bob, MemberLeft(rev=3)))
    mark = Mark(9, 7, 5)
    await stores.activity.wake([joined.id], "node")
    for state, until in ((joined, None), (gone, 3)):
        await stores.conversations.keep(state, [bob])
        await stores.receipts.raise_to([Receipt(joined.id, bob, mark)])
        row = InboxRow(Activity(joined.id, awake=("node",)), 1, until, mark)
        assert await stores.inbox.all(bob) == await stores.inbox.changed(bob, ALL, "", 10) == [row]
    await stores.activity.sleep([Activity(joined.id, 1 << 40, 4, NOW)], "node")
    row = InboxRow(Activity(joined.id, 1 << 40, 4, NOW, await stores.activity.stamp()), 1, 3, mark)
    assert await stores.inbox.all(bob) == await stores.inbox.changed(bob, ALL, "", 10) == [row]


async def test_one_row_is_found_by_its_conversation(stores: Stores) -> None:
    ada, bob = new_id(), new_id()
    _, joined, gone = history((ada, GroupCreated("Friends")), (ada, MembersAdded((bob,))), (bob, MemberLeft(rev=3)))
    assert await stores.inbox.one(bob, joined.id) is None
    await stores.conversations.keep(joined, [bob])
    assert await stores.inbox.one(bob, joined.id) == InboxRow(Activity(joined.id), 1)
    await stores.receipts.raise_to([Receipt(joined.id, bob, Mark(2, 1, 1))])
    await stores.conversations.keep(gone, [bob])
    await stir(stores, joined.id, seq=3)
    row = InboxRow(Activity(joined.id, 3, 0, NOW, await stores.activity.stamp()), 1, 3, Mark(2, 1, 1))
    assert await stores.inbox.one(bob, joined.id) == row
    assert await stores.inbox.one(new_id(), joined.id) is None
    assert await stores.inbox.one(bob, new_id()) is None


async def test_one_finds_ones_own_and_nobody_elses(stores: Stores) -> None:
    ada, bob = new_id(), new_id()
    both = direct(ada, bob)
    await stores.conversations.ensure(both)
    hers, his = await talks(stores, ada, 1), await talks(stores, bob, 1)
    await stir(stores, both.id, *hers, *his)
    assert await changed(stores, ada, ALL) == sorted([both.id, *hers])
    assert await changed(stores, bob, ALL) == sorted([both.id, *his])
    assert {row.activity.conversation for row in await stores.inbox.all(ada)} == {both.id, *hers}


async def test_where_nothing_has_ever_happened_nothing_is_found(stores: Stores) -> None:
    ada = new_id()
    (silent,) = await talks(stores, ada, 1)
    assert await changed(stores, ada, ALL) == []
    assert await stores.inbox.all(ada) == []
    await stir(stores, silent)
    assert await changed(stores, ada, ALL) == [silent]


async def test_what_has_come_to_rest_is_found_from_a_lower_stamp_on(stores: Stores) -> None:
    ada = new_id()
    first, second = await talks(stores, ada, 2)
    start = await stores.activity.stamp()
    one = await stir(stores, second)
    two = await stir(stores, first)
    assert await changed(stores, ada, start) == [first, second]
    assert await changed(stores, ada, one) == [first]
    assert await changed(stores, ada, two) == await changed(stores, ada, two + 1) == []
    three = await stir(stores, second, seq=2)
    assert await changed(stores, ada, two) == [second]
    assert await changed(stores, ada, three) == []


async def test_what_is_awake_on_any_node_is_found_whatever_the_stamp(stores: Stores) -> None:
    ada = new_id()
    here, _ = ids = await talks(stores, ada, 2)
    late = await stir(stores, *ids) + 1000
    for awake in (("one",), ("one", "two")):
        await stores.activity.wake([here], awake[-1])
        (row,) = await stores.inbox.changed(ada, late, "", 10)
        assert (row.activity.conversation, set(row.activity.awake)) == (here, set(awake))
    await stores.activity.sleep([Activity(here)], "two")
    assert await changed(stores, ada, late) == [here]
    await stores.activity.sleep([Activity(here)], "one")
    assert await changed(stores, ada, late) == []


async def test_a_negative_stamp_means_all_whatever_has_become_of_them(stores: Stores) -> None:
    ada = new_id()
    asleep, awake, forgotten = ids = await talks(stores, ada, 3)
    await stir(stores, asleep)
    await stores.activity.wake([awake, forgotten], "node")
    await stores.activity.forget("node", [forgotten])
    assert await changed(stores, ada, ALL) == ids
    assert {row.activity.conversation for row in await stores.inbox.all(ada)} == set(ids)


async def test_pages_follow_each_other_by_id_and_hold_each_once(stores: Stores) -> None:
    ada = new_id()
    ids = await talks(stores, ada, 12)
    start = await stores.activity.stamp()
    for each in ids[::-1]:
        await stir(stores, each)
    for stamp in (ALL, start):
        pages, after = [], ""
        while page := await changed(stores, ada, stamp, after, 5):
            pages.append(page)
            after = page[-1]
        assert pages == [ids[:5], ids[5:10], ids[10:]]


async def test_a_page_begins_after_what_may_not_be_ones_own(stores: Stores) -> None:
    ada = new_id()
    first, second, third = ids = await talks(stores, ada, 3)
    await stir(stores, *ids)
    assert await changed(stores, ada, ALL, "0" * 24) == ids
    assert await changed(stores, ada, ALL, first[:-1] + ("0" if first[-1] != "0" else "1")) in (ids, [second, third])
    assert await changed(stores, ada, ALL, second) == [third]
    assert await changed(stores, ada, ALL, third) == await changed(stores, ada, ALL, "f" * 24) == []


async def test_what_has_not_changed_takes_no_place_on_a_page(stores: Stores) -> None:
    ada = new_id()
    ids = await talks(stores, ada, 10)
    stamp = await stir(stores, *ids)
    await stir(stores, ids[3], ids[8])
    await stores.activity.wake([ids[9]], "node")
    assert await changed(stores, ada, stamp, "", 2) == [ids[3], ids[8]]
    assert await changed(stores, ada, stamp, ids[8], 2) == [ids[9]]


async def test_hundreds_of_conversations_are_all_found(stores: Stores) -> None:
    ada = new_id()
    others = [direct(ada, new_id()) for _ in range(150)]
    await asyncio.gather(*map(stores.conversations.ensure, others))
    ids = sorted(each.id for each in others)
    stamp = await stir(stores, *ids)
    assert await changed(stores, ada, stamp - 1, "", 1000) == await changed(stores, ada, ALL, "", 1000) == ids
    assert await changed(stores, ada, stamp, "", 1000) == []


async def test_who_has_left_finds_that_until_it_was_stamped_and_from_a_lower_stamp_on(stores: Stores) -> None:
    group = Group()
    await group.keep(stores, 1)
    start = await stir(stores, group.id)
    await stores.activity.wake([group.id], "node")
    await group.keep(stores, 2)
    assert await group.finds(stores, start + 1000)
    await stores.activity.sleep([Activity(group.id, 2)], "node")
    left = await stores.activity.stamp()
    assert await group.finds(stores, left - 1)
    assert not await group.finds(stores, left)


async def test_who_has_left_hears_of_nothing_after_that(stores: Stores) -> None:
    group = Group()
    await group.keep(stores, 1)
    await group.keep(stores, 2)
    left = await stir(stores, group.id, seq=2)
    await stores.activity.wake([group.id], "node")
    assert not await group.finds(stores, left)
    assert await changed(stores, group.ada, left) == [group.id]
    await stir(stores, group.id, seq=9)
    assert not await group.finds(stores, left)
    assert await group.finds(stores, left - 1)
    assert await group.finds(stores, ALL)
    assert [row.until for row in await stores.inbox.all(group.bob)] == [2]


async def test_leaving_is_stamped_once_by_whichever_node_lets_it_sleep_first(stores: Stores) -> None:
    group = Group()
    await group.keep(stores, 1)
    for node in ("one", "two"):
        await stores.activity.wake([group.id], node)
    await group.keep(stores, 2)
    await stores.activity.sleep([Activity(group.id, 2)], "one")
    left = await stores.activity.stamp()
    await stores.activity.sleep([Activity(group.id, 2)], "two")
    assert await group.finds(stores, left - 1)
    assert not await group.finds(stores, left)


async def test_leaving_one_is_not_stamped_by_the_sleep_of_another(stores: Stores) -> None:
    group, other = Group(), Group()
    for each in (group, other):
        await each.keep(stores, 1)
        await each.keep(stores, 2)
    await stores.activity.wake([group.id], "node")
    await stir(stores, other.id)
    late = await stores.activity.stamp() + 1000
    assert await group.finds(stores, late)
    assert not await other.finds(stores, late)


async def test_all_who_have_left_any_of_those_that_fall_asleep_are_stamped(stores: Stores) -> None:
    groups = [Group() for _ in range(3)]
    for each in groups:
        await each.keep(stores, 1)
        await each.keep(stores, 2)
    stamp = await stir(stores, *(each.id for each in groups))
    for each in groups:
        assert await each.finds(stores, stamp - 1)
        assert not await each.finds(stores, stamp)


async def test_keeping_a_leaving_again_or_late_does_not_bring_it_back(stores: Stores) -> None:
    group = Group()
    await group.keep(stores, 1)
    await group.keep(stores, 2)
    left = await stir(stores, group.id, seq=2)
    for again in (2, 1):
        await group.keep(stores, again)
        assert not await group.finds(stores, left)
    assert [row.until for row in await stores.inbox.all(group.bob)] == [2]


async def test_who_comes_back_finds_what_goes_on_as_before(stores: Stores) -> None:
    group = Group()
    await group.keep(stores, 1)
    await group.keep(stores, 2)
    left = await stir(stores, group.id, seq=2)
    await stores.activity.wake([group.id], "node")
    await group.keep(stores, 3)
    assert await group.finds(stores, left)
    assert [(row.since, row.until) for row in await stores.inbox.all(group.bob)] == [(2, None)]
    await stores.activity.sleep([Activity(group.id, 3)], "node")
    back = await stores.activity.stamp()
    assert await group.finds(stores, left)
    assert not await group.finds(stores, back)


async def test_who_leaves_again_is_stamped_anew(stores: Stores) -> None:
    group = Group()
    for number in (1, 2, 3):
        await group.keep(stores, number)
        stamp = await stir(stores, group.id, seq=number)
    await group.keep(stores, 4)
    assert await group.finds(stores, stamp + 1000)
    left = await stir(stores, group.id, seq=4)
    assert await group.finds(stores, left - 1)
    assert not await group.finds(stores, left)
    assert [(row.since, row.until) for row in await stores.inbox.all(group.bob)] == [(2, 4)]


async def test_who_reads_the_stamp_before_the_rows_misses_nothing_of_what_goes_on_meanwhile(stores: Stores) -> None:
    ada = new_id()
    ids = await talks(stores, ada, 8)
    log, seen = dict.fromkeys(ids, 0), dict.fromkeys(ids, 0)
    cursors = [ALL]

    async def catch_up() -> None:
        stamp = await stores.activity.stamp()
        for row in await stores.inbox.changed(ada, cursors[-1], "", 100):
            here = row.activity.conversation
            # How far one that is awake has got only its log can tell.
            seen[here] = log[here] if row.activity.awake else row.activity.seq
        cursors.append(stamp)

    async def write(here: str, node: str) -> None:
        for seq in range(1, 11):
            await stores.activity.wake([here], node)
            log[here] = seq
            await stores.activity.sleep([Activity(here, seq)], node)

    writing = asyncio.gather(*(write(each, f"node{number}") for number, each in zip(count(), ids, strict=False)))
    while not writing.done():
        await catch_up()
    await writing
    await catch_up()
    assert seen == dict.fromkeys(ids, 10)
    assert cursors == sorted(cursors)
    assert await changed(stores, ada, cursors[-1]) == []
