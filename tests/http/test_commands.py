"""Commands over REST: a form is read from path, query and body as it is from an event, and so is it refused."""

import json
from typing import Annotated, Any, Literal

import httpx2
import msgspec
import pytest
from fastapi import FastAPI
from msgspec import UNSET, Meta, UnsetType

from fireside.core.errors import ChatError, Conflict, Forbidden, NotFound, Unavailable
from fireside.core.events import Caller, Command, Route
from fireside.core.forms import Form, Reply
from fireside.core.origins import OriginPolicy
from fireside.http.app import build
from fireside.http.commands import invalid
from fireside.http.health import Readiness
from tests.features.messages.chat import FakeAuthenticator
from tests.http.rest import refusal

ME = "a" * 24
JSON = {"Content-Type": "application/json"}


class Known(Form, frozen=True):
    """Something inside."""

    seq: Annotated[int, Meta(ge=0)] = 0


class Everything(Form, frozen=True):
    """A field of every kind."""

    conversation: str
    seq: Annotated[int, Meta(ge=1)]
    content: str = ""
    is_open: bool = False
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    before: int | None = None
    emoji: str | None = None
    pinned: bool | UnsetType = UNSET
    kind: Literal["one", "two"] = "one"
    members: tuple[str, ...] = ()
    known: dict[str, Known] = msgspec.field(default_factory=dict)


class Echo(Reply, frozen=True, kw_only=True):
    """What was read."""

    content: str
    next: str | None = None


METHODS = ("GET", "DELETE", "POST", "PUT", "PATCH")
IN_ADDRESS, IN_BODY = METHODS[:2], METHODS[2:]


