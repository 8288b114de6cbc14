"""Tokens that are no good: both wires refuse them with the same code, and no handler runs."""

import base64
import json
import time

import jwt
import pytest

from tests.journeys.bystanders import bystanding
from tests.journeys.people import House, Json, Person
from tests.journeys.wire import wire
from tests.serving import PASSWORD, SECRET

NOBODY = "f" * 24


def part(content: object) -> str:
    """A part of a token, as it stands in it."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def signed(claims: Json, secret: str = SECRET, algorithm: str = "HS256") -> str:
    """A token of these claims."""
    return jwt.encode(claims, secret, algorithm)


def bad_tokens(person: Person) -> dict[str, tuple[str, str]]:
    """What is wrong, the token, and the code it is refused with. Each speaks of somebody who is there."""
    now = int(time.time())
    good = {"id": person.id, "iat": now, "exp": now + 1000}
    head, claims, signature = person.token.split(".")
    no_good = {
        "nonsense": "nonsense",
        "three parts of nothing": "..",
        "too long": "x" * 5000,
        **{f"alg {name}": f"{part({'alg': name, 'typ': 'JWT'})}.{claims}." for name in ("none", "None", "NONE", "")},
        "alg none, signed all the same": f"{part({'alg': 'none'})}.{claims}.{signature}",
        "unsigned": f"{head}.{claims}.",
        "of another secret": signed(good, "another-secret-of-more-than-32-bytes"),
        "of another algorithm": signed(good, SECRET, "HS512"),
        "with other claims": f"{head}.{part(good)}.{signature}",
        "without an expiry": signed({"id": person.id}),
        "with an expiry that is text": signed({**good, "exp": "2099-01-01"}),
        "with an expiry beyond time": signed({**good, "exp": 1e300}),
        "without an id": signed({"exp": now + 1000}),
        "with an operator as id": signed({**good, "id": {"$gt": ""}}),
        "with a number as id": signed({**good, "id": 5}),
        "of nobody": signed({**good, "id": "f" * 24}),
    }
    expired = {"expired": signed({**good, "exp": now - 1}), "expired long ago": signed({**good, "exp": 1})}
    return {
        **{what: (token, "unauthorized") for what, token in no_good.items()},
        **{what: (token, "token_expired") for what, token in expired.items()},
    }


async def assert_refused_by_http(house: House, token: str, code: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    for path in ("/api/users/me", f"/api/chat/messages?sender={NOBODY}&recipient={NOBODY}", "/api/users?search=a"):
        answer = await house.http.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code), path
    written = await house.http.post("/api/chat/messages", json={"recipient": NOBODY, "content": "x"}, headers=headers)
    assert (written.status_code, written.json()["code"]) == (401, code)


async def assert_refused_by_the_socket(house: House, token: str, code: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    for auth, sent in ((json.dumps({"token": token}), None), ("", headers)):
        async with wire(house, headers=sent) as stranger:
            answer = await stranger.connect(auth)
            assert answer.startswith("44{")
            error = json.loads(answer[2:])
            assert set(error) == {"message", "data"}
            assert set(error["data"]) == {"error", "code", "requestId"}
            assert (error["data"]["code"], error["data"]["error"]) == (code, error["message"])
            # It is not in: what it sends now is no event of anybody's.
            await stranger.socket.send('42["join",{}]')
            assert await stranger.close_code() == 1002


WIRES = {"http": assert_refused_by_http, "socket": assert_refused_by_the_socket}


@pytest.mark.parametrize("by", WIRES)
async def test_a_token_that_is_no_good(house: House, ann: Person, by: str, subtests: pytest.Subtests) -> None:
    async with bystanding(house) as bystanders:
        for what, (token, code) in bad_tokens(ann).items():
            with subtests.test(what):
                async with bystanders.unharmed():
                    await WIRES[by](house, token, code)
    assert (await ann.get("/api/users/me")).status_code == 200


async def test_a_token_of_a_deleted_user_is_refused_on_both_wires(house: House, ann: Person, eve: Person) -> None:
    house.store.delete_user(eve.id)
    async with bystanding(house) as bystanders, bystanders.unharmed():
        for refused in WIRES.values():
            await refused(house, eve.token, "unauthorized")
        # Nor does anybody reach them, or log in as them.
        written = await ann.post("/api/chat/messages", {"recipient": eve.id, "content": "are you there?"})
        assert (written.status_code, written.json()["code"]) == (404, "not_found")
        login = {"username": eve.username, "password": PASSWORD}
        assert (await house.http.post("/api/users/login", json=login)).status_code == 401


async def test_without_a_token_nothing_but_the_door_is_open(house: House, subtests: pytest.Subtests) -> None:
    """Every route that the server itself names, but the two that give a token."""
    paths: Json = (await house.http.get("/openapi.json")).json()["paths"]
    assert len(paths) > 5
    for path, methods in paths.items():
        for method in methods:
            if path not in ("/api/users/register", "/api/users/login"):
                with subtests.test(f"{method} {path}"):
                    answer = await house.http.request(method, path.replace("{id}", NOBODY))
                    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    for auth in ("", "{}", '{"token":null}', '{"token":["a"]}', '{"token":{"$gt":""}}', '{"Token":"a"}'):
        with subtests.test(f"a socket with {auth}"):
            async with wire(house) as stranger:
                assert json.loads((await stranger.connect(auth))[2:])["data"]["code"] == "unauthorized"
