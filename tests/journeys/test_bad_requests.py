"""Requests that may not be: bodies, queries, accounts. Each has its code, leaves no trace and disturbs nobody."""

import json

import httpx2
import pytest

from tests.journeys.bystanders import bystanding
from tests.journeys.people import House, Person, new_name
from tests.serving import PASSWORD

UNREADABLE, INVALID, MISSING = (400, "bad_request"), (422, "invalid_input"), (404, "not_found")
Refusal = tuple[int, str]


def assert_refused(answer: httpx2.Response, refusal: Refusal) -> None:
    """It is refused so, in the one shape."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == refusal
    assert set(body) - {"details"} == {"error", "code", "requestId"}
    assert body["requestId"] == answer.headers["x-request-id"]


BODIES: dict[str, tuple[bytes, Refusal]] = {
    "nothing": (b"", INVALID),
    "no JSON": (b"recipient=bob&content=hello", UNREADABLE),
    "cut short": (b'{"recipient": "', UNREADABLE),
    "a comma too many": (b'{"recipient": "x",}', UNREADABLE),
    "two of them": (b"{}{}", UNREADABLE),
    "not UTF-8": (b'{"recipient": "\xff"}', UNREADABLE),
    "nested without end": (b"[" * 50_000, UNREADABLE),
    "a number without end": (b'{"content": ' + b"9" * 50_000 + b"}", UNREADABLE),
    "only NUL": (b"\x00", UNREADABLE),
    "a byte too many": (b" " * (128 * 1024 + 1), (413, "too_large")),
}


async def test_bodies(house: House, ann: Person, subtests: pytest.Subtests) -> None:
    paths = ("/api/users/register", "/api/users/login", "/api/chat/messages")
    async with bystanding(house) as bystanders:
        for what, (body, refusal) in BODIES.items():
            for path in paths:
                with subtests.test(f"{what} to {path}"):
                    async with bystanders.unharmed():
                        headers = {**ann.headers, "Content-Type": "application/json"}
                        assert_refused(await house.http.post(path, content=body, headers=headers), refusal)


async def test_a_body_that_is_not_declared_as_json_is_refused(house: House, ann: Person) -> None:
    form = json.dumps({"recipient": ann.id, "content": "from a foreign page"})
    async with bystanding(house) as bystanders, bystanders.unharmed():
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            headers = {**ann.headers, "Content-Type": kind}
            answer = await house.http.post("/api/chat/messages", content=form, headers=headers)
            assert_refused(answer, (415, "unsupported_media_type"))


async def test_what_is_not_there_and_what_it_does_not_answer_to(house: House, ann: Person) -> None:
    for method, path, refusal in (
        ("GET", "/api/nothing", MISSING),
        ("GET", "/api/users/me/", MISSING),
        ("GET", "/.env", MISSING),
        ("GET", "/api/../../etc/passwd", MISSING),
        ("DELETE", "/api/chat/messages", (405, "method_not_allowed")),
        ("PUT", f"/api/users/{ann.id}", (405, "method_not_allowed")),
    ):
        assert_refused(await house.http.request(method, path, headers=ann.headers), refusal)


HISTORY, PAGE, SEARCH = "/api/chat/messages", "/api/conversations/@place/messages", "/api/users"
QUERIES: dict[str, Refusal] = {
    f"{HISTORY}": INVALID,
    f"{HISTORY}?sender=@ann": INVALID,
    f"{HISTORY}?recipient=@ann": INVALID,
    f"{HISTORY}?sender[$gt]=&recipient[$gt]=": INVALID,
    f"{HISTORY}?sender=@ann&recipient[$ne]=x": INVALID,
    f"{HISTORY}?sender=@ann&recipient=": MISSING,
    f"{HISTORY}?sender=@ann&recipient=bob": MISSING,
    f"{HISTORY}?sender=@ann&recipient=%00": MISSING,
    f"{HISTORY}?sender=@ann&recipient=%ED%A0%80": MISSING,
    f"{HISTORY}?sender=@ann&recipient=ffffffffffffffffffffffff": MISSING,
    f"{HISTORY}?sender=ffffffffffffffffffffffff&recipient=@bob": MISSING,
    **{f"{HISTORY}?sender=@ann&recipient=@bob&limit={limit}": INVALID for limit in ("0", "-1", "101", "x", "1.5", "")},
    **{f"{PAGE}?limit={limit}": INVALID for limit in ("0", "-1", "101", "x", "1e1")},
    **{f"{PAGE}?before={seq}": INVALID for seq in ("-1", "x", "9" * 30)},
    **{f"{PAGE}?after={seq}": INVALID for seq in ("-1", "x", "9" * 30)},
    f"{PAGE}?before=2&after=1": INVALID,
    "/api/conversations/x/messages": MISSING,
    "/api/conversations/%00/messages": MISSING,
    "/api/conversations/%ED%A0%80/messages": MISSING,
    "/api/conversations/{$gt:1}/messages": MISSING,
    "/api/conversations/ffffffffffffffffffffffff/messages": MISSING,
    "/api/conversations/@ann/messages": MISSING,
    f"{SEARCH}": INVALID,
    f"{SEARCH}?search=": INVALID,
    f"{SEARCH}?search=.*": INVALID,
    f"{SEARCH}?search=%25": INVALID,
    f"{SEARCH}?search=%00": INVALID,
    f"{SEARCH}?search[$gt]=": INVALID,
    f"{SEARCH}?search=a&limit=0": INVALID,
    f"{SEARCH}?search=a&after=%00": INVALID,
    "/api/users/x": MISSING,
    "/api/users/%00": MISSING,
    "/api/users/ffffffffffffffffffffffff": MISSING,
}


async def test_queries_and_addresses(house: House, ann: Person, bob: Person, subtests: pytest.Subtests) -> None:
    sent = await ann.post("/api/chat/messages", {"recipient": bob.id, "content": "there is something to find"})
    place = sent.json()["message"]["conversation"]
    async with bystanding(house) as bystanders:
        for query, refusal in QUERIES.items():
            with subtests.test(query):
                filled = query.replace("@ann", ann.id).replace("@bob", bob.id).replace("@place", place)
                async with bystanders.unharmed():
                    assert_refused(await house.http.get(filled, headers=ann.headers), refusal)


ODD_TYPES: tuple[object, ...] = (5, None, True, [], {}, {"$gt": ""}, {"$regex": ".*"})
REGISTRATIONS: dict[str, dict[str, object]] = {
    **{f"{name} missing": {name: ...} for name in ("username", "password", "email")},
    **{f"{name} {value}": {name: value} for name in ("username", "password", "email") for value in ODD_TYPES},
    **{
        f"username {name!r}": {"username": name}
        for name in ("", "ab", "a" * 33, "a b", "a@b", "änn", "ann\n", "ann\0", "\ud800nn", "ann\u0131", "../..")
    },
    "password too short": {"password": "x" * 7},
    "password too long": {"password": "x" * 73},
    "password of too many bytes": {"password": "é" * 37},
    "password with NUL": {"password": "long enough\0"},
    "password with a lone surrogate": {"password": "long enough\ud800"},
    **{
        f"email {email!r}": {"email": email}
        for email in ("", "x", "x@", "@x", "x @y", "x@y\n", "x@y\0", "x\ud800@y", "x" * 250 + "@y.org")
    },
}


async def test_registrations(house: House, subtests: pytest.Subtests) -> None:
    async with bystanding(house) as bystanders:
        for what, fields in REGISTRATIONS.items():
            form = {"username": new_name("reg"), "password": PASSWORD, "email": "x@example.org"} | fields
            with subtests.test(what):
                async with bystanders.unharmed():
                    sent = {name: value for name, value in form.items() if value is not ...}
                    assert_refused(await post(house, "/api/users/register", sent), INVALID)


WRONG = (401, "invalid_credentials")
LOGINS: dict[str, tuple[dict[str, object], Refusal]] = {
    **{f"{name} missing": ({name: ...}, INVALID) for name in ("username", "password")},
    **{f"{name} {value}": ({name: value}, INVALID) for name in ("username", "password") for value in ODD_TYPES},
    **{
        f"username {name!r}": ({"username": name}, WRONG)
        for name in ("", "a" * 10_000, "@ann ", "@ann\0", "@ann\ud800", "' OR 1=1 --", "*", "__proto__")
    },
    **{
        f"password {password!r}": ({"password": password}, WRONG)
        for password in ("", "wrong", PASSWORD + "\0", PASSWORD + "\ud800", PASSWORD.upper(), "x" * 10_000)
    },
}


async def test_log_ins(house: House, ann: Person, subtests: pytest.Subtests) -> None:
    async with bystanding(house) as bystanders:
        for what, (fields, refusal) in LOGINS.items():
            form = {"username": "@ann", "password": PASSWORD} | fields
            sent = {
                name: value.replace("@ann", ann.username) if isinstance(value, str) else value
                for name, value in form.items()
                if value is not ...
            }
            with subtests.test(what):
                async with bystanders.unharmed():
                    assert_refused(await post(house, "/api/users/login", sent), refusal)
    assert (await post(house, "/api/users/login", {"username": ann.username, "password": PASSWORD})).status_code == 200


async def post(house: House, path: str, form: dict[str, object]) -> httpx2.Response:
    """With lone surrogates written as JSON can write them."""
    return await house.http.post(path, content=json.dumps(form), headers={"Content-Type": "application/json"})
