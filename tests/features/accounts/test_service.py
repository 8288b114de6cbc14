"""The use cases of accounts, and what a stranger can do with a password that is not theirs."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fireside.auth.passwords import QUEUE, THREADS
from fireside.core.errors import Conflict, InvalidCredentials, InvalidInput, NotFound, RateLimited, Unavailable
from fireside.core.ids import is_id
from fireside.core.limits import RateLimiter
from fireside.features.accounts.service import Accounts, LoginFailures
from tests.features.accounts.fakes import NOW_MS, FakeHasher, Monotonic, OpenAccounts

HOME, ELSEWHERE = "192.0.2.1", "198.51.100.1"
PASSWORD = "correct horse battery"


class House:
    """Accounts on fakes, with a clock to turn."""

    def __init__(self, *, limited: bool = True) -> None:
        self.store = OpenAccounts()
        self.hasher = FakeHasher()
        self.clock = Monotonic()
        self.accounts = Accounts(
            self.store,
            self.hasher,
            LoginFailures(limited, self.clock),
            lambda: NOW_MS,
            registrations=RateLimiter(1 / 60, 50, monotonic=self.clock) if limited else None,
        )

    async def register(self, username: str = "anna", password: str = PASSWORD, email: str = "anna@example.org") -> None:
        await self.accounts.register(username, password, email, HOME)

    async def fail(self, username: str = "anna", address: str = ELSEWHERE) -> str:
        """The code that a wrong password gets."""
        try:
            await self.accounts.log_in(username, "wrong password", address)
        except (InvalidCredentials, RateLimited) as error:
            return error.code
        raise AssertionError("a wrong password was accepted")


@pytest.fixture
def house() -> House:
    return House()


# ── registering ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_who_registers_is_stored_with_a_hash_and_not_the_password(house: House) -> None:
    user = await house.accounts.register("Anna", PASSWORD, "anna@example.org", HOME)
    assert is_id(user.id)
    assert await house.store.by_id(user.id) == user
    assert (user.username, user.email, user.created_at) == ("Anna", "anna@example.org", NOW_MS)
    assert user.password_hash == f"hash of {PASSWORD}"


async def test_a_hash_does_not_show_in_what_is_printed_of_a_user(house: House) -> None:
    assert "hash" not in repr(await house.accounts.register("anna", PASSWORD, "anna@example.org", HOME))


@pytest.mark.parametrize("username", ["abc", "a" * 32, "A.b-c_9", "...", "000"])
async def test_a_username_is_3_to_32_of_the_allowed_characters(house: House, username: str) -> None:
    await house.register(username)


BAD_USERNAMES = [
    "",
    "ab",
    "a" * 33,
    "an na",
    "anna ",
    "anna\n",
    "an\0na",
    "anna@example.org",
    "ánna",
    "\u0430nna",  # a Cyrillic first letter
    "anna\u202e",
    "an\u200bna",
    "anna\u0663",
    "<b>anna</b>",
    "$where",
    "an\ud800na",
]


@pytest.mark.parametrize("username", BAD_USERNAMES)
async def test_any_other_username_is_refused_and_nothing_is_stored(house: House, username: str) -> None:
    with pytest.raises(InvalidInput, match="username") as refusal:
        await house.register(username)
    assert refusal.value.details == {"field": "username"}
    assert house.store.users == {}


@pytest.mark.parametrize("email", ["a@b", "anna.b+c@example.org", "ännä@beispiel.de", "a@" + "b" * 252])
async def test_an_email_looks_like_one(house: House, email: str) -> None:
    await house.register(email=email)


@pytest.mark.parametrize(
    "email", ["", "anna", "anna@", "@example.org", "a@b@c", "a b@c", "a@b\n", "a@b\0", "a@\ud800", "a@" + "b" * 253]
)
async def test_any_other_email_is_refused(house: House, email: str) -> None:
    with pytest.raises(InvalidInput, match="email"):
        await house.register(email=email)


@pytest.mark.parametrize("password", ["x" * 7, "x" * 73, "é" * 37, "long enough\0"])
async def test_a_password_that_cannot_be_hashed_whole_is_refused(house: House, password: str) -> None:
    with pytest.raises(InvalidInput, match="password"):
        await house.register(password=password)


async def test_a_username_is_taken_in_any_case(house: House) -> None:
    await house.register("Anna")
    for username in ("Anna", "anna", "ANNA"):
        with pytest.raises(Conflict):
            await house.register(username)
    assert len(house.store.users) == 1


async def test_two_people_may_share_an_email_so_nobody_learns_whose_is_known(house: House) -> None:
    await house.register("anna", email="family@example.org")
    await house.register("ben", email="family@example.org")


async def test_registrations_from_one_address_are_limited_and_bad_ones_are_free(house: House) -> None:
    for number in range(50):
        with pytest.raises(InvalidInput):
            await house.register("x")
        await house.register(f"pupil{number}")
    with pytest.raises(RateLimited) as refusal:
        await house.register("one.too.many")
    assert refusal.value.retry_after_s == 60
    await house.accounts.register("somebody.else", PASSWORD, "a@b", ELSEWHERE)
    house.clock.now += 60
    await house.register("one.too.many")


# ── logging in ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("username", ["Anna", "anna", "ANNA"])
async def test_the_right_password_logs_in_whatever_the_case_of_the_name(house: House, username: str) -> None:
    await house.register("Anna")
    assert (await house.accounts.log_in(username, PASSWORD, HOME)).username == "Anna"


@pytest.mark.parametrize("username", ["anna", "nobody", *BAD_USERNAMES, "x" * 10_000])
@pytest.mark.parametrize("password", ["wrong password", "", "short", "x" * 10_000, "\ud800", "a\0b"])
async def test_every_failure_is_the_same_answer_after_one_verification(
    house: House, username: str, password: str
) -> None:
    await house.register("anna")
    with pytest.raises(InvalidCredentials) as refusal:
        await house.accounts.log_in(username, password, HOME)
    assert (refusal.value.message, refusal.value.details) == ("Invalid credentials", None)
    hashed = f"hash of {PASSWORD}" if username == "anna" else None
    assert house.hasher.verified == [(password, hashed)]


async def test_a_password_set_elsewhere_may_be_shorter_than_ours(house: House) -> None:
    await house.register("anna")
    [moved] = house.store.users.values()
    house.store.users[moved.id] = replace(moved, password_hash="hash of short")
    assert (await house.accounts.log_in("anna", "short", HOME)).id == moved.id


async def test_the_sixth_failure_of_an_account_from_one_address_has_to_wait(house: House) -> None:
    await house.register()
    assert [await house.fail() for _ in range(6)] == ["invalid_credentials"] * 5 + ["rate_limited"]
    with pytest.raises(RateLimited) as refusal:
        await house.accounts.log_in("anna", PASSWORD, ELSEWHERE)
    assert refusal.value.retry_after_s == 180, "the right password has to wait too, or guessing would go on"
    house.clock.now += 180
    await house.accounts.log_in("anna", PASSWORD, ELSEWHERE)


async def test_an_unknown_account_is_limited_like_a_known_one(house: House) -> None:
    assert [await house.fail("nobody") for _ in range(6)] == ["invalid_credentials"] * 5 + ["rate_limited"]


async def test_the_case_of_the_name_does_not_evade_the_limit(house: House) -> None:
    names = ["anna", "Anna", "aNna", "anNa", "annA", "ANNA"]
    assert [await house.fail(name) for name in names][-1] == "rate_limited"


async def test_a_refused_attempt_verifies_nothing(house: House) -> None:
    for _ in range(10):
        await house.fail()
    assert len(house.hasher.verified) == 5


async def test_a_stranger_who_fails_on_purpose_does_not_lock_the_owner_out(house: House) -> None:
    await house.register()
    for _ in range(100):
        await house.fail(address=ELSEWHERE)
    await house.accounts.log_in("anna", PASSWORD, HOME)


async def test_many_addresses_together_are_limited_and_the_owner_at_home_is_not(house: House) -> None:
    await house.register()
    await house.accounts.log_in("anna", PASSWORD, HOME)
    codes = [await house.fail(address=f"198.51.{number // 5}.1") for number in range(500)]
    assert codes.count("invalid_credentials") == 100
    await house.accounts.log_in("anna", PASSWORD, HOME)
    assert [await house.fail(address=HOME) for _ in range(6)][-1] == "rate_limited"


async def test_one_address_that_tries_many_accounts_is_limited(house: House) -> None:
    await house.register()
    codes = [await house.fail(f"user{number}") for number in range(70)]
    assert codes == ["invalid_credentials"] * 60 + ["rate_limited"] * 10
    await house.accounts.log_in("anna", PASSWORD, HOME)


async def test_successes_are_not_limited(house: House) -> None:
    await house.register()
    for _ in range(200):
        await house.accounts.log_in("anna", PASSWORD, HOME)


async def test_a_success_does_not_forgive_earlier_failures(house: House) -> None:
    await house.register()
    for _ in range(4):
        await house.fail(address=HOME)
    await house.accounts.log_in("anna", PASSWORD, HOME)
    assert [await house.fail(address=HOME) for _ in range(2)] == ["invalid_credentials", "rate_limited"]


async def test_attempts_made_together_all_count(house: House) -> None:
    house.hasher.go.clear()
    guesses = [asyncio.create_task(house.fail()) for _ in range(30)]
    await asyncio.sleep(0.01)
    house.hasher.go.set()
    codes = await asyncio.gather(*guesses)
    assert codes.count("invalid_credentials") == len(house.hasher.verified) == 5


async def test_a_class_that_logs_in_together_from_one_address_is_let_in(house: House) -> None:
    pupils = [f"pupil{number}" for number in range(THREADS + QUEUE)]
    for username in pupils:
        await house.register(username)
    house.hasher.go.clear()
    coming_in = [asyncio.create_task(house.accounts.log_in(username, PASSWORD, HOME)) for username in pupils]
    await asyncio.sleep(0.01)
    house.hasher.go.set()
    assert [user.username for user in await asyncio.gather(*coming_in)] == pupils


@pytest.mark.parametrize("trouble", [Unavailable("Too many are logging in."), RuntimeError("a bug")])
async def test_an_attempt_that_found_nothing_out_does_not_count(house: House, trouble: Exception) -> None:
    house.hasher.trouble = trouble
    for _ in range(50):
        with pytest.raises(type(trouble)):
            await house.accounts.log_in("anna", "wrong password", ELSEWHERE)
    house.hasher.trouble = None
    assert await house.fail() == "invalid_credentials"


async def test_limits_can_be_off() -> None:
    house = House(limited=False)
    assert {await house.fail() for _ in range(200)} == {"invalid_credentials"}
    for number in range(200):
        await house.register(f"user{number}")


# ── a new password ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_new_password_lets_in_and_the_old_one_no_more(house: House) -> None:
    await house.register("Anna")
    user = await house.accounts.set_password("anna", "another horse")
    assert (await house.accounts.log_in("anna", "another horse", HOME)).id == user.id
    with pytest.raises(InvalidCredentials):
        await house.accounts.log_in("anna", PASSWORD, HOME)


async def test_a_new_password_is_one_and_somebodys(house: House) -> None:
    await house.register("anna")
    before = dict(house.store.users)
    with pytest.raises(InvalidInput, match="password"):
        await house.accounts.set_password("anna", "short")
    for nobody in ("bob", "no\nname", ""):
        with pytest.raises(NotFound):
            await house.accounts.set_password(nobody, PASSWORD)
    assert house.store.users == before


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_user_is_found_by_id(house: House) -> None:
    user = await house.accounts.register("anna", PASSWORD, "anna@example.org", HOME)
    assert await house.accounts.get(user.id) == user


@pytest.mark.parametrize("user_id", ["0" * 24, "", "anna", "../../etc/passwd", "A" * 24, "٣" * 24, "\ud800"])
async def test_any_other_id_is_not_found(house: House, user_id: str) -> None:
    await house.register()
    with pytest.raises(NotFound):
        await house.accounts.get(user_id)


names = st.lists(st.text("abAB_.-1", min_size=3, max_size=5), max_size=30, unique_by=str.lower)


@given(names, st.text("aAbB_", min_size=1, max_size=2), st.integers(1, 10))
async def test_the_pages_of_a_search_are_everyone_whose_name_starts_so_once_and_in_order(
    usernames: list[str], prefix: str, limit: int
) -> None:
    house = House(limited=False)
    for username in usernames:
        await house.register(username)
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await house.accounts.search(prefix, after, limit)
        assert len(page.users) == limit or page.next is None
        found += [user.username for user in page.users]
        after = page.next
    expected = [username for username in usernames if username.lower().startswith(prefix.lower())]
    assert found == sorted(expected, key=str.lower)


async def test_the_last_page_says_so_even_when_it_is_full(house: House) -> None:
    for username in ("anna", "anne"):
        await house.register(username)
    assert (await house.accounts.search("an", "", 2)).next is None
    assert (await house.accounts.search("an", "", 1)).next == "anna"


@pytest.mark.parametrize("prefix", ["", "a" * 33, "(a+)+$", ".*", "a%", "a\0", "\ud800", "a b"])
async def test_what_cannot_start_a_username_is_refused(house: House, prefix: str) -> None:
    with pytest.raises(InvalidInput, match="search"):
        await house.accounts.search(prefix, "", 10)


@pytest.mark.parametrize("after", ["a" * 33, "a\0", "\ud800", "a b", "$"])
async def test_what_cannot_be_a_place_in_the_list_is_refused(house: House, after: str) -> None:
    with pytest.raises(InvalidInput, match="after"):
        await house.accounts.search("a", after, 10)


@pytest.mark.parametrize("limit", [-1, 0, 101, 10**9])
async def test_a_page_has_bounds(house: House, limit: int) -> None:
    with pytest.raises(InvalidInput, match="limit"):
        await house.accounts.search("a", "", limit)