class Rest:
    """A command on every method, at `/api/things/{conversation}/{seq}`, that notes who gives it and with which form."""

    def __init__(self) -> None:
        self.given: list[tuple[str, object | None, Everything]] = []
        self.refusal: ChatError | None = None
        commands = [
            Command(
                f"{method.lower()}Thing",
                Route(method, "/api/things/{conversation}/{seq}", 201 if method == "POST" else 200),  # type: ignore[arg-type]
                Everything,
                self._do,
                Echo,
                (NotFound,),
            )
            for method in METHODS
        ]
        nothing = Command(
            "doNothing", Route("POST", "/api/nothing"), Form, self._nothing, also=Route("GET", "/api/nothing", 202)
        )
        self.app = build(
            [],
            {"things": [*commands, nothing]},
            authenticator=FakeAuthenticator(),
            readiness=Readiness({}),
            origins=OriginPolicy(),
        )

    async def _do(self, caller: Caller, form: Everything) -> Echo:
        """Do it.

        At once.
        """
        if self.refusal is not None:
            raise self.refusal
        self.given.append((caller.user_id, caller.origin, form))
        return Echo(content=form.content)

    async def _nothing(self, caller: Caller, form: Form) -> Reply:
        """Do nothing."""
        return Reply()

    async def ask(self, method: str, path: str = "/api/things/here/7", **request: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {ME}"} | request.pop("headers", {})
        transport = httpx2.ASGITransport(self.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://chat.example.org") as client:
            return await client.request(method, path, headers=headers, **request)

    async def read(self, method: str, path: str = "/api/things/here/7", **request: Any) -> Everything:
        """The form that came of it."""
        response = await self.ask(method, path, **request)
        assert response.is_success, response.text
        user_id, origin, form = self.given.pop()
        assert (user_id, origin) == (ME, None), "all of the caller's devices hear of it"
        return form

    async def refused(self, method: str, path: str = "/api/things/here/7", **request: Any) -> str | None:
        """The field that is refused."""
        response = await self.ask(method, path, **request)
        assert refusal(response) == (422, "invalid_input")
        assert self.given == []
        details: dict[str, str] = response.json().get("details", {})
        if "field" in details:
            assert response.json()["error"].startswith(details["field"])
        return details.get("field")


@pytest.fixture
def rest() -> Rest:
    return Rest()


def where(method: str, fields: dict[str, Any]) -> Any:
    """Where they are in a request of this method."""
    return {"params": fields} if method in IN_ADDRESS else {"json": fields}


# ── answers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
async def test_an_answer_is_that_of_the_socket_without_its_ok(rest: Rest, method: str) -> None:
    fields = {"content": "hello"}
    response = await rest.ask(method, **where(method, fields))
    assert response.status_code == (201 if method == "POST" else 200)
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"content": "hello", "next": None}


async def test_an_answer_that_says_nothing_is_an_empty_object(rest: Rest) -> None:
    response = await rest.ask("POST", "/api/nothing")
    assert (response.status_code, response.text) == (200, "{}")


async def test_a_command_may_be_in_two_places(rest: Rest) -> None:
    assert (await rest.ask("GET", "/api/nothing")).status_code == 202
    documented = FastAPI.openapi(rest.app)["paths"]["/api/nothing"]
    assert {each["operationId"] for each in documented.values()} == {"things_doNothing", "things_doNothing_get"}
    assert {each["summary"] for each in documented.values()} == {"Do nothing"}


@pytest.mark.parametrize("kind", [NotFound, Forbidden, Conflict, Unavailable])
async def test_a_refusal_of_the_use_case_has_its_own_status_and_code(rest: Rest, kind: type[ChatError]) -> None:
    rest.refusal = kind("No.", details={"field": "seq"})
    response = await rest.ask("PUT")
    assert refusal(response) == (kind.status, kind.code)
    assert (response.json()["error"], response.json()["details"]) == ("No.", {"field": "seq"})


@pytest.mark.parametrize("method", METHODS)
async def test_nobody_gives_a_command_without_saying_who_they_are(rest: Rest, method: str) -> None:
    response = await rest.ask(method, headers={"Authorization": ""})
    assert refusal(response) == (401, "unauthorized")
    assert rest.given == []


# ── where a field is ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", METHODS)
async def test_what_is_in_the_path_counts_whatever_else_says(rest: Rest, method: str) -> None:
    others = {"conversation": "elsewhere", "seq": 8, "content": "hello"}
    form = await rest.read(method, **where(method, others))
    assert form == Everything(conversation="here", seq=7, content="hello")


@pytest.mark.parametrize("method", IN_BODY)
async def test_with_a_body_the_query_is_not_read(rest: Rest, method: str) -> None:
    assert await rest.read(method, params={"content": "hello", "limit": "x"}, json={"limit": 3}) == Everything(
        conversation="here", seq=7, limit=3
    )


@pytest.mark.parametrize("method", IN_ADDRESS)
async def test_without_one_a_body_is_not_read(rest: Rest, method: str) -> None:
    form = await rest.read(method, content=b"{", headers=JSON, params={"content": "hello"})
    assert form == Everything(conversation="here", seq=7, content="hello")


@pytest.mark.parametrize("method", METHODS)
async def test_fields_that_nobody_knows_are_passed_over(rest: Rest, method: str) -> None:
    others = {"is_open": "true", "isopen": "x", "no": "1", "ok": "false"}
    form = await rest.read(method, **where(method, others))
    assert form == Everything(conversation="here", seq=7)


@pytest.mark.parametrize("method", IN_BODY)
async def test_no_body_is_one_that_says_nothing(rest: Rest, method: str) -> None:
    assert await rest.read(method) == await rest.read(method, json={}) == Everything(conversation="here", seq=7)


# ── what it stands for ───────────────────────────────────────────────────────────────────────────────────────────────

READ: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"content": "7"}, {"content": "7"}),
    ({"content": "true"}, {"content": "true"}),
    ({"content": '{"a": 1}'}, {"content": '{"a": 1}'}),
    ({"content": "[1"}, {"content": "[1"}),
    ({"content": ""}, {"content": ""}),
    ({"content": "+ %&=?é漢\n"}, {"content": "+ %&=?é漢\n"}),
    ({"isOpen": "true"}, {"is_open": True}),
    ({"isOpen": "false"}, {"is_open": False}),
    ({"pinned": "false"}, {"pinned": False}),
    ({"limit": "100", "before": "0"}, {"limit": 100, "before": 0}),
    ({"before": "-1"}, {"before": -1}),
    ({"limit": "007"}, {"limit": 7}),
    ({"emoji": "👍"}, {"emoji": "👍"}),
    ({"kind": "two"}, {"kind": "two"}),
    ({"members": '["a", "b"]'}, {"members": ("a", "b")}),
    ({"known": '{"a": {"seq": 3}, "b": {}}'}, {"known": {"a": Known(3), "b": Known()}}),
]


@pytest.mark.parametrize("method", IN_ADDRESS)
@pytest.mark.parametrize(("said", "read"), READ, ids=lambda value: ascii(value)[:40])
async def test_text_in_an_address_stands_for_what_the_form_says(
    rest: Rest, method: str, said: dict[str, str], read: dict[str, Any]
) -> None:
    assert await rest.read(method, params=said) == Everything(conversation="here", seq=7, **read)


async def test_so_does_text_in_a_path(rest: Rest) -> None:
    assert await rest.read("PUT", "/api/things/7/8") == Everything(conversation="7", seq=8)
    assert await rest.read("PUT", "/api/things/caf%C3%A9%20%7B%7D/8") == Everything(conversation="café {}", seq=8)


