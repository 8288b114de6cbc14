"""Stores in memory, for tests of use cases. They pass the same contract suite as the engines, so they are honest.

Every call lets others run first, as a database would: a use case that checks and then acts is found out here too.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from fireside.core.errors import Conflict
from fireside.features.accounts.service import User, fold
from fireside.features.conversations.service import Conversation
from fireside.features.messages.service import Message


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

    async def by_username(self, username: str) -> User | None:
        await asyncio.sleep(0)
        return self._named(username)

    async def existing(self, user_ids: Sequence[str]) -> set[str]:
        await asyncio.sleep(0)
        return self._users.keys() & set(user_ids)

    async def search(self, prefix: str, after: str, limit: int) -> list[User]:
        await asyncio.sleep(0)
        named = {fold(user.username): user for user in self._users.values()}
        return [named[name] for name in sorted(named) if name.startswith(fold(prefix)) and name > fold(after)][:limit]

    def _named(self, username: str) -> User | None:
        return next((user for user in self._users.values() if fold(user.username) == fold(username)), None)


class FakeConversations:
    """A `ConversationStore`."""

    def __init__(self) -> None:
        self._conversations: dict[str, Conversation] = {}

    async def ensure(self, conversation: Conversation) -> Conversation:
        await asyncio.sleep(0)
        return self._conversations.setdefault(conversation.id, conversation)

    async def by_id(self, conversation_id: str) -> Conversation | None:
        await asyncio.sleep(0)
        return self._conversations.get(conversation_id)


class FakeMessages:
    """A `MessageStore`."""

    def __init__(self) -> None:
        self._logs: defaultdict[str, dict[int, Message]] = defaultdict(dict)
        self._sent: dict[tuple[str, str], Message] = {}

    async def append(self, messages: Sequence[Message]) -> int:
        await asyncio.sleep(0)
        for stored, message in enumerate(messages):
            log, key = self._logs[message.conversation], (message.sender, message.client_id)
            if message.seq in log or key in self._sent:
                return stored
            log[message.seq] = self._sent[key] = message
        return len(messages)

    async def heads(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        await asyncio.sleep(0)
        return {each: max(self._logs[each]) for each in conversation_ids if self._logs[each]}

    async def sent(self, keys: Sequence[tuple[str, str]]) -> list[Message]:
        await asyncio.sleep(0)
        return [self._sent[key] for key in dict.fromkeys(keys) if key in self._sent]

    async def before(self, conversation_id: str, seq: int, limit: int) -> list[Message]:
        await asyncio.sleep(0)
        log = self._logs[conversation_id]
        return [log[each] for each in sorted(log) if each < seq][-limit:]

    async def after(self, conversation_id: str, seq: int, limit: int) -> list[Message]:
        await asyncio.sleep(0)
        log = self._logs[conversation_id]
        return [log[each] for each in sorted(log) if each > seq][:limit]
