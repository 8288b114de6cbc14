"""Many clients that do anything at any moment, and one that behaves: it notices nothing, and nothing is left."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from fireside.realtime.sockets import Socket
from tests.realtime.clients import (
    SOCKET_IO,
    Closed,
    PollingClient,
    WebSocketClient,
    Wire,
    client_frame,
    head,
    request,
    target,
)
from tests.realtime.served import Recorder, Serve
from tests.socketio.hostile import FORGED_PLACEHOLDERS, PACKETS, PAYLOADS, UNREADABLE

GONE = (OSError, EOFError, AssertionError, ValueError, Closed)
"""What a client of these may meet: it has been cut off, or is told something that it did not expect."""

MESSAGES = [
    *["40", "41", "40/custom,", "41/custom,", "40/none,", "3", "1", "2probe", "5"],
    *['42["echo",1]', '421["echo"]', '42["slow"]', '42["slow"]', '42/custom,["echo"]', '42["kick"]', '42["shout"]'],
    *[f"4{packet}" for packet in [*PACKETS.values(), *UNREADABLE.values()] if len(packet) < 1000],
    *[f'451-["echo",{forged}]' for forged in FORGED_PLACEHOLDERS.values()],
    '451-["echo",{"_placeholder":true,"num":0}]',
]


class Anything(Recorder):
    """Handles events quickly or slowly, puts people out, and talks to everybody, but to the first who came."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(slow=self._slow, kick=self._kick, shout=self._shout)
        self._chance = chance

    async def _slow(self, socket: Socket, *, ack: object) -> None:
        await asyncio.sleep(self._chance.random() / 100)
        socket.emit("slow")

    def _kick(self, socket: Socket, *, ack: object) -> None:
        self._chance.choice(self.sockets[1:]).disconnect()

    def _shout(self, socket: Socket, *, ack: object) -> None:
        for each in self.sockets[1:]:
            each.emit("shout", "x" * 1000, ack=print)


class Wild:
    """One that does anything."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self._port = port
        self._chance = chance
        self._wires: list[Wire] = []

    async def run(self) -> None:
        try:
            async with asyncio.timeout(self._chance.random() / 4):
                ways: list[Callable[[], Awaitable[object]]]
                ways = [self._websocket, self._polling, self._upgrade, self._garbage]
                await self._chance.choice(ways)()
        except GONE:
            pass
        finally:
            for wire in self._wires:
                wire.abort()

    async def _talk(self, websocket: WebSocketClient) -> None:
        for _ in range(self._chance.randrange(12)):
            kind = self._chance.random()
            if kind < 0.7:
                await websocket.send(self._chance.choice(MESSAGES))
            elif kind < 0.8:
                await websocket.send(self._chance.randbytes(self._chance.randrange(8)))
            elif kind < 0.9:
                await websocket.write(client_frame(self._chance.randrange(16), b"x", final=self._chance.random() < 0.5))
            else:
                await websocket.frame()
            if self._chance.random() < 0.3:
                await asyncio.sleep(self._chance.random() / 200)

    async def _websocket(self) -> None:
        websocket = await WebSocketClient.begin(self._port)
        self._wires.append(websocket)
        if self._chance.random() < 0.8:
            await websocket.connect()
        await self._talk(websocket)

    async def _polling(self, turns: int = 8) -> PollingClient:
        client = await PollingClient.open(self._port)
        if self._chance.random() < 0.8:
            await client.connect()
        for _ in range(self._chance.randrange(turns)):
            kind = self._chance.random()
            if kind < 0.5:
                await client.post(*self._chance.choices(MESSAGES, k=self._chance.randrange(1, 5)))
            elif kind < 0.6:
                body = self._chance.choice([each for each in PAYLOADS.values() if len(each) < 1000])
                await request(self._port, "POST", client.target, body)
            else:
                poll = await client.waiting()
                self._wires.append(poll)
                await asyncio.sleep(self._chance.random() / 200)
                if self._chance.random() < 0.3:
                    poll.abort()
        return client

    async def _upgrade(self) -> None:
        client = await self._polling(3)
        for _ in range(self._chance.randrange(1, 3)):
            websocket = await WebSocketClient.shake(self._port, target(transport="websocket", sid=client.sid))
            self._wires.append(websocket)
            if self._chance.random() < 0.8:
                await websocket.send("2probe")
            if self._chance.random() < 0.8:
                await websocket.send("5")
            await self._talk(websocket)

    async def _garbage(self) -> None:
        wire = await Wire.open(self._port)
        self._wires.append(wire)
        start = head(self._chance.choice(["GET", "POST", "X"]), SOCKET_IO, {"Content-Length": "50"})
        await wire.write(start[: self._chance.randrange(len(start))] + self._chance.randbytes(20))


async def behave(client: WebSocketClient, until: asyncio.Task[None]) -> int:
    """Ask and be answered, one after the other, as long as the others are at it."""
    asked = 0
    while not until.done():
        await client.send(f'42{asked}["echo",{asked}]')
        assert await client.receive() == f"43{asked}[{asked}]"
        asked += 1
    return asked


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_clients_do_one_that_behaves_notices_nothing_and_nothing_is_left(
    serve: Serve, seed: int
) -> None:
    chance = random.Random(seed)
    served = await serve(Anything(chance), others={"/custom": Recorder()}, connect_timeout_s=5)
    client = await served.connected()

    async def crowd() -> None:
        for _ in range(10):
            await asyncio.gather(*(Wild(served.port, chance).run() for _ in range(15)))

    at_it = asyncio.create_task(crowd())
    assert await behave(client, at_it) > 0
    await at_it
    assert served.main.sockets[0].connected
