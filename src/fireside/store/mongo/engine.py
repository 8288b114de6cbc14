"""The MongoDB engine: one client, and the guarantees that every feature's adapter relies on.

What must stay true, whatever the address says:

- A write has returned only when a majority has it in the journal (`w: majority, j: true`; one server is a majority
  of itself).
- A read sees nothing that could be rolled back (read concern `majority`, from the primary). On a replica set that is
  all it takes. A standalone shows rows that its journal does not have yet, so who builds on what was read awaits
  `settle`.
- Nothing waits for ever: every operation has a time limit, which the server is told, and in which finding a primary
  and trying again after a failover have their part.
"""

import logging
from collections.abc import Sequence
from datetime import UTC

import pymongo
from bson.codec_options import DatetimeConversion
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError, ServerSelectionTimeoutError

from fireside.core.clock import now_ms
from fireside.core.errors import Unavailable
from fireside.store.condition import Condition
from fireside.store.errors import StoreError
from fireside.store.mongo.errors import describe, outage, translated
from fireside.store.mongo.schema import META, MIGRATIONS, Database, Document, condition, migrate, require_today

logger = logging.getLogger(__name__)

DEFAULT_DATABASE = "fireside"
OLDEST = (6, 0)
"""The first MongoDB with all that is used here: clustered collections, `$unionWith` on them."""
WRITE_CONCERN = {"w": "majority", "j": True}

Collection = AsyncCollection[Document]


