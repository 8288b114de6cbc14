"""Refusals in the OpenAPI document: every operation names those it can answer with, all of the one shape.

A route declares what is its own (`responses={404: {"description": "..."}}`). What follows from its form is added
here: a token can be missing, a body malformed, a parameter out of range, a path lead nowhere; and anything can come too
often or at a bad time.
"""

from typing import Any

from fireside.core.errors import (
    BadRequest,
    ChatError,
    Internal,
    InvalidInput,
    NotFound,
    RateLimited,
    TokenExpired,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    every_code,
)
from fireside.http.guards import BODILESS, TooSlow
from fireside.http.schemas import example

ANY_REQUEST: tuple[type[ChatError], ...] = (BadRequest, RateLimited, Internal, Unavailable)
WITH_TOKEN: tuple[type[ChatError], ...] = (Unauthorized, TokenExpired)
WITH_FIELDS: tuple[type[ChatError], ...] = (InvalidInput,)
WITH_PATH_PARAMETER: tuple[type[ChatError], ...] = (NotFound,)
WITH_BODY: tuple[type[ChatError], ...] = (TooSlow, TooLarge, UnsupportedMediaType)

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Error",
    "description": "Every refusal, of every route.",
    "required": ["error", "code", "requestId"],
    "properties": {
        "error": {"type": "string", "description": "What is wrong and what to do, for people."},
        "code": {"type": "string", "description": "Which refusal it is, for programs.", "enum": [*every_code()]},
        "requestId": {"type": "string", "description": "Finds the request in the server's log."},
        "details": {
            "type": "object",
            "description": "More, by code: `field` is the first that is wrong, `fields` each with what is wrong, "
            "`retryAfterS` the seconds to wait.",
            "additionalProperties": True,
        },
    },
    "examples": [
        {
            "error": "There is no such user.",
            "code": "not_found",
            "requestId": "6f1c0d9e5b7a4c32",
        }
    ],
}


def with_refusals(document: dict[str, Any]) -> dict[str, Any]:
    """The document, with every operation's refusals in it."""
    for path in document["paths"].values():
        for method, operation in path.items():
            _complete(method.upper(), operation)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Error"] = ERROR_SCHEMA
    # FastAPI's own shape of a 422, which nothing here answers with.
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    return document


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """The document, with an example of everything that is sent and answered, but for refusals."""
    schemas = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            done = [answer for status, answer in operation["responses"].items() if status < "400"]
            for place in (operation.get("requestBody", {}), *done):
                for content in place.get("content", {}).values():
                    content["example"] = example(content["schema"], schemas)
    return document


def _complete(method: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    said: dict[str, list[str]] = {}
    for kind in _by_form(method, operation):
        said.setdefault(str(kind.status), []).append(f"`{kind.code}`: {kind.__doc__}")
    for status in [status for status in responses if status >= "400"]:
        own = responses.pop(status)["description"]
        if own != "Validation Error":  # FastAPI's own 422
            said[status] = [own]
    responses |= {status: _refusal(status, "\n\n".join(lines)) for status, lines in sorted(said.items())}


def _by_form(method: str, operation: dict[str, Any]) -> list[type[ChatError]]:
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    return [
        *ANY_REQUEST,
        *(WITH_TOKEN if "security" in operation else ()),
        *(WITH_FIELDS if places or "requestBody" in operation else ()),
        *(WITH_PATH_PARAMETER if "path" in places else ()),
        *(WITH_BODY if method not in BODILESS else ()),
    ]


def _refusal(status: str, description: str) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    if status in ("429", "503"):
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return response
