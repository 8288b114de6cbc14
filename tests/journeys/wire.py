"""Bare WebSockets and polling requests: what no well-behaved client would send can be sent here."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.journeys.people import PATIENCE_S, House, Json, Person

PATH = "/socket.io/?EIO=4&transport="


class Wire:
    """A WebSocket to the server, with the little that Engine.IO and Socket.IO need."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._ids = count(1)

    async def connect(self, auth: str) -> str:
        """Ask for the main namespace with this JSON; the server's answer."""
        await self.socket.send(f"40{auth}")
        return await self.packet()

    async def packet(self) -> str:
        """The next packet."""
        packet = await self.socket.recv(decode=True)
        assert isinstance(packet, str)
        return packet

    async def ask(self, event: str) -> Json:
        """Send this JSON array as an event; its acknowledgement."""
        number = next(self._ids)
        await self.socket.send(f"42{number}{event}")
        head = f"43{number}"
        while not (packet := await self.packet()).startswith(head):
            pass
        (answer,) = json.loads(packet.removeprefix(head))
        result: Json = answer
        return result

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
    url = house.server.url.replace("http", "ws", 1) + PATH + "websocket"
    async with connect(url, additional_headers=headers, open_timeout=PATIENCE_S, close_timeout=1) as socket:
        opened = Wire(socket)
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
