"""A whole server that works, on stores in memory."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from fireside.app import Fireside
from fireside.config import load
from tests.fakes import in_memory
from tests.serving import QUICK, SECRET


@pytest.fixture
async def fireside(tmp_path: Path) -> AsyncIterator[Fireside]:
    settings = load({**QUICK, "FIRESIDE_DATA_DIR": str(tmp_path)}, env_file=tmp_path / "none")
    fireside = Fireside(settings, SECRET, in_memory())
    await fireside.start()
    await fireside.engine_io.start()
    yield fireside
    await fireside.engine_io.stop()
    await fireside.stop()


def http(fireside: Fireside) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(fireside.edge, client=("127.0.0.1", 1234))
    return httpx2.AsyncClient(transport=transport, base_url="http://localhost")
