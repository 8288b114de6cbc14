"""What people are called. A name never changes and never passes to somebody else, so one that is known stays known."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol

from fireside.core.together import Together
from fireside.features.accounts.known import LOOK_UP_MAX
from fireside.features.accounts.service import User

REMEMBERED = 100_000


class UserStore(Protocol):
    """Port: the users by their ids. The accounts feature's store has it."""

    async def by_ids(self, user_ids: Sequence[str]) -> dict[str, User]: ...


class SharedLookUps:
    """Implements `UserStore` on another: those who ask at the same moment ask together."""

    def __init__(self, store: UserStore) -> None:
        self._users = Together(store.by_ids, LOOK_UP_MAX)

    async def by_ids(self, user_ids: Sequence[str]) -> dict[str, User]:
        return await self._users.some(user_ids)


class Names:
    """The usernames of people, from memory most of the time."""

    def __init__(self, store: UserStore) -> None:
        self._store = store
        self._known: OrderedDict[str, str] = OrderedDict()

    async def of(self, user_ids: Iterable[str]) -> dict[str, str]:
        """The username of each of them that there is.

        Raises:
            Unavailable: the store cannot say.
        """
        wanted = dict.fromkeys(user_ids)
        unknown = [each for each in wanted if each not in self._known]
        for each, user in (await self._store.by_ids(unknown)).items() if unknown else ():
            self._known[each] = user.username
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return {each: self._known[each] for each in wanted if each in self._known}
