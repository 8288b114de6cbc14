"""The embedded engine: one SQLite file, one thread that writes, two that read.

What must stay true:

- Only one server has the file open. A second is refused, because people on one would not be seen by the other.
- What a write returned is on disk: write-ahead log, `synchronous=FULL`, and on macOS a sync that reaches the disk.
- Readers never wait for the writer, nor it for them. A read sees every write that had returned before it began.

Nothing but the owner may read the files: the folder, where it is made here, has mode 700, and the files 600.
"""

import asyncio
import os
import shutil
from contextlib import closing
from pathlib import Path

import apsw

from fireside.core.clock import now_ms
from fireside.core.errors import Unavailable
from fireside.store.condition import Condition
from fireside.store.errors import DatabaseInUse, StoreError
from fireside.store.sqlite.lane import Lane, T, Work
from fireside.store.sqlite.schema import MIGRATIONS, migrate, missing, require_today
from fireside.store.sqlite.transactions import answer, commit

READERS = 2
MOST_IN_A_COMMIT = 256
MAX_WRITES, MAX_READS = 4096, 4096
BUSY_TIMEOUT_MS = 5_000
PRAGMAS = (
    ("synchronous", "FULL"),
    ("fullfsync", "ON"),
    ("foreign_keys", "ON"),
    ("trusted_schema", "OFF"),
    ("cache_size", -16_384),  # KiB
    # Pages: four times the default. Fewer checkpoints find more pages written twice, which saves a fifth of the CPU.
    ("wal_autocheckpoint", 4000),
    # What a checkpoint could not keep up with under load is given back to the file system afterwards.
    ("journal_size_limit", 64 * 1024 * 1024),
)


class SqliteEngine:
    """Opens the file at `path`, made if need be. `start` before the first call, `stop` after the last.

    `beside` a server that may be running it does without the lock, and takes the file as it is. That is for a write or
    two of which nobody has to hear.
    """

    def __init__(self, path: Path, *, beside: bool = False) -> None:
        self._path = path
        self._beside = beside
        self._lock: apsw.Connection | None = None
        self._writer: Lane | None = None
        self._readers: Lane | None = None

    async def start(self) -> None:
        """Open the database and bring its schema up to date.

        Raises:
            StoreError: it cannot be opened; the message is for whoever starts the server.
        """
        writer, *readers = await asyncio.to_thread(self._open)
        self._writer = Lane("sqlite-writer", [writer], commit, most=MOST_IN_A_COMMIT, bound=MAX_WRITES)
        # One job at a time, so that what waits is shared between the threads.
        self._readers = Lane("sqlite-reader", readers, answer, most=1, bound=MAX_READS)

    async def stop(self) -> None:
        """Finish what was accepted and close the files. The last to close is the writer, which empties the log."""
        for lane in (self._readers, self._writer):
            if lane is not None:
                await lane.close()
        if self._lock is not None:
            self._lock.close()
        self._readers = self._writer = self._lock = None

    async def write(self, work: Work[T]) -> T:
        """Run `work(connection)` in the writing thread, inside a transaction; returns once that is durable.

        Work that raises leaves no trace, and its exception comes back. Work waits behind all writes before it, so
        it should be short, and it must not begin or end transactions.

        Raises:
            Unavailable: the database cannot now, or too many writes are waiting.
        """
        return await self._running(self._writer).submit(work)

    async def read(self, work: Work[T]) -> T:
        """Run `work(connection)` in a reading thread. It must fetch all its rows: an open cursor holds the log back.

        Raises:
            Unavailable: the database cannot now, or too many reads are waiting.
        """
        return await self._running(self._readers).submit(work)

    async def ping(self) -> None:
        """Return if the database answers.

        Raises:
            Unavailable: it does not.
        """
        await self.read(lambda connection: connection.execute("SELECT 1").get)

    def waiting(self) -> dict[str, int]:
        """How many calls are in each lane."""
        lanes = {"writes": self._writer, "reads": self._readers}
        return {name: 0 if lane is None else len(lane) for name, lane in lanes.items()}

    async def inspect(self) -> Condition:
        """How the database is, running or not. Nothing is changed, or made.

        Raises:
            StoreError: it cannot be read.
        """
        return await asyncio.to_thread(self._inspect)

    def _inspect(self) -> Condition:
        server = f"SQLite {apsw.sqlite_lib_version()}"
        try:
            if not self._path.exists():
                return Condition(server, 0, len(MIGRATIONS), disk=_disk(self._path))
            ahead_ms = max(0, round(self._path.stat().st_mtime * 1000) - now_ms())
            with closing(_open_to_look(self._path)) as connection:
                version = int(connection.pragma("user_version"))
                gone = missing(connection) if version == len(MIGRATIONS) else {}
        except (OSError, apsw.Error) as error:
            raise StoreError(f"The database {self._path} cannot be read: {error}") from error
        return Condition(server, version, len(MIGRATIONS), gone, ahead_ms, _disk(self._path))

    @staticmethod
    def _running(lane: Lane | None) -> Lane:
        if lane is None:
            raise Unavailable("The database is not open.")
        return lane

    def _open(self) -> list[apsw.Connection]:
        """The writing connection, then the reading ones."""
        opened: list[apsw.Connection] = []
        try:
            if self._beside:
                require_database(self._path)
                opened.append(_open_writer(self._path))
                require_today(opened[0], str(self._path))
            else:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._lock = _lock(self._path.with_suffix(".lock"), str(self._path))
                opened.append(_open_writer(self._path))
                migrate(opened[0], str(self._path))
            opened.extend(_open_reader(self._path) for _ in range(READERS))
        except (OSError, apsw.Error, StoreError) as error:
            for connection in (*opened, self._lock):
                if connection is not None:
                    connection.close()
            self._lock = None
            if isinstance(error, StoreError):
                raise
            raise StoreError(f"The database {self._path} cannot be opened: {error}") from error
        return opened


