"""Who comes beside a server takes the database as it is: there, and of today, or not at all."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from fireside.engines import Stores, on_mongo, on_sqlite
from fireside.store.errors import NewerDatabase, OlderDatabase, StoreError
from fireside.store.mongo import MongoEngine
from fireside.store.mongo import schema as mongo_schema
from fireside.store.sqlite import SqliteEngine
from fireside.store.sqlite import schema as sqlite_schema
from tests.contract.samples import user
from tests.engines import Mongod

Engine = Callable[[bool], Stores]


@pytest.fixture(params=["sqlite", "mongo"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """An engine for a new database, as a server has it (False) or beside one (True)."""
    if request.param == "sqlite":
        return lambda beside: on_sqlite(SqliteEngine(tmp_path / "data" / "fireside.db", beside=beside))
    mongod: Mongod = request.getfixturevalue("mongo_standalone")
    uri = mongod.fresh_uri()
    return lambda beside: on_mongo(MongoEngine(uri, beside=beside))


@asynccontextmanager
async def running(stores: Stores) -> AsyncIterator[Stores]:
    """Open until the block ends."""
    await stores.engine.start()
    try:
        yield stores
    finally:
        await stores.engine.stop()


async def test_both_see_what_the_other_writes(engine: Engine) -> None:
    ada = user("ada")
    async with running(engine(False)) as there, running(engine(True)) as here:
        await there.accounts.add(ada)
        await here.accounts.set_password(ada.id, "hash")
        assert await there.accounts.by_id(ada.id) == replace(ada, password_hash="hash")


async def test_a_database_that_is_not_there_is_not_made(engine: Engine) -> None:
    for _ in range(2):
        with pytest.raises(StoreError):
            await engine(True).engine.start()


@pytest.mark.parametrize("difference", [1, -1])
async def test_one_of_another_version_is_left_alone(
    engine: Engine, difference: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(engine(False)):
        pass
    for schema in (sqlite_schema, mongo_schema):
        steps = schema.MIGRATIONS
        other = (*steps, steps[-1]) if difference > 0 else steps[:-1]
        monkeypatch.setattr(schema, "MIGRATIONS", other)
    expected = OlderDatabase if difference > 0 else NewerDatabase
    for _ in range(2):
        with pytest.raises(expected):
            await engine(True).engine.start()
