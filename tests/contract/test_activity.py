"""What every `ActivityStore` promises."""

import asyncio

import pytest

from fireside.core.ids import new_id
from fireside.features.conversations.activity import Activity, ActivityStore
from fireside.store.sqlite import SqliteActivity
from tests.contract.samples import NOW
from tests.fakes import FakeActivity


@pytest.fixture
def here() -> str:
    return new_id()


async def row(activity: ActivityStore, conversation: str) -> Activity:
    return (await activity.rows([conversation]))[conversation]


async def test_what_was_never_woken_has_no_row(activity: ActivityStore, here: str) -> None:
    assert await activity.rows([here]) == await activity.rows([]) == {}


async def test_waking_makes_the_row_that_was_missing(activity: ActivityStore, here: str) -> None:
    woken = await activity.wake([here], "one")
    assert woken == await activity.rows([here]) == {here: Activity(here, awake=("one",))}


async def test_waking_again_changes_nothing(activity: ActivityStore, here: str) -> None:
    first = await activity.wake([here], "one")
    assert await activity.wake([here, here], "one") == await activity.rows([here, here]) == first


async def test_several_are_woken_at_once_those_that_are_there_and_those_that_are_not(activity: ActivityStore) -> None:
    old, new, other = new_id(), new_id(), new_id()
    await activity.wake([old, other], "one")
    await activity.sleep([Activity(old, 5, 3, NOW)], "one")
    woken = await activity.wake([new, old], "two")
    assert woken == {
        new: Activity(new, awake=("two",)),
        old: Activity(old, 5, 3, NOW, await activity.stamp(), ("two",)),
    }
    assert await activity.rows([other, new, old]) == woken | {other: Activity(other, awake=("one",))}


async def test_nothing_can_be_woken_put_to_sleep_and_forgotten(activity: ActivityStore, here: str) -> None:
    before = await activity.wake([here], "one")
    assert await activity.wake([], "one") == {}
    await activity.sleep([], "one")
    await activity.forget("one", [])
    assert await activity.rows([here]) == before


async def test_a_conversation_may_be_awake_on_several_nodes(activity: ActivityStore, here: str) -> None:
    await activity.wake([here], "two")
    await activity.wake([here], "one")
    woken = await activity.wake([here], "three")
    assert set(woken[here].awake) == {"one", "two", "three"}
    assert len(woken[here].awake) == 3


async def test_falling_asleep_keeps_how_far_it_had_got(activity: ActivityStore, here: str) -> None:
    await activity.wake([here], "one")
    await activity.sleep([Activity(here, 1 << 40, 1 << 33, NOW)], "one")
    asleep = Activity(here, 1 << 40, 1 << 33, NOW, await activity.stamp())
    assert await activity.rows([here]) == {here: asleep}


async def test_numbers_only_rise_each_by_itself(activity: ActivityStore, here: str) -> None:
    await activity.wake([here], "one")
    expected = [(5, 5, 5), (5, 5, 5), (5, 7, 5), (8, 7, 1), (8, 7, 6), (9, 9, 9)]
    for given, kept in zip([(5, 5, 5), (0, 0, 6), (4, 7, 5), (8, 1, 1), (8, 7, 6), (9, 9, 9)], expected, strict=True):
        await activity.sleep([Activity(here, *given)], "one")
        found = await row(activity, here)
        assert (found.seq, found.rev, found.at) == kept


async def test_the_time_is_that_of_the_last_message_whatever_the_clocks_say(activity: ActivityStore, here: str) -> None:
    await activity.wake([here], "one")
    given = [(5, NOW + 1_000_000), (4, NOW + 2_000_000), (6, NOW), (5, NOW + 1_000_000), (6, NOW), (7, NOW + 1)]
    kept = [(5, NOW + 1_000_000), (5, NOW + 1_000_000), (6, NOW), (6, NOW), (6, NOW), (7, NOW + 1)]
    for (seq, at), expected in zip(given, kept, strict=True):
        await activity.sleep([Activity(here, seq, at=at)], "one")
        found = await row(activity, here)
        assert (found.seq, found.at) == expected


async def test_whatever_stamp_is_given_falling_asleep_takes_the_next(activity: ActivityStore, here: str) -> None:
    await activity.wake([here], "one")
    before = await activity.stamp()
    await activity.sleep([Activity(here, stamp=before + 1000, awake=("one", "two"))], "one")
    assert before < (await row(activity, here)).stamp == await activity.stamp() < before + 1000
    assert (await row(activity, here)).awake == ()


