"""Fixtures of the messages feature."""

from collections.abc import AsyncIterator

import pytest

from tests.features.messages.chat import Chat, open_chat
from tests.features.messages.nodes import UnreliableMessages


@pytest.fixture
def store() -> UnreliableMessages:
    return UnreliableMessages()


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async with open_chat() as chat:
        yield chat
