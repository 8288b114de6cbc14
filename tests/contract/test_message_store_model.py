"""Whatever is done to a message store, it does as the model does: the fake, which fits on a screen.

Conversations, numbers, senders and client ids are drawn from a handful each, so that most examples break the rules
in several ways. Every example has conversations and senders of its own, so that one engine serves them all.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fireside.core.ids import new_id
from fireside.features.messages.service import NEWEST, Message, MessageStore
from tests.engines import MongoBackend, Mongod, SqliteBackend
from tests.fakes import FakeMessages

CONVERSATIONS, SENDERS = 3, 2

conversation_numbers = st.integers(0, CONVERSATIONS - 1)
sender_numbers = st.integers(0, SENDERS - 1)
client_ids = st.sampled_from(["1", "2", "3", "a", "A", "\U0001f600", "$gt", " "])
seqs = st.integers(1, 8) | st.sampled_from([255, 256, 65_536, NEWEST - 1])
contents = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20)
drafts = st.tuples(conversation_numbers, seqs, sender_numbers, client_ids, contents)
places = st.integers(0, 9) | st.sampled_from([256, NEWEST])

steps = st.one_of(
    st.tuples(st.just("append"), st.lists(drafts, max_size=8)),
    st.tuples(st.just("heads"), st.lists(conversation_numbers, max_size=4)),
    st.tuples(st.just("sent"), st.lists(st.tuples(sender_numbers, client_ids), max_size=6, unique=True)),
    st.tuples(st.just("before"), conversation_numbers, places, st.integers(1, 5)),
    st.tuples(st.just("after"), conversation_numbers, places, st.integers(1, 5)),
)

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


class Example:
    """The ids of one example, which no other example has."""

    def __init__(self) -> None:
        stem = new_id()[:-2]
        self.conversations = [f"{stem}{number:02x}" for number in range(CONVERSATIONS)]
        self.senders = [f"{stem}{number + 128:02x}" for number in range(SENDERS)]

    async def take(self, step: tuple[Any, ...], store: MessageStore) -> object:
        """Do the step to a store; what came of it, in a form that can be compared."""
        match step:
            case "append", given_drafts:
                return await store.append([self._message(*draft) for draft in given_drafts])
            case "heads", numbers:
                return await store.heads([self.conversations[number] for number in numbers])
            case "sent", keys:
                found = await store.sent([(self.senders[sender], client_id) for sender, client_id in keys])
                return sorted(found, key=lambda each: each.id)
            case "before", number, seq, limit:
                return await store.before(self.conversations[number], seq, limit)
            case "after", number, seq, limit:
                return await store.after(self.conversations[number], seq, limit)
        raise AssertionError(step)

    async def everything(self, store: MessageStore) -> list[list[Message]]:
        return [await store.after(each, 0, 1000) for each in self.conversations]

    def _message(self, conversation: int, seq: int, sender: int, client_id: str, content: str) -> Message:
        return Message(self.conversations[conversation], seq, self.senders[sender], client_id, content, seq)


async def compare(store: MessageStore, taken: list[tuple[Any, ...]]) -> None:
    example, model = Example(), FakeMessages()
    for step in taken:
        assert await example.take(step, store) == await example.take(step, model)
    assert await example.everything(store) == await example.everything(model)


@pytest.fixture
async def sqlite_messages(tmp_path: Path) -> AsyncIterator[MessageStore]:
    async with SqliteBackend(tmp_path / "fireside.db").open() as stores:
        yield stores.messages


@pytest.fixture(params=["mongo_standalone", "mongo_replica_set"])
async def mongo_messages(request: pytest.FixtureRequest) -> AsyncIterator[MessageStore]:
    server: Mongod = request.getfixturevalue(request.param)
    async with MongoBackend(server.fresh_uri()).open() as stores:
        yield stores.messages


@settings(relaxed, max_examples=400)
@given(taken=st.lists(steps, max_size=15))
async def test_sqlite_does_as_the_model_does(sqlite_messages: MessageStore, taken: list[tuple[Any, ...]]) -> None:
    await compare(sqlite_messages, taken)


@settings(relaxed, max_examples=40)
@given(taken=st.lists(steps, max_size=15))
async def test_mongodb_does_as_the_model_does(mongo_messages: MessageStore, taken: list[tuple[Any, ...]]) -> None:
    await compare(mongo_messages, taken)
