"""Who shows how far they have read. Asked for every receipt, so it is remembered for a while."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from fireside.core.peers import EVERYBODY, NoPeers, Peers
from fireside.features.accounts.names import UserStore

REMEMBERED_S, REMEMBERED = 30.0, 100_000
KIND = "r"


class Privacy:
    """Whether people show their reading. Another node's change is known here at once, or within `REMEMBERED_S`."""

    def __init__(
        self, store: UserStore, monotonic: Callable[[], float] = time.monotonic, peers: Peers | None = None
    ) -> None:
        self._store = store
        self._monotonic = monotonic
        self._peers = peers or NoPeers()
        self._known: OrderedDict[str, tuple[bool, float]] = OrderedDict()
        self._peers.on(KIND, self._heard)
        self._peers.to_return(self._known.clear)

    async def open(self, user_ids: Iterable[str]) -> set[str]:
        """Those of them who show it.

        Raises:
            Unavailable: the store cannot say.
        """
        now = self._monotonic()
        wanted = dict.fromkeys(user_ids)
        unknown = [each for each in wanted if each not in self._known or self._known[each][1] < now]
        before = {each: self._known.get(each) for each in unknown}
        for each, user in (await self._store.by_ids(unknown)).items() if unknown else ():
            # What was said meanwhile is newer than what was read.
            if self._known.get(each) is before[each]:
                self.learn(each, user.read_receipts)
        return {each for each in wanted if each in self._known and self._known[each][0]}

    def change(self, user_id: str, shown: bool) -> None:
        """It is so from now on, everywhere."""
        self.learn(user_id, shown)
        self._peers.send([EVERYBODY], KIND, f"{user_id}{shown:d}".encode())

    def _heard(self, topics: Sequence[str], body: bytes) -> None:
        # Of whom nothing is known, too: they may be being looked up, and what comes of that is older.
        said = body.decode()
        self.learn(said[:-1], said[-1] == "1")

    def learn(self, user_id: str, shown: bool) -> None:
        """It is so from now on."""
        self._known[user_id] = shown, self._monotonic() + REMEMBERED_S
        self._known.move_to_end(user_id)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
