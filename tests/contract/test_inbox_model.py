"""Whatever is done to people's conversations, an engine finds in their inboxes what the model finds: the fakes.

Three people, two groups that live through one history, of which any state may be kept at any time, and two direct
conversations. Every example has ids of its own and counts stamps from where it began, so that one engine serves all.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fireside.core.ids import new_id
from fireside.engines import Stores
from fireside.features.conversations.activity import Activity
from fireside.features.conversations.groups import (
    GroupCreated,
    GroupUpdated,
    MemberLeft,
    MemberRemoved,
    MembersAdded,
)
from fireside.features.conversations.service import Conversation
from fireside.features.inbox.service import InboxRow
from fireside.features.receipts.service import Mark, Receipt
from tests.contract.samples import direct, history
from tests.engines import FakeBackend, MongoBackend, Mongod, SqliteBackend

PEOPLE, GROUPS, DIRECTS, STATES = 3, 2, 2, 7
ALL = -1

people = st.integers(0, PEOPLE - 1)
groups = st.integers(0, GROUPS - 1)
talks = st.integers(0, GROUPS + DIRECTS - 1)
nodes = st.sampled_from(["one", "two"])
numbers = st.integers(0, 9)
asleep = st.tuples(talks, numbers, numbers, numbers)
marks = st.tuples(talks, people, numbers, numbers, numbers)

steps = st.one_of(
    st.tuples(st.just("ensure"), st.integers(GROUPS, GROUPS + DIRECTS - 1)),
    st.tuples(st.just("keep"), groups, st.integers(0, STATES - 1), st.sets(people)),
    st.tuples(st.just("wake"), st.lists(talks, max_size=3), nodes),
    st.tuples(st.just("sleep"), st.lists(asleep, max_size=3, unique_by=lambda row: row[0]), nodes),
    st.tuples(st.just("forget"), st.lists(talks, max_size=3), nodes),
    st.tuples(st.just("raise_to"), st.lists(marks, max_size=4)),
    st.tuples(st.just("changed"), people, st.just(ALL) | st.integers(0, 4), talks | st.none(), st.integers(1, 5)),
    st.tuples(st.just("all"), people),
)

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


class Example:
    """The ids and groups of one example, which no other has."""

    def __init__(self) -> None:
        ada, bob, carl = self.people = [new_id() for _ in range(PEOPLE)]
        self.histories = [
            history(
                (ada, GroupCreated("Friends", (bob,))),
                (ada, MembersAdded((carl,))),
                (bob, MemberLeft()),
                (ada, GroupUpdated("Foes")),
                (ada, MembersAdded((bob,))),
                (ada, MemberRemoved(bob)),
                (ada, MemberLeft()),
            )
            for _ in range(GROUPS)
        ]
        self.directs = [direct(ada, bob), direct(ada, ada)]
        self.ids = [each[0].id for each in self.histories] + [each.id for each in self.directs]


class Run:
    """An example on some stores."""

    def __init__(self, example: Example, stores: Stores, start: int) -> None:
        self._example = example
        self._stores = stores
        self._start = start

    async def take(self, step: tuple[Any, ...]) -> object:
        """Do the step; what came of it, in a form that can be compared."""
        ids, activity = self._example.ids, self._stores.activity
        match step:
            case "ensure", number:
                return await self._stores.conversations.ensure(self._example.directs[number - GROUPS])
            case "keep", number, at, changed:
                state = self._example.histories[number][at]
                await self._stores.conversations.keep(state, self._known(state, changed))
            case "wake", talks, node:
                woken = await activity.wake([ids[each] for each in talks], node)
                return {each: self._plain(row) for each, row in woken.items()}
            case "sleep", rows, node:
                await activity.sleep([Activity(ids[each], *row) for each, *row in rows], node)
                return await activity.stamp() - self._start
            case "forget", talks, node:
                await activity.forget(node, [ids[each] for each in talks])
            case "raise_to", moved:
                receipts = [
                    # What others see is part of it.
                    Receipt(ids[talk], self._example.people[who], Mark(delivered, read, min(read, shown)))
                    for talk, who, delivered, read, shown in moved
                ]
                await self._stores.receipts.raise_to(receipts)
            case "changed", who, stamp, after, limit:
                since = ALL if stamp == ALL else self._start + stamp
                beyond = "" if after is None else ids[after]
                found = await self._stores.inbox.changed(self._example.people[who], since, beyond, limit)
                return [self._plain_row(row) for row in found]
            case "all", who:
                return await self._all(who)
            case _:
                raise AssertionError(step)
        return None

    async def everything(self) -> object:
        """All that the ports can tell of the example."""
        ids, stores = self._example.ids, self._stores
        rows = await stores.activity.rows(ids)
        return (
            await stores.conversations.by_ids(ids),
            {each: self._plain(row) for each, row in rows.items()},
            await stores.receipts.of(ids),
            [await self._all(who) for who in range(PEOPLE)],
            [await self.take(("changed", who, stamp, None, 9)) for who in range(PEOPLE) for stamp in (ALL, 0, 1, 2)],
        )

    async def _all(self, who: int) -> list[InboxRow]:
        found = [self._plain_row(row) for row in await self._stores.inbox.all(self._example.people[who])]
        return sorted(found, key=lambda row: row.activity.conversation)

    def _known(self, state: Conversation, changed: set[int]) -> list[str]:
        """Those of them of whom the state says something."""
        wanted = (self._example.people[each] for each in sorted(changed))
        return [each for each in wanted if each in state.members or each in state.gone]

    def _plain(self, row: Activity) -> Activity:
        stamp = row.stamp - self._start if row.stamp else 0
        return msgspec.structs.replace(row, stamp=stamp, awake=tuple(sorted(row.awake)))

    def _plain_row(self, row: InboxRow) -> InboxRow:
        return msgspec.structs.replace(row, activity=self._plain(row.activity))


async def compare(stores: Stores, taken: list[tuple[Any, ...]]) -> None:
    example = Example()
    async with FakeBackend().open() as fakes:
        engine = Run(example, stores, await stores.activity.stamp())
        model = Run(example, fakes, await fakes.activity.stamp())
        for step in taken:
            assert await engine.take(step) == await model.take(step)
        assert await engine.everything() == await model.everything()


@pytest.fixture
async def sqlite_stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with SqliteBackend(tmp_path / "fireside.db").open() as stores:
        yield stores


@pytest.fixture(params=["mongo_standalone", "mongo_replica_set"])
async def mongo_stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    server: Mongod = request.getfixturevalue(request.param)
    async with MongoBackend(server.fresh_uri()).open() as stores:
        yield stores


@settings(relaxed, max_examples=200)
@given(taken=st.lists(steps, max_size=20))
async def test_sqlite_does_as_the_model_does(sqlite_stores: Stores, taken: list[tuple[Any, ...]]) -> None:
    await compare(sqlite_stores, taken)


@settings(relaxed, max_examples=40)
@given(taken=st.lists(steps, max_size=20))
async def test_mongodb_does_as_the_model_does(mongo_stores: Stores, taken: list[tuple[Any, ...]]) -> None:
    await compare(mongo_stores, taken)