def require_database(path: Path) -> None:
    """Go on only if there is one.

    Raises:
        StoreError: there is none.
    """
    if not path.exists():
        raise StoreError(f"There is no database at {path}.")


def _lock(path: Path, database: str) -> apsw.Connection:
    """Hold the file's lock until the connection is closed or the process ends, however it ends.

    It is SQLite's own lock, on an empty database beside ours, so it works wherever SQLite does.
    """
    _make(path)
    connection = apsw.Connection(str(path))
    try:
        connection.pragma("journal_mode", "MEMORY")
        connection.execute("BEGIN EXCLUSIVE")
    except apsw.BusyError:
        connection.close()
        raise DatabaseInUse(database) from None
    return connection


def _open_writer(path: Path) -> apsw.Connection:
    _make(path)
    connection = apsw.Connection(str(path))
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    if connection.pragma("journal_mode", "WAL") != "wal":
        connection.close()
        raise StoreError(f"The database {path} needs a local disk: this file system cannot hold a write-ahead log.")
    for name, value in PRAGMAS:
        connection.pragma(name, value)
    return connection


def _open_reader(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    for name, value in PRAGMAS:
        connection.pragma(name, value)
    return connection


def _open_to_look(path: Path) -> apsw.Connection:
    # Without a log nobody is writing, and nothing is put beside the file: it might not be ours to the server's user.
    still = "" if path.with_name(f"{path.name}-wal").exists() else "?immutable=1"
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(f"{path.absolute().as_uri()}{still}", flags=flags)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return connection


def _disk(path: Path) -> tuple[int, int]:
    """Free and all bytes where the file is or will be."""
    folder = next(each for each in path.absolute().parents if each.exists())
    usage = shutil.disk_usage(folder)
    return usage.free, usage.total


def _make(path: Path) -> None:
    """Make the file where it is missing, for its owner alone; SQLite gives its companions the same mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
