"""Every test of the contract runs on each engine, and on the fakes."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fireside.engines import Stores
from fireside.features.accounts.service import AccountStore
from fireside.features.changes.service import ChangeStore
from fireside.features.conversations.activity import ActivityStore
from fireside.features.conversations.service import ConversationStore
from fireside.features.inbox.service import InboxStore
from fireside.features.messages.service import MessageStore
from fireside.features.personal.service import PersonalStore
from fireside.features.receipts.service import ReceiptStore
from tests.engines import Backend, FakeBackend, MongoBackend, Mongod, SqliteBackend

ENGINES = ("sqlite", "mongo-standalone", "mongo-replica-set")


@contextmanager
def _backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    if request.param == "fake":
        yield FakeBackend()
    elif request.param == "sqlite":
        yield SqliteBackend(tmp_path / "data" / "fireside.db")
    else:
        server: Mongod = request.getfixturevalue(request.param.replace("-", "_"))
        with server.empty_uri() as uri:
            yield MongoBackend(uri)


@pytest.fixture(params=ENGINES)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """A place of its own for each test, on each engine: for what a restart has to do with."""
    with _backend(request, tmp_path) as backend:
        yield backend


@pytest.fixture(params=("fake", *ENGINES))
def any_backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    with _backend(request, tmp_path) as backend:
        yield backend


@pytest.fixture
async def stores(any_backend: Backend) -> AsyncIterator[Stores]:
    """The stores of an engine with nothing in it."""
    async with any_backend.open() as opened:
        yield opened


@pytest.fixture
def accounts(stores: Stores) -> AccountStore:
    return stores.accounts


@pytest.fixture
def conversations(stores: Stores) -> ConversationStore:
    return stores.conversations


@pytest.fixture
def messages(stores: Stores) -> MessageStore:
    return stores.messages


@pytest.fixture
def activity(stores: Stores) -> ActivityStore:
    return stores.activity


@pytest.fixture
def changes(stores: Stores) -> ChangeStore:
    return stores.changes


@pytest.fixture
def receipts(stores: Stores) -> ReceiptStore:
    return stores.receipts


@pytest.fixture
def personal(stores: Stores) -> PersonalStore:
    return stores.personal


@pytest.fixture
def inbox(stores: Stores) -> InboxStore:
    return stores.inbox
