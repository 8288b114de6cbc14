"""A server with workers."""

import asyncio
import re
from collections.abc import Callable

import psutil

from tests.serving import FiresideProcess

COUNT = 2
STARTED_S = 100.0
"""What has not started by then never will: each is a new interpreter, and the machine may be busy."""


class Workers:
    """A server with workers."""

    def __init__(self, server: FiresideProcess) -> None:
        self.server = server

    @property
    def log(self) -> str:
        return self.server.log.read_text()

    @property
    def started(self) -> list[int]:
        """The processes of all that have ever served, in order."""
        return [int(pid) for pid in re.findall(r"worker \d+ serves \(pid (\d+)\)", self.log)]

    async def all_serve(self, count: int = COUNT) -> list[int]:
        """Wait until so many have served."""
        await self._until(lambda: len(self.started) >= count)
        return self.started

    async def said(self, line: str) -> None:
        """Wait for this in the log."""
        await self._until(lambda: line in self.log)

    @staticmethod
    async def _until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(STARTED_S):
            while not condition():  # noqa: ASYNC110 - a log file tells nobody
                await asyncio.sleep(0.05)


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
