"""What every `AccountStore` promises."""

import asyncio
from dataclasses import replace

import pytest

from fireside.core.errors import Conflict
from fireside.core.ids import new_id
from fireside.features.accounts.service import AccountStore, User
from tests.contract.samples import ODD_TEXTS, user


async def names(accounts: AccountStore, prefix: str, after: str = "", limit: int = 100) -> list[str]:
    return [found.username for found in await accounts.search(prefix, after, limit)]


async def keep(accounts: AccountStore, *usernames: str) -> None:
    for username in usernames:
        await accounts.add(user(username))


async def test_a_user_comes_back_as_it_was_kept(accounts: AccountStore) -> None:
    ada = user("Ada.Lovelace", created_at=1_700_000_000_123)
    await accounts.add(ada)
    assert await accounts.by_id(ada.id) == ada
    assert await accounts.by_username("Ada.Lovelace") == ada


async def test_who_is_not_there_is_none(accounts: AccountStore) -> None:
    await keep(accounts, "ada")
    assert await accounts.by_id(new_id()) is None
    assert await accounts.by_username("bob") is None
    assert await accounts.by_username("ad") is None


async def test_a_user_is_found_without_regard_to_case(accounts: AccountStore) -> None:
    ada = user("AdA")
    await accounts.add(ada)
    assert await accounts.by_username("aDa") == ada


@pytest.mark.parametrize("taken", ["ada", "ADA", "Ada"])
async def test_a_taken_name_is_refused_in_any_case_and_the_first_owner_keeps_it(
    accounts: AccountStore, taken: str
) -> None:
    ada, second = user("Ada"), user(taken)
    await accounts.add(ada)
    with pytest.raises(Conflict) as refusal:
        await accounts.add(second)
    assert refusal.value.details == {"field": "username"}
    assert await accounts.by_username("ada") == ada
    assert await accounts.by_id(second.id) is None


async def test_names_that_differ_by_a_sign_are_different(accounts: AccountStore) -> None:
    await keep(accounts, "a.b.c", "a_b_c", "a-b-c", "abc")
    assert len(await names(accounts, "a")) == 4


async def test_fifty_who_register_one_name_at_once_leave_one(accounts: AccountStore) -> None:
    everyone = [user(name) for name in ("Ada", "ada") * 25]
    outcomes = await asyncio.gather(*map(accounts.add, everyone), return_exceptions=True)
    accepted = [one for one, outcome in zip(everyone, outcomes, strict=True) if outcome is None]
    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Conflict] * 49
    assert [await accounts.by_username("ada")] == accepted
    assert await accounts.existing([one.id for one in everyone]) == {accepted[0].id}


@pytest.mark.parametrize("text", [text for text in ODD_TEXTS if len(text) <= 60])
async def test_any_text_comes_back_unchanged(accounts: AccountStore, text: str) -> None:
    odd = replace(user("odd"), email=f"{text}@example.org")
    await accounts.add(odd)
    assert await accounts.by_id(odd.id) == odd


async def test_operators_in_a_name_are_a_name_that_nobody_has(accounts: AccountStore) -> None:
    await keep(accounts, "ada")
    for name in ('{"$gt": ""}', "$gt", "%", "' OR 1=1 --", ".*", ""):
        assert await accounts.by_username(name) is None
    assert await names(accounts, ".*") == await names(accounts, "%") == []


async def test_existing_leaves_out_strangers(accounts: AccountStore) -> None:
    ada, bob, stranger = user("ada"), user("bob"), new_id()
    await accounts.add(ada)
    await accounts.add(bob)
    assert await accounts.existing([ada.id, stranger, bob.id, ada.id]) == {ada.id, bob.id}
    assert await accounts.existing([stranger]) == set()
    assert await accounts.existing([]) == set()


async def test_a_search_is_by_prefix_in_the_order_of_folded_names(accounts: AccountStore) -> None:
    await keep(accounts, "bob", "Bobby", "BOBA", "rob", "bo")
    assert await names(accounts, "bob") == ["bob", "BOBA", "Bobby"]
    assert await names(accounts, "BOB") == ["bob", "BOBA", "Bobby"]
    assert await names(accounts, "bobx") == []


async def test_a_search_is_paged_by_the_last_name_seen(accounts: AccountStore) -> None:
    await keep(accounts, *(f"user{number}" for number in range(10)))
    assert await names(accounts, "user", limit=4) == ["user0", "user1", "user2", "user3"]
    assert await names(accounts, "user", "user3", 4) == ["user4", "user5", "user6", "user7"]
    assert await names(accounts, "user", "USER7", 4) == ["user8", "user9"]
    assert await names(accounts, "user", "user9", 4) == []


