"""What machines ask: is it alive, is it ready, and what has it counted.

What must stay true:

- Alive says nothing of the database: a server that is restarted because its database is away is no better for it.
- Whether it is ready names the parts that are not, and nothing of why: that is in the log.
- The numbers are shown to this machine alone, unless the settings say otherwise. Who may not see them is told that
  there is nothing.
"""

import asyncio
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from fireside.auth.authenticator import bearer_token
from fireside.core.errors import NotFound, Unavailable
from fireside.http.errors import Refusals, refuse
from fireside.http.guards import Guards
from fireside.http.middleware import RequestContext, Traffic

log = structlog.stdlib.get_logger(__name__)

READY_TIMEOUT_S = 2.0
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""What a proxy adds: a request with one of these comes from elsewhere, whoever the peer is."""

Check = Callable[[], Awaitable[None]]
"""Returns if a part is there, and raises if it is not."""

Shown = Literal["off", "local", "on"]


def standing(is_up: Callable[[], bool]) -> Check:
    """The check of a part that knows by itself whether it is there."""

    async def check() -> None:
        if not is_up():
            raise Unavailable("It is not connected.")

    return check


@dataclass(frozen=True, slots=True)
class Readiness:
    """When to send people here: every part answers, and the server is not about to go."""

    checks: Mapping[str, Check]
    draining: Callable[[], bool] = lambda: False

    async def missing(self, without: Collection[str] = ()) -> list[str]:
        """What is not ready, by name. Asks all parts but these at once, and waits for none above `READY_TIMEOUT_S`."""
        parts = [part for part in self.checks if part not in without]
        answers = await asyncio.gather(*(self._asks(part) for part in parts))
        missing = [part for part, answered in zip(parts, answers, strict=True) if not answered]
        return [*missing, "draining"] if self.draining() else missing

    async def _asks(self, part: str) -> bool:
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                await self.checks[part]()
        except Exception as error:
            log.warning("not ready", part=part, exc_info=error)
            return False
        return True


@dataclass(frozen=True, slots=True)
class Metrics:
    """What was counted, as text in `media_type`, and who may see it."""

    text: Callable[[], Awaitable[bytes]]
    media_type: str
    shown: Shown = "local"
    token: str | None = field(default=None, repr=False)
    """Where there is one, whoever sends it sees them, and nobody else."""

    def may_see(self, request: Request) -> bool:
        """Whether who asks may."""
        if self.shown == "off":
            return False
        if self.token is not None:
            given = bearer_token(request.headers.get("authorization")) or ""
            return hmac.compare_digest(given.encode(), self.token.encode())
        return self.shown == "on" or _is_of_this_machine(request)

    async def __call__(self, request: Request) -> Response:
        """The endpoint.

        Raises:
            NotFound: they may not see them.
        """
        if not self.may_see(request):
            raise NotFound("There is nothing at this address.")
        return Response(await self.text(), media_type=self.media_type)


def application(readiness: Readiness, metrics: Metrics) -> Starlette:
    """These routes and no others, for a port of their own. What is asked there counts nowhere."""
    middleware = [Middleware(RequestContext, Traffic()), Middleware(Refusals), Middleware(Guards)]
    return Starlette(
        routes=routes(readiness, metrics), middleware=middleware, exception_handlers={HTTPException: refuse}
    )


def routes(readiness: Readiness, metrics: Metrics | None) -> list[BaseRoute]:
    """`/healthz`, `/readyz` and, where there are any, `/metrics`."""

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(request: Request) -> Response:
        missing = await readiness.missing(request.query_params.getlist("exclude"))
        if missing:
            raise Unavailable(f"Not ready: {', '.join(missing)}.", details={"notReady": missing}, retry_after_s=1)
        return PlainTextResponse("ok\n")

    shown = [] if metrics is None else [Route("/metrics", metrics.__call__)]
    return [Route("/healthz", alive), Route("/readyz", ready), *shown]


def _is_of_this_machine(request: Request) -> bool:
    if request.client is None or any(name in request.headers for name in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
