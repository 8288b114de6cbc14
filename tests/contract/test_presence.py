"""What every `PresenceStore` promises."""

import asyncio

import pytest

from fireside.core.ids import new_id
from fireside.engines import Stores
from fireside.features.presence.service import PresenceStore
from tests.contract.samples import NOW, user


@pytest.fixture
def presence(stores: Stores) -> PresenceStore:
    return stores.presence


@pytest.fixture
async def people(stores: Stores) -> list[str]:
    """Three users."""
    users = [user(f"{name}-{new_id()[-8:]}") for name in ("ada", "bob", "eve")]
    for each in users:
        await stores.accounts.add(each)
    return [each.id for each in users]


async def test_when_somebody_was_seen_comes_back_to_the_millisecond(presence: PresenceStore, people: list[str]) -> None:
    ada, bob, _ = people
    await presence.saw({ada: NOW + 123, bob: NOW})
    assert await presence.last_seen(people) == {ada: NOW + 123, bob: NOW}
    assert await presence.last_seen([ada]) == {ada: NOW + 123}


async def test_who_never_was_seen_is_absent(presence: PresenceStore, people: list[str]) -> None:
    assert await presence.last_seen([*people, new_id()]) == await presence.last_seen([]) == {}
    await presence.saw({})
    await presence.saw({people[0]: NOW})
    assert await presence.last_seen([*people, new_id()]) == {people[0]: NOW}


async def test_the_latest_time_counts_in_whatever_order_they_come(presence: PresenceStore, people: list[str]) -> None:
    ada, bob, eve = people
    await presence.saw({ada: NOW + 5, bob: NOW + 5})
    await presence.saw({ada: NOW + 4, bob: NOW + 6, eve: NOW})
    assert await presence.last_seen(people) == {ada: NOW + 5, bob: NOW + 6, eve: NOW}
    await asyncio.gather(*(presence.saw({eve: NOW + at}) for at in (7, 9, 8, 3)))
    assert await presence.last_seen([eve]) == {eve: NOW + 9}


async def test_who_is_no_user_was_never_seen_and_stops_nobody(presence: PresenceStore, people: list[str]) -> None:
    nobody = new_id()
    await presence.saw({nobody: NOW, people[0]: NOW})
    assert await presence.last_seen([nobody, people[0]]) == {people[0]: NOW}


async def test_what_is_kept_of_a_user_is_not_touched(stores: Stores, people: list[str]) -> None:
    before = await stores.accounts.by_ids(people)
    await stores.presence.saw(dict.fromkeys(people, NOW))
    assert await stores.accounts.by_ids(people) == before


async def test_many_are_seen_at_once(stores: Stores) -> None:
    users = [user(f"user-{number}-{new_id()[-8:]}") for number in range(300)]
    for each in users:
        await stores.accounts.add(each)
    seen = {each.id: NOW + number for number, each in enumerate(users)}
    await stores.presence.saw(seen)
    assert await stores.presence.last_seen([each.id for each in users]) == seen
