"""News for other processes: how far a conversation has got, and what a group has become, to those that have its people.

The log says the same, and whoever writes by less is told so by the store. With the news a node whose people talk with
those of another has the next number at once, without reading, and nobody reads by an older state of a group, where it
is in memory.
"""

from collections.abc import Sequence
from functools import partial

import msgspec

from fireside.core.peers import Peers
from fireside.features.conversations.service import Conversation
from fireside.features.conversations.talks import Talks
from fireside.features.messages import wire
from fireside.features.messages.service import Stored

GROUP, NUMBER = "g", "n"
"""The kinds of what peers are sent: a group as it is, and `_Numbers`."""


class _Numbers(msgspec.Struct, array_like=True):
    """Messages of these numbers, and all between, are stored there, and say nothing of who is in a group."""

    conversation: str
    first: int
    last: int


_encode = msgspec.msgpack.Encoder().encode
_group = msgspec.msgpack.Decoder(Conversation).decode
_numbers = msgspec.msgpack.Decoder(_Numbers).decode


class News:
    """Implements the `Listener` of posting."""

    def __init__(self, talks: Talks, peers: Peers) -> None:
        self._talks = talks
        self._peers = peers
        self._untold: dict[str, _Numbers] = {}
        """The last of each conversation that waits to leave: the next number is told with it."""
        peers.on(GROUP, self._heard_of_group)
        peers.on(NUMBER, self._heard_of_numbers)
        # What was lost does not leave any more.
        peers.to_return(self._untold.clear)

    def sent(self, stored: Stored) -> None:
        if not self._peers.is_up:
            return
        message = stored.message
        if message.extra is None or message.extra.system is None:
            return self._tell_number(stored)
        talk = self._talks.get(message.conversation)
        # What is not kept is found by who wakes the group, and mended. Who knew it already would not.
        if talk is not None and talk.is_kept:
            self._peers.send(wire.hearers(stored), GROUP, _encode(stored.conversation))

    def adopted(self, group: Conversation) -> None:
        """Whoever brought it to this state may have died before telling."""
        if self._peers.is_up:
            self._peers.send([*group.members, *group.gone], GROUP, _encode(group))

    def _tell_number(self, stored: Stored) -> None:
        conversation, seq = stored.message.conversation, stored.message.seq
        untold = self._untold.get(conversation)
        # What is between, if anything, is another's or says who is in a group, and not to be told before its time.
        if untold is not None and untold.last == seq - 1:
            untold.last = seq
            return
        self._untold[conversation] = numbers = _Numbers(conversation, seq, seq)
        self._peers.send(wire.hearers(stored), NUMBER, partial(self._leaving, numbers))

    def _leaving(self, numbers: _Numbers) -> bytes:
        if self._untold.get(numbers.conversation) is numbers:
            del self._untold[numbers.conversation]
        return _encode(numbers)

    def _heard_of_group(self, topics: Sequence[str], body: bytes) -> None:
        self._talks.learn(_group(body))

    def _heard_of_numbers(self, topics: Sequence[str], body: bytes) -> None:
        heard = _numbers(body)
        self._talks.learn_numbers(heard.conversation, heard.first, heard.last)
