"""Links between two nodes, over the bus: streams of messages in order, with a window each way.

What is said on all links to a node in one turn of the loop leaves as one parcel. The bus may lose parcels, and cannot
tell of every node that it is gone, so:

- Everything that is said on a link is counted, on both sides. A link on which something is missing is lost: there is no
  going on with a hole in the midst of it.
- Nodes that have links in common hear each other every few seconds, if only that there is nothing to say. One that has
  been silent for too long is gone, and all links to it are lost.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import msgspec

logger = logging.getLogger(__name__)

KIND = "l"
"""Of what goes over the bus."""

WINDOW = 256 * 1024
"""Bytes that may be under way on a link, each way, before its writer is told to wait."""

BEAT_S = 5.0
SILENT_S = 20.0

OPEN, DATA, CREDIT, CLOSE = range(4)


class Bus(Protocol):
    """What is needed of it."""

    @property
    def node(self) -> str:
        """The name of this node."""

    def on(self, kind: str, handler: Callable[[Sequence[str], bytes], None]) -> None:
        """Have this called with whatever comes of a kind."""

    def tell(self, node: str, kind: str, body: bytes, undelivered: Callable[[], None] | None = None) -> None:
        """Send this to one node; `undelivered` is called where nobody is there to hear it."""


class End(Protocol):
    """Whoever uses a link: see `realtime.links`."""

    def received(self, message: bytes) -> None: ...

    def resumed(self) -> None: ...

    def lost(self) -> None: ...


class Entry(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Something said on a link."""

    ours: bool
    """Whether the link was opened by who says this: each side numbers those that it opens."""
    number: int
    place: int
    """How much has been said on it before, in this direction."""
    what: int
    body: bytes = b""


