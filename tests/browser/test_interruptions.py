"""What is said gets there, and what was said is there, whatever becomes of the line, the page and the server."""

import asyncio
import re

from playwright.async_api import expect

from fireside.client import Client, login
from tests.browser.conftest import Arrivals, ann_and_bob
from tests.browser.people import Somebody
from tests.serving import PASSWORD, FiresideProcess

UNTIL_KEPT = """async () => {
    const [{ name }] = await indexedDB.databases();
    const opening = indexedDB.open(name);
    await new Promise(resolve => (opening.onsuccess = resolve));
    for (let kept = 0; kept === 0; ) {
        const counting = opening.result.transaction("messages").objectStore("messages").count();
        kept = await new Promise(resolve => (counting.onsuccess = () => resolve(counting.result)));
    }
    opening.result.close();
}"""
"""Waits until what was said is written down on the device."""
DEAF = """
const { WebSocket } = window;
window.asked = new Promise(resolve => {
    window.WebSocket = function (...where) {
        if (!window.isDeaf) return new WebSocket(...where);
        window.isDeaf = false;
        this.close = () => {};
        resolve();
    };
});
"""
"""The first connection that is made after `isDeaf` was set has no answer."""
SOONER_S = 15.0
"""Than the client gives up waiting for one."""
AWAY = ("one while away", "two while away", "three while away")


async def talking(arrives: Arrivals, server: FiresideProcess) -> tuple[Somebody, Somebody]:
    """Two who have their conversation open."""
    ann, bob = await ann_and_bob(arrives, server)
    await ann.write_to(bob)
    await ann.say("Hello Bob")
    await bob.open_chat(ann.name)
    await bob.sees("Hello Bob")
    return ann, bob


async def cut_off(somebody: Somebody) -> None:
    """Take their line away, as a train does that goes into a tunnel."""
    somebody.may_be_cut_off = True
    await somebody.context.set_offline(True)
    await expect(somebody.page.get_by_text("You are offline.").filter(visible=True).first).to_be_visible()


