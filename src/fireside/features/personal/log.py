"""One's own log: numbers what somebody says of conversations and messages. The insert is the commit.

Nobody writes into it but its owner, and nobody does so fast: each entry is written by itself. Where two devices write
at once the number decides, and the other one looks again at what is so by then.
"""

import asyncio
from collections.abc import Mapping

import msgspec

from fireside.core.clock import Clock
from fireside.core.errors import Unavailable
from fireside.features.personal.hiding import Hiding
from fireside.features.personal.service import NOTHING, Entry, PersonalStore

ATTEMPTS = 50
PAUSE_S = 0.005


class PersonalLog:
    """Writes entries."""

    def __init__(self, store: PersonalStore, hiding: Hiding, clock: Clock) -> None:
        self._store = store
        self._hiding = hiding
        self._clock = clock
        self.moved: dict[str, int] = {}
        """Whose logs have grown here since somebody last asked, and how far; whoever asks empties it."""

    def has_grown(self, user_id: str, n: int) -> None:
        """Their log goes up to `n`, or it may: their devices are to be told."""
        if n > self.moved.get(user_id, 0):
            self.moved[user_id] = n

    async def note(
        self, user_id: str, conversation_id: str, seq: int, said: Mapping[str, object]
    ) -> tuple[Entry, bool]:
        """Let this be so of a place, and all else stay as it is there; the entry that says so, and whether it is new.

        Where it is so already there is none to be written: its `n` is 0.

        Raises:
            Unavailable: it is not known to be.
        """
        place = conversation_id, seq
        for attempt in range(ATTEMPTS):
            # In this order: whatever is written after the number was read takes the next one.
            n = await self._store.head(user_id)
            own = (await self._store.last(user_id, [place])).get(place, NOTHING)
            wanted = msgspec.structs.replace(own, **said)
            if wanted == own:
                # Whoever wrote that may not know to this day that it is there.
                self.has_grown(user_id, n)
                return Entry(user_id, 0, conversation_id, seq, own, self._clock()), False
            if wanted.hidden:
                self._hiding.learn(user_id, conversation_id)
            entry = Entry(user_id, n + 1, conversation_id, seq, wanted, self._clock())
            try:
                is_written = await self._store.append(entry)
            except BaseException:
                # It may be there all the same; whoever finds that it is not has asked once for nothing.
                self.has_grown(user_id, entry.n)
                raise
            if is_written:
                self.has_grown(user_id, entry.n)
                return entry, True
            await asyncio.sleep(PAUSE_S * attempt)
        raise Unavailable("Too many of your devices change this at once. Try again.", retry_after_s=1)