BODIES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"content": "hello", "isOpen": True, "limit": 1}, {"content": "hello", "is_open": True, "limit": 1}),
    ({"before": None, "emoji": None}, {}),
    ({"pinned": False}, {"pinned": False}),
    ({"members": ["a", "b"], "known": {"a": {"seq": 3}}}, {"members": ("a", "b"), "known": {"a": Known(3)}}),
]


@pytest.mark.parametrize("method", IN_BODY)
@pytest.mark.parametrize(("said", "read"), BODIES, ids=lambda value: ascii(value)[:40])
async def test_a_body_is_read_as_an_event_is(
    rest: Rest, method: str, said: dict[str, Any], read: dict[str, Any]
) -> None:
    assert await rest.read(method, json=said) == Everything(conversation="here", seq=7, **read)


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────

WRONG_TEXT = [
    ("limit", "x"),
    ("limit", ""),
    ("limit", "0"),
    ("limit", "101"),
    ("limit", "1.5"),
    ("limit", "1e1"),
    ("limit", "true"),
    ("limit", "\u0663"),
    ("limit", "9" * 30),
    ("before", "null"),
    ("isOpen", "True"),
    ("isOpen", "1"),
    ("isOpen", ""),
    ("kind", "three"),
    ("members", "a"),
    ("members", "[1]"),
    ("members", '["a"'),
    ("members", "[" * 2_000),
    ("known", "{}x"),
    ("known", '{"a": {"seq": -1}}'),
    ("known", '{"a": 1}'),
]


@pytest.mark.parametrize("method", IN_ADDRESS)
@pytest.mark.parametrize(("field", "text"), WRONG_TEXT, ids=lambda value: ascii(value)[:20])
async def test_text_that_stands_for_nothing_of_the_kind_is_refused_by_its_field(
    rest: Rest, method: str, field: str, text: str
) -> None:
    assert await rest.refused(method, params={field: text}) == field


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seq", ["x", "0", "-1", "1.0", "true"])
async def test_so_is_what_is_in_the_path(rest: Rest, method: str, seq: str) -> None:
    assert await rest.refused(method, f"/api/things/here/{seq}") == "seq"


WRONG_BODIES: list[tuple[dict[str, Any], str]] = [
    ({"content": 1}, "content"),
    ({"content": None}, "content"),
    ({"content": {"$gt": ""}}, "content"),
    ({"isOpen": "true"}, "isOpen"),
    ({"isOpen": 1}, "isOpen"),
    ({"limit": "50"}, "limit"),
    ({"limit": True}, "limit"),
    ({"limit": 1.5}, "limit"),
    ({"limit": 101}, "limit"),
    ({"pinned": None}, "pinned"),
    ({"kind": "three"}, "kind"),
    ({"members": "ab"}, "members"),
    ({"members": ["a", 1]}, "members[1]"),
    ({"known": {"a": {"seq": -1}}}, "known[...].seq"),
]


@pytest.mark.parametrize("method", IN_BODY)
@pytest.mark.parametrize(("said", "field"), WRONG_BODIES, ids=lambda value: ascii(value)[:30])
async def test_what_is_of_another_type_in_a_body_is_refused_by_its_field(
    rest: Rest, method: str, said: dict[str, Any], field: str
) -> None:
    assert await rest.refused(method, json=said) == field


@pytest.mark.parametrize("method", METHODS)
async def test_what_was_sent_is_never_repeated(rest: Rest, method: str) -> None:
    secret = "hunter2"
    said = {"limit": secret, "kind": secret}
    response = await rest.ask(method, **where(method, said))
    assert response.status_code == 422
    assert secret not in response.text


BROKEN = [b"{", b"nothing", b'{"content": "a}', b"\xff\xfe", b'{"content": "\xff"}', b"[" * 50_000, b"{}{}", b"NaN"]


@pytest.mark.parametrize("method", IN_BODY)
@pytest.mark.parametrize("body", BROKEN, ids=lambda body: ascii(body[:20]))
async def test_what_is_no_json_is_a_bad_request(rest: Rest, method: str, body: bytes) -> None:
    response = await rest.ask(method, content=body, headers=JSON)
    assert refusal(response) == (400, "bad_request")
    assert rest.given == []


@pytest.mark.parametrize("method", IN_BODY)
@pytest.mark.parametrize("body", [[], ["a"], "text", 1, None, True], ids=ascii)
async def test_what_is_no_object_is_refused(rest: Rest, method: str, body: object) -> None:
    content = json.dumps(body).encode()
    assert await rest.refused(method, content=content, headers=JSON) is None


async def test_a_missing_field_is_named() -> None:
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert({"conversation": "here"}, Everything)
    refused = invalid(str(raised.value))
    assert (refused.details, refused.message.split(":")[0]) == ({"field": "seq"}, "seq")
