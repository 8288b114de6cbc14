"""Delivery: from an event for some people to frames on their devices.

Encoded once, whoever gets it, and wherever: other processes are sent the frame as it is, by the ids of the people,
whose topics they have joined while they have devices of theirs. Each device's queue is bounded by its session, so a
fan-out waits for nobody.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence

from fireside.core.events import Body
from fireside.core.peers import Peers
from fireside.realtime.frames import frame
from fireside.realtime.sockets import Socket
from fireside.socketio.packet import encode_json

FRAME = "f"
"""The kind of what peers are sent."""
FEW = 64
"""People who are told of something at once."""


def event_frame(event: str, body: Body) -> bytes:
    """An event with one argument in the main namespace, as a frame."""
    return frame(b'42["%b",%b]' % (event.encode(), encode_json(body)))


class Devices:
    """Who is connected: each person's sockets. It costs what one person's devices cost, however many are online."""

    def __init__(self, peers: Peers | None = None) -> None:
        self._peers = peers
        self._sockets: dict[str, list[Socket]] = {}

    def __iter__(self) -> Iterator[str]:
        """The people."""
        return iter(self._sockets)

    def __len__(self) -> int:
        return len(self._sockets)

    def of(self, user_id: str) -> Sequence[Socket]:
        """This person's connected devices."""
        return self._sockets.get(user_id, ())

    def add(self, user_id: str, socket: Socket) -> None:
        """One more device."""
        sockets = self._sockets.get(user_id)
        if sockets is None:
            self._sockets[user_id] = [socket]
            if self._peers is not None:
                self._peers.join(user_id)
        else:
            sockets.append(socket)

    async def expect(self, user_id: str) -> None:
        """A device is about to connect: return when others send here what it is to hear, if they can be reached. It
        stays so for one turn of the loop; whoever has connected by then misses nothing from now on."""
        if self._peers is not None and user_id not in self._sockets:
            self._peers.join(user_id)
            try:
                await self._peers.in_force(user_id)
            finally:
                asyncio.get_running_loop().call_soon(self._peers.leave, user_id)

    def remove(self, user_id: str, socket: Socket) -> None:
        """One less."""
        sockets = self._sockets[user_id]
        sockets.remove(socket)
        if not sockets:
            del self._sockets[user_id]
            if self._peers is not None:
                self._peers.leave(user_id)


class Delivery:
    """Implements `core.events.Publisher`. Without `peers` there is this process alone, and nothing is made for it."""

    def __init__(self, devices: Devices, peers: Peers | None = None) -> None:
        self._devices = devices
        self._peers = peers
        if peers is not None:
            peers.on(FRAME, self._arrived)

    def publish(self, user_ids: Collection[str], event: str, body: Body, *, origin: object | None = None) -> None:
        if len(user_ids) <= FEW:
            return self._publish(user_ids, event, body, origin)
        # To queue it for a thousand devices takes a millisecond, and whoever sent it is to be acknowledged first.
        asyncio.get_running_loop().call_soon(self._publish, user_ids, event, body, origin)

    def _publish(self, user_ids: Collection[str], event: str, body: Body, origin: object | None) -> None:
        framed: bytes | None = None
        if self._peers is not None:
            framed = event_frame(event, body)
            self._peers.send(user_ids, FRAME, framed)
        for user_id in user_ids:
            # A copy: a device that is full is closed by this, and leaves the list.
            for socket in tuple(self._devices.of(user_id)):
                if socket is not origin:
                    if framed is None:
                        framed = event_frame(event, body)
                    socket.session.send(framed)

    def _arrived(self, user_ids: Sequence[str], framed: bytes) -> None:
        """Another process has something for people who have devices here."""
        for user_id in user_ids:
            for socket in tuple(self._devices.of(user_id)):
                socket.session.send(framed)

    def hand(self, devices: Iterable[object], event: str, body: Body) -> None:
        framed = event_frame(event, body)
        for device in devices:
            if isinstance(device, Socket) and device.connected:
                device.session.send(framed, volatile=True)

    def here(self) -> list[str]:
        return list(self._devices)

    async def present(self, user_ids: Collection[str]) -> set[str]:
        here = {each for each in user_ids if self._devices.of(each)}
        if self._peers is None or len(here) == len(user_ids):
            return here
        return here | await self._peers.joined([each for each in user_ids if each not in here])
