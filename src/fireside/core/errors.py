"""Errors: one family, and everything a caller may be told is in it.

Use cases raise these. The HTTP edge and the socket edge are the only two places that turn
them into answers, in one shape: `{error, code, requestId, details?}`. `code` is stable and for
programs; the message is for people and says what to do. Anything else that escapes is our bug:
it is logged and answered as `internal`, without a word of what happened.
"""

from collections.abc import Mapping
from typing import ClassVar


class ChatError(Exception):
    """A refusal with a stable `code`, an HTTP `status`, and whether the same call may succeed later."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retriable: ClassVar[bool] = False

    def __init__(
        self, message: str, *, details: Mapping[str, object] | None = None, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
        self.retry_after_s = retry_after_s


class BadRequest(ChatError):
    """What arrived cannot be read at all: broken JSON, a wrong content type, an unknown event."""

    code = "bad_request"
    status = 400


class UnknownEvent(BadRequest):
    """No event has this name: see the protocol reference."""

    code = "unknown_event"


class InvalidInput(ChatError):
    """It can be read, but a field is missing, of the wrong type or out of range; `details` names it."""

    code = "invalid_input"
    status = 422


class Unauthorized(ChatError):
    """No valid token: the caller has to log in (again)."""

    code = "unauthorized"
    status = 401


class TokenExpired(Unauthorized):
    """The token was good once: log in again."""

    code = "token_expired"


class InvalidCredentials(Unauthorized):
    """Wrong password or no such user; which of the two is never said."""

    code = "invalid_credentials"


class Forbidden(ChatError):
    """The caller is known, sees the thing, and may not do this to it."""

    code = "forbidden"
    status = 403


class NotFound(ChatError):
    """It is not there, or is not the caller's to see: the answer is the same."""

    code = "not_found"
    status = 404


class MethodNotAllowed(ChatError):
    """The path exists, but not for this verb."""

    code = "method_not_allowed"
    status = 405


class Conflict(ChatError):
    """It contradicts what is already there: a name that is taken, a `clientId` used for something else."""

    code = "conflict"
    status = 409


class TooLarge(ChatError):
    """More bytes than are accepted here."""

    code = "too_large"
    status = 413


class UnsupportedMediaType(ChatError):
    """A body in a form that is not accepted: JSON is."""

    code = "unsupported_media_type"
    status = 415


class RateLimited(ChatError):
    """Too many, too fast. `details.retryAfterS` says when to come back."""

    code = "rate_limited"
    status = 429
    retriable = True


class Unavailable(ChatError):
    """We cannot now. Nothing is known to be lost; the same call with the same `clientId` is safe."""

    code = "unavailable"
    status = 503
    retriable = True


class Internal(ChatError):
    """Our bug. The request id finds it in the log."""

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side. It is logged under this requestId.")


def error_body(error: ChatError, request_id: str) -> dict[str, object]:
    """The one shape of every refusal, on either wire."""
    body: dict[str, object] = {"error": error.message, "code": error.code, "requestId": request_id}
    details = dict(error.details or {})
    if error.retry_after_s is not None:
        details["retryAfterS"] = error.retry_after_s
    if details:
        body["details"] = details
    return body


def every_code() -> dict[str, type[ChatError]]:
    """Every code that can be answered, for the reference and its test."""
    found: dict[str, type[ChatError]] = {}
    todo: list[type[ChatError]] = [ChatError]
    while todo:
        kind = todo.pop()
        found.setdefault(kind.code, kind)
        todo.extend(kind.__subclasses__())
    return found