async def test_a_reload_in_mid_conversation(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob = await talking(arrives, server)
    await ann.box.fill("not sent yet")
    await ann.page.reload()
    await ann.sees("Hello Bob")
    await expect(ann.box).to_have_value("not sent yet")
    await bob.say("Are you there?")
    await ann.sees("Hello Bob", "Are you there?")
    await ann.say("Back again")
    await bob.sees("Hello Bob", "Are you there?", "Back again")


async def test_what_was_written_offline_arrives_once_and_in_order(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob = await talking(arrives, server)
    await cut_off(ann)
    for text in AWAY:
        await ann.say(text)
    await expect(ann.waiting).to_have_count(len(AWAY))
    await bob.say("meanwhile")
    await ann.context.set_offline(False)
    await bob.sees("meanwhile", *AWAY)
    await ann.sees("meanwhile", *AWAY)
    await expect(ann.waiting).to_have_count(0)


async def test_a_connection_that_is_being_made_when_the_network_goes_is_made_again(
    arrives: Arrivals, server: FiresideProcess
) -> None:
    ann, bob = await talking(arrives, server)
    ann.may_be_cut_off = True
    await ann.page.add_init_script(DEAF)
    await ann.page.reload()
    await ann.sees("Hello Bob")
    await ann.page.evaluate("window.isDeaf = true; dispatchEvent(new Event('offline')); window.asked")
    await ann.page.evaluate("dispatchEvent(new Event('offline')); dispatchEvent(new Event('online'))")
    await bob.say("are you there?")
    async with asyncio.timeout(SOONER_S):
        await ann.sees("Hello Bob", "are you there?")


async def test_what_is_being_written_stays_while_the_conversation_comes_to_be(
    arrives: Arrivals, server: FiresideProcess
) -> None:
    """With somebody new it has no place of its own before the first message has got there."""
    ann, bob = await ann_and_bob(arrives, server)
    await ann.write_to(bob)
    await cut_off(ann)
    await ann.say("the first one")
    await ann.box.fill("half of the sec one")
    for _ in " one":
        await ann.page.keyboard.press("ArrowLeft")
    assert ann.conversation is None
    await ann.context.set_offline(False)
    await expect(ann.page).to_have_url(re.compile("#/c/"))
    await expect(ann.box).to_have_value("half of the sec one")
    await ann.page.keyboard.type("ond")
    await ann.page.keyboard.press("Enter")
    await bob.open_chat(ann.name)
    await bob.sees("the first one", "half of the second one")


async def test_opened_offline_it_shows_what_was_there_and_sends_what_is_written_then(
    arrives: Arrivals, server: FiresideProcess
) -> None:
    ann, bob = await talking(arrives, server)
    await ann.page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    await ann.page.evaluate(UNTIL_KEPT)
    await cut_off(ann)
    await ann.page.reload()
    await ann.sees("Hello Bob")
    for text in AWAY:
        await ann.say(text)
    await expect(ann.waiting).to_have_count(len(AWAY))
    await ann.page.reload()
    await expect(ann.waiting).to_have_count(len(AWAY))
    await ann.context.set_offline(False)
    await bob.sees("Hello Bob", *AWAY)


async def test_what_is_not_known_here_is_gone_when_the_server_says_so(
    arrives: Arrivals, server: FiresideProcess
) -> None:
    ann = await arrives("ann", server)
    await cut_off(ann)
    await ann.page.evaluate("location.hash = '#/c/000000000000000000000000'")
    gone = ann.page.get_by_text("It is not there any more.")
    await expect(ann.page.get_by_text("Pick a conversation")).to_have_count(0)
    await expect(gone).to_have_count(0)
    await ann.context.set_offline(False)
    await ann.try_now()
    await expect(gone).to_be_visible()
    await ann.page.get_by_role("main").get_by_role("button", name="Back to the list").click()
    await expect(gone).to_have_count(0)


async def test_an_edit_and_a_deletion_while_offline(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob = await talking(arrives, server)
    await bob.say("to be changed")
    await bob.say("to be deleted")
    await ann.sees("to be changed", "to be deleted")
    await cut_off(ann)
    await bob.do("to be changed", "Edit")
    await bob.say("as it should be")
    await bob.do("to be deleted", "Delete")
    await bob.page.get_by_role("button", name="Delete for everyone").click()
    await expect(bob.message("deleted this message")).to_have_count(1)
    await ann.sees("to be changed", "to be deleted")
    await ann.context.set_offline(False)
    await ann.sees("as it should be", "This message was deleted")
    await expect(ann.message("to be")).to_have_count(0)


async def test_the_server_is_killed_and_started_again(impatient_server: FiresideProcess, arrives: Arrivals) -> None:
    ann, bob = await talking(arrives, impatient_server)
    ann.may_be_cut_off = bob.may_be_cut_off = True
    impatient_server.kill()
    for text in AWAY:
        await ann.say(text)
    await expect(ann.waiting).to_have_count(len(AWAY))
    await expect(bob.page.get_by_text("You are offline.").filter(visible=True).first).to_be_visible()
    await impatient_server.start()
    for each in (ann, bob):
        await each.try_now()
    await bob.sees("Hello Bob", *AWAY)
    await bob.say("welcome back")
    await ann.sees(*AWAY, "welcome back")


async def test_a_page_that_sleeps_through_500_messages(impatient_server: FiresideProcess, arrives: Arrivals) -> None:
    ann, bob = await talking(arrives, impatient_server)
    ann.may_be_cut_off = True
    tools = await ann.context.new_cdp_session(ann.page)
    await tools.send("Page.setWebLifecycleState", {"state": "frozen"})
    async with Client(bob.url, login(bob.url, bob.name, PASSWORD)) as other:
        texts = (f"number {number}" for number in range(500))
        await asyncio.gather(*(other.send(text, conversation=bob.conversation) for text in texts))
    await tools.send("Page.setWebLifecycleState", {"state": "active"})
    await bob.say("Good morning")
    await expect(ann.message("Good morning")).to_have_count(1)
    seen = await ann.messages.evaluate_all("all => all.map(each => Number(each.dataset.seq))")
    assert seen == list(range(seen[0], 503))
    await expect(ann.chat(bob.name)).to_have_accessible_name(re.compile("Good morning"))


async def test_two_devices_of_one_person_are_in_step(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob = await talking(arrives, server)
    other = await arrives("ann", server, again=ann)
    await other.open_chat(bob.name)
    await other.sees("Hello Bob")
    await other.say("from the other one")
    await ann.sees("Hello Bob", "from the other one")
    await ann.do("Hello Bob", "Star")
    await expect(other.message("Hello Bob").get_by_role("img", name="Starred")).to_be_visible()
    await ann.chat(bob.name).click(button="right")
    await ann.page.get_by_role("menuitem", name="Pin", exact=True).click()
    await expect(other.chat(bob.name)).to_have_accessible_name(re.compile("pinned"))
