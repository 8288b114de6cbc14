"""What it looks like: the same evening at three widths, in both themes.

Everything has its place at each of them. With `FIRESIDE_PICTURES=docs/images` the pictures are put there; without, they
stay with the other files of the test.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, expect

from fireside.client import Client
from tests.browser.conftest import Arrivals
from tests.browser.people import Somebody
from tests.serving import FiresideProcess

SIZES = {390: 844, 820: 1180, 1440: 900}
PHONE = 390
HIKES = "Saturday hikes"
LAST = "three at that of Jonas 😅"
FITS = "document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight"


@asynccontextmanager
async def friends(server: FiresideProcess, *names: str) -> AsyncIterator[dict[str, Client]]:
    """People of these very names, who use programs."""
    async with AsyncExitStack() as stack:
        people = {}
        for name in names:
            token = (await server.register(name))["token"]
            people[name] = await stack.enter_async_context(Client(server.url, token))
        yield people


async def an_evening(ann: Somebody, server: FiresideProcess) -> None:
    """What has been said before anybody looks."""
    me = await ann.id()
    async with friends(server, "Maya", "Jonas", "Priya", "Tom") as people:
        maya, jonas, priya, tom = people.values()
        await tom.send("The parcel is here. Shall I bring it over?", to=me)
        await ann.open_chat("Tom")
        await ann.say("Yes please, after six")
        books = await priya.create_group("Book club", [me, tom.state.me])
        await priya.send("Chapter nine by Thursday. Bring biscuits 🍪", conversation=books.id)
        await jonas.send("Did you find the blue tent?", to=me)
        hikes = (await maya.create_group(HIKES, [me, jonas.state.me, priya.state.me])).id
        forecast = await maya.send("Saturday looks *good*: 18° and sun until four.", conversation=hikes)
        await maya.send("I would take the ridge: https://example.org/trails/kofel", conversation=hikes)
        await jonas.send("I can take three in the car. 8:15 at the station?", conversation=hikes)
        await ann.open_chat(HIKES)
        await ann.do("8:15 at the station?", "Reply")
        await ann.say("8:15 is fine. I bring the map and the big thermos ☕")
        await ann.sees("the big thermos")
        for person, emoji in ((jonas, "🎉"), (priya, "🎉"), (maya, "☀️")):
            await person.react(forecast, emoji)
        await priya.send("_Almost_ sold. How long is the way down?", conversation=hikes)
        await maya.send(f"Two hours at my pace, {LAST}", conversation=hikes)
        await ann.sees("How long is the way down?", LAST)
        for person in people.values():
            await person.settled()


async def test_everything_has_its_place_at_every_size(
    impatient_server: FiresideProcess, arrives: Arrivals, tmp_path: Path
) -> None:
    ann = await arrives("ann", impatient_server)
    await an_evening(ann, impatient_server)
    given = os.environ.get("FIRESIDE_PICTURES")
    folder = Path(given) if given else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        for width, height in SIZES.items():
            await ann.page.set_viewport_size({"width": width, "height": height})
            await ann.page.emulate_media(color_scheme=theme)
            await at_rest(ann.page)
            assert await ann.page.evaluate(FITS), (theme, width)
            await expect(ann.box).to_be_in_viewport()
            await expect(ann.message(LAST)).to_be_in_viewport()
            chats = ann.page.get_by_role("navigation", name="Conversations")
            await expect(chats).to_be_visible(visible=width > PHONE)
            await picture(ann.page, folder / f"conversation-{width}-{theme}.png")
        await ann.page.set_viewport_size({"width": PHONE, "height": SIZES[PHONE]})
        await ann.page.get_by_role("button", name="Back to the list").click()
        await expect(ann.chat("Jonas")).to_be_in_viewport()
        assert await ann.page.evaluate(FITS), theme
        await picture(ann.page, folder / f"list-{PHONE}-{theme}.png")
        await ann.open_chat(HIKES)


async def at_rest(page: Page) -> None:
    """Wait until nothing moves any more."""
    await page.evaluate("document.fonts.ready.then(() => null)")
    await page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))")


async def picture(page: Page, path: Path) -> None:
    await at_rest(page)
    await page.mouse.move(0, 0)
    await page.screenshot(path=path, animations="disabled", caret="hide")
