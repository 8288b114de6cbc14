"""A whole Fireside as a program of its own, on a free port: started, asked, killed and started again by tests.

Its data live in the folder given (SQLite) or behind `MONGO_URI`, so a restart finds what was there.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from fireside.config import CONTRACT, PREFIX, setting_name

SECRET = "a secret of tests, as long as the longest hash of a JWT asks for: 64 bytes"
QUICK = {
    "JWT_SECRET": SECRET,
    "FIRESIDE_BCRYPT_ROUNDS": "4",
    "FIRESIDE_RATE_LIMITS": "off",
    "FIRESIDE_LOG_LEVEL": "warning",
}
PASSWORD = "correct horse battery"
PROGRAM = [sys.executable, "-m", "fireside"]
COMMAND = [*PROGRAM, "serve"]
START_ATTEMPTS = 1000


def bare_environment() -> dict[str, str]:
    """The environment without anybody's settings of Fireside."""
    contract = {setting_name(field) for field in CONTRACT}
    return {name: value for name, value in os.environ.items() if name not in contract and not name.startswith(PREFIX)}


async def metric(http: httpx2.AsyncClient, sample: str) -> float:
    """The value of a sample, by its name and labels as they are written."""
    lines = (await http.get("/metrics")).raise_for_status().text.splitlines()
    (value,) = (line.removeprefix(f"{sample} ") for line in lines if line.startswith(f"{sample} "))
    return float(value)


class FiresideProcess:
    """`async with FiresideProcess(folder) as server:` runs one; `kill()` and `start()` in between are allowed."""

    def __init__(
        self, folder: Path, settings: Mapping[str, str] | None = None, command: Sequence[str | Path] = COMMAND
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.data = folder / "data"
        own = {"PORT": str(self.port), "FIRESIDE_DATA_DIR": str(self.data)}
        self._environment = {**bare_environment(), **QUICK, **own, **(settings or {})}
        # Its working folder too, so that nobody's .env is read.
        self._folder = folder
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Run it and wait until it answers."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it does not wait
                self._command, env=self._environment, cwd=self._folder, stdout=log, stderr=log
            )
        async with httpx2.AsyncClient(base_url=self.url) as http:
            for _ in range(START_ATTEMPTS):
                if self._process.poll() is not None:
                    break
                try:
                    if (await http.get("/readyz?exclude=bus")).is_success:
                        return
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(0.05)
        self._process.kill()
        self._process.wait(30)
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    async def refuse_to_start(self) -> tuple[int, str]:
        """Run it when it cannot: the exit status, and what it says on stderr."""
        ended = await asyncio.to_thread(
            subprocess.run,
            self._command,
            env=self._environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return ended.returncode, ended.stderr

    async def command(self, *words: str | Path, typed: str = "") -> str:
        """Run another command with the settings of the server; what it says."""
        ended = await asyncio.to_thread(
            subprocess.run,
            [*PROGRAM, *words],
            input=typed,
            env=self._environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would (kill -9)."""
        self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to end (SIGTERM); its exit status."""
        return await asyncio.to_thread(self._end, signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        self.tell(number)
        assert self._process is not None
        return self._process.wait(30)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            await self.stop()

    async def register(self, username: str) -> dict[str, Any]:
        """A new person: `{user, token}`."""
        async with httpx2.AsyncClient(base_url=self.url) as http:
            body = {"username": username, "password": PASSWORD, "email": f"{username}@example.org"}
            answer = await http.post("/api/users/register", json=body)
        assert answer.status_code == 201, answer.text
        result: dict[str, Any] = answer.json()
        return result
