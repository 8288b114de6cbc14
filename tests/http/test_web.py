"""The web client as it is served: what, to whom, in which coding, for how long, under which policy."""

import gzip
from pathlib import Path

import httpx2
import pytest

from fireside.http import web
from tests.http.conftest import open_http, whole
from tests.http.rest import Rest, refusal

SCRIPT = "assets/index-d41d8cd9.js"
FILES = {
    "index.html": b"<!doctype html><title>Fireside</title>",
    "manifest.webmanifest": b"{}",
    "sw.js": b"self",
    "icons/icon.svg": b"<svg/>",
    SCRIPT: b"let said = true;" * 100,
    "assets/index-0b7e3f1a.css": b"body {}",
    "assets/inter-5e1f2a3b.woff2": b"wOF2",
    ".stray": b"nobody's",
}
CODED = {".br": b"as brotli has it", ".gz": gzip.compress(FILES[SCRIPT])}
NEVER_KEPT = ["/", "/index.html", "/manifest.webmanifest", "/sw.js", "/icons/icon.svg"]
FOR_EVER = ["/" + name for name in FILES if name.startswith("assets/")]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A client as the build leaves it, with something beside it that is nobody's business."""
    folder = tmp_path / "web"
    for name, content in FILES.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    for suffix, content in CODED.items():
        (folder / (SCRIPT + suffix)).write_bytes(content)
    (tmp_path / "secret.js").write_text("let secret")
    return folder


@pytest.fixture
def rest(built: Path) -> Rest:
    return Rest(client=built)


async def ask(rest: Rest, path: str, method: str = "GET", **headers: str) -> httpx2.Response:
    async with rest.client(headers={"Accept-Encoding": "identity"}) as client:
        return await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})


