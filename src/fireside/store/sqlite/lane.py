"""A lane: a bounded queue of jobs, and the threads that work through it, each with a connection of its own.

What must stay true:

- The event loop never waits for a thread: it puts a job in and awaits the job's future.
- A thread takes everything that waits (up to `most`) and hands it to `run` as one group; the outcomes go back to the
  loop in one call, after `run` has returned. So a group is as large as the load makes it, and a job never waits for
  company.
- A caller that is cancelled takes nothing down: its job is done or not, and nobody hears of it.
- At most `bound` jobs are in the lane; one more is refused as `Unavailable`, and was not done.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import apsw

from fireside.core.errors import Unavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[apsw.Connection], T]

OUTAGES = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.InterruptError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)
"""The disk, the file or another process is in the way. Every other `apsw.Error` is a bug of ours."""


class Job(Generic[T]):
    """One piece of work: the thread leaves a result or an error in it, the loop gives that to who waits."""

    __slots__ = ("error", "future", "result", "work")

    def __init__(self, work: Work[T], future: asyncio.Future[T]) -> None:
        self.work = work
        self.future = future
        self.result: T
        self.error: Exception | None = None

    def run(self, connection: apsw.Connection) -> None:
        """Do the work, in the lane's thread."""
        self.result = self.work(connection)

    def settle(self) -> None:
        """Give the outcome to who waits, on the loop."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(as_caller_sees_it(self.error))


Run = Callable[[apsw.Connection, Sequence[Job[Any]]], None]
"""Does a group of jobs, leaving in each what became of it. Does not raise."""


class Lane:
    """Runs jobs in one thread per connection. `submit` and `close` are for the loop that made it."""

    def __init__(self, name: str, connections: Sequence[apsw.Connection], run: Run, *, most: int, bound: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._run = run
        self._most = most
        self._bound = bound
        self._inside = 0
        self._closed = False
        self._queue: SimpleQueue[Job[Any] | None] = SimpleQueue()
        # Daemons, so that a process whose loop died without `close` can still end.
        self._threads = [
            threading.Thread(target=self._work, args=(connection,), name=f"{name}-{number}", daemon=True)
            for number, connection in enumerate(connections)
        ]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        """How many jobs are in it."""
        return self._inside

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Queue the work; the future has its outcome.

        Raises:
            Unavailable: the lane is full or closed.
        """
        if self._closed or self._inside >= self._bound:
            raise Unavailable("The database has too much to do at this moment. Try again shortly.", retry_after_s=1)
        self._inside += 1
        job = Job(work, self._loop.create_future())
        self._queue.put(job)
        return job.future

    async def close(self) -> None:
        """Take nothing more, finish what is in the queue, close the connections and end the threads."""
        if not self._closed:
            self._closed = True
            for _ in self._threads:
                self._queue.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _work(self, connection: apsw.Connection) -> None:
        is_open = True
        while is_open:
            jobs, is_open = self._take()
            if jobs:
                self._run(connection, jobs)
                self._hand_back(jobs)
        connection.close()

    def _take(self) -> tuple[list[Job[Any]], bool]:
        """Everything that waits, at least one; and whether more may come."""
        jobs: list[Job[Any]] = []
        try:
            job = self._queue.get()
            while job is not None:
                jobs.append(job)
                if len(jobs) == self._most:
                    return jobs, True
                job = self._queue.get_nowait()
        except Empty:
            return jobs, True
        return jobs, False

    def _hand_back(self, jobs: Sequence[Job[Any]]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._settle, jobs)
        except RuntimeError:
            logger.warning("%d jobs were done after their event loop was closed", len(jobs))

    def _settle(self, jobs: Sequence[Job[Any]]) -> None:
        self._inside -= len(jobs)
        for job in jobs:
            job.settle()


def as_caller_sees_it(error: Exception) -> Exception:
    """What a caller is told: a new error each time, because a raised one carries its own traceback."""
    if not isinstance(error, OUTAGES):
        return error
    unavailable = Unavailable("The database cannot do this now. Nothing is known to be lost; try again.")
    unavailable.__cause__ = error
    return unavailable
