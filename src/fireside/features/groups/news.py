"""News of groups for other processes: what a group has become, to those that have one of its people.

Their log says the same, and whoever writes by an older state is told so by the store. With the news nobody reads by an
older state either, where the group is in memory.
"""

from collections.abc import Callable, Sequence

import msgspec

from fireside.core.peers import Peers
from fireside.features.conversations.service import Conversation
from fireside.features.conversations.talks import Talks
from fireside.features.messages import wire
from fireside.features.messages.service import Stored

KIND = "g"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Conversation).decode


class GroupNews:
    """Implements the `Listener` of posting. `turned` is called with a group that is in memory and has become this."""

    def __init__(self, talks: Talks, peers: Peers, turned: Callable[[Conversation], None]) -> None:
        self._talks = talks
        self._peers = peers
        self._turned = turned
        peers.on(KIND, self._heard)

    def sent(self, stored: Stored) -> None:
        extra = stored.message.extra
        if self._peers.is_up and extra is not None and extra.system is not None:
            talk = self._talks.get(stored.conversation.id)
            # What is not kept is found by who wakes the group, and mended. Who knew it already would not.
            if talk is not None and talk.is_kept:
                self._peers.send(wire.hearers(stored), KIND, _encode(stored.conversation))

    def _heard(self, topics: Sequence[str], body: bytes) -> None:
        conversation = _decode(body)
        self._talks.learn(conversation)
        self._turned(conversation)
