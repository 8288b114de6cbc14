"""Health and metrics: what machines are told, and who may see the numbers."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest
import structlog

from fireside.http import health
from fireside.http.health import Metrics, Readiness, Shown, application
from tests.http.rest import Rest, ready, refusal

TOKEN = "a token of monitors"
HERE, THERE = "127.0.0.1", "192.0.2.1"


async def no_store() -> None:
    raise ConnectionError("mongodb://user:password@db.internal refused")


async def silent_store() -> None:
    await asyncio.Event().wait()


# ── alive and ready ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_it_is_alive_and_ready(method: str) -> None:
    async with Rest().client() as client:
        for path in ("/healthz", "/readyz"):
            response = await client.request(method, path)
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("check", [no_store, silent_store])
async def test_without_its_store_it_is_alive_but_not_ready(
    check: Callable[[], Awaitable[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "READY_TIMEOUT_S", 0)
    rest = Rest(readiness=Readiness({"database": check}))
    with structlog.testing.capture_logs() as lines:
        async with rest.client() as client:
            assert (await client.get("/healthz")).status_code == 200
            response = await client.get("/readyz")
    assert refusal(response) == (503, "unavailable")
    assert response.json()["details"] == {"notReady": ["database"], "retryAfterS": 1}
    assert "password" not in response.text
    assert [(line["log_level"], line["part"]) for line in lines if line["event"] == "not ready"] == [
        ("warning", "database")
    ]


@pytest.mark.parametrize(
    ("database", "bus", "draining", "missing"),
    [
        (ready, no_store, False, ["bus"]),
        (no_store, ready, True, ["database", "draining"]),
        (no_store, no_store, True, ["database", "bus", "draining"]),
        (ready, ready, True, ["draining"]),
    ],
)
async def test_each_part_that_is_not_ready_is_named(
    database: health.Check, bus: health.Check, draining: bool, missing: list[str]
) -> None:
    rest = Rest(readiness=Readiness({"database": database, "bus": bus}, lambda: draining))
    async with rest.client() as client:
        response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["details"]["notReady"] == missing
    assert response.json()["error"] == f"Not ready: {', '.join(missing)}."


async def test_a_part_that_one_can_do_without_is_not_asked() -> None:
    rest = Rest(readiness=Readiness({"database": ready, "bus": health.standing(lambda: False)}))
    async with rest.client() as client:
        assert (await client.get("/readyz")).json()["details"]["notReady"] == ["bus"]
        with structlog.testing.capture_logs() as lines:
            assert (await client.get("/readyz?exclude=bus")).status_code == 200
        assert (await client.get("/readyz?exclude=database&exclude=nothing")).status_code == 503
    assert [line["event"] for line in lines] == ["request"]


async def test_a_part_that_is_there_is_ready() -> None:
    async with Rest(readiness=Readiness({"bus": health.standing(lambda: True)})).client() as client:
        assert (await client.get("/readyz")).status_code == 200


# ── who may see the metrics ──────────────────────────────────────────────────────────────────────────────────────────


async def text() -> bytes:
    return b"fireside_info 1\n"


async def asked(metrics: Metrics, address: str, **headers: str) -> httpx2.Response:
    """What is answered to a caller there."""
    async with Rest(metrics=metrics).client(address) as client:
        return await client.get("/metrics", headers=headers)


def shown(how: Shown, token: str | None = None) -> Metrics:
    return Metrics(text, "text/plain; version=0.0.4", how, token)


@pytest.mark.parametrize(
    ("how", "address"),
    [("local", HERE), ("local", "127.8.9.10"), ("local", "::1"), ("on", HERE), ("on", THERE), ("on", "2001:db8::1")],
)
async def test_who_may_sees_them(how: Shown, address: str) -> None:
    response = await asked(shown(how), address)
    assert (response.status_code, response.content) == (200, b"fireside_info 1\n")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("how", "address"), [("off", HERE), ("off", THERE), ("local", THERE), ("local", "10.0.0.1"), ("local", "a.socket")]
)
async def test_who_may_not_is_told_that_there_is_nothing(how: Shown, address: str) -> None:
    response = await asked(shown(how), address)
    async with Rest().client(address) as client:
        nothing = await client.get("/nothing")
    assert refusal(response) == refusal(nothing) == (404, "not_found")
    assert response.json()["error"] == nothing.json()["error"]


@pytest.mark.parametrize("header", health.FORWARDED)
async def test_a_proxy_on_this_machine_does_not_make_everybody_local(header: str) -> None:
    assert refusal(await asked(shown("local"), HERE, **{header: "for=192.0.2.1"})) == (404, "not_found")


@pytest.mark.parametrize("how", ["local", "on"])
@pytest.mark.parametrize("address", [HERE, THERE])
async def test_a_token_decides_alone_wherever_one_calls_from(how: Shown, address: str) -> None:
    metrics = shown(how, TOKEN)
    assert (await asked(metrics, address, Authorization=f"Bearer {TOKEN}")).status_code == 200
    for wrong in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": TOKEN}):
        assert refusal(await asked(metrics, address, **wrong)) == (404, "not_found")


async def test_off_is_off_with_the_right_token_too() -> None:
    assert refusal(await asked(shown("off", TOKEN), HERE, Authorization=f"Bearer {TOKEN}")) == (404, "not_found")


async def test_they_are_where_they_are_and_nowhere_else() -> None:
    async with Rest().client(HERE) as client:
        assert refusal(await client.get("/metrics")) == (404, "not_found")


async def test_a_port_of_their_own_has_health_and_metrics_and_nothing_else() -> None:
    transport = httpx2.ASGITransport(application(Readiness({"database": ready}), shown("local")), client=(HERE, 1234))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:9100") as client:
        posted = await client.post("/metrics", json={})
        found = {path: await client.get(path) for path in ("/healthz", "/readyz", "/metrics", "/api/users/me", "/docs")}
    assert {path: answer.status_code for path, answer in found.items()} == {
        "/healthz": 200,
        "/readyz": 200,
        "/metrics": 200,
        "/api/users/me": 404,
        "/docs": 404,
    }
    assert refusal(found["/docs"]) == (404, "not_found")
    assert refusal(posted) == (405, "method_not_allowed")
