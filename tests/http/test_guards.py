"""What is refused before any route sees it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import APIRouter, Request
from starlette.types import Message, Receive, Scope, Send

from fireside.core.limits import RateLimiter
from fireside.http.errors import Refused
from fireside.http.guards import MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_HEADERS, MAX_TARGET_BYTES, Guards
from tests.http.rest import Rest, refusal

JSON = {"Content-Type": "application/json"}


def echo() -> APIRouter:
    router = APIRouter()

    @router.api_route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE"], name="echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    @router.post("/json")
    async def read(form: dict[str, str]) -> int:
        return len(form["x"])

    return router


@pytest.fixture
def rest() -> Rest:
    return Rest([echo()])


class Chunks:
    """A body sent in pieces, without its size; remembers how many were taken."""

    def __init__(self, size: int, count: int) -> None:
        self._chunk = b" " * size
        self._count = count
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self._count):
            self.taken += 1
            yield self._chunk


# ── size ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_body_of_the_most_bytes_is_read_and_one_more_is_too_large(rest: Rest) -> None:
    async with rest.client() as client:
        response = await client.post("/echo", content=b" " * MAX_BODY_BYTES, headers=JSON)
        assert (response.status_code, response.json()) == (200, MAX_BODY_BYTES)
        response = await client.post("/echo", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON)
        assert refusal(response) == (413, "too_large")
        assert response.json()["details"] == {"maxBytes": MAX_BODY_BYTES}


@pytest.mark.parametrize("path", ["/echo", "/json", "/api/users/login"])
async def test_a_body_that_does_not_say_its_size_is_counted_and_no_longer_read_past_the_limit(
    rest: Rest, path: str
) -> None:
    body = Chunks(size=1024, count=1_000_000)
    async with rest.client() as client:
        assert refusal(await client.post(path, content=body, headers=JSON)) == (413, "too_large")
    assert body.taken == MAX_BODY_BYTES // 1024 + 1


async def test_a_body_in_pieces_that_fits_is_read(rest: Rest) -> None:
    async with rest.client() as client:
        response = await client.post("/echo", content=Chunks(size=1024, count=64), headers=JSON)
    assert response.json() == MAX_BODY_BYTES


async def test_a_declared_size_over_the_limit_is_refused_unread() -> None:
    async def never() -> Message:
        raise AssertionError("the body was read")

    with pytest.raises(Exception, match="at most 10 bytes"):
        await guard({"content-length": "11", **JSON}, never, max_body_bytes=10)


async def test_a_small_declared_size_does_not_let_a_larger_body_in() -> None:
    with pytest.raises(Refused) as refused:
        await guard({"content-length": "5", **JSON}, pieces([b"12345", b"678901"]), max_body_bytes=10)
    assert refused.value.refusal.code == "too_large"


async def test_a_body_has_to_arrive_in_time() -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(Refused) as refused:
        await guard({"transfer-encoding": "chunked", **JSON}, never, body_timeout_s=0)
    assert (refused.value.refusal.code, refused.value.refusal.status) == ("bad_request", 408)


async def test_once_the_body_is_there_waiting_has_no_limit() -> None:
    heard = await guard({"content-length": "2", **JSON}, pieces([b"{}"]), body_timeout_s=0.01, then_wait=True)
    assert heard == [b"{}", "http.disconnect"]


def pieces(bodies: list[bytes]) -> Receive:
    """`receive` of a client that sends these and, some time later, hangs up."""
    left = list(bodies)

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    return receive


async def guard(headers: dict[str, str], receive: Receive, *, then_wait: bool = False, **settings: Any) -> list[Any]:
    """What an application behind the guards hears."""
    heard: list[Any] = []

    async def application(_scope: Scope, receive: Receive, _send: Send) -> None:
        more = True
        while more:
            message = await receive()
            heard.append(message["body"])
            more = message["more_body"]
        if then_wait:
            heard.append((await receive())["type"])

    async def send(_message: Message) -> None:
        raise AssertionError("nothing is sent")

    raw = [(b"host", b"h"), *((name.lower().encode(), value.encode()) for name, value in headers.items())]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": raw, "client": None}
    await Guards(application, **settings)(scope, receive, send)
    return heard


# ── form ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/vnd.api+json",
    ],
)
async def test_a_body_that_is_not_declared_as_json_is_refused(
    rest: Rest, method: str, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    async with rest.client() as client:
        response = await client.request(method, "/echo", content=b'{"a": 1}', headers=headers)
    assert refusal(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON; charset=utf-8", " application/json ;"])
async def test_json_may_say_more_of_itself(rest: Rest, content_type: str) -> None:
    async with rest.client() as client:
        response = await client.post("/echo", content=b"{}", headers={"Content-Type": content_type})
    assert response.status_code == 200


async def test_without_a_body_there_is_nothing_to_declare(rest: Rest) -> None:
    async with rest.client() as client:
        assert [(await client.request(method, "/echo")).status_code for method in ("GET", "POST", "DELETE")] == [
            200
        ] * 3


async def test_a_compressed_body_is_refused(rest: Rest) -> None:
    async with rest.client() as client:
        response = await client.post("/echo", content=b"\x1f\x8b", headers={**JSON, "Content-Encoding": "gzip"})
    assert refusal(response) == (415, "unsupported_media_type")


# ── the head ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_address_may_not_be_endless(rest: Rest) -> None:
    async with rest.client() as client:
        for target in (f"/{'a' * MAX_TARGET_BYTES}", f"/echo?{'a' * MAX_TARGET_BYTES}"):
            assert refusal(await client.get(target)) == (414, "too_large")


async def test_headers_may_not_be_endless(rest: Rest) -> None:
    async with rest.client() as client:
        many = {f"X-{number}": "1" for number in range(MAX_HEADERS)}
        assert refusal(await client.get("/echo", headers=many)) == (431, "too_large")
        assert refusal(await client.get("/echo", headers={"X": "1" * MAX_HEADER_BYTES})) == (431, "too_large")


@pytest.mark.parametrize("host", ["", "x/admin?", "a b", "user@evil.example", "x:port", "x\\y", "x#y", "[::1", "é"])
async def test_a_host_must_be_a_host(rest: Rest, host: str) -> None:
    async with rest.client() as client:
        response = await client.get("/echo", headers=[(b"Host", host.encode())])
    assert refusal(response) == (400, "bad_request")


@pytest.mark.parametrize("host", ["localhost", "localhost:5000", "192.0.2.1:80", "[::1]:5000", "Chat.Example-1.org"])
async def test_any_name_and_address_is_a_host(rest: Rest, host: str) -> None:
    async with rest.client() as client:
        assert (await client.get("/echo", headers={"Host": host})).status_code == 200


async def test_two_hosts_are_one_too_many(rest: Rest) -> None:
    async with rest.client() as client:
        response = await client.get("/echo", headers=[("Host", "one"), ("Host", "two")])
    assert refusal(response) == (400, "bad_request")


# ── often ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_requests_are_limited_per_address_and_nobody_else_notices() -> None:
    rest = Rest([echo()], per_address=RateLimiter(1, 3))
    async with rest.client("192.0.2.1") as client, rest.client("192.0.2.2") as other:
        answers = [await client.get("/echo", headers={"X-Forwarded-For": f"10.0.0.{n}"}) for n in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert refusal(answers[-1]) == (429, "rate_limited")
        assert answers[-1].headers["retry-after"] == "1"
        assert (await other.get("/echo")).status_code == 200
