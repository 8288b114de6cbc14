"""Who exists: asked of the store once for everyone who wants to know."""

import asyncio
from collections.abc import Sequence

import pytest

from fireside.core.errors import Unavailable
from fireside.core.ids import new_id
from fireside.features.accounts.known import KNOWN_FOR_S, LOOK_UP_MAX, KnownUsers
from fireside.features.accounts.service import User
from tests.features.accounts.fakes import NOW_MS, Monotonic, OpenAccounts


class SlowAccounts(OpenAccounts):
    """Answers `existing` when told to, with `trouble` where there is some."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.trouble: Exception | None = None

    async def existing(self, user_ids: Sequence[str]) -> set[str]:
        found = await super().existing(user_ids)
        await self.go.wait()
        if self.trouble is not None:
            raise self.trouble
        return found


async def users_in(store: OpenAccounts, count: int) -> list[str]:
    ids = [new_id() for _ in range(count)]
    for number, user_id in enumerate(ids):
        await store.add(User(user_id, f"user{number}", "a@b", "", NOW_MS))
    return ids


async def ticks(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_only_users_exist() -> None:
    store = OpenAccounts()
    known = KnownUsers(store)
    [anna] = await users_in(store, 1)
    assert await known.exists(anna)
    assert not await known.exists(new_id())


@pytest.mark.parametrize("user_id", ["", "anna", "A" * 24, "\ud800", "x" * 1_000_000])
async def test_what_has_not_the_form_of_an_id_is_not_looked_up(user_id: str) -> None:
    store = OpenAccounts()
    assert not await KnownUsers(store).exists(user_id)
    assert store.asked == []


async def test_who_exists_is_remembered_for_a_while() -> None:
    store, clock = OpenAccounts(), Monotonic()
    known = KnownUsers(store, clock)
    [anna] = await users_in(store, 1)
    for _ in range(3):
        assert await known.exists(anna)
    assert store.asked == [[anna]]
    store.users.clear()
    clock.now += KNOWN_FOR_S - 0.1
    assert await known.exists(anna), "not asked again yet"
    clock.now += 0.1
    assert not await known.exists(anna)


async def test_who_does_not_exist_is_looked_up_each_time_and_found_once_registered() -> None:
    store = OpenAccounts()
    known = KnownUsers(store)
    someone = new_id()
    assert not await known.exists(someone)
    await store.add(User(someone, "anna", "a@b", "", NOW_MS))
    assert await known.exists(someone)


async def test_everyone_who_asks_in_one_tick_shares_one_look_up() -> None:
    store = OpenAccounts()
    known = KnownUsers(store)
    ids = await users_in(store, 50)
    strangers = [new_id() for _ in range(50)]
    answers = await asyncio.gather(*map(known.exists, [*ids, *strangers, *ids]))
    assert answers == [True] * 50 + [False] * 50 + [True] * 50
    assert [sorted(asked) for asked in store.asked] == [sorted([*ids, *strangers])]


async def test_a_storm_costs_one_look_up_for_each_few_hundred_people() -> None:
    store = OpenAccounts()
    known = KnownUsers(store)
    ids = await users_in(store, 2 * LOOK_UP_MAX + 1)
    assert all(await asyncio.gather(*map(known.exists, ids)))
    assert [len(asked) for asked in store.asked] == [LOOK_UP_MAX, LOOK_UP_MAX, 1]


async def test_who_asks_while_a_look_up_is_under_way_is_answered_by_the_next() -> None:
    store = SlowAccounts()
    known = KnownUsers(store)
    someone = new_id()
    before = asyncio.create_task(known.exists(someone))
    await ticks()
    await store.add(User(someone, "anna", "a@b", "", NOW_MS))
    after = asyncio.create_task(known.exists(someone))
    await ticks()
    store.go.set()
    assert (await before, await after) == (False, True)
    assert store.asked == [[someone], [someone]]


async def test_trouble_reaches_everyone_who_asked_and_the_next_look_up_is_a_new_one() -> None:
    store = SlowAccounts()
    store.trouble = Unavailable("The store does not answer.")
    store.go.set()
    known = KnownUsers(store)
    ids = await users_in(store, 3)
    answers = await asyncio.gather(*map(known.exists, ids), return_exceptions=True)
    assert answers == [store.trouble] * 3
    store.trouble = None
    assert await known.exists(ids[0])


async def test_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    store = SlowAccounts()
    known = KnownUsers(store)
    [anna] = await users_in(store, 1)
    impatient, patient = (asyncio.create_task(known.exists(anna)) for _ in range(2))
    await ticks()
    impatient.cancel()
    await ticks()
    store.go.set()
    assert await patient
    assert impatient.cancelled()


async def test_trouble_that_nobody_waits_for_any_more_is_not_reported_as_lost(
    recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    store = SlowAccounts()
    store.trouble = Unavailable("The store does not answer.")
    known = KnownUsers(store)
    waiter = asyncio.create_task(known.exists(new_id()))
    await ticks()
    waiter.cancel()
    store.go.set()
    await ticks()
    assert not recwarn.list
    assert not caplog.records


async def test_when_the_look_up_itself_is_cancelled_nobody_waits_for_ever() -> None:
    store = SlowAccounts()
    known = KnownUsers(store)
    before = asyncio.all_tasks()
    waiter = asyncio.create_task(known.exists(new_id()))
    await ticks()
    [look_up] = asyncio.all_tasks() - before - {waiter}
    look_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter


async def test_no_look_up_outlives_its_answer() -> None:
    store = OpenAccounts()
    known = KnownUsers(store)
    before = asyncio.all_tasks()
    await asyncio.gather(*(known.exists(new_id()) for _ in range(10)))
    await ticks()
    assert asyncio.all_tasks() == before


async def test_the_memory_of_who_exists_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fireside.features.accounts.known.KNOWN_MAX", 2)
    store = OpenAccounts()
    known = KnownUsers(store)
    ids = await users_in(store, 3)
    for user_id in ids:
        await known.exists(user_id)
    store.asked.clear()
    await known.exists(ids[2])
    await known.exists(ids[0])
    assert store.asked == [[ids[0]]], "the one seen longest ago was forgotten"
