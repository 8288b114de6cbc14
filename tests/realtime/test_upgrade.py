"""Moving from polling to a WebSocket: nothing is lost, doubled or reordered, and only one WebSocket has a session."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from fireside.realtime.session import OPEN, QUEUE_FRAMES
from fireside.realtime.sockets import Ack, Socket
from fireside.realtime.websocket import WebSocketEdge
from tests.realtime.clients import (
    ENGINE_IO,
    SOCKET_IO,
    TEXT,
    PollingClient,
    WebSocketClient,
    client_frame,
    joined,
    target,
)
from tests.realtime.served import Recorder, Serve, Served, eventually


async def shake(served: Served, client: PollingClient, path: str = SOCKET_IO) -> WebSocketClient:
    """A WebSocket for the session that has not said anything yet."""
    websocket = served.keep(await WebSocketClient.shake(served.port, target(path, "websocket", sid=client.sid)))
    assert websocket.handshake.status == 101
    return websocket


async def test_after_an_upgrade_everything_goes_over_the_websocket(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    websocket = await served.probing(client)
    await websocket.send("5")
    await websocket.send('421["echo",1]')
    assert await websocket.receive() == "431[1]"
    served.main.sockets[0].emit("x")
    assert await websocket.receive() == '42["x"]'
    assert served.main.reasons == []


async def test_a_websocket_that_has_taken_over_has_no_deadline_any_more(served: Served) -> None:
    client = await served.polling()
    websocket = await served.probing(client)
    edge = served.session.upgrading
    assert isinstance(edge, WebSocketEdge)
    assert edge.bucket >= 0
    await websocket.send("5")
    await websocket.connect()
    assert served.session.carrier is edge
    assert edge.bucket < 0


async def test_the_waiting_poll_comes_home_when_a_websocket_asks_to_take_over(served: Served) -> None:
    client = await served.polling()
    poll = await served.waiting(client)
    await served.probing(client)
    assert (await poll.answer()).body == b"6"
    assert (await client.get()).body == b"6", "nothing may wait here until the client has moved"


async def test_between_probe_and_upgrade_polling_goes_on(served: Served) -> None:
    client = await served.polling()
    websocket = await served.probing(client)
    assert (await client.post("40")).status == 200
    assert len(await client.packets()) == 1
    await websocket.send("5")
    await websocket.send('421["echo"]')
    assert await websocket.receive() == "431[]"


async def test_what_was_waiting_leaves_over_the_websocket_first(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    for n in range(3):
        served.main.sockets[0].emit("n", n)
    websocket = await served.probing(client)
    await websocket.send("5")
    assert [await websocket.receive() for _ in range(3)] == [f'42["n",{n}]' for n in range(3)]


async def test_a_client_may_ask_move_and_speak_in_one_go(served: Served) -> None:
    client = await served.polling(ENGINE_IO)
    websocket = await shake(served, client, ENGINE_IO)
    await websocket.write(b"".join(client_frame(TEXT, each) for each in (b"2probe", b"5", b"4hello")))
    assert await websocket.receive() == "3probe"
    assert await websocket.receive() == "4hello"


async def test_a_second_websocket_is_accepted_and_closed_and_the_first_goes_on(served: Served) -> None:
    """The reference server does so, and clients have no handler for a handshake that fails here."""
    client = await served.polling()
    first = await served.probing(client)
    during = await shake(served, client)
    assert (await during.closed()).code == 1008
    await first.send("5")
    after = await shake(served, client)
    assert (await after.closed()).code == 1008
    await first.connect()


async def test_a_session_that_began_as_a_websocket_is_not_taken_over(served: Served) -> None:
    first = await served.connected()
    second = served.keep(
        await WebSocketClient.shake(served.port, target(transport="websocket", sid=first.opening["sid"]))
    )
    assert (await second.closed()).code == 1008
    await first.send('421["echo"]')
    assert await first.receive() == "431[]"


async def test_of_two_websockets_that_ask_only_the_first_may(served: Served) -> None:
    client = await served.polling()
    first, second = await shake(served, client), await shake(served, client)
    await first.send("2probe")
    assert await first.receive() == "3probe"
    await second.send("2probe")
    assert (await second.closed()).code == 1002
    await first.send("5")
    await first.connect()


async def test_a_websocket_that_asks_when_another_has_taken_over_may_not(served: Served) -> None:
    client = await served.polling()
    first, late = await shake(served, client), await shake(served, client)
    await first.send("2probe")
    await first.send("5")
    await first.send("40")
    assert await first.receive() == "3probe"
    await eventually(lambda: served.main.sockets)
    for message in ("2probe", "5"):
        await late.send(message)
    assert (await late.closed()).code == 1002
    assert (await first.text()).startswith("40"), "and nothing else on the first"
    await first.send('421["echo"]')
    assert await first.receive() == "431[]"


async def test_a_websocket_that_leaves_without_asking_does_not_stop_one_that_has_asked(served: Served) -> None:
    client = await served.polling()
    idle, first = await shake(served, client), await shake(served, client)
    await first.send("2probe")
    assert await first.receive() == "3probe"
    idle.abort()
    await eventually(lambda: len(served.uvicorn.server_state.connections) == 1)
    await first.send("5")
    await first.connect()


async def test_a_websocket_that_gives_up_leaves_the_session_to_polling_and_to_others(served: Served) -> None:
    client = await served.polling()
    first = await served.probing(client)
    first.abort()
    await eventually(lambda: served.session.upgrading is None)
    await client.connect()
    poll = await served.waiting(client)
    second = await served.probing(client)
    assert (await poll.answer()).body == b"6"
    await second.send("5")
    await second.send('421["echo"]')
    assert await second.receive() == "431[]"


@pytest.mark.parametrize("message", ["5", "4hello", "3probe", "2", "2probe2", "40", "abc", b"2probe"])
async def test_a_websocket_that_does_not_begin_by_asking_is_closed_and_the_session_goes_on(
    served: Served, message: str | bytes
) -> None:
    client = await served.polling()
    websocket = await shake(served, client)
    await websocket.send(message)
    assert (await websocket.closed()).code == 1002
    await client.connect()


@pytest.mark.parametrize("message", ["2probe", "4hello", "1"])
async def test_a_websocket_that_asks_and_then_says_something_else_is_closed(served: Served, message: str) -> None:
    """And with that it has lost its claim, whatever it says after."""
    client = await served.polling()
    websocket = await served.probing(client)
    await websocket.send(message)
    await websocket.send("5")
    assert (await websocket.closed()).code == 1002
    await client.connect()


@pytest.mark.parametrize("asks", [False, True])
async def test_a_websocket_that_does_not_take_over_in_time_is_cut(served: Served, asks: bool) -> None:
    client = await served.polling()
    websocket = await (served.probing(client) if asks else shake(served, client))
    (edge,) = (each for each in served.uvicorn.server_state.connections if isinstance(each, WebSocketEdge))
    assert edge.bucket >= 0
    edge.on_deadline()
    assert (await websocket.closed()).code is None
    assert served.session.upgrading is None
    await client.connect()


async def test_a_session_that_ends_takes_with_it_the_websocket_that_was_to_have_it(served: Served) -> None:
    client = await served.polling()
    websocket = await served.probing(client)
    assert (await client.post("1")).status == 200
    assert (await websocket.closed()).code == 1000


async def test_a_session_that_has_ended_is_not_taken_over(served: Served) -> None:
    client = await served.polling()
    websocket = await shake(served, client)
    assert (await client.post("1")).status == 200
    await websocket.send("2probe")
    assert (await websocket.closed()).code == 1002


async def test_a_session_that_has_only_to_hear_its_end_is_not_taken_over(serve: Serve) -> None:
    served = await serve(connect_timeout_s=0.2, ping_interval_s=2)
    client = await served.polling()
    await eventually(lambda: served.session.state != OPEN)
    websocket = served.keep(await WebSocketClient.shake(served.port, target(transport="websocket", sid=client.sid)))
    assert (websocket.handshake.status, websocket.handshake.code) == (400, 1)
    assert await client.packets() == ["1"]


async def test_two_sessions_are_taken_over_each_by_its_own_websocket(served: Served) -> None:
    one, other = await served.polling(), await served.polling()
    for number, client in enumerate((one, other)):
        await client.connect()
        websocket = await served.probing(client)
        await websocket.send("5")
        await websocket.send(f'421["echo",{number}]')
        assert await websocket.receive() == f"431[{number}]"


class Ticks:
    """Sends numbered events to one client without a pause, some in one go, some a tick apart."""

    def __init__(self, socket: Socket, chance: random.Random) -> None:
        self._socket = socket
        self._chance = chance
        self.sent = 0
        self.stopped = False
        self.posted: list[int] = []
        self.tick()

    def tick(self) -> None:
        if self.stopped or not self._socket.connected:
            return
        # Where reading is slow, no more than a client may have waiting: it would be closed for that.
        room = QUEUE_FRAMES // 2 - len(self._socket.session.pending)
        for _ in range(min(self._chance.randrange(3), room)):
            self._socket.emit("n", self.sent)
            self.sent += 1
        loop = asyncio.get_running_loop()
        if self._chance.random() < 0.5:
            loop.call_soon(self.tick)
        else:
            loop.call_later(self._chance.random() / 2000, self.tick)


class Ticker(Recorder):
    """Gives each client its `Ticks`."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._chance = random.Random(seed)
        self.ticks: dict[str, Ticks] = {}

    def connected(self, socket: Socket) -> None:
        super().connected(socket)
        self.ticks[socket.id] = Ticks(socket, self._chance)

    def event(self, socket: Socket, name: str, args: Sequence[Any], ack: Ack | None) -> None:
        ticks = self.ticks[socket.id]
        if name == "stop":
            ticks.stopped = True
        else:
            ticks.posted.append(args[0])


