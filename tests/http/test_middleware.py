"""Around every request: ids, log lines, standing headers and CORS."""

import pytest
import structlog
from fastapi import APIRouter, Request

from fireside.core.limits import RateLimiter
from fireside.http.health import Check, Metrics, Readiness, Shown
from fireside.http.middleware import ROUTINE, Traffic
from tests.http.rest import Rest, refusal

APP, OTHER = "https://app.example.org", "https://app.example.org.evil.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
EVERY_KIND = ["/healthz", "/api/users/me", "/nope", "/docs", "/docs/assets/docs.js", "/openapi.json", "/"]


def who_asks() -> APIRouter:
    router = APIRouter()

    @router.get("/request-id")
    async def request_id(request: Request) -> dict[str, str]:
        structlog.get_logger().info("in a handler")
        return {"id": request.state.request_id}

    return router


@pytest.fixture
def rest() -> Rest:
    return Rest([who_asks()])


# ── ids ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_request_has_an_id_of_its_own(rest: Rest) -> None:
    async with rest.client() as client:
        answers = [await client.get("/request-id") for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 3
    assert all(answer.json()["id"] == answer.headers["x-request-id"] for answer in answers)


@pytest.mark.parametrize("given", ["a", "0b6f2e7c-8f7e-4a54-9d2b-5f0f3f1d2c3b", "trace:1.2_3", "x" * 64])
async def test_a_sane_id_from_outside_is_kept(rest: Rest, given: str) -> None:
    async with rest.client() as client:
        response = await client.get("/request-id", headers={"X-Request-ID": given})
    assert response.headers["x-request-id"] == response.json()["id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "<script>", 'a"b', "é".encode().decode("latin-1")])
async def test_any_other_is_replaced(rest: Rest, given: str) -> None:
    async with rest.client() as client:
        response = await client.get("/request-id", headers=[(b"X-Request-ID", given.encode("latin-1"))])
    assert len(response.headers["x-request-id"]) == 16


async def test_what_is_logged_meanwhile_carries_the_id(rest: Rest) -> None:
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        async with rest.client() as client:
            await client.get("/request-id", headers={"X-Request-ID": "r1"})
    assert [(line["event"], line["request_id"]) for line in lines] == [("in a handler", "r1"), ("request", "r1")]
    assert "request_id" not in structlog.contextvars.get_contextvars()


# ── the log ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_each_request_leaves_one_line_without_its_query(rest: Rest) -> None:
    with structlog.testing.capture_logs() as lines:
        async with rest.client() as client:
            await client.get("/nope%0A%0a%1b[31m?token=secret", headers={"Authorization": "Bearer secret"})
    [line] = lines
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "path": "/nope%0A%0A%1B%5B31m",
        "status": 404,
        "code": "not_found",
    }


async def test_a_line_names_the_route_and_not_what_stands_in_the_address(rest: Rest) -> None:
    with structlog.testing.capture_logs() as lines:
        async with rest.client() as client:
            await client.get("/api/users/6f1c0d9e5b7a4c3211223344?token=secret")
    [line] = lines
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/api/users/{id}",
        "status": 401,
        "code": "unauthorized",
    }


@pytest.mark.parametrize("path", ROUTINE)
async def test_what_machines_ask_all_the_time_is_no_news_unless_it_is_refused(path: str) -> None:
    async def ready() -> None:
        """It is."""

    async def missing() -> None:
        raise ConnectionError

    async def text() -> bytes:
        return b""

    levels = {}
    cases: list[tuple[str, Check, Shown]] = [("granted", ready, "on"), ("refused", missing, "off")]
    for name, check, shown in cases:
        rest = Rest(readiness=Readiness({"database": check}), metrics=Metrics(text, "text/plain", shown))
        with structlog.testing.capture_logs() as lines:
            async with rest.client() as client:
                await client.get(path)
        levels[name] = [line["log_level"] for line in lines if line["event"] == "request"]
    assert levels == {"granted": ["debug"], "refused": ["debug" if path == "/healthz" else "info"]}


