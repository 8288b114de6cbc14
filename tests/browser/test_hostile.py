"""What people write is shown, whatever it is, and does nothing."""

import httpx2
import pytest
from playwright.async_api import expect

from tests.browser.conftest import Arrivals
from tests.journeys.people import new_name
from tests.serving import FiresideProcess

WIDE = "w" * (16 * 1024 - 10) + " the end"
HOSTILE = {
    "markup": "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script> after markup",
    "a script's address": "javascript:document.title='taken' [link](javascript:alert(1)) after the address",
    "data as an address": "data:text/html,<script>opener.document.title='taken'</script> after data",
    "turned around": "photo_\u202egpj.exe\u202d\u2066\u2067 after the turn",
    "combining marks": "Z" + "\u0301" * 5_000 + " after marks",
    "one line of 16 KiB": WIDE,
    "a thousand lines": "\n".join(["line"] * 1_000),
    "marks in marks": "*_`" * 300 + " after marks in marks",
    "no width": "\u200b\u200d\ufeff\u00ad\u2060 nothing to be seen",
    "prototypes": "__proto__ constructor {{7*7}} ${7*7} after names",
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_it_is_shown_harmlessly(arrives: Arrivals, server: FiresideProcess, kind: str) -> None:
    ann, mallory = await arrives("ann", server), await server.register(new_name("mallory"))
    text = HOSTILE[kind]
    async with httpx2.AsyncClient(base_url=server.url) as http:
        http.headers["Authorization"] = f"Bearer {mallory['token']}"
        for content in ("before", text, "and after"):
            body = {"recipient": await ann.id(), "content": content}
            answer = await http.post("/api/chat/messages", json=body)
            assert answer.raise_for_status().json()["message"]["content"] == content
    await ann.open_chat(mallory["user"]["username"])
    await ann.sees("before", "and after")
    await expect(ann.page).not_to_have_title("taken")
    await expect(ann.messages).to_have_count(3)
    found = await ann.messages.nth(1).evaluate(
        """shown => ({
            made: shown.querySelectorAll("img, script, iframe, object, form").length,
            links: [...shown.querySelectorAll("a")].map(link => link.protocol),
            wide: document.documentElement.scrollWidth - innerWidth,
            outside: shown.getBoundingClientRect().right - innerWidth,
            high: shown.getBoundingClientRect().height,
            turned: /[\\u202a-\\u202e]/.test(shown.innerText),
        })"""
    )
    assert (found["made"], found["turned"]) == (0, False)
    assert set(found["links"]) <= {"http:", "https:", "mailto:"}
    assert found["wide"] <= 0
    assert found["outside"] <= 0
    assert found["high"] < 2_000


async def test_names_are_shown_harmlessly(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob = await arrives("ann", server), await arrives("bob", server)
    title = "<b onclick=x>Hikes</b> \u202etxet"
    await ann.make_group(title, bob)
    await bob.open_chat("Hikes")
    for each in (ann, bob):
        await expect(each.page.locator("b[onclick]")).to_have_count(0)
        await expect(each.chat("<b onclick=x>Hikes</b>")).to_have_count(1)
