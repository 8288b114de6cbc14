"""What people write is shown, whatever it is, and does nothing."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from fireside.client import Client
from tests.browser.conftest import Arrivals, ann_and_bob
from tests.browser.people import Somebody, coming
from tests.journeys.people import new_name
from tests.serving import FiresideProcess

MOST_MARKS = 8_100
"""As many as a message has room for."""
WIDE = "w" * (16 * 1024 - 10) + " the end"
HOSTILE = {
    "markup": "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script> after markup",
    "a script's address": "javascript:document.title='taken' [link](javascript:alert(1)) after the address",
    "data as an address": "data:text/html,<script>opener.document.title='taken'</script> after data",
    "turned around": "photo_\u202egpj.exe\u202d\u2066\u2067 after the turn",
    "combining marks": "Z" + "\u0301" * MOST_MARKS + " after marks",
    "one line of 16 KiB": WIDE,
    "a thousand lines": "\n".join(["line"] * 1_000),
    "marks in marks": "*_`" * 300 + " after marks in marks",
    "no width": "\u200b\u200d\ufeff\u00ad\u2060 nothing to be seen",
    "prototypes": "__proto__ constructor {{7*7}} ${7*7} after names",
}


MEASURED = """shown => ({
    made: shown.querySelectorAll("img, script, iframe, object, form").length,
    links: [...shown.querySelectorAll("a")].map(link => link.protocol),
    wide: document.documentElement.scrollWidth - innerWidth,
    outside: shown.getBoundingClientRect().right - innerWidth,
    high: shown.getBoundingClientRect().height,
    turned: /[\\u202a-\\u202e]/.test(shown.innerText),
})"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reader(browser: Browser, server: FiresideProcess) -> AsyncIterator[Somebody]:
    """Somebody to whom all of it is written."""
    async with coming(browser) as (arrive, _):
        yield await arrive("ann", server)


@pytest.mark.parametrize("kind", HOSTILE)
async def test_it_is_shown_harmlessly(reader: Somebody, server: FiresideProcess, kind: str) -> None:
    text, me = HOSTILE[kind], await reader.id()
    mallory = await server.register(new_name("mallory"))
    async with Client(server.url, mallory["token"]) as client:
        for content in ("before", text, "and after"):
            assert (await client.send(content, to=me)).content == content
    await reader.open_chat(mallory["user"]["username"])
    await reader.sees("before", "and after")
    await expect(reader.page).not_to_have_title("taken")
    await expect(reader.messages).to_have_count(3)
    shown = reader.messages.nth(1)
    found = await shown.evaluate(MEASURED)
    assert found["high"] < 2_000
    more = shown.get_by_role("button", name="Read more")
    if await more.count():
        await more.click()
        found = await shown.evaluate(MEASURED)
    assert (found["made"], found["turned"]) == (0, False)
    assert set(found["links"]) <= {"http:", "https:", "mailto:"}
    assert found["wide"] <= 0
    assert found["outside"] <= 0
    await reader.agrees()
    assert reader.troubles == []


async def test_names_are_shown_harmlessly(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob = await ann_and_bob(arrives, server)
    title = "<b onclick=x>Hikes</b> \u202etxet"
    await ann.make_group(title, bob)
    await bob.open_chat("<b onclick=x>Hikes")
    for each in (ann, bob):
        await expect(each.page.locator("b[onclick]")).to_have_count(0)
        await expect(each.chat("<b onclick=x>Hikes")).to_have_count(1)
