"""What a request must be before any route sees it: of a sane size, in time, not too often, and JSON if it has a body.

What must stay true:

- A body over the limit is never held: one that declares its size is refused unread, any other when it gets there.
- A body that is not declared as JSON is refused: a foreign page's form can send anything else without asking first.
- What is refused here costs no look-up and no parsing.
"""

import asyncio
import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fireside.auth.address import network_of
from fireside.auth.limits import require_patience
from fireside.core.errors import BadRequest, TooLarge, UnsupportedMediaType
from fireside.core.limits import RateLimiter
from fireside.http.errors import Refused

BODILESS = ("GET", "HEAD")
"""Methods whose body means nothing (RFC 9110 section 9.3.1): no route reads one."""
MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT_S = 30.0
MAX_TARGET_BYTES = 8 * 1024
MAX_HEADERS, MAX_HEADER_BYTES = 100, 16 * 1024

HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?\Z|\[[0-9A-Fa-f:.]+\](:\d{1,5})?\Z")


class TargetTooLong(TooLarge):
    """The address itself is too long."""

    status = 414


class HeadersTooLarge(TooLarge):
    """Too many headers, or too much in them."""

    status = 431


class TooSlow(BadRequest):
    """The body did not arrive in time."""

    status = 408


class Guards:
    """ASGI middleware: refuses by raising a `ChatError`, for `errors.Refusals` to answer."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        per_address: RateLimiter | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        body_timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        self._app = app
        self._per_address = per_address
        self._max_body_bytes = max_body_bytes
        self._body_timeout_s = body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            _require_sane_head(scope, headers)
            host, _ = scope.get("client") or (None, 0)
            require_patience(self._per_address, network_of(host), "requests from this address")
            if scope["method"] not in BODILESS and _has_body(headers):
                _require_json(headers)
                receive = self._body(receive, headers)
        await self._app(scope, receive, send)

    def _body(self, receive: Receive, headers: Headers) -> "_Body":
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._max_body_bytes:
            raise _too_large(self._max_body_bytes)
        return _Body(receive, self._max_body_bytes, asyncio.get_running_loop().time() + self._body_timeout_s)


class _Body:
    """`receive`, counted and timed until the body is complete."""

    def __init__(self, receive: Receive, max_bytes: int, deadline: float) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._deadline = deadline
        self._seen = 0
        self._complete = False

    async def __call__(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise Refused(TooSlow("The body took too long to arrive.")) from None
        self._seen += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._seen > self._max_bytes:
            raise Refused(_too_large(self._max_bytes))
        return message


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"The body is too large; at most {max_bytes} bytes are accepted.", details={"maxBytes": max_bytes})


def _require_sane_head(scope: Scope, headers: Headers) -> None:
    """What reads HTTP bounds this more loosely, and whatever builds an address from `Host` must be able to trust it."""
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
        raise TargetTooLong(f"The address is too long; at most {MAX_TARGET_BYTES} bytes are accepted.")
    size = sum(len(name) + len(value) for name, value in headers.raw)
    if len(headers.raw) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise HeadersTooLarge(f"At most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes in all are accepted.")
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not HOST.match(hosts[0]):
        raise BadRequest("One Host header with a host name is needed.")


def _has_body(headers: Headers) -> bool:
    """RFC 9112 section 6: a request has a body if it says so."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _require_json(headers: Headers) -> None:
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, without a Content-Encoding.")
