"""Gaps: asks the server for what is missing, whenever something may be."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from fireside.client.connection import Lost, Refused
from fireside.client.state import (
    Missing,
    MissingChanges,
    MissingItem,
    MissingMessages,
    MissingOwn,
    MissingSync,
    State,
)
from fireside.core.forms import Form, Reply
from fireside.features.changes.wire import Changes
from fireside.features.inbox.wire import Caught, OneItem
from fireside.features.messages.wire import Page
from fireside.features.personal.wire import OwnPage

logger = logging.getLogger(__name__)

R = TypeVar("R", bound=Reply)

SETTLE_S = 0.02
"""How long a gap may last before it is asked about: what fills it may be on its way."""
AGAIN_S = 300.0
"""It asks the server anew after so long, whatever it was told: that costs next to nothing, and mends everything."""


class Ask(Protocol):
    """Asks the server. Raises `Lost` where no answer came, `Refused` where it says no."""

    async def __call__(self, event: str, form: Form | dict[str, Any], reply: type[R]) -> R: ...


class Gaps:
    """`fill` works on until it is cancelled. `noticed` is called with each conversation in which something is new."""

    def __init__(
        self,
        state: State,
        ask: Ask,
        noticed: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._state = state
        self._ask = ask
        self._noticed = noticed
        self._sleep = sleep
        self._news = asyncio.Event()
        self.filled = asyncio.Event()
        """Set while everything is here that is known to be there."""

    def look(self) -> None:
        """Something may be missing."""
        self.filled.clear()
        self._news.set()

    def catch_up(self) -> None:
        """Something may have happened that nobody was told of."""
        self._state.absences += 1
        self.look()

    async def fill(self) -> None:
        """Ask for what is missing, whenever something may be."""
        while True:
            await self._news.wait()
            if not self._state.is_behind:
                await self._sleep(SETTLE_S)
            self._news.clear()
            missing = self._state.missing()
            for each in missing:
                await self._find(each)
            if missing:
                self._news.set()
            elif not self._news.is_set():
                self.filled.set()

    async def catch_up_again(self) -> None:
        """Ask now and then, though nobody has told of anything."""
        while True:
            await asyncio.sleep(AGAIN_S)
            self.catch_up()

    async def _find(self, missing: Missing) -> None:
        try:
            await self._fetch(missing)
        except Lost:
            self._state.unanswered(missing)
        except Refused as refusal:
            if isinstance(missing, MissingItem) and refusal.code == "not_found":
                return self._state.take_nothing(missing)
            logger.warning("what is missing cannot be had: %s", refusal.error)
            self._state.unanswered(missing)
            await self._sleep(max(1.0, refusal.retry_after_s))

    async def _fetch(self, missing: Missing) -> None:
        state = self._state
        match missing:
            case MissingSync():
                caught = await self._ask("sync", state.sync(), Caught)
                state.take_caught(missing, caught)
                for item in caught.conversations:
                    self._noticed(item.conversation.id)
            case MissingItem(conversation):
                found = await self._ask("getConversation", {"conversation": conversation}, OneItem)
                state.take_item(found.item, found.people)
                self._noticed(conversation)
            case MissingMessages(conversation, after, limit, _):
                form = {"conversation": conversation, "after": after, "limit": limit}
                state.take_messages(missing, (await self._ask("getMessages", form, Page)).messages)
                self._noticed(conversation)
            case MissingChanges(conversation, after, _):
                changes = await self._ask("getChanges", {"conversation": conversation, "after": after}, Changes)
                state.take_changes(missing, changes.messages, changes.rev, changes.more)
            case MissingOwn(after):
                page = await self._ask("getOwn", {"after": after}, OwnPage)
                state.take_entries(missing, page.entries, page.more)
