"""The web client that `make web` has built: light enough to wait for, and such that its own policy lets it run."""

import gzip
import json
import re
from functools import cache
from html.parser import HTMLParser

import pytest

from fireside.http.web import BUILT

FIRST_LOAD_BYTES = 200_000
"""Compressed JavaScript, all that is there before anybody has clicked on anything."""


class Page(HTMLParser):
    """What index.html loads, and what is written in it where only markup should be."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: set[str] = set()
        self.links: set[str] = set()
        self.inline: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._inside = tag
        self.inline += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        if tag == "script" and "src" in given:
            self.scripts.add(given["src"])
        elif tag == "link":
            (self.scripts if given["rel"] == "modulepreload" else self.links).add(given["href"])

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style") and data.strip():
            self.inline.append(f"{self._inside}: {data[:40]}")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


@cache
def page() -> Page:
    assert (BUILT / "index.html").is_file(), "it is not built: make web"
    found = Page()
    found.feed((BUILT / "index.html").read_text())
    return found


def content(address: str) -> bytes:
    """What an address of the client's leads to."""
    assert address.startswith("/"), f"{address} is elsewhere"
    return (BUILT / address.removeprefix("/")).read_bytes()


def imported(script: bytes) -> set[str]:
    """What a module imports at once (`import("…")` comes later)."""
    found = re.findall(r"""(?:\bfrom|\bimport|\})\s*["'](\./[\w.-]+\.js)["']""", script.decode())
    return {f"/assets/{name.removeprefix('./')}" for name in found}


def first_load() -> set[str]:
    """The scripts of the page, and what they import."""
    known: set[str] = set()
    waiting = set(page().scripts)
    while waiting:
        known |= waiting
        waiting = set().union(*(imported(content(script)) for script in waiting)) - known
    return known


def test_the_first_load_is_light() -> None:
    sizes = {script: len(gzip.compress(content(script), 9)) for script in first_load()}
    assert any(script.startswith("/assets/") for script in sizes)
    assert sum(sizes.values()) < FIRST_LOAD_BYTES, sizes


def test_nothing_in_the_page_is_inline_and_nothing_is_elsewhere() -> None:
    assert page().inline == []
    for address in page().scripts | page().links:
        content(address)


def test_what_is_inline_is_noticed() -> None:
    """The test above believes this."""
    found = Page()
    found.feed(
        '<p onclick="x"><b style="y">z</b></p><script src="/a.js"></script><script>let q</script><style>i{}</style>'
    )
    assert found.inline == ["p onclick", "b style", "script: let q", "style: i{}"]


def test_it_can_be_installed() -> None:
    (manifest,) = (address for address in page().links if address.endswith(".webmanifest"))
    said = json.loads(content(manifest))
    assert {"name", "short_name", "start_url", "display"} <= said.keys()
    sizes = {icon["sizes"] for icon in said["icons"] if content(icon["src"])}
    assert {"192x192", "512x512"} <= sizes


@pytest.mark.parametrize("suffix", [".js", ".css"])
def test_what_is_worth_it_is_there_compressed(suffix: str) -> None:
    large = [path for path in (BUILT / "assets").glob(f"*{suffix}") if path.stat().st_size > 10_000]
    assert large
    for path in large:
        whole, coded = path.stat().st_size, path.with_name(path.name + ".br").stat().st_size
        assert coded < whole / 2
        assert gzip.decompress(path.with_name(path.name + ".gz").read_bytes()) == path.read_bytes()
