"""Delivery: from an event for some people to frames on their devices.

Encoded once, whoever gets it. Each device's queue is bounded by its session, so a fan-out waits for nobody.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence

from fireside.core.events import Body
from fireside.realtime.frames import frame
from fireside.realtime.sockets import Socket
from fireside.socketio.packet import encode_json

FEW = 64
"""People who are told of something at once."""


def event_frame(event: str, body: Body) -> bytes:
    """An event with one argument in the main namespace, as a frame."""
    return frame(b'42["%b",%b]' % (event.encode(), encode_json(body)))


class Devices:
    """Who is connected: each person's sockets. It costs what one person's devices cost, however many are online."""

    def __init__(self) -> None:
        self._sockets: dict[str, list[Socket]] = {}

    def __len__(self) -> int:
        return len(self._sockets)

    def of(self, user_id: str) -> Sequence[Socket]:
        """This person's connected devices."""
        return self._sockets.get(user_id, ())

    def add(self, user_id: str, socket: Socket) -> None:
        """One more device."""
        self._sockets.setdefault(user_id, []).append(socket)

    def remove(self, user_id: str, socket: Socket) -> None:
        """One less."""
        sockets = self._sockets[user_id]
        sockets.remove(socket)
        if not sockets:
            del self._sockets[user_id]


class Delivery:
    """Implements `core.events.Publisher` for the devices connected to this process."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    def publish(self, user_ids: Collection[str], event: str, body: Body, *, origin: object | None = None) -> None:
        if len(user_ids) <= FEW:
            return self._publish(user_ids, event, body, origin)
        # To queue it for a thousand devices takes a millisecond, and whoever sent it is to be acknowledged first.
        asyncio.get_running_loop().call_soon(self._publish, user_ids, event, body, origin)

    def _publish(self, user_ids: Iterable[str], event: str, body: Body, origin: object | None) -> None:
        framed: bytes | None = None
        for user_id in user_ids:
            # A copy: a device that is full is closed by this, and leaves the list.
            for socket in tuple(self._devices.of(user_id)):
                if socket is not origin:
                    if framed is None:
                        framed = event_frame(event, body)
                    socket.session.send(framed)

    def hand(self, devices: Iterable[object], event: str, body: Body) -> None:
        framed = event_frame(event, body)
        for device in devices:
            if isinstance(device, Socket) and device.connected:
                device.session.send(framed, volatile=True)

    def here(self, user_ids: Iterable[str]) -> list[str]:
        return [each for each in user_ids if self._devices.of(each)]