async def test_a_page_may_begin_before_or_behind_the_prefix(accounts: AccountStore) -> None:
    await keep(accounts, "anna", "bob", "carl")
    assert await names(accounts, "bob", "aaa") == ["bob"]
    assert await names(accounts, "bob", "bob") == []
    assert await names(accounts, "bob", "carl") == []


@pytest.mark.parametrize("sign", ["_", ".", "-"])
async def test_a_sign_in_the_prefix_stands_for_itself(accounts: AccountStore, sign: str) -> None:
    await keep(accounts, "a_b", "a.b", "a-b", "axb", "ab")
    assert await names(accounts, f"a{sign}") == [f"a{sign}b"]


async def test_a_search_returns_whole_users(accounts: AccountStore) -> None:
    ada: User = user("Ada", created_at=1_700_000_000_999)
    await accounts.add(ada)
    assert await accounts.search("a", "", 1) == [ada]


async def test_those_of_several_that_there_are_are_found_by_their_ids(accounts: AccountStore) -> None:
    ada, bob, carl = user("ada"), user("bob"), user("carl")
    for each in (ada, bob, carl):
        await accounts.add(each)
    assert await accounts.by_ids([carl.id, new_id(), ada.id, carl.id]) == {ada.id: ada, carl.id: carl}
    assert await accounts.by_ids([new_id()]) == await accounts.by_ids([]) == {}


async def test_those_of_several_that_there_are_are_found_by_their_names_in_any_case(accounts: AccountStore) -> None:
    ada, bob, carl = user("Ada"), user("bob"), user("carl")
    for each in (ada, bob, carl):
        await accounts.add(each)
    found = await accounts.by_usernames(["CARL", "nobody", "ada", "carl", "AdA"])
    assert sorted(found, key=lambda each: each.username) == [ada, carl]


async def test_no_names_and_names_of_nobody_find_nobody(accounts: AccountStore) -> None:
    await keep(accounts, "ada")
    assert await accounts.by_usernames([]) == []
    assert await accounts.by_usernames(["ad", "adaa", "", "%", ".*", '{"$gt": ""}', "$gt"]) == []


async def test_many_are_found_at_once(accounts: AccountStore) -> None:
    everyone = [user(f"user{number}") for number in range(120)]
    await asyncio.gather(*map(accounts.add, everyone))
    assert await accounts.by_ids([one.id for one in everyone]) == {one.id: one for one in everyone}
    found = await accounts.by_usernames([one.username.upper() for one in everyone])
    assert {one.id for one in found} == {one.id for one in everyone}
    assert len(found) == 120


async def test_who_is_new_shows_how_far_they_have_read_unless_they_came_otherwise(accounts: AccountStore) -> None:
    ada, bob = user("ada"), replace(user("bob"), read_receipts=False)
    await accounts.add(ada)
    await accounts.add(bob)
    assert await accounts.by_ids([ada.id, bob.id]) == {ada.id: ada, bob.id: bob}
    assert ada.read_receipts


async def test_showing_ones_reading_is_set_as_often_as_one_likes_and_seen_wherever_one_is_found(
    accounts: AccountStore,
) -> None:
    ada, bob = user("ada"), user("bob")
    await accounts.add(ada)
    await accounts.add(bob)
    for shown in (False, False, True, True, False):
        await accounts.show_reading(ada.id, shown)
        now = replace(ada, read_receipts=shown)
        assert await accounts.by_id(ada.id) == await accounts.by_username("ada") == now
        assert await accounts.by_ids([ada.id, bob.id]) == {ada.id: now, bob.id: bob}
        assert await accounts.by_usernames(["ada"]) == await accounts.search("a", "", 1) == [now]


async def test_a_new_password_takes_the_place_of_the_old_one_and_nobody_elses(accounts: AccountStore) -> None:
    ada, bob = user("ada"), user("bob")
    await accounts.add(ada)
    await accounts.add(bob)
    for hashed in ("one hash", "another"):
        await accounts.set_password(ada.id, hashed)
        found = await accounts.by_ids([ada.id, bob.id])
        assert found == {ada.id: replace(ada, password_hash=hashed), bob.id: bob}


async def test_a_stranger_can_set_nothing(accounts: AccountStore) -> None:
    stranger = new_id()
    await accounts.show_reading(stranger, False)
    await accounts.set_password(stranger, "hash")
    assert await accounts.by_id(stranger) is None
    assert await accounts.existing([stranger]) == set()
