"""Logging in as the client does it, at servers that answer this and that."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from fireside.client import Lost, Refused, login

BUSY = '{"error": "Try again.", "code": "unavailable", "details": {"retryAfterS": 2}}'


@asynccontextmanager
async def answering(status: int, body: str, kind: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Logs in at a server that answers with this, whoever asks."""

    async def answer(request: web.Request) -> web.Response:
        assert await request.json() == {"username": "anna", "password": "secret"}
        return web.Response(status=status, text=body, content_type=kind)

    app = web.Application()
    app.router.add_post("/api/users/login", answer)
    async with TestServer(app) as server:
        yield login(str(server.make_url("/")), "anna", "secret")


async def test_who_logs_in_has_a_token() -> None:
    async with answering(200, '{"token": "t", "user": {}}', "application/json") as log_in:
        assert await log_in() == "t"


async def test_a_refusal_is_what_the_server_says() -> None:
    async with answering(503, BUSY, "application/json") as log_in:
        with pytest.raises(Refused, match="Try again") as refusal:
            await log_in()
    assert refusal.value.is_passing
    assert refusal.value.retry_after_s == 2


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (502, "<h1>Bad gateway</h1>", "text/html"),
        (502, '{"message": "no upstream"}', "application/json"),
        (429, '["slowly"]', "application/json"),
        (200, "{}", "application/json"),
        (200, "{", "application/json"),
    ],
)
async def test_what_answers_in_the_place_of_a_server_is_no_refusal(status: int, body: str, kind: str) -> None:
    """A proxy, say, while the server is restarted: it is to be tried again."""
    async with answering(status, body, kind) as log_in:
        with pytest.raises(Lost):
            await log_in()


async def test_nobody_there_is_no_refusal() -> None:
    async with answering(200, "", "text/plain") as log_in:
        pass
    with pytest.raises(Lost):
        await log_in()
