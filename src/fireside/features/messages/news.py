"""News for other processes: how far a conversation has got, and what a group has become, to those that have its people.

The log says the same, and whoever writes by less is told so by the store. With the news a node whose people talk with
those of another has the next number at once, without reading, and nobody reads by an older state of a group, where it
is in memory.
"""

from collections.abc import Callable, Sequence

import msgspec

from fireside.core.peers import Peers
from fireside.features.conversations.service import Conversation
from fireside.features.conversations.talks import Talks
from fireside.features.messages import wire
from fireside.features.messages.service import Stored

GROUP, NUMBER = "g", "n"
"""The kinds of what peers are sent: a group as it is, and `_Number`."""


class _Number(msgspec.Struct, array_like=True):
    """A message of this number is stored there."""

    conversation: str
    seq: int


_encode = msgspec.msgpack.Encoder().encode
_group = msgspec.msgpack.Decoder(Conversation).decode
_number = msgspec.msgpack.Decoder(_Number).decode


class News:
    """Implements the `Listener` of posting. `turned` is called with a group that is in memory and has become this."""

    def __init__(self, talks: Talks, peers: Peers, turned: Callable[[Conversation], None]) -> None:
        self._talks = talks
        self._peers = peers
        self._turned = turned
        peers.on(GROUP, self._heard_of_group)
        peers.on(NUMBER, self._heard_of_number)

    def sent(self, stored: Stored) -> None:
        if not self._peers.is_up:
            return
        message = stored.message
        if message.extra is None or message.extra.system is None:
            number = _Number(message.conversation, message.seq)
            return self._peers.send(wire.hearers(stored), NUMBER, _encode(number))
        talk = self._talks.get(message.conversation)
        # What is not kept is found by who wakes the group, and mended. Who knew it already would not.
        if talk is not None and talk.is_kept:
            self._peers.send(wire.hearers(stored), GROUP, _encode(stored.conversation))

    def _heard_of_group(self, topics: Sequence[str], body: bytes) -> None:
        conversation = _group(body)
        self._talks.learn(conversation)
        self._turned(conversation)

    def _heard_of_number(self, topics: Sequence[str], body: bytes) -> None:
        heard = _number(body)
        self._talks.learn_number(heard.conversation, heard.seq)
