"""What somebody has deleted for themselves, the server shows them no more.

Most people never do that, and every page that is read would have to ask. So where somebody has hidden nothing is
remembered.

What must stay true: what is hidden by way of this node is hidden from that moment on. Another node may have written
since this one asked, and asks nobody: so nothing is trusted for longer than `TRUSTED_S`. (The device that was shown too
much meanwhile has it hidden by its owner's own log.)
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from fireside.features.messages.service import Message, Shown, State
from fireside.features.personal.service import PersonalStore, Span

TRUSTED_S, REMEMBERED = 5.0, 100_000


class Hiding:
    """Who has hidden what."""

    def __init__(self, store: PersonalStore, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._nothing_until: OrderedDict[tuple[str, str], float | None] = OrderedDict()
        """By user and conversation. None: something is, or was once; that stays so."""

    def learn(self, user_id: str, conversation_id: str) -> None:
        """They are about to hide something there."""
        self._remember(user_id, conversation_id, None)

    async def within(self, user_id: str, spans: Mapping[str, Span]) -> dict[str, list[int]]:
        """The seqs of messages that this person has hidden within these spans, in order; absent where there is none.

        Raises:
            Unavailable: the store cannot say.
        """
        now = self._monotonic()
        unknown = [each for each in spans if _is_over(self._nothing_until.get((user_id, each), now), now)]
        if unknown:
            hides = await self._store.hides(user_id, unknown)
            for each in unknown:
                self._remember(user_id, each, None if each in hides else now + TRUSTED_S)
        somewhere = {each: span for each, span in spans.items() if self._nothing_until.get((user_id, each)) is None}
        return await self._store.hidden(user_id, somewhere) if somewhere else {}

    def _remember(self, user_id: str, conversation_id: str, nothing_until: float | None) -> None:
        key = user_id, conversation_id
        # Who has begun to hide while the store was asked does, whatever it answered.
        if self._nothing_until.get(key, 0.0) is not None:
            self._nothing_until[key] = nothing_until
        self._nothing_until.move_to_end(key)
        if len(self._nothing_until) > REMEMBERED:
            self._nothing_until.popitem(last=False)


class HidingLens:
    """Blanks what its reader has hidden."""

    def __init__(self, hiding: Hiding) -> None:
        self._hiding = hiding

    async def show(self, pages: Sequence[Shown]) -> list[list[Message]]:
        spans = {view.conversation.id: (messages[0].seq - 1, messages[-1].seq) for view, messages in pages if messages}
        hidden = await self._hiding.within(pages[0][0].reader, spans) if spans else {}
        return [
            _without(hidden[view.conversation.id], messages) if view.conversation.id in hidden else messages
            for view, messages in pages
        ]


def _is_over(until: float | None, now: float) -> bool:
    return until is not None and until <= now


def _without(seqs: Collection[int], messages: list[Message]) -> list[Message]:
    return [_blank(message) if message.seq in seqs else message for message in messages]


def _blank(message: Message) -> Message:
    state = State(hidden=True) if message.state is None else msgspec.structs.replace(message.state, hidden=True)
    return msgspec.structs.replace(message, content="", state=state)
