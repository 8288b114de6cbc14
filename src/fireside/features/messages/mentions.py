"""Mentions: who is named in a message with `@username`, as of its sending.

Names never change and their owners never do, so a name that was found once is not looked for again.
"""

import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from fireside.features.accounts.service import MAX_NAME, MIN_NAME, NAME, User, fold
from fireside.features.conversations.service import Conversation

MENTION = re.compile(rf"(?<![A-Za-z0-9_.-])@({NAME}{{{MIN_NAME},{MAX_NAME}}})")
MAX_MENTIONS = 50
"""In one message. Whoever is named after these is not told."""
REMEMBERED = 50_000


class Names(Protocol):
    """Port: whose names these are. The accounts feature's store has it."""

    async def by_usernames(self, usernames: Sequence[str]) -> list[User]: ...


class Mentions:
    """Finds who is named."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._ids: OrderedDict[str, str] = OrderedDict()

    async def of(self, content: str, conversation: Conversation) -> tuple[str, ...]:
        """The members of the conversation who are named in it, in the order of their names.

        Raises:
            Unavailable: nobody can say now whose name it is.
        """
        if "@" not in content:
            return ()
        named = list(dict.fromkeys(each for name in MENTION.findall(content) for each in _readings(fold(name))))
        found = await self._whose(named[: 2 * MAX_MENTIONS])
        ids = dict.fromkeys(found[name] for name in named if name in found)
        return tuple(each for each in ids if each in conversation.members)[:MAX_MENTIONS]

    async def _whose(self, names: Sequence[str]) -> dict[str, str]:
        unknown = [name for name in names if name not in self._ids]
        for user in await self._names.by_usernames(unknown) if unknown else ():
            self._ids[fold(user.username)] = user.id
            if len(self._ids) > REMEMBERED:
                self._ids.popitem(last=False)
        return {name: self._ids[name] for name in names if name in self._ids}


def _readings(name: str) -> tuple[str, ...]:
    """The name, and without what may end the sentence: a name may end in a dot itself."""
    bare = name.rstrip(".-")
    return (name,) if bare == name or len(bare) < MIN_NAME else (name, bare)