def numbers(packets: list[str | bytes]) -> list[int]:
    """The numbers of the events among these packets."""
    return [int(str(packet)[7:-1]) for packet in packets if str(packet).startswith('42["n"')]


async def poll_until(client: PollingClient, answer: asyncio.Task[str | bytes]) -> list[str | bytes]:
    """Poll on until there is this answer, and let the last poll come home; what all of them brought."""
    received: list[str | bytes] = []
    while not answer.done():
        poll = asyncio.create_task(client.packets())
        await asyncio.wait((poll, answer), return_when=asyncio.FIRST_COMPLETED)
        received += await poll
    return received


async def upgrade_under_traffic(ticker: Ticker, chance: random.Random, owner: Served, *others: Served) -> None:
    """Connect, move to a WebSocket as the official client does while events go both ways, and compare.

    Each step is taken at one of these by chance; the session is on `owner`.
    """

    def anywhere() -> int:
        return chance.choice((owner, *others)).port

    client = await owner.polling()
    assert (await client.post("40")).status == 200
    received = await client.packets()
    ticks = ticker.ticks[joined(received[:1])]
    client.port = anywhere()
    for _ in range(chance.randrange(3)):
        received += await client.packets()
    where = target(transport="websocket", sid=client.sid)
    websocket = owner.keep(await WebSocketClient.shake(anywhere(), where))
    await websocket.send("2probe")
    asked = asyncio.create_task(websocket.receive())
    received += await poll_until(client, asked)
    assert await asked == "3probe"
    client.port = anywhere()
    assert (await client.post(*(f'42["p",{n}]' for n in range(5)))).status == 200
    await websocket.send("5")
    for n in range(5, 10):
        await websocket.send(f'42["p",{n}]')
    over_websocket = [await websocket.receive() for _ in range(chance.randrange(10))]
    await websocket.send('42["stop"]')
    await eventually(lambda: ticks.stopped)
    while len(numbers(received + over_websocket)) < ticks.sent:
        over_websocket.append(await websocket.receive())
    assert numbers(received + over_websocket) == list(range(ticks.sent))
    assert len(numbers(over_websocket)) == len(over_websocket), "nothing but events leaks onto the WebSocket"
    assert ticks.posted == list(range(10))
    websocket.abort()


@pytest.mark.parametrize("seed", range(5))
async def test_upgrades_under_traffic_lose_and_reorder_nothing(serve: Serve, seed: int) -> None:
    ticker, chance = Ticker(seed), random.Random(seed)
    served = await serve(ticker)
    for _ in range(10):
        await asyncio.gather(*(upgrade_under_traffic(ticker, chance, served) for _ in range(8)))
    assert len(ticker.sockets) == 80
    await eventually(lambda: len(ticker.ended) == 80)
