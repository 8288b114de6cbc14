"""Marks: telling the server how far this device has got, and its owner has read, now and then rather than each time.

A mark only moves forward, so of several the last one is enough, and it may be told again. Where the server says that
it is too much all of them wait.
"""

import asyncio
from collections.abc import Awaitable, Callable

from fireside.client.connection import Lost, Refused

EVERY_S = 0.5

Tell = Callable[[str, str, int], Awaitable[object]]
"""Asks for `markDelivered` or `markRead` of a conversation, up to a seq. Raises `Lost` or `Refused`."""


class Marks:
    """What is to be told. `run` tells it."""

    def __init__(self, tell: Tell, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._tell = tell
        self._sleep = sleep
        self._wanted: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str], int] = {}
        self._wake = asyncio.Event()
        self.told = asyncio.Event()
        """Set while there is nothing to tell."""
        self.told.set()

    def move(self, event: str, conversation: str, seq: int) -> None:
        """Tell the server soon."""
        key = event, conversation
        if seq > self._told.get(key, 0):
            self._wanted[key] = max(seq, self._wanted.get(key, 0))
            self.told.clear()
            self._wake.set()

    async def run(self) -> None:
        """Tell on, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                for key, seq in list(self._wanted.items()):
                    await self._try(key, seq)
            except Lost:
                self._wake.set()
            except Refused as refused:
                self._wake.set()
                await self._sleep(refused.retry_after_s)
            await self._sleep(EVERY_S)

    async def _try(self, key: tuple[str, str], seq: int) -> None:
        """Tell of one.

        Raises:
            Lost, Refused: it has to be told again.
        """
        try:
            await self._tell(*key, seq)
        except Refused as refused:
            if refused.is_passing:
                raise
            # If it is refused for good there is nothing more to say of it.
        self._told[key] = max(seq, self._told.get(key, 0))
        if self._wanted.get(key) == seq:
            del self._wanted[key]
        if not self._wanted:
            self.told.set()
