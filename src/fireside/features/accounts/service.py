"""Accounts: a username is unique without regard to case; a password is kept only as its hash.

What a stranger can learn from a failed log-in is that it failed: no such user and a wrong password give the same
answer after the same work. An e-mail address is not unique, so registering tells nobody who is here already.
"""

import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from fireside.auth.limits import refuse_until, require_patience
from fireside.auth.passwords import PasswordHasher, require_password
from fireside.core.clock import Clock
from fireside.core.errors import InvalidCredentials, InvalidInput, NotFound
from fireside.core.ids import is_id, new_id
from fireside.core.limits import RateLimiter
from fireside.core.paging import require_limit
from fireside.core.text import require_text

NAME = "[A-Za-z0-9_.-]"
MIN_NAME, MAX_NAME = 3, 32
USERNAME = re.compile(rf"{NAME}{{{MIN_NAME},{MAX_NAME}}}\Z")
PREFIX = re.compile(rf"{NAME}{{1,{MAX_NAME}}}\Z")
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\Z")
MAX_EMAIL_BYTES = 254
AT_HOME_MAX = 100_000


@dataclass(frozen=True, slots=True)
class User:
    """A person. `password_hash` stays between this feature and the store."""

    id: str
    username: str
    email: str
    password_hash: str = field(repr=False)
    created_at: int
    """UTC milliseconds."""
    read_receipts: bool = True
    """Whether others see how far they have read, and they see it of others."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of users; `next` is the `after` of the one that follows, None on the last."""

    users: list[User]
    next: str | None


class AccountStore(Protocol):
    """Port: where users are kept. Each call is atomic by itself, and may raise `Unavailable`."""

    async def add(self, user: User) -> None:
        """Keep a new user, durably.

        Raises:
            Conflict: the username is taken (compared by `fold`); nothing was stored.
        """

    async def by_id(self, user_id: str) -> User | None: ...

    async def by_ids(self, user_ids: Sequence[str]) -> dict[str, User]:
        """Those of them that there are."""

    async def by_username(self, username: str) -> User | None:
        """Found without regard to case."""

    async def by_usernames(self, usernames: Sequence[str]) -> list[User]:
        """Those who have these names, without regard to case, in no order."""

    async def show_reading(self, user_id: str, shown: bool) -> None:
        """Set `read_receipts`, durably."""

    async def set_password(self, user_id: str, password_hash: str) -> None:
        """Set `password_hash`, durably."""

    async def existing(self, user_ids: Sequence[str]) -> set[str]:
        """Which of these ids belong to users."""

    async def search(self, prefix: str, after: str, limit: int) -> list[User]:
        """Users whose folded name starts with the folded prefix and sorts after `after` (folded), in that order."""


def fold(username: str) -> str:
    """The form in which usernames are compared. They are ASCII, so lower case is all it takes."""
    return username.lower()