async def test_requests_are_counted_by_route_and_never_by_what_the_caller_made_up() -> None:
    traffic = Traffic()
    rest = Rest(traffic=traffic)
    async with rest.client() as client:
        await client.get("/api/users/one")
        await client.get("/api/users/two")
        await client.get("/made/up")
        await client.request("MADEUP", "/made/up/too")
    assert traffic.requests == {
        ("GET", "/api/users/{id}", "401"): 2,
        ("GET", "other", "404"): 1,
        ("other", "other", "404"): 1,
    }
    assert traffic.refusals == {"unauthorized": 2, "not_found": 2}
    assert sum(traffic.seconds.counts) == 4


async def test_a_long_path_is_cut(rest: Rest) -> None:
    with structlog.testing.capture_logs() as lines:
        async with rest.client() as client:
            await client.get("/" + "a" * 5000)
    assert len(lines[0]["path"]) == 200


# ── headers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", EVERY_KIND)
async def test_no_answer_may_be_sniffed_framed_or_tell_where_one_came_from(rest: Rest, path: str) -> None:
    async with rest.client() as client:
        headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/healthz", "/api/users/me", "/nope"])
async def test_no_answer_of_the_api_is_kept_in_a_cache(rest: Rest, path: str) -> None:
    async with rest.client() as client:
        assert (await client.get(path)).headers["cache-control"] == "no-store"


# ── CORS ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", EVERY_KIND)
async def test_a_page_of_an_allowed_origin_may_read_every_answer(rest: Rest, path: str) -> None:
    async with rest.client() as client:
        headers = (await client.get(path, headers={"Origin": APP})).headers
    assert headers["access-control-allow-origin"] == APP
    assert headers["vary"] == "Origin"
    assert "X-Request-ID" in headers["access-control-expose-headers"]


async def test_it_may_read_refusals_of_the_guards_and_bugs_too() -> None:
    rest = Rest(per_address=RateLimiter(1, 1))
    async with rest.client() as client:
        await client.get("/healthz")
        response = await client.get("/healthz", headers={"Origin": APP})
    assert refusal(response) == (429, "rate_limited")
    assert response.headers["access-control-allow-origin"] == APP


@pytest.mark.parametrize("origin", [OTHER, "null", "http://app.example.org", "https://APP.example.org", "", "*"])
async def test_a_page_of_another_origin_may_read_nothing(rest: Rest, origin: str) -> None:
    async with rest.client() as client:
        answer = await client.get("/healthz", headers={"Origin": origin})
        preflight = await client.options("/api/users/login", headers={"Origin": origin, **PREFLIGHT})
    assert "access-control-allow-origin" not in answer.headers
    assert refusal(preflight) == (403, "forbidden")
    assert "access-control-allow-origin" not in preflight.headers


async def test_an_allowed_origin_may_ask_first(rest: Rest) -> None:
    async with rest.client() as client:
        response = await client.options("/api/users/login", headers={"Origin": APP, **PREFLIGHT})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["access-control-allow-origin"] == APP
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "Authorization" in response.headers["access-control-allow-headers"]
    assert response.headers["access-control-max-age"] == "600"


@pytest.mark.parametrize("origin", [APP, OTHER, "http://chat.example.org"])
async def test_credentials_are_never_allowed(rest: Rest, origin: str) -> None:
    async with rest.client() as client:
        answers = [
            await client.get("/healthz", headers={"Origin": origin}),
            await client.options("/healthz", headers={"Origin": origin, **PREFLIGHT}),
        ]
    assert all("access-control-allow-credentials" not in answer.headers for answer in answers)
    assert all(answer.headers.get("access-control-allow-origin") != "*" for answer in answers)


async def test_what_is_no_page_needs_no_origin(rest: Rest) -> None:
    async with rest.client() as client:
        response = await client.get("/healthz")
    assert response.status_code == 200
    assert "access-control-allow-origin" not in response.headers
