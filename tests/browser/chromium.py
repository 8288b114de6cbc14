"""The browser: Debian's `chromium`, or what `FIRESIDE_CHROMIUM` names."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright, expect

QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # What drops down below the address nobody sees. Each window would have two pages for it: a second of work.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
]
PATIENCE_MS = 20_000


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """One that runs, without a window."""
    found = os.environ.get("FIRESIDE_CHROMIUM") or shutil.which("chromium")
    assert found, "there is no chromium: apt-get install chromium, or set FIRESIDE_CHROMIUM"
    flags = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else QUIET
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=flags)
        yield browser
        await browser.close()
