"""Two and three people talk, each in a browser of their own."""

import asyncio

from playwright.async_api import expect

from tests.browser.conftest import Arrivals, ann_and_bob
from tests.serving import FiresideProcess


async def test_the_first_message_between_two(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob = [await arrives(name, server, registers=False) for name in ("ann", "bob")]
    for each in (ann, bob):
        await each.register()
    await ann.write_to(bob)
    await ann.say("Hello Bob")
    await bob.open_chat(ann.name)
    await bob.sees("Hello Bob")
    await bob.say("Hello Ann")
    await ann.sees("Hello Bob", "Hello Ann")
    await ann.sees_tick("Hello Bob", "Read")


async def test_a_group_of_three(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob, eve = await asyncio.gather(*(arrives(name, server) for name in ("ann", "bob", "eve")))
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
    ann, bob = await ann_and_bob(arrives, server)
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

    await bob.react("the second one", "👍")
    reactions = ann.page.get_by_role("group", name="Reactions")
    await expect(reactions).to_contain_text("👍")
    await bob.react("the second one", "👍")
    await expect(reactions).to_have_count(0)

    pinned, starred = (bob.message("the second one").get_by_role("img", name=name) for name in ("Pinned", "Starred"))
    await ann.do("the second one", "Pin")
    await expect(pinned).to_be_visible()
    await bob.do("the second one", "Unpin")
    await expect(ann.message("the second one").get_by_role("img", name="Pinned")).to_have_count(0)
    await ann.do("the second one", "Star")
    await expect(ann.message("the second one").get_by_role("img", name="Starred")).to_be_visible()
    await expect(starred).to_have_count(0)

    await bob.do("the second one", "Forward")
    await bob.page.get_by_role("dialog").get_by_role("button", name=ann.name).click()
    forwarded = ann.message("the second one").filter(has_text="Forwarded")
    await expect(forwarded).to_have_count(1)

    await ann.say("a third one")
    await bob.sees("a third one")
    await ann.do("a third one", "Delete")
    await ann.page.get_by_role("button", name="Delete for everyone").click()
    await expect(bob.message("This message was deleted")).to_have_count(1)
    await ann.do("an answer", "Delete")
    await ann.page.get_by_role("button", name="Delete for me").click()
    await expect(ann.message("an answer")).to_have_count(0)
    await expect(bob.message("an answer")).to_have_count(1)


async def test_who_is_mentioned_in_a_group_is_told_so(arrives: Arrivals, server: FiresideProcess) -> None:
    ann, bob, eve = await asyncio.gather(*(arrives(name, server) for name in ("ann", "bob", "eve")))
    await ann.make_group("Saturday hikes", bob, eve)
    await ann.box.press_sequentially(f"Can you drive, @{bob.name[:5]}")
    await ann.page.get_by_role("option", name=bob.name).click()
    await ann.box.press("Enter")
    for other in (bob, eve):
        await other.open_chat("Saturday hikes")
        await other.sees(f"Can you drive, @{bob.name}")
