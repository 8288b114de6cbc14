"""Who exists, remembered for half a minute: neither a send nor a handshake should have to ask the database.

Only existence is remembered, never absence: who has just registered is found at once. One look-up is under way at a
time; those who ask meanwhile share the next, so that thousands who reconnect together cost a few.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

from fireside.core.ids import is_id
from fireside.features.accounts.service import AccountStore

KNOWN_FOR_S = 30
KNOWN_MAX = 100_000
LOOK_UP_MAX = 500


class KnownUsers:
    """Implements the port of the same name in `auth.authenticator`, and `Users` of the conversations."""

    def __init__(self, store: AccountStore, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._until: OrderedDict[str, float] = OrderedDict()
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def exists(self, user_id: str) -> bool:
        """Whether there is such a user; at most `KNOWN_FOR_S` seconds out of date for one who was deleted.

        Raises:
            Unavailable: the store cannot say.
        """
        if not is_id(user_id):
            return False
        if self._until.get(user_id, 0.0) > self._monotonic():
            return True
        # Shielded: the answer is others' too, and one who gives up must not take it from them.
        return await asyncio.shield(self._ask(user_id))

    def _ask(self, user_id: str) -> asyncio.Future[bool]:
        """The answer that the next look-up to leave will give."""
        answer = self._asked.get(user_id)
        if answer is None:
            answer = self._asked[user_id] = asyncio.get_running_loop().create_future()
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_up())
        return answer

    async def _look_up(self) -> None:
        """Answer everyone who asks, until nobody does."""
        asked: dict[str, asyncio.Future[bool]] = {}
        try:
            while self._asked:
                asked = {user_id: self._asked.pop(user_id) for user_id in list(islice(self._asked, LOOK_UP_MAX))}
                await self._answer(asked)
        finally:
            self._looking = None
            for answer in (*asked.values(), *self._asked.values()):
                # None is open, unless this was cancelled.
                answer.cancel()
            self._asked.clear()

    async def _answer(self, asked: dict[str, asyncio.Future[bool]]) -> None:
        try:
            found = await self._store.existing(list(asked))
        except Exception as error:
            for answer in asked.values():
                answer.set_exception(error)
            return
        for user_id, answer in asked.items():
            self._remember(user_id, user_id in found)
            answer.set_result(user_id in found)

    def _remember(self, user_id: str, exists: bool) -> None:
        if not exists:
            self._until.pop(user_id, None)
            return
        self._until[user_id] = self._monotonic() + KNOWN_FOR_S
        self._until.move_to_end(user_id)
        if len(self._until) > KNOWN_MAX:
            self._until.popitem(last=False)
