"""Refusals on the HTTP wire: every error, ours or the framework's, becomes one `ChatError` and leaves in one shape.

What must stay true:

- The answer never repeats what was sent (it may be a password) and never says what broke inside.
- What broke inside is logged once, under the request id that the answer carries.
"""

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fireside.core.errors import (
    BadRequest,
    ChatError,
    Forbidden,
    Internal,
    InvalidCredentials,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    Unauthorized,
    error_body,
)

log = structlog.stdlib.get_logger(__name__)

# What the framework refuses by status alone; any other 4xx is a request that cannot be read.
_BY_STATUS: dict[int, tuple[type[ChatError], str]] = {
    403: (Forbidden, "This is not allowed."),
    404: (NotFound, "There is nothing at this address."),
    405: (MethodNotAllowed, "This address does not answer to this method."),
}


class Refused(HTTPException):
    """Carries a `ChatError` out of `receive`: FastAPI answers 400 to whatever its body reader raises but this."""

    def __init__(self, refusal: ChatError) -> None:
        super().__init__(refusal.status)
        self.refusal = refusal


def as_chat_error(error: Exception) -> ChatError:
    """What to tell the caller about any exception."""
    match error:
        case ChatError():
            return error
        case Refused():
            return error.refusal
        case RequestValidationError():
            return _unacceptable(error)
        case HTTPException() if error.status_code < 500:
            kind, message = _BY_STATUS.get(error.status_code, (BadRequest, "The request cannot be read."))
            return kind(message)
        case _:
            return Internal()


def _unacceptable(error: RequestValidationError) -> ChatError:
    """Names the fields and what they must be. pydantic's `input` and `ctx` stay here: they hold what was sent."""
    fields: dict[str, str] = {}
    for problem in error.errors():
        if problem["type"] == "json_invalid":
            return BadRequest("The body is not valid JSON.")
        source, *path = problem["loc"]
        fields.setdefault(".".join(map(str, path)) or str(source), problem["msg"])
    field, message = next(iter(fields.items()))
    return InvalidInput(f"{field}: {message}.", details={"field": field, "fields": fields})


def answer(error: ChatError, request_id: str) -> JSONResponse:
    """The response that says so."""
    response = JSONResponse(error_body(error, request_id), error.status)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    # RFC 6750 section 3. A wrong password is no matter of tokens.
    if isinstance(error, Unauthorized) and not isinstance(error, InvalidCredentials):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


async def refuse(request: Request, error: Exception) -> Response:
    """The exception handler: answers, and logs what is our bug."""
    refusal = as_chat_error(error)
    if isinstance(refusal, Internal):
        log.error("request failed", method=request.method, exc_info=error)
    response = answer(refusal, request.state.request_id)
    request.state.refusal = refusal.code
    if isinstance(error, HTTPException):
        response.headers.update(error.headers or {})
    if response.status_code == MethodNotAllowed.status:
        response.headers["Allow"] = _allowed(request)
    return response


def _allowed(request: Request) -> str:
    """Every method of this address (RFC 9110 section 15.5.6). The framework names only those of its first route."""
    path = request.scope["path"]
    routes = [
        route for route in iter_route_contexts(request.app.routes) if route.methods and route.path_regex.match(path)
    ]
    methods = {method for route in routes if route.path == routes[0].path for method in route.methods or ()}
    # Without a route of its own it is a file.
    return ", ".join(sorted(methods or {"GET", "HEAD"}))


class Refusals:
    """ASGI middleware: answers what nothing further in caught, bugs as well as what the guards refuse."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            # Half an answer cannot be taken back: the server cuts the connection, so nobody takes it for a whole one.
            if started or scope["type"] != "http":
                raise
            response = await refuse(Request(scope), error)
            await response(scope, receive, send)
