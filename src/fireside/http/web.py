"""The web client: the files that the build has made (`make web`), as they are.

What must stay true:

- What is served is what was there at the start, by name: no address leads to any other file.
- A name in `assets/` changes with its content, so browsers never ask for it again. What has the same name for ever is
  asked for again each time, and answered with 304 while it is the same: an old page would ask for files that are gone.
- The policy allows nothing from elsewhere and nothing inline: what somebody manages to get into a page does not run.

The client keeps its place behind a `#`, so it has one page.
"""

import re
from hashlib import sha256
from mimetypes import MimeTypes
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

BUILT = Path(__file__).with_name("webclient")
"""Where the build puts it. In a clone that has not been built there is nothing."""

PAGE = "index.html"
CODINGS = {"br": ".br", "gzip": ".gz"}
"""The best first. What is worth it lies there in each, made by the build."""
REFUSED = re.compile(r";\s*q=0(\.0*)?\s*\Z")
"""How a caller says of a coding that it is not to be used (RFC 9110 section 12.5.3)."""

POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
FOR_EVER = "public, max-age=31536000, immutable"

TYPES = MimeTypes()
"""What Python knows by itself: no machine's own list changes a type."""
TYPES.add_type("text/javascript", ".js")
TYPES.add_type("font/woff2", ".woff2")

UNBUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fireside</title>
<h1>Fireside is running</h1>
<p>Its web client is not built here: <code>make web</code> does it. Then start the server again.</p>
<p>The API is there: <a href="docs">what it can do</a>.</p>
</html>
"""


class Files(StaticFiles):
    """The files of a folder, each in the best coding that there is and the caller takes.

    Tags are made of what is in a file. Times and sizes would not do: the page names its assets by hashes of one
    length, and packages may give all files one time.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)
        self._folder = folder.resolve()
        found = (path for path in self._folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        self._tags = {path: f'"{sha256(path.read_bytes()).hexdigest()[:32]}"' for path in found}
        self._names = {path for path in self._tags if path.suffix not in CODINGS.values()}

    @property
    def routes(self) -> list[BaseRoute]:
        """One for all assets, and one for each of the others."""
        others = (path.relative_to(self._folder).as_posix() for path in sorted(self._names) if not self._lasts(path))
        return [Route("/assets/{name:path}", self), *(Route(f"/{name}", self) for name in others)]

    def file_response(self, full_path: Any, stat_result: Any, scope: Scope, status_code: int = 200) -> Response:
        path, asked = Path(full_path), Headers(scope=scope)
        if path not in self._names:
            raise HTTPException(404)
        coding, sent = self._best(path, asked.get("accept-encoding", ""))
        headers = HEADERS | {"ETag": self._tags[sent], "Vary": "Accept-Encoding"}
        headers["Cache-Control"] = FOR_EVER if self._lasts(path) else "no-cache"
        if coding:
            headers["Content-Encoding"] = coding
        response = FileResponse(sent, headers=headers, media_type=TYPES.guess_type(path.name)[0])
        if not self.is_not_modified(response.headers, asked):
            return response
        unchanged = NotModifiedResponse(response.headers)
        # Browsers put the headers of a 304 in the place of those they keep, the policy too (RFC 9111 section 3.2).
        unchanged.headers.update(HEADERS)
        return unchanged

    def _lasts(self, path: Path) -> bool:
        return self._folder / "assets" in path.parents

    def _best(self, path: Path, accepted: str) -> tuple[str, Path]:
        taken = {each.partition(";")[0].strip().lower() for each in accepted.split(",") if not REFUSED.search(each)}
        for coding, suffix in CODINGS.items():
            if coding in taken and (coded := path.with_name(path.name + suffix)) in self._tags:
                return coding, coded
        return "", path


def routes(built: Path | None) -> list[BaseRoute]:
    """The client: its page and its files. Where it is not served (None) the first page leads to the docs."""
    if built is None:
        return [Route("/", _docs)]
    if not (built / PAGE).is_file():
        return [Route("/", _unbuilt)]
    files = Files(built)

    async def page(request: Request) -> Response:
        return await files.get_response(PAGE, request.scope)

    return [Route("/", page), *files.routes]


async def _docs(_request: Request) -> Response:
    return RedirectResponse("/docs", 307)


async def _unbuilt(_request: Request) -> Response:
    return HTMLResponse(UNBUILT)
