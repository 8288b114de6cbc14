"""A whole server in this process without its sockets, and people with devices: what a network would do to them, and
the time, are the test's to choose.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from fireside.app import Fireside
from fireside.auth.tokens import Tokens
from fireside.client import Client, Lost, Refused
from fireside.client.client import KEPT
from fireside.client.connection import Hear
from fireside.config import load
from fireside.core.clock import now_ms
from fireside.core.ids import new_id
from fireside.engines import stores_for
from fireside.features.accounts.service import User
from fireside.features.conversations.talks import UNCERTAIN_S
from fireside.features.conversations.wire import ConversationForm
from fireside.features.messages.wire import MessageForm
from fireside.features.personal.wire import Flags, OwnEntry
from fireside.features.receipts.wire import ReceiptForm
from tests.client.inprocess import InProcessConnection
from tests.serving import QUICK, SECRET

TURNS = 10
"""In so many turns of the loop everything arrives that was told."""
HUNG_S = 30.0
"""Whoever has not got everything by then never will."""


async def at_once(_: float) -> None:
    """Sleeps as long as everybody else takes for a turn."""
    await asyncio.sleep(0)


class House:
    """A server; `await start()` and `stop()`."""

    def __init__(self, folder: Path, **given: str) -> None:
        years = {"FIRESIDE_TOKEN_TTL_S": "315360000", "FIRESIDE_CONNECTIONS_PER_USER": "1000"}
        settings = load({**QUICK, **years, "FIRESIDE_DATA_DIR": str(folder), **given}, env_file=folder / "none")
        self.skew_ms = 0
        """How far the server's clock is off."""
        self.awake: set[Device] = set()
        """Those who have started and not stopped."""
        self.fireside = Fireside(settings, SECRET, stores_for(settings), self.clock)
        self._tokens = Tokens(SECRET, settings.token_ttl_s, self.clock)

    def clock(self) -> int:
        return now_ms() + self.skew_ms

    async def start(self) -> None:
        await self.fireside.start()
        await self.fireside.engine_io.start()

    async def stop(self) -> None:
        # A server closes when nobody can send any more.
        for device in list(self.awake):
            await device.stop()
        await self.fireside.engine_io.stop()
        await self.fireside.stop()

    async def user(self, name: str) -> str:
        """A new user; names differ by what is added."""
        user = User(new_id(), f"{name}.{new_id()[8:]}", f"{name}@example.org", "", self.clock())
        await self.fireside.stores.accounts.add(user)
        return user.id

    def device(self, user: str, keep: int | None = KEPT) -> "Device":
        """Another device of a user."""
        return Device(self, user, keep)

    def fresh(self, user: str) -> "Device":
        """Another one, to compare the others with."""
        return Device(self, user, None)

    def token(self, user: str) -> str:
        return self._tokens.issue(user)

    async def turn(self) -> None:
        """Everybody gets to do something."""
        await asyncio.sleep(0)

    async def tell(self) -> None:
        """Write and tell what waits for its time, and let it arrive."""
        await self.fireside.features.book.settle()
        await self.fireside.features.heads.tell()
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def rest(self) -> None:
        """Let every conversation fall asleep that nobody is writing into."""
        await self.fireside.features.keeper.look(-UNCERTAIN_S)

    async def lose_bus(self, how: int) -> None:
        """There is none."""


class Shown(Protocol):
    """What there is to see of a conversation: a `LocalConversation`, or what tells of one elsewhere."""

    id: str
    about: ConversationForm | None
    first: int
    seq: int
    rev: int

    @property
    def unread(self) -> int: ...

    @property
    def flags(self) -> Flags: ...

    @property
    def receipts(self) -> dict[str, ReceiptForm]: ...

    @property
    def own(self) -> dict[int, OwnEntry]: ...

    def history(self) -> list[MessageForm]: ...


class Device:
    """A device of a user: a client that is started, and whose connection can be made worse."""

    def __init__(self, house: House, user: str, keep: int | None = KEPT) -> None:
        self._house = house
        self._keep = keep
        self.user = user
        self.connection: InProcessConnection | None = None
        self.client: Client

    async def start(self, memory: bytes = b"") -> "Device":
        token, keep = self._house.token(self.user), self._keep
        self.client = Client("", token, memory=memory, keep=keep, connect=self._connect, sleep=at_once)
        await self.client.start()
        self._house.awake.add(self)
        return self

    async def restart(self, *, forgetful: bool = False) -> None:
        """The program ends, and begins again."""
        memory = b"" if forgetful else self.client.remember()
        await self.stop()
        await self.start(memory)

    async def stop(self) -> None:
        self._house.awake.discard(self)
        await self.client.close()

    async def settled(self) -> None:
        async with asyncio.timeout(HUNG_S):
            await self.client.settled()

    async def conversations(self) -> Mapping[str, Shown]:
        """What it knows, the conversation in which something happened last as the last."""
        return self.client.state.conversations

    async def read_all(self) -> None:
        """Have every message there is to read."""
        for local in list(self.client.state.conversations.values()):
            while not local.is_whole:
                before = local.first
                await self.client.older(local.id, 100)
                if local.first == before:
                    break
        await self.settled()

    async def attempt(self, doing: Awaitable[Any]) -> Any:
        """Do something that may be refused, or whose answer may be lost; None then."""
        with suppress(Lost, Refused):
            async with asyncio.timeout(HUNG_S):
                return await doing
        return None

    async def _connect(self, _: str, token: str, hear: Hear) -> InProcessConnection:
        self.connection = InProcessConnection(self._house.fireside, hear)
        return await self.connection.accepted(token)
