"""People as the browser knows them: they see pages, and find things by what they are called."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

from tests.browser.agreement import agree
from tests.journeys.people import new_name
from tests.reference import Json
from tests.serving import PASSWORD, FiresideProcess

Arrive = Callable[..., Awaitable["Somebody"]]

PLAIN = re.compile(r"[A-Za-z0-9 .,?!-]+")
WHOLE = 1_000
"""What is longer is shown in part."""
PATIENCE_S = 10.0
NO_LINE = re.compile(r"net::ERR_|Failed to load resource|WebSocket connection to|Failed to fetch")
"""What browsers themselves say in the console where there is no line."""


@dataclass
class Somebody:
    """A person before a screen. `troubles` is what their page has complained about."""

    name: str
    url: str
    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)
    may_be_cut_off: bool = False
    """The line is taken away on purpose, so the browser may say so."""
    has_entered: bool = False

    def watch(self, page: Page) -> None:
        """Note down whatever this page complains about from now on."""
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("console", self._console)

    def _console(self, message: ConsoleMessage) -> None:
        cut_off = self.may_be_cut_off and NO_LINE.search(message.text)
        if message.type == "error" and not cut_off:
            self.troubles.append(f"console: {message.text} ({message.location['url']})")

    # ── coming and going ─────────────────────────────────────────────────────────────────────────────────────────

    async def open(self) -> None:
        await self.page.goto(self.url)

    async def register(self) -> None:
        """By the form, as people do."""
        await self.open()
        await self.page.get_by_role("button", name="Create account").click()
        await self.page.get_by_label("Username").fill(self.name)
        await self.page.get_by_label("E-mail").fill("somebody@example.org")
        await self._enter("Create account")

    async def log_in(self) -> None:
        await self.open()
        await self.page.get_by_label("Username").fill(self.name)
        await self._enter("Log in")

    async def come_back(self, given: Json) -> None:
        """As by a browser in which they are logged in, with what registering gave."""
        user = given["user"]
        identity = {"id": user["_id"], "username": user["username"], "token": given["token"]}
        await self.page.goto(f"{self.url}/healthz")
        await self.page.evaluate(
            "identity => localStorage.setItem('fireside.identity', identity)", json.dumps(identity)
        )
        await self.open()
        await self.is_in()

    async def _enter(self, door: str) -> None:
        await self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        form = self.page.get_by_role("form", name=door)
        await form.get_by_role("button", name=door).click()
        await self.is_in()

    async def is_in(self) -> None:
        await expect(self.page.get_by_role("button", name="New chat").first).to_be_visible()
        self.has_entered = True

    # ── talking ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def write_to(self, other: "Somebody") -> None:
        """Find them by name, and have the conversation open."""
        await self.page.get_by_role("button", name="New chat").first.click()
        await self.finding.fill(other.name)
        await self.page.get_by_role("dialog").get_by_role("button", name=other.name).first.click()
        await expect(self.box).to_be_visible()

    async def open_chat(self, title: str) -> None:
        await self.chat(title).click()
        await expect(self.box).to_be_visible()

    async def make_group(self, title: str, *others: "Somebody") -> None:
        await self.page.get_by_role("button", name="Menu", exact=True).click()
        await self.page.get_by_role("menuitem", name="New group").click()
        dialog = self.page.get_by_role("dialog")
        await dialog.get_by_label("Group name").fill(title)
        for other in others:
            await self.finding.fill(other.name)
            await dialog.get_by_role("listitem").get_by_role("button", name=other.name).click()
        await dialog.get_by_role("button", name="Create group").click()
        await expect(self.box).to_be_visible()

    async def try_now(self) -> None:
        """Not wait until the app tries again by itself, if it does not have a line by now."""
        await self.page.evaluate(
            "[...document.querySelectorAll('button')].find(e => e.innerText === 'Try now')?.click()"
        )

    async def say(self, text: str) -> None:
        await self.box.fill(text)
        await self.box.press("Enter")

    async def do(self, text: str, choice: str) -> None:
        """Choose something from the menu of a message."""
        await self.message(text).click(button="right", position={"x": 8, "y": 8})
        await self.page.get_by_role("menu").get_by_role("menuitem", name=choice, exact=True).click()

    async def react(self, text: str, emoji: str) -> None:
        """With one of the quick ones; again to take it back."""
        await self.message(text).click(button="right", position={"x": 8, "y": 8})
        await self.page.get_by_role("menuitemradio", name=f"React with {emoji}").click()

    # ── what is to be seen ───────────────────────────────────────────────────────────────────────────────────────

    @property
    def box(self) -> Locator:
        return self.page.get_by_label("Write a message")

    @property
    def finding(self) -> Locator:
        """Where names are written to find people by."""
        return self.page.get_by_role("dialog").get_by_role("searchbox")

    @property
    def messages(self) -> Locator:
        """All that are shown, in order."""
        return self.page.get_by_role("log").get_by_role("article")

    def message(self, text: str) -> Locator:
        return self.messages.filter(has_text=text)

    def chat(self, title: str) -> Locator:
        """It in the list."""
        return self.page.get_by_role("navigation", name="Conversations").get_by_role(
            "link", name=re.compile(f"^{re.escape(title)}")
        )

    async def sees(self, *texts: str) -> None:
        """Those messages, once each and in this order."""
        for text in texts:
            await expect(self.message(text)).to_have_count(1)
        shown = await self.messages.all_inner_texts()
        places = [place for text in texts for place, each in enumerate(shown) if text in each]
        assert places == sorted(places), shown
        assert len(places) == len(texts), shown

    async def sees_tick(self, text: str, tick: str) -> None:
        await expect(self.message(text).get_by_role("img", name=tick, exact=True)).to_be_visible()

    # ── what the server says ─────────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[httpx2.AsyncClient]:
        """A client of the REST API that is them, as fresh as can be."""
        async with httpx2.AsyncClient(base_url=self.url) as http:
            answer = await http.post("/api/users/login", json={"username": self.name, "password": PASSWORD})
            http.headers["Authorization"] = f"Bearer {answer.raise_for_status().json()['token']}"
            yield http

    async def id(self) -> str:
        async with self.asking() as http:
            return str((await http.get("/api/users/me")).raise_for_status().json()["_id"])

    @property
    def conversation(self) -> str | None:
        """The one that is open, by the address."""
        found = re.search(r"#/c/([0-9a-f]+)", self.page.url)
        return found and found[1]

    async def agrees(self) -> None:
        """What the page knows, and what is on the screen, is what somebody who comes anew is told."""
        if self.has_entered:
            await agree(self.page, self.url, self.name)
        if self.conversation is None:
            return
        async with self.asking() as http:
            answer = await http.get(f"/api/conversations/{self.conversation}/messages")
        told = {each["seq"]: each for each in answer.raise_for_status().json()["messages"] if "system" not in each}
        deadline = time.monotonic() + PATIENCE_S
        while wrong := await self._differences(told):
            assert time.monotonic() < deadline, f"{self.name} sees otherwise: {wrong}"
            await asyncio.sleep(0.1)

    async def _differences(self, told: dict[int, Json]) -> list[str]:
        shown = await self.page.locator("article[data-seq]").evaluate_all(
            "all => all.map(each => [Number(each.dataset.seq), each.innerText])"
        )
        wrong = [f"{seq}: {text!r}" for seq, text in shown if seq in told and _said(told[seq]) not in text]
        seqs = [seq for seq, _ in shown]
        if seqs != sorted(set(seqs)):
            wrong.append(f"not in order: {seqs}")
        if told and max(told) not in seqs:
            wrong.append(f"{max(told)} is missing in {seqs}")
        return wrong + [f"{text!r} waits" for text in await self.waiting.all_inner_texts()]

    @property
    def waiting(self) -> Locator:
        """Messages that have not been sent yet."""
        return self.page.get_by_role("log").get_by_role("article", name="Waiting to be sent")


def _said(message: Json) -> str:
    """What must be in what is shown of it; nothing of a text that is shown otherwise than it was written."""
    if message.get("deletedAt"):
        return "deleted"
    content = str(message["content"])[:WHOLE]
    return content if PLAIN.fullmatch(content) else ""


@asynccontextmanager
async def coming(browser: Browser) -> AsyncIterator[tuple[Arrive, list[Somebody]]]:
    """How people come, and who has come; they go at the end."""
    everybody: list[Somebody] = []

    async def arrive(
        name: str,
        server: FiresideProcess,
        *,
        again: Somebody | None = None,
        registers: bool = True,
        given: Json | None = None,
        **screen: object,
    ) -> Somebody:
        """Somebody new, who is logged in where they are to register, with what they were `given` if they have already;
        or `again`: a person who is known, on another device. `screen` is for the browser's context."""
        if registers and not (again or given):
            given = await server.register(new_name(name))
        full_name = again.name if again else given["user"]["username"] if given else new_name(name)
        context = await browser.new_context(locale="en-GB", **screen)  # type: ignore[arg-type]
        page = await context.new_page()
        page.set_default_timeout(20_000)
        somebody = Somebody(full_name, server.url, context, page)
        everybody.append(somebody)
        somebody.watch(page)
        if again:
            await somebody.log_in()
        elif given:
            await somebody.come_back(given)
        return somebody

    try:
        yield arrive, everybody
    finally:
        for each in everybody:
            await each.context.close()
