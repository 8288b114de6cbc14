"""Passwords: bcrypt, in threads of its own with a bounded queue.

Hashing is slow on purpose (cost 12 is about a quarter of a second), so it never runs on the event loop,
and when more people wait than the queue holds the next one is asked to come back rather than made to wait.
bcryptjs hashes (`$2a$`, `$2b$`) verify. bcrypt reads 72 bytes and no more, hence the limit.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import bcrypt

from fireside.core.errors import InvalidInput, Unavailable

MIN_BYTES, MAX_BYTES = 8, 72
THREADS, QUEUE = 2, 32
HASH_CHARACTERS = 31
"""Behind the salt, in what `bcrypt.hashpw` gives."""

T = TypeVar("T")


class PasswordHasher(Protocol):
    """Port: what the accounts feature needs of a hasher."""

    async def hash(self, password: str) -> str: ...

    async def verify(self, password: str, hashed: str | None) -> bool: ...


def require_password(password: str) -> str:
    """The password, if it can be hashed whole: 8 to 72 bytes of UTF-8, without NUL.

    Raises:
        InvalidInput: it cannot.
    """
    try:
        size = len(password.encode())
    except UnicodeEncodeError:
        raise InvalidInput("password is not valid Unicode text.", details={"field": "password"}) from None
    if not MIN_BYTES <= size <= MAX_BYTES:
        raise InvalidInput(
            f"password must be {MIN_BYTES} to {MAX_BYTES} bytes long (letters beyond ASCII count more than one).",
            details={"field": "password", "minBytes": MIN_BYTES, "maxBytes": MAX_BYTES},
        )
    if "\x00" in password:
        raise InvalidInput("password must not contain NUL characters.", details={"field": "password"})
    return password


class BcryptHasher:
    """Hashes and verifies in `THREADS` threads, at most `QUEUE` callers waiting."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="bcrypt")
        self._waiting = 0
        # Compared against when there is no such user, so that both answers take the same time. It is no password's:
        # hashing one would take a third of a second of each start.
        self._nobody = bcrypt.gensalt(rounds).decode() + "." * HASH_CHARACTERS

    async def hash(self, password: str) -> str:
        """A salted hash of the password.

        Raises:
            Unavailable: too many are waiting already.
        """
        secret = password.encode()
        return (await self._run(lambda: bcrypt.hashpw(secret, bcrypt.gensalt(self._rounds)))).decode()

    async def verify(self, password: str, hashed: str | None) -> bool:
        """Whether the password made this hash. With no hash, or one that no password can have, False after as long.

        A password shorter than `MIN_BYTES` may have been set elsewhere, so it is tried like any other.

        Raises:
            Unavailable: too many are waiting already.
        """
        secret = password.encode(errors="surrogatepass")
        possible = hashed if len(secret) <= MAX_BYTES else None
        against = (possible or self._nobody).encode()
        same = await self._run(lambda: bcrypt.checkpw(secret[:MAX_BYTES], against))
        return same and bool(possible)

    @property
    def waiting(self) -> int:
        """How many are being hashed, or wait for it."""
        return self._waiting

    def close(self) -> None:
        """Let the threads go; what is waiting is cancelled."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= THREADS + QUEUE:
            raise Unavailable("Too many people are logging in at this moment. Try again shortly.", retry_after_s=2)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