# ── what is served ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("path", "kind"), [
    ("/", "text/html; charset=utf-8"),
    ("/manifest.webmanifest", "application/manifest+json"),
    ("/sw.js", "text/javascript; charset=utf-8"),
    ("/icons/icon.svg", "image/svg+xml"),
    ("/" + SCRIPT, "text/javascript; charset=utf-8"),
    ("/assets/index-0b7e3f1a.css", "text/css; charset=utf-8"),
    ("/assets/inter-5e1f2a3b.woff2", "font/woff2"),
])  # fmt: skip
async def test_each_file_is_served_as_what_it_is(rest: Rest, path: str, kind: str) -> None:
    answer = await ask(rest, path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.content == FILES[path[1:] or "index.html"]


@pytest.mark.parametrize("path", NEVER_KEPT + FOR_EVER)
async def test_a_head_is_the_answer_without_its_body(rest: Rest, path: str) -> None:
    whole, head = await ask(rest, path), await ask(rest, path, "HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize("path", ["/nope", "/api/nope", "/assets/nope.js", "/assets", "/assets/", "/icons", "/login"])
async def test_what_is_not_there_is_refused_as_ever(rest: Rest, path: str) -> None:
    assert refusal(await ask(rest, path)) == (404, "not_found")


@pytest.mark.parametrize("path", [
    "/assets/%2e%2e/%2e%2e/secret.js", "/assets/..%2f..%2fsecret.js", "/..%2fsecret.js",
    "/assets//etc/passwd", "/assets/%00", "/assets/" + "a" * 3000, "/.stray", "/assets/..%5csecret.js",
    f"/{SCRIPT}.br", f"/{SCRIPT}.gz", "/assets/" + "é" * 200,
])  # fmt: skip
async def test_no_address_leads_to_any_other_file(rest: Rest, path: str) -> None:
    assert refusal(await ask(rest, path)) == (404, "not_found")


@pytest.mark.parametrize("path", ["/", "/sw.js", "/" + SCRIPT])
async def test_nothing_can_be_posted_to_it(rest: Rest, path: str) -> None:
    answer = await ask(rest, path, "POST")
    assert refusal(answer) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/docs/events", "/docs/assets/docs.js", "/openapi.json"])
async def test_whatever_else_there_is_stays_where_it_was(rest: Rest, path: str) -> None:
    without, beside = await ask(Rest(), path), await ask(rest, path)
    assert (beside.status_code, beside.content) == (200, without.content)
    assert beside.headers["content-security-policy"] == without.headers["content-security-policy"]


# ── for how long ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", NEVER_KEPT)
async def test_what_keeps_its_name_is_asked_for_again_each_time(rest: Rest, path: str) -> None:
    assert (await ask(rest, path)).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", FOR_EVER)
async def test_what_changes_its_name_is_kept_for_ever(rest: Rest, path: str) -> None:
    assert (await ask(rest, path)).headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", NEVER_KEPT + FOR_EVER)
async def test_what_has_not_changed_is_not_sent_again(rest: Rest, path: str) -> None:
    first = await ask(rest, path)
    again = await ask(rest, path, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "vary", "cache-control", "content-security-policy", "cross-origin-opener-policy"):
        assert again.headers[name] == first.headers[name]


async def test_a_new_page_is_told_from_an_old_one_of_the_same_size_and_time(built: Path) -> None:
    """Packages may give every file one time, and names of hashes are all of one length."""
    tags = set()
    for content in (b"index-d41d8cd9", b"index-d41d8cd8"):
        (built / "index.html").write_bytes(content)
        tags.add((await ask(Rest(client=built), "/")).headers["etag"])
    assert len(tags) == 2


# ── in which coding ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("accepted", "coding"), [
    ("gzip, deflate, br, zstd", "br"),
    ("gzip", "gzip"),
    ("GZIP;q=0.5", "gzip"),
    ("br;q=0, gzip", "gzip"),
    ("br; q=0.000,gzip;q=0", None),
    ("deflate", None),
    ("identity", None),
    ("", None),
])  # fmt: skip
async def test_the_best_coding_that_is_taken_is_sent(rest: Rest, accepted: str, coding: str | None) -> None:
    async with (
        rest.client() as client,
        client.stream("GET", "/" + SCRIPT, headers={"Accept-Encoding": accepted}) as answer,
    ):
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert raw == {"br": CODED[".br"], "gzip": CODED[".gz"], None: FILES[SCRIPT]}[coding]
    assert answer.headers["content-length"] == str(len(raw))
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_what_lies_there_in_no_coding_is_sent_as_it_is(rest: Rest) -> None:
    answer = await ask(rest, "/", Accept_Encoding="br, gzip")
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_each_coding_has_a_tag_of_its_own(rest: Rest) -> None:
    async def tag(accepted: str) -> str:
        return str((await ask(rest, "/" + SCRIPT, "HEAD", Accept_Encoding=accepted)).headers["etag"])

    assert len({await tag("br"), await tag("gzip"), await tag("identity")}) == 3


# ── under which policy ───────────────────────────────────────────────────────────────────────────────────────────────

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


@pytest.mark.parametrize("path", NEVER_KEPT + FOR_EVER)
async def test_nothing_from_elsewhere_and_nothing_inline_runs_in_it(rest: Rest, path: str) -> None:
    headers = (await ask(rest, path)).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


# ── where there is none ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_clone_that_was_not_built_says_how_it_is_built(tmp_path: Path) -> None:
    answer = await ask(Rest(client=tmp_path), "/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "make web" in answer.text
    assert (await ask(Rest(client=tmp_path), "/healthz")).status_code == 200


@pytest.mark.parametrize(("setting", "served"), [("on", True), ("off", False)])
async def test_a_setting_switches_it_off(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, served: bool
) -> None:
    monkeypatch.setattr(web, "BUILT", built)
    async with open_http(whole(tmp_path, FIRESIDE_WEB=setting)) as client:
        page, script = await client.get("/"), await client.get("/" + SCRIPT)
    assert (page.status_code, script.status_code) == ((200, 200) if served else (307, 404))
    assert served or page.headers["location"] == "/docs"
