"""Accounts over HTTP: the shapes that existing clients rely on, and what is refused."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import jwt
import pytest
import structlog

from fireside.auth.passwords import BcryptHasher
from fireside.core.errors import Unavailable
from fireside.core.limits import RateLimiter
from tests.features.accounts.fakes import NOW, NOW_MS
from tests.http.rest import TTL_S, Rest, refusal, tokens

ANNA = {"username": "Anna", "password": "correct horse battery", "email": "anna@example.org"}
BEN = {"username": "ben", "password": "another password", "email": "ben@example.org"}


@pytest.fixture
def rest() -> Rest:
    return Rest()


@pytest.fixture
async def client(rest: Rest) -> AsyncIterator[httpx2.AsyncClient]:
    async with rest.client() as client:
        yield client


async def registered(client: httpx2.AsyncClient, form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The user, and the header that says to be them."""
    body = (await client.post("/api/users/register", json=form)).json()
    return body["user"], {"Authorization": f"Bearer {body['token']}"}


# ── registering ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_registering_answers_with_the_user_and_a_token(rest: Rest, client: httpx2.AsyncClient) -> None:
    response = await client.post("/api/users/register", json=ANNA)
    assert response.status_code == 201
    [stored] = rest.store.users.values()
    body = response.json()
    assert body["user"] == {"_id": stored.id, "username": "Anna", "email": "anna@example.org", "createdAt": NOW}
    assert tokens.read(body["token"]).user_id == stored.id
    assert set(body) == {"user", "token"}


