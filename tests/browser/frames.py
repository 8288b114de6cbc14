"""How smoothly it moves: `python -m tests.browser.frames` fills a server, scrolls, and says how long frames took.

A list of 2,000 conversations, and one of 100,000 messages: upwards from the end, and from its very beginning. It is no
test: what it finds depends on the machine, which is to have nothing else to do.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles

from playwright.async_api import CDPSession, Page, expect

from fireside.client import Client
from tests.browser.chromium import chromium
from tests.browser.people import Somebody, coming
from tests.serving import FiresideProcess

CONVERSATIONS, MESSAGES = 2_000, 100_000
AT_ONCE = 500
FAR_PX, SPEED_PX_S = 20_000, 3_000
LONG_MS = 50.0
RECORD = """() => {
    const frames = [];
    let last = performance.now();
    let runs = true;
    const frame = now => { frames.push(now - last); last = now; if (runs) requestAnimationFrame(frame); };
    requestAnimationFrame(now => { last = now; requestAnimationFrame(frame); });
    window.endRecord = () => { runs = false; return frames; };
}"""


async def main(conversations: int, messages: int) -> None:
    async with serving() as server, chromium() as browser, coming(browser) as (arrive, _):
        ann = await arrive("ann", server, viewport={"width": 1440, "height": 900})
        token = (await server.register("crowd"))["token"]
        async with Client(server.url, token, keep=10) as crowd:
            long = await fill(crowd, await ann.id(), conversations, messages)
        await look(ann, long, conversations, messages)


@asynccontextmanager
async def serving() -> AsyncIterator[FiresideProcess]:
    with tempfile.TemporaryDirectory(prefix="fireside-frames-") as folder:
        async with FiresideProcess(Path(folder), {"FIRESIDE_EVENTS_PER_SECOND": "1000000"}) as server:
            yield server


async def fill(crowd: Client, ann: str, conversations: int, messages: int) -> str:
    """Many groups with a message each, and one with very many; the name of that one."""
    for start in range(0, conversations - 1, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, conversations - 1))
        groups = await asyncio.gather(*(crowd.create_group(f"Group {number}", [ann]) for number in numbers))
        await asyncio.gather(*(crowd.send("Hello, everybody", conversation=group.id) for group in groups))
    long = await crowd.create_group("The long one", [ann])
    for start in range(0, messages, AT_ONCE):
        texts = (f"Message {number}. {'Some say more. ' * (number % 9)}" for number in range(start, start + AT_ONCE))
        await asyncio.gather(*(crowd.send(text, conversation=long.id) for text in texts))
    return "The long one"


async def look(ann: Somebody, long: str, conversations: int, messages: int) -> None:
    """Scroll, and tell."""
    page = ann.page
    await page.reload()
    await expect(ann.chat(long)).to_be_visible()
    await page.evaluate("fireside.settled()")
    tools = await page.context.new_cdp_session(page)
    print(f"{conversations:,} conversations, {messages:,} messages; frames in ms")
    tell("the list, downwards", await scrolled(page, tools, x=200, far=-FAR_PX))
    await page.evaluate("document.querySelector('nav ul').parentElement.scrollTo(0, 0)")
    await ann.open_chat(long)
    tell("the conversation, upwards", await scrolled(page, tools, x=900, far=FAR_PX))
    await page.goto(f"{page.url}/2")
    await expect(ann.message("Message 0.")).to_be_visible()
    tell("from its beginning, downwards", await scrolled(page, tools, x=900, far=-FAR_PX))
    size = await page.evaluate("[document.querySelectorAll('*').length, performance.memory.usedJSHeapSize]")
    print(f"elements in the page: {size[0]:,}; heap: {size[1] / 2**20:.0f} MiB")


async def scrolled(page: Page, tools: CDPSession, x: int, far: int) -> list[float]:
    """How long each frame took while this was scrolled."""
    await page.evaluate(RECORD)
    gesture = {"x": x, "y": 450, "yDistance": far, "speed": SPEED_PX_S, "gestureSourceType": "mouse"}
    await tools.send("Input.synthesizeScrollGesture", gesture)
    frames: list[float] = await page.evaluate("endRecord()")
    return frames


def tell(what: str, frames: Sequence[float]) -> None:
    hundredths = quantiles(frames, n=100)
    long = sum(frame > LONG_MS for frame in frames)
    print(
        f"{what}: {len(frames)} frames, p50 {hundredths[49]:.1f}, p95 {hundredths[94]:.1f}, p99 {hundredths[98]:.1f}, "
        f"longest {max(frames):.1f}, above {LONG_MS:.0f}: {long}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.browser.frames", description=__doc__)
    parser.add_argument("--conversations", type=int, default=CONVERSATIONS)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    given = parser.parse_args()
    asyncio.run(main(given.conversations, given.messages))