async def test_a_stamp_is_higher_than_all_before(activity: ActivityStore) -> None:
    stamps = [await activity.stamp()]
    for _ in range(5):
        some = [new_id(), new_id()]
        await activity.wake(some, "one")
        assert await activity.stamp() == stamps[-1]
        await activity.sleep([Activity(each, 1) for each in some], "one")
        (stamp,) = {each.stamp for each in (await activity.rows(some)).values()}
        assert stamp == await activity.stamp() > max(stamps)
        stamps.append(stamp)


async def test_a_stamp_is_no_lower_than_one(activity: ActivityStore) -> None:
    # 0 is the stamp of what has never slept: a cursor of 0 would be none.
    assert await activity.stamp() >= 1


async def test_falling_asleep_again_gives_a_higher_stamp_and_takes_nothing_back(
    activity: ActivityStore, here: str
) -> None:
    await activity.wake([here], "one")
    await activity.sleep([Activity(here, 5, 3, NOW)], "one")
    first = await row(activity, here)
    await activity.sleep([Activity(here, 5, 3, NOW)], "one")
    again = await row(activity, here)
    assert again.stamp > first.stamp
    assert again == Activity(here, 5, 3, NOW, again.stamp)


async def test_what_sleeps_on_one_node_stays_awake_on_the_others(activity: ActivityStore, here: str) -> None:
    for node in ("one", "two"):
        await activity.wake([here], node)
    await activity.sleep([Activity(here, 5)], "one")
    assert await activity.rows([here]) == {here: Activity(here, 5, stamp=await activity.stamp(), awake=("two",))}
    await activity.sleep([Activity(here, 4)], "two")
    assert await activity.rows([here]) == {here: Activity(here, 5, stamp=await activity.stamp())}


async def test_who_has_it_not_awake_can_put_it_to_sleep_for_nobody_else(activity: ActivityStore, here: str) -> None:
    await activity.wake([here], "one")
    await activity.sleep([Activity(here, 5)], "two")
    assert (await row(activity, here)).awake == ("one",)


async def test_one_that_was_never_woken_gets_no_row_by_sleeping(activity: ActivityStore, here: str) -> None:
    other = new_id()
    await activity.wake([other], "one")
    await activity.sleep([Activity(here, 5), Activity(other, 6)], "one")
    assert await activity.rows([here, other]) == {other: Activity(other, 6, stamp=await activity.stamp())}


async def test_many_are_woken_and_put_to_sleep_at_once(activity: ActivityStore) -> None:
    ids = [new_id() for _ in range(350)]
    assert len(await activity.wake(ids, "one")) == 350
    await activity.sleep([Activity(each, number) for number, each in enumerate(ids)], "one")
    stamp = await activity.stamp()
    assert await activity.rows(ids) == {each: Activity(each, n, stamp=stamp) for n, each in enumerate(ids)}


async def test_twenty_nodes_that_wake_one_at_once_all_have_it_and_let_it_sleep_at_once(
    activity: ActivityStore, here: str
) -> None:
    nodes = [f"node{number}" for number in range(20)]
    woken = await asyncio.gather(*(activity.wake([here], node) for node in nodes))
    assert all(node in found[here].awake for node, found in zip(nodes, woken, strict=True))
    assert set((await row(activity, here)).awake) == set(nodes)
    before = await activity.stamp()
    rows = [Activity(here, number, 19 - number, number % 7) for number in range(20)]
    await asyncio.gather(*(activity.sleep([each], node) for each, node in zip(rows, nodes, strict=True)))
    assert await activity.stamp() == before + 20
    assert await row(activity, here) == Activity(here, 19, 19, 5, before + 20)


async def test_no_two_that_fall_asleep_at_once_get_one_stamp(activity: ActivityStore) -> None:
    ids = [new_id() for _ in range(20)]
    await activity.wake(ids, "one")
    await asyncio.gather(*(activity.sleep([Activity(each)], "one") for each in ids))
    assert len({each.stamp for each in (await activity.rows(ids)).values()}) == 20


