"""Accounts in memory, and when their owners were last seen."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from fireside.core.errors import Conflict
from fireside.features.accounts.service import User, fold


class FakeAccounts:
    """An `AccountStore`."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}

    async def add(self, user: User) -> None:
        await asyncio.sleep(0)
        if self._named(user.username):
            raise Conflict("This username is taken.", details={"field": "username"})
        self._users[user.id] = user

    async def by_id(self, user_id: str) -> User | None:
        await asyncio.sleep(0)
        return self._users.get(user_id)

    async def by_ids(self, user_ids: Sequence[str]) -> dict[str, User]:
        await asyncio.sleep(0)
        return {each: self._users[each] for each in user_ids if each in self._users}

    async def by_username(self, username: str) -> User | None:
        await asyncio.sleep(0)
        return self._named(username)

    async def by_usernames(self, usernames: Sequence[str]) -> list[User]:
        await asyncio.sleep(0)
        wanted = set(map(fold, usernames))
        return [user for user in self._users.values() if fold(user.username) in wanted]

    async def show_reading(self, user_id: str, shown: bool) -> None:
        await self._set(user_id, read_receipts=shown)

    async def set_password(self, user_id: str, password_hash: str) -> None:
        await self._set(user_id, password_hash=password_hash)

    async def existing(self, user_ids: Sequence[str]) -> set[str]:
        await asyncio.sleep(0)
        return self._users.keys() & set(user_ids)

    async def search(self, prefix: str, after: str, limit: int) -> list[User]:
        await asyncio.sleep(0)
        named = {fold(user.username): user for user in self._users.values()}
        return [named[name] for name in sorted(named) if name.startswith(fold(prefix)) and name > fold(after)][:limit]

    async def _set(self, user_id: str, **values: Any) -> None:
        await asyncio.sleep(0)
        if user_id in self._users:
            self._users[user_id] = replace(self._users[user_id], **values)

    def _named(self, username: str) -> User | None:
        return next((user for user in self._users.values() if fold(user.username) == fold(username)), None)


class FakePresence:
    """A `PresenceStore`. Only users were ever seen."""

    def __init__(self, accounts: FakeAccounts) -> None:
        self._accounts = accounts
        self._seen: dict[str, int] = {}

    async def saw(self, seen: Mapping[str, int]) -> None:
        known = await self._accounts.existing(list(seen))
        self._seen |= {each: max(at, self._seen.get(each, 0)) for each, at in seen.items() if each in known}

    async def last_seen(self, user_ids: Sequence[str]) -> dict[str, int]:
        await asyncio.sleep(0)
        return {each: self._seen[each] for each in user_ids if each in self._seen}
