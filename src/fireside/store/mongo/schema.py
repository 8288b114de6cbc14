"""The collections, and how an older database becomes one of today.

`_meta` holds two documents: `schema` with the version, and while somebody migrates `lock` with the lease. What must
stay true:

- `MIGRATIONS` only ever grows at its end: step n takes the version from n - 1 to n.
- One process migrates at a time. If it dies or falls asleep its lease runs out and another goes on, so a step may
  be interrupted anywhere and run again: each is idempotent, and the version never goes back.
- The indexes are asked for at every start, not once: the unique ones are what decides which write counts, and a
  database restored without them would take anything.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from fireside.store.errors import NewerDatabase, OlderDatabase, StoreError

logger = logging.getLogger(__name__)

Document = dict[str, Any]
Database = AsyncDatabase[Document]

META = "_meta"
LEASE_S = 60
PAUSE_S = 0.25
PATIENCE_S = 600


async def cluster_messages(database: Database) -> None:
    """Version 1: `messages` lies in the order of `_id`, so a page of history is one range.

    The other collections need no options, and begin with what is first put into them.
    """
    if "messages" not in await database.list_collection_names():
        place = {"key": {"_id": 1}, "unique": True, "name": "place"}
        await database.create_collection("messages", clusteredIndex=place)


async def find_conversations_by_people(database: Database) -> None:
    """Version 2: `members` finds conversations by their people and `activity` says how far each has got; changes and
    what is one's own lie in the order of their numbers."""
    there = await database.list_collection_names()
    for name in ("members", "changes", "personal"):
        if name not in there:
            place = {"key": {"_id": 1}, "unique": True, "name": "place"}
            await database.create_collection(name, clusteredIndex=place)
    await database[META].update_one({"_id": "stamp"}, {"$setOnInsert": {"last": 1}}, upsert=True)
    async for conversation in database["conversations"].find({"kind": "direct"}):
        key: bytes = conversation["_id"].binary
        its_log = {"_id": {"$gte": key + bytes(6), "$lte": key + b"\xff" * 6}}
        newest = await database["messages"].find_one(its_log, sort=[("_id", -1)])
        seq = int.from_bytes(newest["_id"][12:]) if newest else 0
        # Nobody knows who had read what: it counts as read, and is shown to nobody as such.
        fresh = {"conversation": conversation["_id"], "since": 0, "asOf": 0, "delivered": seq, "read": seq, "shown": 0}
        for member in conversation["members"]:
            place_of = {"_id": member.binary + key}
            await database["members"].update_one(place_of, {"$setOnInsert": fresh}, upsert=True)
        if newest:
            # Where this was interrupted, a server of version 1 may have written on.
            row = {"$max": {"seq": seq, "at": newest["sentAt"]}, "$setOnInsert": {"rev": 0, "stamp": 1}}
            await database["activity"].update_one({"_id": conversation["_id"]}, row, upsert=True)


MIGRATIONS: Final[tuple[Callable[[Database], Awaitable[None]], ...]] = (cluster_messages, find_conversations_by_people)


class Index(NamedTuple):
    """An index of a collection. `only`: it has the documents of which this is true."""

    collection: str
    name: str
    fields: tuple[str, ...]
    unique: bool = False
    only: Document | None = None


INDEXES: Final = (
    Index("users", "folded", ("folded",), unique=True),
    Index("messages", "sent", ("sender", "clientId"), unique=True),
    Index("messages", "silent", ("silent", "_id"), only={"silent": True}),
    Index("members", "of", ("conversation",)),
    Index("members", "leaving", ("conversation", "leaving"), only={"leaving": True}),
    Index("changes", "of", ("of",)),
    Index("activity", "awake", ("awake",)),
    Index("personal", "of", ("user", "conversation", "seq", "n")),
)


async def migrate(database: Database) -> None:
    """Bring the schema up to today's version.

    Raises:
        NewerDatabase: it is of a later version; nothing was touched.
        StoreError: another process has been migrating for too long.
    """
    if await _version(database) < len(MIGRATIONS):
        async with _lease(database):
            await _migrate_from(database, await _version(database))
    for index in INDEXES:
        options: Document = {"unique": True} if index.unique else {}
        if index.only is not None:
            options["partialFilterExpression"] = index.only
        await database[index.collection].create_index(list(index.fields), name=index.name, **options)


async def require_today(database: Database) -> None:
    """Go on only if the schema is of today's version.

    Raises:
        NewerDatabase, OlderDatabase: it is not.
    """
    found = await _version(database)
    if found < len(MIGRATIONS):
        raise OlderDatabase(database.name, found, len(MIGRATIONS))


async def condition(database: Database) -> tuple[int, dict[str, str]]:
    """The version of the schema, and what of today's is missing in one of today, each with what to do about it."""
    schema = await database[META].find_one({"_id": "schema"})
    version = int(schema["version"]) if schema else 0
    missing: dict[str, str] = {}
    if version == len(MIGRATIONS):
        for name in {index.collection for index in INDEXES}:
            there = await database[name].index_information()
            for index in INDEXES:
                if index.collection == name and index.name not in there:
                    missing[f"{name}.{index.name}"] = "Start Fireside again: it makes its indexes at every start."
    return version, missing


async def _migrate_from(database: Database, found: int) -> None:
    for version, step in enumerate(MIGRATIONS[found:], found + 1):
        await step(database)
        await database[META].update_one({"_id": "schema"}, {"$max": {"version": version}}, upsert=True)
        logger.info("the schema of %s is now version %d", database.name, version)


async def _version(database: Database) -> int:
    schema = await database[META].find_one({"_id": "schema"})
    found = int(schema["version"]) if schema else 0
    if found > len(MIGRATIONS):
        raise NewerDatabase(database.name, found, len(MIGRATIONS))
    return found


@asynccontextmanager
async def _lease(database: Database) -> AsyncIterator[None]:
    """Hold the lock. It counts by the server's clock, so the clocks of the nodes do not matter."""
    owner = uuid.uuid4().hex
    for _ in range(int(PATIENCE_S / PAUSE_S)):
        if await _take(database, owner):
            break
        await asyncio.sleep(PAUSE_S)
    else:
        raise StoreError(f"Another Fireside has been migrating the database {database.name} for too long.")
    try:
        yield
    finally:
        await database[META].delete_one({"_id": "lock", "owner": owner})


async def _take(database: Database, owner: str) -> bool:
    """Whether the lock is ours now: its lease had run out, or nobody held it."""
    meta = database[META]
    until = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE_S}}
    lease = [{"$set": {"owner": owner, "until": until}}]
    run_out = {"_id": "lock", "$expr": {"$lt": ["$until", "$$NOW"]}}
    if (await meta.update_one(run_out, lease)).matched_count:
        return True
    try:
        await meta.update_one({"_id": "lock", "owner": owner}, lease, upsert=True)
    except DuplicateKeyError:
        return False
    return True
