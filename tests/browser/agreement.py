"""What a page knows, held against what a fresh client of the same person is told.

Both may learn on while they are looked at, of each other's receipts for one, so they are compared until they agree.
"""

import asyncio

import msgspec
from playwright.async_api import Page

from fireside.client import Client, login
from tests.client.house import Shown
from tests.client.javascript import Mirror
from tests.client.world import differences, pair
from tests.journeys.people import Json
from tests.serving import PASSWORD

PATIENCE_S = 20.0


async def agree(page: Page, url: str, username: str) -> None:
    """Wait until the page has settled, and knows what a fresh client of this person does.

    Raises:
        AssertionError: it does not; what is otherwise.
    """
    found: Json = {"the page": "has not settled"}
    try:
        async with asyncio.timeout(PATIENCE_S), Client(url, login(url, username, PASSWORD), keep=None) as fresh:
            while found:
                await page.evaluate("fireside.settled()")
                await fresh.settled()
                found = await _differences(page, fresh)
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"{username} knows otherwise than a fresh client (page, fresh): {found}") from None


async def _differences(page: Page, fresh: Client) -> Json:
    shown = msgspec.convert(await page.evaluate("fireside.conversations()"), list[Mirror])
    live = {each.id: each for each in shown if each.seq}
    for conversation in live.keys() & fresh.state.conversations.keys():
        local = fresh.state.conversations[conversation]
        while local.first > live[conversation].first and not local.is_whole:
            await fresh.older(conversation)
    other = {each.id: each for each in fresh.state.conversations.values() if each.seq}
    found: Json = {each: how for each in live.keys() & other.keys() if (how := _otherwise(live[each], other[each]))}
    found |= dict.fromkeys(live.keys() ^ other.keys(), "one of them does not have it")
    if waiting := await page.evaluate("fireside.waiting()"):
        found["waiting to be sent"] = waiting
    return found


def _otherwise(live: Shown, fresh: Shown) -> Json:
    """What differs, of what the page has not forgotten."""
    one, other = pair(live, fresh)
    messages = other["messages"]
    assert isinstance(messages, dict)
    other["messages"] = {seq: message for seq, message in messages.items() if seq >= live.first}
    return differences(one, other)
