"""The one place where the driver's errors become ours.

A driver's message may quote the document it was about, so only its kind and its code are logged.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import OperationFailure, PyMongoError

from fireside.core.errors import Unavailable

logger = logging.getLogger(__name__)


@contextmanager
def translated() -> Iterator[None]:
    """Every driver error that leaves the block does so as `Unavailable`: for a write, the outcome is unknown."""
    try:
        yield
    except PyMongoError as error:
        raise outage(describe(error)) from error


def outage(cause: str) -> Unavailable:
    """What callers are told; the cause is logged."""
    logger.error("MongoDB cannot go on: %s", cause)
    return Unavailable("The database cannot do this now. Nothing is known to be lost; try again.")


def describe(error: PyMongoError) -> str:
    """What the server calls it, if it answered; otherwise what happened to which server."""
    if isinstance(error, OperationFailure):
        name = (error.details or {}).get("codeName", type(error).__name__)
        return f"{name}, code {error.code}"
    # The rest is a picture of the whole topology.
    return f"{type(error).__name__}: {str(error).partition(', Timeout:')[0]}"
