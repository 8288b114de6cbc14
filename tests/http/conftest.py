"""A whole Fireside that is not started, for what it says of itself."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from fireside.app import Fireside
from fireside.config import load
from fireside.engines import on_sqlite
from fireside.store.sqlite import SqliteEngine
from tests.reference import Json
from tests.serving import QUICK, SECRET


@pytest.fixture(scope="session")
def fireside(tmp_path_factory: pytest.TempPathFactory) -> Fireside:
    return whole(tmp_path_factory.mktemp("fireside"))


def whole(folder: Path, **others: str) -> Fireside:
    """With these settings too. Nothing is written before it is started."""
    settings = load({**QUICK, "FIRESIDE_DATA_DIR": str(folder), **others}, env_file=folder / "none")
    return Fireside(settings, SECRET, on_sqlite(SqliteEngine(settings.sqlite_path)))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def asyncapi(fireside: Fireside) -> Json:
    return await get_json(fireside, "/asyncapi.json")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def openapi(fireside: Fireside) -> Json:
    return await get_json(fireside, "/openapi.json")


@pytest.fixture
async def http(fireside: Fireside) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_http(fireside) as client:
        yield client


def open_http(fireside: Fireside) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(fireside.edge)
    return httpx2.AsyncClient(transport=transport, base_url="http://chat.example.org")


async def get_json(fireside: Fireside, path: str) -> Json:
    async with open_http(fireside) as client:
        found: Json = (await client.get(path)).raise_for_status().json()
    return found
