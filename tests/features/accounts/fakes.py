"""What accounts stand on, open to view: a store, a hasher that counts, and a clock to turn."""

import asyncio
from collections.abc import Sequence

from fireside.auth.passwords import PasswordHasher
from fireside.features.accounts.service import User
from tests.fakes import FakeAccounts

NOW_MS = 1_790_000_000_123
NOW = "2026-09-21T14:13:20.123Z"


class OpenAccounts(FakeAccounts):
    """A store that can be looked into, and notes what `existing` was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []

    @property
    def users(self) -> dict[str, User]:
        """Everyone, by id."""
        return self._users

    async def existing(self, user_ids: Sequence[str]) -> set[str]:
        self.asked.append(list(user_ids))
        return await super().existing(user_ids)


class FakeHasher(PasswordHasher):
    """Hashes that can be read, and a note of each one that was verified.

    Verifying waits for `go`, and raises `trouble` where there is some.
    """

    def __init__(self) -> None:
        self.verified: list[tuple[str, str | None]] = []
        self.go = asyncio.Event()
        self.go.set()
        self.trouble: Exception | None = None

    async def hash(self, password: str) -> str:
        return f"hash of {password}"

    async def verify(self, password: str, hashed: str | None) -> bool:
        await self.go.wait()
        if self.trouble is not None:
            raise self.trouble
        self.verified.append((password, hashed))
        return hashed == f"hash of {password}"


class Monotonic:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
