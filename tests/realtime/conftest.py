"""Fixtures of the socket edge: the loop it runs on in production, and edges that are looked over after each test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, settings

from tests.fakes.bus import Hub
from tests.realtime.nodes import Between, InMemory, OverValkey, Pair, Start
from tests.realtime.served import Serve, Served, serving
from tests.valkey import Valkey

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


LOOPS: dict[str, Callable[[], Any]] = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], Any]]:
    """What `fireside serve` runs on, and asyncio's own loop for tests that name it."""
    marker = item.get_closest_marker("asyncio")
    named = marker.kwargs.get("loop_factories") if marker else None
    return LOOPS if named else {"uvloop": LOOPS["uvloop"]}


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(...)` serves an edge until the end of the test, and then nothing of it may be left."""
    async with AsyncExitStack() as stack:

        async def start(*args: Any, **kwargs: Any) -> Served:
            return await stack.enter_async_context(serving(*args, **kwargs))

        yield start


@pytest.fixture
def hub() -> Hub:
    """What is between the nodes, where it is in memory."""
    return Hub()


@pytest.fixture(params=["memory", "valkey"])
async def between(request: pytest.FixtureRequest, hub: Hub) -> AsyncIterator[Between]:
    """What is between the nodes."""
    if request.param == "memory":
        yield InMemory(hub)
    else:
        valkey: Valkey = request.getfixturevalue("valkey")
        over_valkey = OverValkey(valkey.url)
        yield over_valkey
        await over_valkey.stop()


@pytest.fixture
def start(between: Between, serve: Serve) -> Start:
    """`await start(...)` serves two nodes."""
    return Start(serve, between)


@pytest.fixture
async def pair(start: Start) -> Pair:
    """Two nodes with unhurried options."""
    return await start()


@pytest.fixture
async def served(serve: Serve) -> Served:
    """An edge with unhurried options."""
    return await serve()
