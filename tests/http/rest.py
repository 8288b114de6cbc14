"""The REST application on fakes, and clients that speak to it without a network."""

from collections.abc import Sequence
from typing import Any

import httpx2
from fastapi import APIRouter

from fireside.auth.authenticator import Authenticator
from fireside.auth.tokens import Tokens
from fireside.core.limits import RateLimiter
from fireside.core.origins import OriginPolicy
from fireside.features.accounts.endpoints import routes
from fireside.features.accounts.known import KnownUsers
from fireside.features.accounts.service import Accounts, LoginFailures
from fireside.http.app import Application, build
from fireside.http.health import Readiness
from tests.features.accounts.fakes import NOW_MS, FakeHasher, OpenAccounts

TTL_S = 86_400
tokens = Tokens("a secret of tests, at least 32 bytes", TTL_S, lambda: NOW_MS)


async def ready() -> None:
    """The store answers."""


class Rest:
    """The accounts' routes, and any others, on a fake store."""

    def __init__(self, others: Sequence[APIRouter] = (), *, login_limits: bool = True, **settings: Any) -> None:
        self.store = OpenAccounts()
        self.hasher = FakeHasher()
        accounts = Accounts(
            self.store,
            self.hasher,
            LoginFailures(login_limits),
            lambda: NOW_MS,
            registrations=RateLimiter(1 / 60, 50) if login_limits else None,
        )
        defaults: dict[str, Any] = {
            "authenticator": Authenticator(tokens, KnownUsers(self.store)),
            "readiness": Readiness({"database": ready}),
            "origins": OriginPolicy(["https://app.example.org"]),
        }
        self.app: Application = build([routes(accounts, tokens), *others], **defaults | settings)

    def client(self, address: str = "192.0.2.1", **settings: Any) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(self.app, client=(address, 1234))
        return httpx2.AsyncClient(transport=transport, base_url="http://chat.example.org", **settings)


def refusal(response: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal, which has our one shape and standing headers, whatever refused."""
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert set(body) - {"details"} == {"error", "code", "requestId"}
    assert body["requestId"] == response.headers["x-request-id"]
    assert isinstance(body["error"], str)
    assert "Traceback" not in response.text
    return response.status_code, body["code"]
