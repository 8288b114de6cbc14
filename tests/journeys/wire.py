"""Bare WebSockets and polling requests: what no well-behaved client would send can be sent here."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.journeys.people import PATIENCE_S, House, Json, Person
from tests.reference import Reference, reference_of

PATH = "/socket.io/?EIO=4&transport="


PING, PONG = "2", "3"
NEWS = ('42["heads"', '42["receiptUpdated"')
"""What the server tells of its own accord, whenever it likes."""


class Wire:
    """A WebSocket to the server, with the little that Engine.IO and Socket.IO need."""

    def __init__(self, socket: ClientConnection, reference: Reference) -> None:
        self.socket = socket
        self._reference = reference
        self._ids = count(1)

    async def connect(self, auth: str) -> str:
        """Ask for the main namespace with this JSON; the server's answer."""
        await self.socket.send(f"40{auth}")
        return await self.packet()

    async def packet(self) -> str:
        """The next packet that is no news. The server's question whether anybody is there is answered on the way."""
        while True:
            packet = await self.socket.recv(decode=True)
            assert isinstance(packet, str)
            self._hold_to_reference(packet)
            if packet == PING:
                await self.socket.send(PONG)
            elif not packet.startswith(NEWS):
                return packet

    async def ask(self, event: str) -> Json:
        """Send this JSON array as an event; its acknowledgement."""
        number = next(self._ids)
        await self.socket.send(f"42{number}{event}")
        head = f"43{number}"
        while not (packet := await self.packet()).startswith(head):
            pass
        (answer,) = json.loads(packet.removeprefix(head))
        misfit = self._reference.misfit_of_answer(json.loads(event)[0], answer)
        assert misfit is None, misfit
        result: Json = answer
        return result

    def _hold_to_reference(self, packet: str) -> None:
        """What is told must be as documented; so must be who is let in and who is not."""
        misfit = None
        if packet.startswith("42["):
            misfit = self._reference.misfit_of_event(*json.loads(packet[2:]))
        elif packet.startswith(("40{", "44{")):
            name = "connect.ok" if packet.startswith("40") else "connect_error"
            misfit = self._reference.misfit_of_message(name, json.loads(packet[2:]))
        assert misfit is None, misfit

    async def close_code(self) -> int | None:
        """Read on until the server has closed the connection; the code it gave."""
        try:
            while True:
                await self.socket.recv()
        except ConnectionClosed:
            return self.socket.close_code


@asynccontextmanager
async def wire(
    house: House, person: Person | None = None, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Wire]:
    """A WebSocket with its session open, and connected as this person where one is given."""
    reference = await reference_of(house.server.url)
    url = house.server.url.replace("http", "ws", 1) + PATH + "websocket"
    async with connect(url, additional_headers=headers, open_timeout=PATIENCE_S, close_timeout=1) as socket:
        opened = Wire(socket, reference)
        assert (await opened.packet()).startswith("0{")
        if person is not None:
            assert (await opened.connect(json.dumps({"token": person.token}))).startswith("40{")
        yield opened


async def poll(http: httpx2.AsyncClient, person: Person) -> str:
    """A polling session, connected as this person: the address to go on with."""
    opened = await http.get(PATH + "polling")
    address = f"{PATH}polling&sid={json.loads(opened.text[1:])['sid']}"
    assert (await http.post(address, content="40" + json.dumps({"token": person.token}))).text == "ok"
    assert (await http.get(address)).text.startswith("40{")
    return address
