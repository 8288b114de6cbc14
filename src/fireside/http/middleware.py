"""Around every request, outermost: its id, its line in the log, its standing headers, and CORS.

What must stay true:

- Every answer carries `X-Request-ID`; the same id is in its error body and on every log line written meanwhile.
- The log line names the route, or the path where there is none, and never the query, a header or a body.
- No answer may be framed, sniffed or cached unless its route says otherwise.
- CORS never allows credentials. Tokens travel in a header that no browser adds by itself, so a foreign page that
  gets an answer gets it with a token it already had.
"""

import re
import secrets
import time
from collections import Counter
from urllib.parse import quote

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from fireside.core.errors import Forbidden
from fireside.core.measures import Histogram
from fireside.core.origins import OriginPolicy
from fireside.http.errors import answer

log = structlog.stdlib.get_logger(__name__)

REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}\Z")
"""What is accepted as an id from outside: nothing that could forge a log line."""

STANDING_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

METHODS = "GET, POST, PUT, PATCH, DELETE"
KNOWN_METHODS = frozenset((*METHODS.split(", "), "HEAD", "OPTIONS"))
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Request-ID",
    "Access-Control-Max-Age": "600",
}
EXPOSED = "X-Request-ID, Retry-After"

ROUTINE = ("/healthz", "/readyz", "/metrics")
"""What machines ask all the time: no news, unless it is refused."""


class Traffic:
    """What was asked over HTTP since the start."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, ...]] = Counter()
        """By method, route and status; what has none of ours is `other`."""
        self.refusals: Counter[str] = Counter()
        """By code."""
        self.seconds = Histogram()


class RequestContext:
    """Gives each request an id, which handlers find in `request.state.request_id`, logs it when it is done, and counts
    it."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic
        # To bind it for each line takes three times as long as the rest of the line.
        self._log = log.bind()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        outgoing = _Outgoing(send, request_id)
        started = time.perf_counter()
        with bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, outgoing)
            finally:
                self._done(scope, outgoing.status, time.perf_counter() - started)

    def _done(self, scope: Scope, status: int | None, seconds: float) -> None:
        route: str | None = getattr(scope.get("route"), "path_format", None)
        code: str | None = scope["state"].get("refusal")
        method = scope["method"] if scope["method"] in KNOWN_METHODS else "other"
        self._traffic.requests[method, route or "other", str(status or "none")] += 1
        self._traffic.seconds.observe(seconds)
        if code is not None:
            self._traffic.refusals[code] += 1
        fields: dict[str, object] = {"route": route} if route else {"path": quote(scope["path"])[:200]}
        if code is not None:
            fields["code"] = code
        say = self._log.debug if code is None and scope["path"] in ROUTINE else self._log.info
        say("request", method=method, **fields, status=status, ms=round(seconds * 1000, 1))


class _Outgoing:
    """`send` with the standing headers; remembers the status for the log."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            for name, value in STANDING_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


def _request_id(scope: Scope) -> str:
    given = Headers(scope=scope).get("x-request-id", "")
    return given if REQUEST_ID.match(given) else secrets.token_hex(8)


class Cors:
    """Lets pages of allowed origins read the answers (Fetch standard, section 3.3)."""

    def __init__(self, app: ASGIApp, origins: OriginPolicy) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        if origin is None:
            await self._app(scope, receive, send)
            return
        allowed = self._origins.allows(origin, headers.get("host"))
        sending = _readable_by(origin, send) if allowed else send
        if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
            await self._preflight(allowed, scope)(scope, receive, sending)
        else:
            await self._app(scope, receive, sending)

    def _preflight(self, allowed: bool, scope: Scope) -> Response:
        if allowed:
            return Response(status_code=204, headers=PREFLIGHT_HEADERS)
        refusal = Forbidden("Pages of this origin may not call here. FIRESIDE_ALLOWED_ORIGINS names those that may.")
        return answer(refusal, scope["state"]["request_id"])


def _readable_by(origin: str, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = EXPOSED
            headers.add_vary_header("Origin")
        await send(message)

    return sending
