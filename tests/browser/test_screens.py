"""What it looks like: the same evening at three widths, in both themes.

Everything has its place at each of them. With `FIRESIDE_PICTURES=docs/images` the pictures are put there; without, they
stay with the other files of the test.
"""

import os
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Arrivals
from tests.browser.evening import ANN, FIRST, HIKES, JONAS, LAST, NOW, have_it
from tests.serving import FiresideProcess

SIZES = {390: 844, 820: 1180, 1440: 900}
PHONE = 390
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FITS = "document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the pictures go."""
    folder = Path(os.environ.get("FIRESIDE_PICTURES") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def test_everything_has_its_place_at_every_size(server: FiresideProcess, arrives: Arrivals, folder: Path) -> None:
    ann = await arrives(ANN, server, given=await have_it(server), timezone_id="UTC")
    await ann.page.clock.set_fixed_time(NOW)
    await ann.page.reload()
    chats = ann.page.get_by_role("navigation", name="Conversations")
    for theme in THEMES:
        await ann.page.emulate_media(color_scheme=theme)
        await ann.open_chat(HIKES)
        await expect(ann.message(FIRST)).to_have_count(1)
        for width, height in SIZES.items():
            await ann.page.set_viewport_size({"width": width, "height": height})
            await at_rest(ann.page)
            assert await ann.page.evaluate(FITS), (theme, width)
            await expect(ann.box).to_be_in_viewport()
            await expect(ann.message(LAST)).to_be_in_viewport(ratio=1)
            await expect(chats).to_be_visible(visible=width > PHONE)
            await picture(ann.page, folder / f"conversation-{width}-{theme}.png")
        await ann.page.set_viewport_size({"width": PHONE, "height": SIZES[PHONE]})
        await ann.page.get_by_role("button", name="Back to the list").click()
        await expect(ann.chat(JONAS)).to_be_in_viewport()
        assert await ann.page.evaluate(FITS), theme
        await picture(ann.page, folder / f"list-{PHONE}-{theme}.png")


async def at_rest(page: Page) -> None:
    """Wait until nothing moves any more."""
    await page.evaluate("document.fonts.ready.then(() => null)")
    await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))")


async def picture(page: Page, path: Path) -> None:
    await at_rest(page)
    await page.mouse.move(0, 0)
    await page.screenshot(path=path, animations="disabled", caret="hide")
