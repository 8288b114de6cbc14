"""The REST application: the routes of the features behind one set of guards, refusals and docs.

Middlewares, outermost first: the request's context (id, log, standing headers), CORS, refusals, guards. Refusals
lie inside CORS, so that a page of an allowed origin can read why it was refused.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from fireside import __version__
from fireside.auth.authenticator import Authenticator
from fireside.core.events import Announcement, Command, Event
from fireside.core.limits import RateLimiter
from fireside.core.origins import OriginPolicy
from fireside.http import asyncapi, docs, health, web
from fireside.http.commands import routes as command_routes
from fireside.http.commands import schemas
from fireside.http.errors import Refusals, refuse
from fireside.http.guards import MAX_BODY_BYTES, Guards
from fireside.http.middleware import ROUTINE, Cors, RequestContext, Traffic
from fireside.http.openapi import with_examples, with_refusals

NO_COMMANDS: Mapping[str, Sequence[Command]] = {}
NO_EVENTS: Mapping[str, Sequence[Event]] = {}

DESCRIPTION = """
A self-hosted chat server: people register, log in and talk, over this API and Socket.IO, and every message is kept.

Register or log in, then send the token you get as `Authorization: Bearer <token>`.
Times are ISO 8601 in UTC. Ids are opaque.
"""


class Application(FastAPI):
    """FastAPI, with our refusals and our own schemas in its OpenAPI document."""

    schemas: Mapping[str, Any]

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = with_refusals(super().openapi())
            schemas = document["components"]["schemas"]
            assert not schemas.keys() & self.schemas.keys(), "two forms of one name"
            schemas |= self.schemas
            self.openapi_schema = with_examples(document)
        return self.openapi_schema


def build(
    routers: Sequence[APIRouter],
    commands: Mapping[str, Sequence[Command]] = NO_COMMANDS,
    *,
    authenticator: Authenticator,
    readiness: health.Readiness,
    origins: OriginPolicy,
    per_address: RateLimiter | None = None,
    per_user: RateLimiter | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    events: Mapping[str, Sequence[Event]] = NO_EVENTS,
    announcements: Sequence[Announcement] = (),
    traffic: Traffic | None = None,
    metrics: health.Metrics | None = None,
    tracer_provider: Any = None,
    client: Path | None = None,
) -> Application:
    """The application. `commands` by the names under which the docs show them; `events` and `announcements` are
    those of the sockets, for the docs alone. `traffic` counts what is asked, `metrics` is what `/metrics` answers,
    `tracer_provider` takes the spans of requests, and `client` is the folder of the web client, if it is served."""

    @cache
    def of_events() -> asyncapi.Document:
        return asyncapi.document(events, announcements)

    app = Application(
        title="Fireside",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        # A redirect would be built from the Host header, which the caller chooses.
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        telemetry=_telemetry(tracer_provider),
        routes=[*health.routes(readiness, metrics), *docs.routes(of_events), *web.routes(client)],
        exception_handlers={HTTPException: refuse, RequestValidationError: refuse},
        middleware=[
            Middleware(RequestContext, traffic or Traffic()),
            Middleware(Cors, origins),
            Middleware(Refusals),
            Middleware(Guards, per_address=per_address, max_body_bytes=max_body_bytes),
        ],
    )
    # What `auth.bearer` asks who is calling.
    app.state.authenticator = authenticator
    app.state.per_user = per_user
    for router in (*routers, *(command_routes(some, tag) for tag, some in commands.items())):
        app.include_router(router)
    app.schemas = schemas(command for some in commands.values() for command in some)
    return app


def _operation_id(route: APIRoute) -> str:
    return "_".join([*map(str, route.tags), route.name])


def _telemetry(tracer_provider: Any) -> TelemetryConfig:
    # FastAPI's own would tell its logger what an exception says.
    config: TelemetryConfig = {"tracing": tracer_provider is not None, "metrics": False, "logs": False}
    if tracer_provider is not None:
        config |= {"tracer_provider": tracer_provider, "exclude": lambda scope: scope["path"] in ROUTINE}
    return config
