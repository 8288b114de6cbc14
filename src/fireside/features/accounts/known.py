"""Who exists, remembered for half a minute: neither a send nor a handshake should have to ask the database.

Only existence is remembered, never absence: who has just registered is found at once. Those who ask together are looked
up together, so that thousands who reconnect at the same moment cost a few look-ups.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from fireside.core.ids import is_id
from fireside.core.together import Together
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
        self._existing = Together(self._look_up, LOOK_UP_MAX)

    async def exists(self, user_id: str) -> bool:
        """Whether there is such a user; at most `KNOWN_FOR_S` seconds out of date for one who was deleted.

        Raises:
            Unavailable: the store cannot say.
        """
        if not is_id(user_id):
            return False
        if self._until.get(user_id, 0.0) > self._monotonic():
            return True
        return await self._existing.one(user_id) is not None

    async def _look_up(self, user_ids: list[str]) -> dict[str, bool]:
        found = await self._store.existing(user_ids)
        for user_id in user_ids:
            self._remember(user_id, user_id in found)
        return dict.fromkeys(found, True)

    def _remember(self, user_id: str, exists: bool) -> None:
        if not exists:
            self._until.pop(user_id, None)
            return
        self._until[user_id] = self._monotonic() + KNOWN_FOR_S
        self._until.move_to_end(user_id)
        if len(self._until) > KNOWN_MAX:
            self._until.popitem(last=False)