class MongoEngine:
    """Connects to the address (a `mongodb://` URI). `start` before the first call, `stop` after the last.

    `beside` servers that may be running it takes the database as it is.
    """

    def __init__(
        self,
        uri: str,
        *,
        beside: bool = False,
        server_selection_timeout_ms: int = 5_000,
        timeout_ms: int = 10_000,
    ) -> None:
        self._uri = uri
        self._beside = beside
        self._server_selection_timeout_ms = server_selection_timeout_ms
        self._timeout_ms = timeout_ms
        self._client: AsyncMongoClient[Document] | None = None
        self._database: Database | None = None
        self._replicated = False

    async def start(self) -> None:
        """Connect and bring the schema up to date.

        Raises:
            StoreError: it cannot be used; the message is for whoever starts the server.
        """
        self._client = self._connect()
        self._database = self._client.get_default_database(DEFAULT_DATABASE)
        try:
            # The limit of an operation would count here, too, and people do not want to wait that long.
            with pymongo.timeout(self._server_selection_timeout_ms / 1000):
                await self._meet()
            # Building an index may take longer than an operation should.
            with pymongo.timeout(None):
                await (require_today if self._beside else migrate)(self._database)
        except PyMongoError as error:
            reason = self._why_not(error)
            await self.stop()
            raise StoreError(reason) from error
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close all connections."""
        client, self._client, self._database = self._client, None, None
        if client is not None:
            await client.close()

    async def inspect(self) -> Condition:
        """How the database is. It need not be started, and nothing is changed.

        Raises:
            StoreError: it cannot be reached or used.
        """
        self._client = self._connect()
        database = self._client.get_default_database(DEFAULT_DATABASE)
        try:
            with pymongo.timeout(self._server_selection_timeout_ms / 1000):
                await database.command("ping")
                since = now_ms()
                hello = await database.command("hello")
                its_ms = round(hello["localTime"].replace(tzinfo=UTC).timestamp() * 1000)
                ahead_ms = its_ms - (since + now_ms()) // 2
                server = f"MongoDB {(await self._client.server_info())['version']}"
                stats = await database.command("dbStats")
                version, missing = await condition(database)
        except PyMongoError as error:
            raise StoreError(self._why_not(error)) from error
        finally:
            await self.stop()
        # A database that is not there yet is said to have none.
        total, used = int(stats["fsTotalSize"]), int(stats["fsUsedSize"])
        disk = (total - used, total) if total else None
        return Condition(server, version, len(MIGRATIONS), missing, ahead_ms, disk, _is_replicated(hello))

    async def ping(self) -> None:
        """Return if a server that takes writes answers.

        Raises:
            Unavailable: none does.
        """
        with translated():
            await self.database.command("ping")

    def waiting(self) -> dict[str, int]:
        """Nothing that is seen: what waits for a connection waits in the driver."""
        return {}

    @property
    def database(self) -> Database:
        """The database, with the guarantees above.

        Raises:
            Unavailable: the engine is not running.
        """
        if self._database is None:
            raise Unavailable("The database is not open.")
        return self._database

    async def settle(self) -> None:
        """Return once all that has been read cannot be undone by a crash.

        An acknowledged write waits for the journal even where it changes nothing, and the journal is in order.

        Raises:
            Unavailable: nobody knows whether it can.
        """
        if not self._replicated:
            with translated():
                await self.database[META].delete_one({"_id": "nothing"})

    async def settled(self, collection: str, key: Document) -> Document | None:
        """This document, if there is one, once it cannot be undone by a crash: reading it and `settle` in one.

        Raises:
            Unavailable: nobody knows whether it can.
        """
        documents = self.database[collection]
        with translated():
            if self._replicated:
                return await documents.find_one(key)
            return await documents.find_one_and_update(key, {"$unset": {"nothing": 1}})

    def _connect(self) -> AsyncMongoClient[Document]:
        try:
            return AsyncMongoClient(
                self._uri,
                appname="fireside",
                w=WRITE_CONCERN["w"],
                journal=WRITE_CONCERN["j"],
                readConcernLevel="majority",
                readPreference="primary",
                serverSelectionTimeoutMS=self._server_selection_timeout_ms,
                timeoutMS=self._timeout_ms,
                # Milliseconds are what the rest of Fireside counts in.
                datetime_conversion=DatetimeConversion.DATETIME_MS,
            )
        except (PyMongoError, ValueError):
            # The reason may quote a part of the address, and with it of the password.
            raise StoreError(
                "MONGO_URI cannot be read. It looks like mongodb://user:password@host:27017/fireside, "
                "with reserved characters percent-encoded."
            ) from None

    async def _meet(self) -> None:
        """Find out whom we talk to."""
        hello = await self.database.command("hello")
        self._replicated = _is_replicated(hello)
        version = tuple((await self.database.client.server_info())["versionArray"][:2])
        if version < OLDEST:
            raise StoreError(f"MongoDB {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {version[0]}.{version[1]}.")
        if not self._replicated:
            logger.info("this MongoDB is a standalone server: durable, but without a second copy")

    def _why_not(self, error: PyMongoError) -> str:
        if isinstance(error, ServerSelectionTimeoutError) and self._client is not None:
            servers = self._client.topology_description.server_descriptions()
            addresses = ", ".join(f"{host}:{port}" for host, port in servers)
            return f"No MongoDB that takes writes answers at {addresses}."
        return f"The MongoDB database cannot be used: {describe(error)}."


def _is_replicated(hello: Document) -> bool:
    return "setName" in hello or hello.get("msg") == "isdbgrid"


DUPLICATE_KEY = 11000


async def inserted(database: Database, collection: str, documents: Sequence[Document]) -> int:
    """Insert in order up to the first whose key is taken; how many were, durably.

    A plain command costs a fifth less than `insert_many`, and the driver does not repeat it by itself: the logs resolve
    unknown outcomes better than a second attempt does.

    Raises:
        Unavailable: the outcome is unknown.
    """
    command = {"insert": collection, "ordered": True, "documents": documents, "writeConcern": WRITE_CONCERN}
    with translated():
        reply = await database.command(command)
    concern = reply.get("writeConcernError")
    errors = reply.get("writeErrors", ())
    if concern or any(error["code"] != DUPLICATE_KEY for error in errors):
        raise outage(f"insert, code {(concern or errors[0])['code']}")
    count: int = reply["n"]
    return count
