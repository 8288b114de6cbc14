"""Fixtures of features that stand on several others."""

from collections.abc import AsyncIterator

import pytest

from tests.features.whole import Node, World, open_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with open_world() as world:
        yield world


@pytest.fixture
async def node(world: World) -> Node:
    return await world.node()
