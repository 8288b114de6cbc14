"""The references, for people and for programs: REST, events, and a Postman collection, from assets of our own.

Nothing on the pages comes from elsewhere and nothing is inline, so their policies can say so. Addresses are relative:
the pages work below a proxy's prefix too.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from fireside.http import postman, reference
from fireside.http.asyncapi import Document
from fireside.http.bar import bar

ASSETS = Path(__file__).with_name("assets")

STRICT: Mapping[str, str] = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
SWAGGER: Mapping[str, str] = {
    **STRICT,
    "script-src": "'self'",
    # It sets style attributes on its SVG.
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
}

PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fireside API</title>
<link rel="icon" href="docs/assets/fireside.svg">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
<link rel="stylesheet" href="docs/assets/bar.css">
</head>
<body>
{bar("REST")}
<div id="swagger-ui"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/assets/docs.js"></script>
</body>
</html>
"""


class Assets(StaticFiles):
    """Files that browsers may keep for a day and revalidate after."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "public, max-age=86400"
        return response


def routes(asyncapi: Callable[[], Document]) -> list[BaseRoute]:
    """The pages, what they load and what they are made from. `asyncapi` gives the document of the events."""

    async def rest(_request: Request) -> Response:
        return _page(PAGE, SWAGGER)

    async def events(request: Request) -> Response:
        return _page(reference.page(asyncapi(), request.app.openapi()), STRICT)

    async def events_document(_request: Request) -> Response:
        return JSONResponse(asyncapi())

    async def collection(request: Request) -> Response:
        found = postman.collection(request.app.openapi(), str(request.base_url))
        name = "fireside.postman_collection.json"
        return JSONResponse(found, headers={"Content-Disposition": f'attachment; filename="{name}"'})

    return [
        Route("/asyncapi.json", events_document),
        Route("/docs", rest),
        Route("/docs/events", events),
        Route("/docs/postman.json", collection),
        Mount("/docs/assets", Assets(directory=ASSETS)),
    ]


def _page(html: str, policy: Mapping[str, str]) -> Response:
    said = "; ".join(f"{name} {value}" for name, value in policy.items())
    return HTMLResponse(html, headers={"Content-Security-Policy": said})
