"""Refusals: whatever goes wrong leaves in one shape, and says nothing it should not."""

import json
from typing import Any

import pytest
import structlog
from fastapi import APIRouter
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from fireside.core.errors import NotFound, RateLimited, TokenExpired, Unauthorized, every_code
from fireside.http.errors import answer
from tests.http.rest import Rest, refusal

SECRET = "hunter2 in a traceback"


class Form(BaseModel):
    count: int
    inner: dict[str, int] = {}


def broken() -> APIRouter:
    """Routes that fail in every way there is."""
    router = APIRouter()

    @router.post("/form")
    async def form(form: Form) -> int:
        return form.count

    @router.get("/two")
    @router.put("/two")
    async def two() -> None:
        """Two routes at one address."""

    @router.get("/bug")
    async def bug() -> None:
        raise RuntimeError(SECRET)

    @router.get("/chat-error")
    async def chat_error() -> None:
        raise RateLimited("Slow down.", retry_after_s=7, details={"limit": 5})

    @router.get("/http/{status}")
    async def http(status: int) -> None:
        raise HTTPException(status, SECRET, {"X-Own": "kept"})

    @router.get("/wrong-answer", response_model=Form)
    async def wrong_answer() -> Any:
        return {"count": SECRET}

    @router.get("/half")
    async def half() -> Response:
        async def parts() -> Any:
            yield b"the first half"
            raise RuntimeError(SECRET)

        return StreamingResponse(parts())

    return router


@pytest.fixture
def rest() -> Rest:
    return Rest([broken()])


async def post(rest: Rest, body: bytes) -> tuple[int, str]:
    async with rest.client() as client:
        return refusal(await client.post("/form", content=body, headers={"Content-Type": "application/json"}))


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"count": }',
        b"nope",
        b'{"count": 1}}',
        b"\xff\xfe\xfd",
        b'{"count": "\xff"}',
        b"[" * 60_000,
        b"9" * 5000,
    ],
)
async def test_what_is_not_json_is_a_bad_request(rest: Rest, body: bytes) -> None:
    assert await post(rest, body) == (400, "bad_request")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"text"', b"7", b"{}", b'{"count": NaN}', b'{"count": {"$gt": ""}}']
)
async def test_json_of_the_wrong_form_is_invalid_input(rest: Rest, body: bytes) -> None:
    assert await post(rest, body) == (422, "invalid_input")


async def test_fields_are_named_by_their_path(rest: Rest) -> None:
    async with rest.client() as client:
        response = await client.post("/form", json={"count": 1, "inner": {"a": "x"}})
        assert response.json()["details"]["field"] == "inner.a"
        response = await client.post("/form", json=[])
        assert response.json()["details"]["field"] == "body"


async def test_a_bug_is_answered_without_a_word_and_logged_once_under_the_same_id(rest: Rest) -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        async with rest.client() as client:
            response = await client.get("/bug")
    assert refusal(response) == (500, "internal")
    assert SECRET not in response.text
    [line] = [line for line in lines if line["log_level"] == "error"]
    assert line["request_id"] == response.json()["requestId"]
    assert str(line["exc_info"]) == SECRET


async def test_an_answer_of_the_wrong_form_is_a_bug_of_ours(rest: Rest) -> None:
    async with rest.client() as client:
        response = await client.get("/wrong-answer")
    assert refusal(response) == (500, "internal")
    assert SECRET not in response.text


async def test_half_an_answer_is_cut_off_rather_than_ended_well(rest: Rest) -> None:
    async with rest.client() as client:
        with pytest.raises(RuntimeError, match=SECRET):
            await client.get("/half")


async def test_what_a_use_case_raises_keeps_its_code_details_and_patience(rest: Rest) -> None:
    async with rest.client() as client:
        response = await client.get("/chat-error")
    assert refusal(response) == (429, "rate_limited")
    assert response.json()["error"] == "Slow down."
    assert response.json()["details"]["limit"] == 5
    assert response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, (400, "bad_request")),
        (403, (403, "forbidden")),
        (404, (404, "not_found")),
        (405, (405, "method_not_allowed")),
        (418, (400, "bad_request")),
        (500, (500, "internal")),
        (502, (500, "internal")),
    ],
)
async def test_what_the_framework_raises_gets_our_words_and_keeps_its_headers(
    rest: Rest, status: int, answer: tuple[int, str]
) -> None:
    async with rest.client() as client:
        response = await client.get(f"/http/{status}")
    assert refusal(response) == answer
    assert SECRET not in response.text
    assert response.headers["x-own"] == "kept"


@pytest.mark.parametrize(
    "path",
    ["/nope", "/api", "/api/users/me/", "http://chat.example.org//evil.example", "/docs/", "/%00", "/..%2f..%2fx"],
)
async def test_an_unknown_address_is_not_found_and_never_redirects(rest: Rest, path: str) -> None:
    async with rest.client() as client:
        assert refusal(await client.get(path)) == (404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "OPTIONS", "PROPFIND", "NONSENSE"])
async def test_another_verb_is_not_allowed_and_the_right_one_named(rest: Rest, method: str) -> None:
    async with rest.client() as client:
        response = await client.request(method, "/api/users/login")
    assert refusal(response) == (405, "method_not_allowed")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/two", "GET, PUT"), ("/healthz", "GET, HEAD"), ("/docs/assets/docs.js", "GET, HEAD"), ("/api/users/x", "GET")],
)
async def test_all_verbs_of_an_address_are_named(rest: Rest, path: str, methods: str) -> None:
    async with rest.client() as client:
        response = await client.delete(path)
    assert refusal(response) == (405, "method_not_allowed")
    assert response.headers["allow"] == methods


def test_a_refusal_is_valid_json_whatever_its_words() -> None:
    body = json.loads(bytes(answer(NotFound('\u2028 "quoted" 🔥'), "r1").body))
    assert body["error"] == '\u2028 "quoted" 🔥'


def test_only_refusals_of_tokens_ask_for_a_token() -> None:
    asking = {kind for kind in every_code().values() if "www-authenticate" in answer(kind("No."), "r1").headers}
    assert asking == {Unauthorized, TokenExpired}