async def test_the_token_is_the_one_that_existing_clients_expect(client: httpx2.AsyncClient) -> None:
    token = (await client.post("/api/users/register", json=ANNA)).json()["token"]
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (len(claims["id"]), claims["exp"]) == (24, NOW_MS // 1000 + TTL_S)


async def test_fields_that_are_not_ours_are_ignored(rest: Rest, client: httpx2.AsyncClient) -> None:
    more = {"_id": "f" * 24, "createdAt": "1970", "role": "admin", "password_hash": "x", "$where": "1", "__proto__": {}}
    response = await client.post("/api/users/register", json=ANNA | more)
    assert response.status_code == 201
    assert response.json()["user"]["_id"] != "f" * 24
    [stored] = rest.store.users.values()
    assert stored.password_hash == f"hash of {ANNA['password']}"


@pytest.mark.parametrize("username", ["Anna", "anna", "ANNA"])
async def test_a_taken_username_is_a_conflict_in_any_case(client: httpx2.AsyncClient, username: str) -> None:
    await registered(client, ANNA)
    response = await client.post("/api/users/register", json=ANNA | {"username": username, "email": "x@y"})
    assert refusal(response) == (409, "conflict")


BAD_VALUES = [
    ("username", "ab"),
    ("username", "a" * 33),
    ("username", "an na"),
    ("username", "an\0na"),
    ("username", "ann\u0430"),
    ("username", "an\ud800na"),
    ("password", "x" * 7),
    ("password", "x" * 73),
    ("password", "\u00e9" * 3),
    ("password", "\u00e9" * 37),
    ("password", "long enough\0"),
    ("password", "long enough\udfff"),
    ("email", "anna"),
    ("email", "a@b\0"),
    ("email", "a@\ud800"),
    ("email", "a@" + "b" * 253),
]
NOT_TEXT: list[Any] = [None, True, 7, 1.5, [], ["anna"], {}, {"$gt": ""}, {"$ne": None}, {"$regex": "^a"}]
WRONG_TYPES = [(field, value) for field in ("username", "password", "email") for value in NOT_TEXT]


@pytest.mark.parametrize(("field", "value"), [*BAD_VALUES, *WRONG_TYPES])
async def test_a_bad_value_is_refused_by_the_name_of_its_field_and_never_repeated(
    rest: Rest, client: httpx2.AsyncClient, field: str, value: Any
) -> None:
    response = await client.post(
        "/api/users/register",
        content=json.dumps(ANNA | {field: value}),  # httpx2's json= would not let a lone surrogate pass
        headers={"Content-Type": "application/json"},
    )
    assert refusal(response) == (422, "invalid_input")
    assert response.json()["details"]["field"] == field
    assert ANNA["password"] not in response.text
    assert "$" not in response.text
    assert rest.store.users == {}


@pytest.mark.parametrize("field", ["username", "password", "email"])
async def test_a_missing_field_is_named(client: httpx2.AsyncClient, field: str) -> None:
    form = {name: value for name, value in ANNA.items() if name != field}
    response = await client.post("/api/users/register", json=form)
    assert refusal(response) == (422, "invalid_input")
    assert response.json()["details"] == {"field": field, "fields": {field: "Field required"}}


async def test_all_wrong_fields_are_named_at_once(client: httpx2.AsyncClient) -> None:
    response = await client.post("/api/users/register", json={"username": 1, "password": 2})
    assert set(response.json()["details"]["fields"]) == {"username", "password", "email"}


async def test_registrations_are_limited_per_address(rest: Rest) -> None:
    async with rest.client("192.0.2.7") as school, rest.client("192.0.2.8") as home:
        for number in range(50):
            await registered(school, ANNA | {"username": f"pupil{number}"})
        response = await school.post("/api/users/register", json=ANNA)
        assert refusal(response) == (429, "rate_limited")
        assert 0 < int(response.headers["retry-after"]) <= 60
        assert (await home.post("/api/users/register", json=ANNA)).status_code == 201


# ── logging in ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_logging_in_answers_like_registering(client: httpx2.AsyncClient) -> None:
    user, _ = await registered(client, ANNA)
    response = await client.post("/api/users/login", json={"username": "anna", "password": ANNA["password"]})
    assert response.status_code == 200
    body = response.json()
    assert body["user"] == user
    assert tokens.read(body["token"]).user_id == user["_id"]


@pytest.mark.parametrize("username", ["anna", "nobody", "x", "an\0na", "anna@example.org", ""])
async def test_a_wrong_password_and_no_such_user_are_answered_alike(
    rest: Rest, client: httpx2.AsyncClient, username: str
) -> None:
    await registered(client, ANNA)
    response = await client.post("/api/users/login", json={"username": username, "password": "wrong password"})
    assert refusal(response) == (401, "invalid_credentials")
    assert response.json()["error"] == "Invalid credentials"
    assert "details" not in response.json()
    assert "www-authenticate" not in response.headers
    assert len(rest.hasher.verified) == 1


@pytest.mark.parametrize("value", NOT_TEXT)
async def test_operators_in_place_of_strings_reach_neither_store_nor_hasher(
    rest: Rest, client: httpx2.AsyncClient, value: Any
) -> None:
    await registered(client, ANNA)
    response = await client.post("/api/users/login", json={"username": value, "password": {"$ne": 1}})
    assert refusal(response) == (422, "invalid_input")
    assert set(response.json()["details"]["fields"]) == {"username", "password"}
    assert rest.hasher.verified == []


async def test_failed_logins_are_limited_and_strangers_cannot_lock_an_account(rest: Rest) -> None:
    wrong, right = {**ANNA, "password": "wrong password"}, ANNA
    async with rest.client("198.51.100.1") as stranger, rest.client("192.0.2.1") as owner:
        await registered(owner, ANNA)
        answers = [refusal(await stranger.post("/api/users/login", json=wrong))[0] for _ in range(6)]
        assert answers == [401] * 5 + [429]
        response = await stranger.post("/api/users/login", json=right)
        assert refusal(response) == (429, "rate_limited")
        assert 0 < int(response.headers["retry-after"]) <= 180
        assert (await owner.post("/api/users/login", json=right)).status_code == 200


async def test_addresses_of_one_ipv6_network_share_a_limit(rest: Rest) -> None:
    wrong = {**ANNA, "password": "wrong password"}
    codes = []
    for host in range(6):
        async with rest.client(f"2001:db8:1:2::{host}") as client:
            codes.append((await client.post("/api/users/login", json=wrong)).status_code)
    assert codes == [401] * 5 + [429]


@pytest.mark.parametrize("path", ["register", "login"])
async def test_a_full_hashing_queue_asks_to_come_back(
    rest: Rest, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async def full(*_: object) -> Any:
        raise Unavailable("Too many people are logging in at this moment.", retry_after_s=2)

    monkeypatch.setattr(rest.hasher, "hash", full)
    monkeypatch.setattr(rest.hasher, "verify", full)
    response = await client.post(f"/api/users/{path}", json=ANNA)
    assert refusal(response) == (503, "unavailable")
    assert response.headers["retry-after"] == "2"
    assert rest.store.users == {}


async def test_with_bcrypt_a_user_can_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    rest, hasher = Rest(), BcryptHasher(rounds=4)
    monkeypatch.setattr(rest.hasher, "hash", hasher.hash)
    monkeypatch.setattr(rest.hasher, "verify", hasher.verify)
    form = ANNA | {"password": "pässwörd-日本"}
    async with rest.client() as client:
        assert (await client.post("/api/users/register", json=form)).status_code == 201
        assert (await client.post("/api/users/login", json=form)).status_code == 200
        assert (await client.post("/api/users/login", json=ANNA)).status_code == 401
    hasher.close()


# ── finding ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_users_see_themselves_whole_and_others_in_public(client: httpx2.AsyncClient) -> None:
    anna, as_anna = await registered(client, ANNA)
    ben, _ = await registered(client, BEN)
    assert (await client.get("/api/users/me", headers=as_anna)).json() == anna | {"readReceipts": True}
    public = {"_id": ben["_id"], "username": "ben"}
    assert (await client.get(f"/api/users/{ben['_id']}", headers=as_anna)).json() == public
    assert (await client.get("/api/users?search=B", headers=as_anna)).json() == {"users": [public]}


async def test_a_search_is_paged_by_name(client: httpx2.AsyncClient) -> None:
    _, as_anna = await registered(client, ANNA)
    for username in ("Anders", "anselm"):
        await registered(client, BEN | {"username": username})
    first = (await client.get("/api/users?search=an&limit=2", headers=as_anna)).json()
    assert [user["username"] for user in first["users"]] == ["Anders", "Anna"]
    assert first["next"] == "Anna"
    last = (await client.get(f"/api/users?search=an&limit=2&after={first['next']}", headers=as_anna)).json()
    assert [user["username"] for user in last["users"]] == ["anselm"]
    assert "next" not in last


@pytest.mark.parametrize("path", ["me", "?search=a", "0" * 24])
@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer a.b.c", "Basic YTpi", "Bearer undefined"])
async def test_nobody_sees_anything_without_a_token(client: httpx2.AsyncClient, path: str, header: str | None) -> None:
    response = await client.get(
        f"/api/users/{path}".replace("/?", "?"), headers={} if header is None else {"Authorization": header}
    )
    assert refusal(response) == (401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token_says_so(client: httpx2.AsyncClient) -> None:
    anna, _ = await registered(client, ANNA)
    secret = "a secret of tests, at least 32 bytes"
    expired = jwt.encode({"id": anna["_id"], "exp": NOW_MS // 1000}, secret, "HS256")
    response = await client.get("/api/users/me", headers={"Authorization": f"Bearer {expired}"})
    assert refusal(response) == (401, "token_expired")


async def test_the_token_of_a_deleted_user_is_worth_nothing(rest: Rest, client: httpx2.AsyncClient) -> None:
    _, as_anna = await registered(client, ANNA)
    rest.store.users.clear()
    assert refusal(await client.get("/api/users/me", headers=as_anna)) == (401, "unauthorized")


async def test_a_token_in_the_query_is_not_one(client: httpx2.AsyncClient) -> None:
    _, as_anna = await registered(client, ANNA)
    token = as_anna["Authorization"].removeprefix("Bearer ")
    assert refusal(await client.get(f"/api/users/me?token={token}&access_token={token}")) == (401, "unauthorized")


@pytest.mark.parametrize("user_id", ["f" * 24, "x", "%00", "%ff", "..%2f..%2fetc%2fpasswd", "F" * 24, "0" * 25])
async def test_an_id_of_nobody_is_not_found(client: httpx2.AsyncClient, user_id: str) -> None:
    _, as_anna = await registered(client, ANNA)
    assert refusal(await client.get(f"/api/users/{user_id}", headers=as_anna)) == (404, "not_found")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "search"),
        ("search=", "search"),
        ("search[$gt]=", "search"),
        ("search=(a%2B)%2B$", "search"),
        ("search=%00", "search"),
        ("search=%ff", "search"),
        (f"search={'a' * 33}", "search"),
        (f"search=a&after={'a' * 33}", "after"),
        ("search=a&after=%00", "after"),
        ("search=a&limit=0", "limit"),
        ("search=a&limit=-1", "limit"),
        ("search=a&limit=101", "limit"),
        ("search=a&limit=1e9", "limit"),
        ("search=a&limit=abc", "limit"),
        (f"search=a&limit={'9' * 5000}", "limit"),
        ("search=a&limit[$gt]=1&limit=", "limit"),
    ],
)
async def test_a_bad_search_is_refused_by_the_name_of_its_parameter(
    client: httpx2.AsyncClient, query: str, field: str
) -> None:
    _, as_anna = await registered(client, ANNA)
    response = await client.get(f"/api/users?{query}", headers=as_anna)
    assert refusal(response) == (422, "invalid_input")
    assert response.json()["details"]["field"] == field


async def test_requests_are_limited_per_user(rest: Rest) -> None:
    rest = Rest(per_user=RateLimiter(1, 2))
    async with rest.client() as client:
        _, as_anna = await registered(client, ANNA)
        _, as_ben = await registered(client, BEN)
        answers = [await client.get("/api/users/me", headers=as_anna) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert refusal(answers[-1]) == (429, "rate_limited")
        assert answers[-1].headers["retry-after"] == "1"
        assert (await client.get("/api/users/me", headers=as_ben)).status_code == 200


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_no_answer_and_no_log_line_shows_a_password_a_hash_or_a_token(
    rest: Rest, client: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with structlog.testing.capture_logs() as lines:
        anna, as_anna = await registered(client, ANNA)
        answers = [
            await client.post("/api/users/login", json=ANNA | {"password": "wrong password"}),
            await client.post("/api/users/login", json=ANNA | {"password": ["wrong password"]}),
            await client.post("/api/users/register", json=ANNA),
            await client.get("/api/users/me", headers=as_anna),
            await client.get(f"/api/users/{anna['_id']}", headers=as_anna),
            await client.get("/api/users?search=a", headers=as_anna),
        ]
        rest.hasher.trouble = RuntimeError("a bug")
        answers.append(await client.post("/api/users/login", json=ANNA))
    assert refusal(answers[-1]) == (500, "internal")
    shown = "".join(answer.text for answer in answers)
    logged = f"{lines}{caplog.text}"
    assert "hash" not in shown
    assert "a bug" not in shown
    for secret in (ANNA["password"], "wrong password", "hash of", as_anna["Authorization"].removeprefix("Bearer ")):
        assert secret not in shown
        assert secret not in logged
