"""Who is typing. It ends by itself, here and by other processes, whether or not whoever typed says so."""

from collections.abc import Callable, Sequence

from fireside.core.peers import Peers
from fireside.features.presence.wire import SAID_OF_TYPING, Typing, encode, open_in, typing_of

TYPING_S = 6.0
TYPING_AGAIN_S = 2.0
"""Who types on is told no more often."""


class Typists:
    """Those who are typing. `tell` is called with what those who are looking here have to hear."""

    def __init__(self, peers: Peers, tell: Callable[[Typing], None], monotonic: Callable[[], float]) -> None:
        self._peers = peers
        self._tell = tell
        self._monotonic = monotonic
        self._typing: dict[tuple[str, str], tuple[float, float]] = {}
        """Until when somebody types in a conversation, and when others may be told again."""
        peers.on(SAID_OF_TYPING, self._heard)

    def types(self, user_id: str, conversation_id: str, typing: bool) -> None:
        """Somebody is typing, or is no more. Who says so again and again is told of now and then."""
        key, now = (conversation_id, user_id), self._monotonic()
        _, told_until = self._typing.get(key, (0.0, 0.0))
        if typing:
            is_new = now >= told_until
            self._typing[key] = now + TYPING_S, now + TYPING_AGAIN_S if is_new else told_until
            if is_new:
                self._say(Typing(conversation=conversation_id, user=user_id, typing=True))
        elif self._typing.pop(key, None) is not None:
            self._say(Typing(conversation=conversation_id, user=user_id, typing=False))

    def look(self) -> None:
        """Once: who has said nothing of it for too long types no more."""
        now = self._monotonic()
        for key, (until, _) in list(self._typing.items()):
            if until <= now:
                del self._typing[key]
                conversation_id, user_id = key
                self._tell(Typing(conversation=conversation_id, user=user_id, typing=False))

    def _say(self, said: Typing) -> None:
        self._tell(said)
        self._peers.send([open_in(said.conversation)], SAID_OF_TYPING, encode(said))

    def _heard(self, topics: Sequence[str], body: bytes) -> None:
        said = typing_of(body)
        key, now = (said.conversation, said.user), self._monotonic()
        is_known = key in self._typing
        if said.typing:
            self._typing[key] = now + TYPING_S, now + TYPING_AGAIN_S
        else:
            self._typing.pop(key, None)
        if said.typing or is_known:
            self._tell(said)
