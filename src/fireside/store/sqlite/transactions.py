"""How groups of jobs run: writes as one transaction (group commit), reads one by one.

A commit costs a sync of the disk, whatever is in it; so everything that waits shares one. What must stay true:

- No job's outcome leaves before COMMIT has returned: what was told to be stored is stored.
- A job that fails takes nothing of its neighbours with it: where there is more than one, each has a savepoint. A
  job alone needs none.
- Where the transaction itself fails (the disk is full, say), every job in it fails, also one that had failed on its
  own account: what it had seen of its neighbours was never committed.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import apsw

from fireside.store.sqlite.lane import OUTAGES, Job

logger = logging.getLogger(__name__)


@contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """A write transaction from its first statement on, so that it cannot fail half-way for want of the lock."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After a full disk or an I/O error SQLite may have rolled back already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def commit(connection: apsw.Connection, jobs: Sequence[Job[Any]]) -> None:
    """Run the jobs, in order, as one durable transaction."""
    try:
        with transaction(connection):
            if len(jobs) == 1:
                jobs[0].run(connection)
            else:
                for job in jobs:
                    _run_apart(connection, job)
    except Exception as error:
        _log(error)
        for job in jobs:
            job.error = error


def answer(connection: apsw.Connection, jobs: Sequence[Job[Any]]) -> None:
    """Run reads; each sees what was committed before it began."""
    for job in jobs:
        try:
            job.run(connection)
        except Exception as error:
            _log(error)
            job.error = error


def _run_apart(connection: apsw.Connection, job: Job[Any]) -> None:
    connection.execute("SAVEPOINT job")
    try:
        job.run(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO job")
        job.error = error
    connection.execute("RELEASE job")


def _log(error: Exception) -> None:
    # SQLite's words for an outage name the trouble, never the data.
    if isinstance(error, OUTAGES):
        logger.error("SQLite cannot go on: %s: %s", type(error).__name__, error)