class Parcel(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What goes over the bus at a time."""

    sender: str
    entries: list[Entry]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Parcel).decode


class BusLink:
    """This side of a link."""

    __slots__ = ("_heard", "_number", "_ours", "_owed", "_paused", "_peer", "_said", "_under_way", "end", "is_open")

    end: End

    def __init__(self, peer: "_Peer", number: int, *, ours: bool) -> None:
        self._peer = peer
        self._number = number
        self._ours = ours
        self._said = 0
        self._heard = 0 if ours else 1  # the opening itself
        self._under_way = 0
        self._owed = 0
        self._paused = False
        self.is_open = True

    # ── for who writes ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def writable(self) -> bool:
        return self.is_open and self._under_way < WINDOW

    def write(self, message: bytes) -> None:
        if self.is_open:
            self._under_way += len(message)
            self.say(DATA, message)

    def close(self) -> None:
        if self.is_open:
            self.say(CLOSE)
            self._forget()

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self._give_room()

    def say(self, what: int, body: bytes = b"") -> None:
        """Put this into the next parcel."""
        self._peer.say(Entry(self._ours, self._number, self._said, what, body))
        self._said += 1

    # ── from the other side ──────────────────────────────────────────────────────────────────────────────────────

    def heard(self, entry: Entry) -> None:
        """The other side has said something. Whatever goes wrong in it ends this link, and no other."""
        if entry.what == CLOSE:
            return self.lose()
        if entry.place != self._heard:
            logger.warning("a link has lost something on the way")
            return self.break_off()
        self._heard += 1
        try:
            self._take(entry)
        except Exception:
            logger.exception("a link failed")
            self.break_off()

    def _take(self, entry: Entry) -> None:
        if entry.what == DATA:
            self._owed += len(entry.body)
            self.end.received(entry.body)
            self._give_room()
        elif entry.what == CREDIT:
            was_writable = self.writable
            self._under_way -= int.from_bytes(entry.body, "big")
            if self.writable and not was_writable:
                self.end.resumed()

    def _give_room(self) -> None:
        # By halves: little traffic needs no word about it, and there is room again before there is none.
        if not self._paused and self.is_open and self._owed >= WINDOW // 2:
            self.say(CREDIT, self._owed.to_bytes(8, "big"))
            self._owed = 0

    def break_off(self) -> None:
        """It is of no use any more, for either side."""
        self.say(CLOSE)
        self.lose()

    def lose(self) -> None:
        """It is gone, and this side is told."""
        if self.is_open:
            self._forget()
            try:
                self.end.lost()
            except Exception:
                logger.exception("a link failed")

    def _forget(self) -> None:
        self.is_open = False
        self._peer.links.pop((self._ours, self._number), None)


class _Peer:
    """Another node, as long as there is a link to it."""

    def __init__(self, node: str, say: Callable[["_Peer"], None], now: float) -> None:
        self.node = node
        self.links: dict[tuple[bool, int], BusLink] = {}
        self.waiting: list[Entry] = []
        self.heard_at = now
        self.told_at = now
        self._say = say

    def say(self, entry: Entry) -> None:
        if not self.waiting:
            self._say(self)
        self.waiting.append(entry)

    def lose(self) -> None:
        """It is gone."""
        self.waiting = []
        for link in list(self.links.values()):
            link.lose()


class BusLinks:
    """All links of this node. `start()` on the loop that serves, `stop()` while the bus is still there."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._peers: dict[str, _Peer] = {}
        self._talkative: list[_Peer] = []
        self._opened = 0
        self._welcome: Callable[[bytes, BusLink], End]
        self._beat: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop
        bus.on(KIND, self._heard)

    @property
    def node(self) -> str:
        return self._bus.node

    def __len__(self) -> int:
        return sum(len(peer.links) for peer in self._peers.values())

    async def start(self) -> None:
        """Begin."""
        self._loop = asyncio.get_running_loop()
        self._schedule()

    async def stop(self) -> None:
        """Close what is left."""
        if self._beat is not None:
            self._beat.cancel()
        for peer in list(self._peers.values()):
            for link in list(peer.links.values()):
                link.break_off()
        self._flush()

    def open(self, node: str, greeting: bytes, end: End) -> BusLink:
        self._opened += 1
        link = self._add(self._peer(node), self._opened, ours=True)
        link.end = end
        link.say(OPEN, greeting)
        return link

    def accept(self, welcome: Callable[[bytes, BusLink], End]) -> None:
        self._welcome = welcome

    # ── between nodes ────────────────────────────────────────────────────────────────────────────────────────────

    def _peer(self, node: str) -> _Peer:
        peer = self._peers.get(node)
        if peer is None:
            peer = self._peers[node] = _Peer(node, self._say_soon, self._loop.time())
        return peer

    def _add(self, peer: _Peer, number: int, *, ours: bool) -> BusLink:
        link = peer.links[ours, number] = BusLink(peer, number, ours=ours)
        return link

    def _say_soon(self, peer: _Peer) -> None:
        if not self._talkative:
            self._loop.call_soon(self._flush)
        self._talkative.append(peer)

    def _flush(self) -> None:
        talkative, self._talkative = self._talkative, []
        for peer in talkative:
            if peer.waiting:
                self._tell(peer)

    def _tell(self, peer: _Peer) -> None:
        waiting, peer.waiting = peer.waiting, []
        peer.told_at = self._loop.time()
        body = _encode(Parcel(self.node, waiting))
        self._bus.tell(peer.node, KIND, body, partial(self._lose, peer) if peer.links else None)
        self._let_go(peer)

    def _lose(self, peer: _Peer) -> None:
        peer.lose()
        self._let_go(peer)

    def _let_go(self, peer: _Peer) -> None:
        if not peer.links and not peer.waiting and self._peers.get(peer.node) is peer:
            del self._peers[peer.node]

    def _heard(self, _topics: Sequence[str], body: bytes) -> None:
        try:
            parcel = _decode(body)
        except msgspec.MsgspecError:
            return logger.warning("what another node said could not be read")
        peer = self._peer(parcel.sender)
        peer.heard_at = self._loop.time()
        for entry in parcel.entries:
            self._hear(peer, entry)
        self._let_go(peer)

    def _hear(self, peer: _Peer, entry: Entry) -> None:
        link = peer.links.get((not entry.ours, entry.number))
        if link is not None:
            link.heard(entry)
        elif entry.what == OPEN:
            self._be_opened(peer, entry)
        elif entry.what != CLOSE:
            # Of a link that is gone here. The other side has not heard it yet.
            peer.say(Entry(not entry.ours, entry.number, 0, CLOSE))

    def _be_opened(self, peer: _Peer, entry: Entry) -> None:
        link = self._add(peer, entry.number, ours=False)
        try:
            link.end = self._welcome(entry.body, link)
        except Exception:
            logger.exception("a link failed")
            link.close()

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _schedule(self) -> None:
        self._beat = self._loop.call_later(BEAT_S, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        for peer in list(self._peers.values()):
            if now - peer.heard_at > SILENT_S:
                logger.warning("node %s has been silent for %d s: what it had is lost", peer.node, SILENT_S)
                self._lose(peer)
            elif now - peer.told_at >= BEAT_S:
                self._tell(peer)
        self._schedule()