class Accounts:
    """The use cases of accounts."""

    def __init__(
        self,
        store: AccountStore,
        hasher: PasswordHasher,
        failures: "LoginFailures",
        clock: Clock,
        *,
        registrations: RateLimiter | None,
    ) -> None:
        """`registrations` limits how many one address may make; None for no limit."""
        self._store = store
        self._hasher = hasher
        self._failures = failures
        self._clock = clock
        self._registrations = registrations
        self.registered: Counter[str] = Counter()
        """What came of registrations and, below, of log-ins: `ok`, or the code of the refusal."""
        self.logged_in: Counter[str] = Counter()

    async def register(self, username: str, password: str, email: str, address: str) -> User:
        """A new user.

        Raises:
            InvalidInput: a field is not acceptable; `details.field` names it.
            Conflict: the username is taken.
            RateLimited: too many were registered from this address.
            Unavailable: too many are being hashed.
        """
        if not USERNAME.match(username):
            raise InvalidInput(
                f"username must be {MIN_NAME} to {MAX_NAME} letters, digits, underscores, dots or hyphens.",
                details={"field": "username"},
            )
        require_text("email", email, max_bytes=MAX_EMAIL_BYTES)
        if not EMAIL.match(email):
            raise InvalidInput("email must look like name@example.org.", details={"field": "email"})
        require_password(password)
        require_patience(self._registrations, address, "registrations from this address")
        hashed = await self._hasher.hash(password)
        user = User(new_id(), username, email, hashed, self._clock())
        await self._store.add(user)
        return user

    async def log_in(self, username: str, password: str, address: str) -> User:
        """The user with this name and password. Whatever they are, one password is verified, no more and no less.

        Raises:
            InvalidCredentials: there is none.
            RateLimited: too many failures for this account or from this address.
            Unavailable: too many are being verified.
        """
        with self._failures.attempt(fold(username)[: 2 * MAX_NAME], address):
            # The store is never asked for a name that nobody can have; which those are is no secret.
            user = await self._store.by_username(username) if USERNAME.match(username) else None
            if not await self._hasher.verify(password, user.password_hash if user else None) or user is None:
                raise InvalidCredentials("Invalid credentials")
            return user

    async def get(self, user_id: str) -> User:
        """The user with this id.

        Raises:
            NotFound: there is none.
        """
        user = await self._store.by_id(user_id) if is_id(user_id) else None
        if user is None:
            raise NotFound("There is no such user.")
        return user

    async def show_reading(self, user_id: str, shown: bool) -> User:
        """Show others how far one has read, and see it of others; or neither. What they have seen, they have seen.

        Raises:
            NotFound: there is no such user.
        """
        await self._store.show_reading(user_id, shown)
        return await self.get(user_id)

    async def set_password(self, username: str, password: str) -> User:
        """Give the user with this name a new password: for those who run the server. Their tokens stay good.

        Raises:
            InvalidInput: it is no password.
            NotFound: there is no such user.
        """
        require_password(password)
        user = await self._store.by_username(username) if USERNAME.match(username) else None
        if user is None:
            raise NotFound("There is no such user.")
        await self._store.set_password(user.id, await self._hasher.hash(password))
        return user

    async def search(self, prefix: str, after: str, limit: int) -> Found:
        """Users whose name starts so, in the order of their names, from the one after `after` on.

        Raises:
            InvalidInput: the prefix cannot start a username, or the limit is out of range.
        """
        require_limit(limit)
        if not PREFIX.match(prefix):
            raise InvalidInput(
                f"search must be 1 to {MAX_NAME} letters, digits, underscores, dots or hyphens.",
                details={"field": "search"},
            )
        if after and not PREFIX.match(after):
            raise InvalidInput("after must be the `next` of the page before.", details={"field": "after"})
        users = await self._store.search(fold(prefix), fold(after), limit + 1)
        return Found(users[:limit], users[limit - 1].username if len(users) > limit else None)


class _Failures(RateLimiter):
    """Every attempt counts until it is forgiven: those made at once must not all pass as the first."""

    def forgive(self, key: str) -> None:
        """Undo one `take`: it was none."""
        if key in self._due:
            self._due[key] -= self._interval


class LoginFailures:
    """How often one may fail to log in, at once and then over time.

    Per account and address five, then one in three minutes; per address sixty, then one in three seconds; per
    account from all addresses a hundred, then one in thirty seconds.

    The first is what a forgetful person meets. It is kept per address, so that a stranger who fails on purpose locks
    nobody out. The last stops many addresses from guessing one password together; it spares the addresses from which
    that account has logged in before, so that they cannot lock its owner out either.
    """

    def __init__(self, enabled: bool = True, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._enabled = enabled
        self._pair = _Failures(1 / 180, 5, monotonic=monotonic)
        # More at once than the hasher takes in, so that a class that comes in together is not taken for an attack.
        self._address = _Failures(1 / 3, 60, monotonic=monotonic)
        self._account = _Failures(1 / 30, 100, monotonic=monotonic)
        self._at_home: OrderedDict[str, None] = OrderedDict()

    @contextmanager
    def attempt(self, account: str, address: str) -> Iterator[None]:
        """Log in inside it. Only one that ends in `InvalidCredentials` counts as a failure.

        Raises:
            RateLimited: there were too many. Says when to come back; this one is not counted.
        """
        if not self._enabled:
            yield
            return
        pair = f"{account}|{address}"
        charges = [(self._pair, pair), (self._address, address)]
        if pair not in self._at_home:
            charges.append((self._account, account))
        refuse_until(max(failures.wait_s(key) for failures, key in charges), "failed log-ins")
        for failures, key in charges:
            failures.take(key)
        try:
            yield
        except InvalidCredentials:
            raise
        except BaseException:
            _forgive(charges)
            raise
        _forgive(charges)
        self._welcome(pair)

    def _welcome(self, pair: str) -> None:
        self._at_home[pair] = None
        self._at_home.move_to_end(pair)
        if len(self._at_home) > AT_HOME_MAX:
            self._at_home.popitem(last=False)


def _forgive(charges: Sequence[tuple[_Failures, str]]) -> None:
    for failures, key in charges:
        failures.forgive(key)
