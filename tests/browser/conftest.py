"""A browser for each worker of the tests, a server that has the built client, and people who come to it.

What a page complains about, an error of its own or of its policy, fails the test. Where one fails, the screens are kept
beside its other files, and named in the report.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from fireside.http.web import BUILT
from tests.browser.chromium import chromium
from tests.browser.people import Somebody, coming
from tests.journeys.conftest import assert_nothing_broke
from tests.serving import FiresideProcess

HERE = Path(__file__).parent
FAILED = pytest.StashKey[bool]()

Arrivals = Callable[..., Awaitable[Somebody]]


async def ann_and_bob(arrives: Arrivals, server: FiresideProcess) -> tuple[Somebody, Somebody]:
    """Two who know nothing of each other."""
    ann, bob = await asyncio.gather(arrives("ann", server), arrives("bob", server))
    return ann, bob


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them share the loop in which the browser lives."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FiresideProcess]:
    """Shared: others' people are there too."""
    assert (BUILT / "index.html").is_file(), "the web client is not built: make web"
    async with FiresideProcess(tmp_path_factory.mktemp("browser")) as server:
        yield server
    assert_nothing_broke(server)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def impatient_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FiresideProcess]:
    """One that soon misses who says nothing more, and that a test may kill if it starts it again."""
    impatient = {"FIRESIDE_PING_INTERVAL_S": "1", "FIRESIDE_PING_TIMEOUT_S": "1"}
    async with FiresideProcess(tmp_path_factory.mktemp("impatient"), impatient) as server:
        yield server
    assert_nothing_broke(server)


@pytest_asyncio.fixture(loop_scope="session")
async def arrives(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> AsyncIterator[Arrivals]:
    """`await arrives("ann", server)`: somebody new, with a browser of their own, by which they are logged in.

    Where the test went well, what everybody sees at its end is held against what the server says."""
    async with coming(browser) as (arrive, everybody):
        yield arrive
        if not request.node.stash.get(FAILED, False):
            for each in everybody:
                await each.agrees()
        else:
            for number, each in enumerate(everybody):
                await each.page.screenshot(path=tmp_path / f"{number}-{each.name}.png")
            print(f"screens: {tmp_path}")
    for each in everybody:
        assert each.troubles == [], each.name
