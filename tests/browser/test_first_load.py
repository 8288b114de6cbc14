"""The first page: there, under its policy, without a word of complaint."""

from playwright.async_api import expect

from tests.browser.conftest import Arrivals
from tests.browser.people import Somebody
from tests.serving import FiresideProcess

PART = "**/assets/Find-*.js"
"""What finds people, loaded when somebody does or when there is nothing else to do."""
IDLE = "new Promise(done => setTimeout(() => requestIdleCallback(done), 100))"


async def test_the_first_page_is_shown_under_its_policy(arrives: Arrivals, server: FiresideProcess) -> None:
    ann = await arrives("ann", server, registers=False)
    await ann.open()
    await expect(ann.page.get_by_role("heading", level=1)).to_be_visible()
    await expect(ann.page.get_by_label("Username")).to_be_focused()
    await ann.page.reload()
    await expect(ann.page.get_by_label("Username")).to_be_focused()


async def test_what_breaks_the_policy_is_noticed(arrives: Arrivals, server: FiresideProcess) -> None:
    """The tests believe that a page that did would be found out."""
    ann = await arrives("ann", server, registers=False)
    await ann.open()
    async with ann.page.expect_console_message(lambda message: message.type == "error"):
        await ann.page.evaluate(
            "document.head.append(Object.assign(document.createElement('script'), {textContent: 'x = 1'}))"
        )
    assert "Content Security Policy" in ann.troubles.pop()


async def without_a_part(arrives: Arrivals, server: FiresideProcess) -> Somebody:
    """Somebody whose page could not fetch it ahead, and has not begun anew for that."""
    ann = await arrives("ann", server, registers=False, service_workers="block")
    ann.may_be_cut_off = True
    await ann.page.route(PART, lambda route: route.abort())
    async with ann.page.expect_event("requestfailed", lambda request: "/assets/Find" in request.url):
        await ann.register()
        await ann.page.evaluate("window.isFirst = true")
    await ann.page.evaluate(IDLE)
    assert await ann.page.evaluate("window.isFirst")
    return ann


async def test_what_cannot_be_fetched_ahead_is_fetched_when_it_is_wanted(
    arrives: Arrivals, server: FiresideProcess
) -> None:
    ann = await without_a_part(arrives, server)
    await ann.page.unroute(PART)
    await ann.page.get_by_role("button", name="New chat").first.click()
    await expect(ann.finding).to_be_visible()
    assert await ann.page.evaluate("window.isFirst")


async def test_what_is_wanted_without_a_line_comes_when_it_is_back(arrives: Arrivals, server: FiresideProcess) -> None:
    ann = await without_a_part(arrives, server)
    # In this order: on a busy machine the page is not done with fetching ahead, and it would come.
    await ann.context.set_offline(True)
    await ann.page.unroute(PART)
    async with ann.page.expect_event("requestfailed", lambda request: "/assets/Find" in request.url):
        await ann.page.get_by_role("button", name="New chat").first.click()
    await expect(ann.finding).to_have_count(0)
    await ann.context.set_offline(False)
    await expect(ann.finding).to_be_visible()
    assert await ann.page.evaluate("window.isFirst")


async def test_the_page_begins_anew_where_a_part_of_its_version_is_no_more(
    arrives: Arrivals, server: FiresideProcess
) -> None:
    ann = await without_a_part(arrives, server)
    async with ann.page.expect_event("load"):
        await ann.page.get_by_role("button", name="New chat").first.click()
    await ann.page.unroute(PART)
    await ann.is_in()
    assert not await ann.page.evaluate("window.isFirst")
    await ann.page.get_by_role("button", name="New chat").first.click()
    await expect(ann.finding).to_be_visible()
