"""Two and three people talk, each in a browser of their own."""

from playwright.async_api import expect

from tests.browser.conftest import Arrivals
from tests.serving import FiresideProcess


async def test_the_first_message_between_two(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob = await arrives("ann", server), await arrives("bob", server)
    await ann.write_to(bob)
    await ann.say("Hello Bob")
    await bob.open_chat(ann.name)
    await bob.sees("Hello Bob")
    await bob.say("Hello Ann")
    await ann.sees("Hello Bob", "Hello Ann")
    await ann.sees_tick("Hello Bob", "Read")


async def test_a_group_of_three(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob, eve = [await arrives(name, server) for name in ("ann", "bob", "eve")]
    await ann.make_group("Saturday hikes", bob, eve)
    await ann.say("Who comes along?")
    for other in (bob, eve):
        await other.open_chat("Saturday hikes")
        await other.sees("Who comes along?")
    await bob.say("I do")
    await eve.sees("Who comes along?", "I do")
    await eve.say("So do I")
    for each in (ann, bob, eve):
        await each.sees("Who comes along?", "I do", "So do I")


async def test_what_is_done_with_a_message_is_seen_by_the_other(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob = await arrives("ann", server), await arrives("bob", server)
    await ann.write_to(bob)
    await ann.say("the first one")
    await ann.say("the second one")
    await bob.open_chat(ann.name)
    await bob.sees("the first one", "the second one")

    await ann.do("the first one", "Edit")
    await ann.say("as it is better")
    await expect(bob.message("as it is better")).to_contain_text("edited")
    await bob.do("as it is better", "Reply")
    await bob.say("an answer")
    await expect(ann.message("an answer")).to_contain_text("as it is better")
    await bob.message("the second one").click(button="right", position={"x": 8, "y": 8})
    await bob.page.get_by_label("React with 👍").click()
    reactions = ann.page.get_by_role("group", name="Reactions")
    await expect(reactions).to_contain_text("👍")
    await ann.do("the second one", "Pin")
    await expect(bob.message("the second one").get_by_role("img", name="Pinned")).to_be_visible()
    await ann.do("the second one", "Star")
    await expect(ann.message("the second one").get_by_role("img", name="Starred")).to_be_visible()
    await expect(bob.message("the second one").get_by_role("img", name="Starred")).to_have_count(0)
    await ann.do("the second one", "Delete")
    await ann.page.get_by_role("button", name="Delete for everyone").click()
    await expect(bob.message("the second one")).to_have_count(0)
    await expect(bob.message("This message was deleted")).to_have_count(1)
