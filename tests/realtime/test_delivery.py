"""Delivery: encoded once, to every device of everybody, whatever becomes of one of them."""

import asyncio
from typing import Any

import msgspec
import pytest

from fireside.core.forms import Form
from fireside.realtime.delivery import FEW, Delivery, Devices, event_frame
from fireside.realtime.frames import polling_packet


class Note(Form, frozen=True):
    some_text: str


class FakeSocket:
    """A device. One that is `full` is closed by the next frame, and its application is told, as a session does it."""

    def __init__(self, devices: Devices, user_id: str, *, full: bool = False) -> None:
        self.session = self
        self.heard: list[bytes] = []
        self._devices = devices
        self._user_id = user_id
        self._full = full
        devices.add(user_id, self)  # type: ignore[arg-type]

    def send(self, framed: bytes) -> None:
        if self._full:
            self._devices.remove(self._user_id, self)  # type: ignore[arg-type]
        else:
            self.heard.append(framed)


@pytest.fixture
def devices() -> Devices:
    return Devices()


def test_an_event_goes_to_every_device_of_these_people_and_to_nobody_else(devices: Devices) -> None:
    mine, also_mine, yours, theirs = (FakeSocket(devices, user) for user in ("me", "me", "you", "them"))
    Delivery(devices).publish(["me", "you", "nobody"], "noted", Note("x"))
    assert mine.heard == also_mine.heard == yours.heard == [event_frame("noted", Note("x"))]
    assert theirs.heard == []


def test_everybody_gets_the_same_bytes(devices: Devices) -> None:
    sockets = [FakeSocket(devices, "me") for _ in range(3)]
    Delivery(devices).publish(["me"], "noted", msgspec.Raw(b'{"someText":"x"}'))
    assert len({id(socket.heard[0]) for socket in sockets}) == 1
    assert polling_packet(sockets[0].heard[0]) == b'42["noted",{"someText":"x"}]'


def test_the_device_it_came_from_is_left_out(devices: Devices) -> None:
    mine, also_mine = FakeSocket(devices, "me"), FakeSocket(devices, "me")
    Delivery(devices).publish(["me"], "noted", Note("x"), origin=mine)
    assert (len(mine.heard), len(also_mine.heard)) == (0, 1)


@pytest.mark.parametrize("full", range(4))
def test_a_device_that_is_closed_by_it_hides_it_from_no_other(devices: Devices, full: int) -> None:
    sockets = [FakeSocket(devices, "me", full=n == full) for n in range(4)]
    Delivery(devices).publish(["me"], "noted", Note("x"))
    assert [len(socket.heard) for socket in sockets] == [int(n != full) for n in range(4)]


def test_people_without_devices_are_forgotten(devices: Devices) -> None:
    sockets: list[Any] = [FakeSocket(devices, "me"), FakeSocket(devices, "me")]
    assert list(devices.of("me")) == sockets
    for socket in sockets:
        assert len(devices) == 1
        devices.remove("me", socket)
    assert len(devices) == 0
    assert list(devices.of("me")) == []


async def test_a_crowd_is_told_after_whoever_is_answered_now_and_in_order(devices: Devices) -> None:
    crowd = [FakeSocket(devices, f"{number}") for number in range(FEW + 1)]
    delivery = Delivery(devices)
    people = [f"{number}" for number in range(FEW + 1)]
    for text in ("first", "second"):
        delivery.publish(people, "noted", Note(text))
    assert not any(socket.heard for socket in crowd)
    await asyncio.sleep(0)
    assert all(socket.heard == [event_frame("noted", Note(text)) for text in ("first", "second")] for socket in crowd)
