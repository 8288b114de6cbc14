"""Nothing in the pages keeps people out who see, hear or move otherwise (axe-core), in both themes and on a phone."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from playwright.async_api import Page, expect

from tests.browser.conftest import Arrivals
from tests.journeys.programs import node_modules
from tests.serving import FiresideProcess

LOOKED_AT = "{include: ['body'], exclude: ['[data-base-ui-focus-guard]']}"
"""Not the guards at the ends of a menu: whoever gets to one is sent on at once."""
PHONE, DESK = 390, 1440
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SERIOUS = ("serious", "critical")


async def barriers(page: Page) -> list[str]:
    """What axe finds that is serious: the rule, and where."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate((node_modules() / "axe-core" / "axe.min.js").read_text())
    # What moves is looked at when it has come to rest.
    await page.evaluate(
        "Promise.all(document.getAnimations().map(each => each.finished.catch(() => null))).then(() => null)"
    )
    found: list[dict[str, Any]] = await page.evaluate(f"axe.run({LOOKED_AT}).then(found => found.violations)")
    return [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]


async def in_every_look(page: Page, place: str, widths: Sequence[int] = (PHONE, DESK)) -> list[str]:
    """What is found in both themes, on a phone and on a desk."""
    found = []
    for width in widths:
        await page.set_viewport_size({"width": width, "height": 900})
        for theme in THEMES:
            await page.emulate_media(color_scheme=theme)
            found += [f"{place}, {width} px, {theme}: {each}" for each in await barriers(page)]
    return found


async def test_nothing_keeps_anybody_out(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob = await arrives("ann", server, registers=False), await arrives("bob", server)
    await ann.open()
    await expect(ann.page.get_by_label("Username")).to_be_visible()
    found = await in_every_look(ann.page, "door")
    await ann.register()
    found += await in_every_look(ann.page, "nothing yet")
    await ann.write_to(bob)
    await ann.say("Hello *Bob*, see https://example.org and `code`")
    await bob.open_chat(ann.name)
    await bob.say("Hello Ann")
    await expect(ann.messages).to_have_count(2)
    found += await in_every_look(ann.page, "conversation")
    await ann.message("Hello Ann").click(button="right", position={"x": 8, "y": 8})
    await expect(ann.page.get_by_role("menu")).to_be_visible()
    found += await in_every_look(ann.page, "menu")
    await ann.page.keyboard.press("Escape")
    await ann.page.get_by_role("button", name=re.compile("^About ")).click()
    await expect(ann.page.get_by_role("complementary")).to_be_visible()
    found += await in_every_look(ann.page, "about the conversation", [DESK])
    assert not found, "\n".join(found)


async def test_a_barrier_is_noticed(arrives: Arrivals, server: FiresideProcess) -> None:
    """The test above believes this."""
    ann = await arrives("ann", server, registers=False)
    await ann.open()
    await ann.page.evaluate("document.body.append(document.createElement('button'))")
    assert any(each.startswith("button-name") for each in await barriers(ann.page))