async def test_what_a_node_has_awake_is_listed_up_to_a_limit(activity: ActivityStore) -> None:
    ids, other = [new_id() for _ in range(5)], new_id()
    await activity.wake(ids, "one")
    await activity.wake([other, ids[0]], "two")
    assert sorted(await activity.awake_on("one", 10)) == sorted(ids)
    assert sorted(await activity.awake_on("two", 10)) == sorted([other, ids[0]])
    assert await activity.awake_on("three", 10) == []
    some = await activity.awake_on("one", 3)
    assert len(set(some)) == len(some) == 3
    assert set(some) < set(ids)


async def test_what_has_fallen_asleep_is_on_no_list(activity: ActivityStore) -> None:
    asleep, awake = new_id(), new_id()
    await activity.wake([asleep, awake], "one")
    await activity.sleep([Activity(asleep)], "one")
    assert await activity.awake_on("one", 10) == [awake]


async def test_a_node_that_is_forgotten_takes_nobody_else_with_it(activity: ActivityStore) -> None:
    both, mine, left = new_id(), new_id(), new_id()
    await activity.wake([both, mine, left], "one")
    await activity.wake([both], "two")
    before = await activity.rows([both, mine, left])
    await activity.forget("one", [both, mine, new_id()])
    await activity.forget("one", [both])
    after = await activity.rows([both, mine, left])
    assert after == {both: Activity(both, awake=("two",)), mine: Activity(mine), left: before[left]}
    assert await activity.awake_on("one", 10) == [left]
    assert await activity.awake_on("two", 10) == [both]


async def test_forgetting_takes_no_stamp_and_no_number(activity: ActivityStore, here: str) -> None:
    await activity.wake([here], "one")
    await activity.sleep([Activity(here, 5, 3, NOW)], "one")
    asleep = await row(activity, here)
    await activity.wake([here], "one")
    await activity.forget("one", [here])
    assert await row(activity, here) == asleep
    assert await activity.stamp() == asleep.stamp


# Who is dead is another matter on each engine. One process owns an SQLite file, so whoever else is in it has died; in
# MongoDB a lease has run out, by the server's clock; and the fake is told.


async def let_lease_run_out(activity: ActivityStore, node: str) -> None:
    """Return when this node's last lease is over, and others know it."""
    if isinstance(activity, FakeActivity):
        activity.dying.add(node)
    await activity.renew(node, 0.002)
    while node not in await activity.dead("nobody"):
        pass  # each look takes the server a moment


async def test_a_node_whose_lease_has_run_out_is_dead_to_the_others_but_not_to_itself(
    activity: ActivityStore, here: str
) -> None:
    await activity.renew("one", 600)
    await activity.wake([here], "one")
    await activity.wake([new_id(), here], "two")
    await let_lease_run_out(activity, "two")
    assert await activity.dead("one") == ["two"]
    assert "two" not in await activity.dead("two")


async def test_a_node_is_alive_while_its_lease_lasts(activity: ActivityStore, here: str) -> None:
    await activity.renew("two", 600)
    await activity.wake([here], "two")
    # In SQLite there is nobody else while this process has the file.
    assert await activity.dead("one") == (["two"] if isinstance(activity, SqliteActivity) else [])


async def test_a_node_that_renews_its_lease_lives_on(activity: ActivityStore, here: str) -> None:
    await activity.wake([here], "two")
    await let_lease_run_out(activity, "two")
    if isinstance(activity, FakeActivity):
        activity.dying.clear()
    await activity.renew("two", 600)
    assert await activity.dead("one") == (["two"] if isinstance(activity, SqliteActivity) else [])


async def test_a_dead_node_with_nothing_awake_is_none_to_look_after(activity: ActivityStore, here: str) -> None:
    await activity.wake([here], "two")
    await let_lease_run_out(activity, "two")
    await activity.sleep([Activity(here)], "two")
    assert await activity.dead("one") == []


async def test_a_dead_node_is_looked_after_until_all_it_left_is_forgotten(activity: ActivityStore) -> None:
    ids = [new_id() for _ in range(3)]
    await activity.wake(ids, "two")
    await let_lease_run_out(activity, "two")
    left = 3
    while dead := await activity.dead("one"):
        assert dead == ["two"]
        some = await activity.awake_on("two", 2)
        await activity.wake(some, "one")
        await activity.forget("two", some)
        left -= len(some)
    assert left == 0
    assert sorted(await activity.awake_on("one", 10)) == sorted(ids)


async def test_nobody_is_dead_where_nothing_is_awake(activity: ActivityStore) -> None:
    assert await activity.dead("one") == []
    await activity.renew("two", 0.001)
    assert await activity.dead("one") == []
