"""Going: nobody new is taken, everybody is told when to come back, and what was accepted is answered before the end."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping

import pytest

from fireside.realtime import server
from fireside.realtime.serving import EdgeServer, listen
from fireside.realtime.sockets import Ack, Socket
from tests.realtime.clients import SOCKET_IO, Answer, WebSocketClient, request, target
from tests.realtime.nodes import Start
from tests.realtime.served import Recorder, Serve, Served, eventually


class Telling(Recorder):
    """Tells its clients when to come back."""

    def leaving(self, socket: Socket, retry_after_ms: int) -> None:
        socket.emit("leaving", retry_after_ms)


async def knock(served: Served, transport: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Try to open a session."""
    if transport == "polling":
        return await served.request("GET", target(SOCKET_IO), headers=headers)
    return served.keep(await WebSocketClient.shake(served.port, target(SOCKET_IO, transport), headers)).handshake


def retry_after(answer: Answer) -> int:
    value = answer.header("retry-after")
    assert value is not None
    return int(value)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_a_server_that_stops_opens_no_session_and_goes_on_with_those_there_are(
    serve: Serve, transport: str
) -> None:
    served = await serve(Telling())
    client = await served.polling()
    await client.connect()
    served.edge.drain()
    answer = await knock(served, transport)
    assert (answer.status, answer.code) == (503, 10)
    assert 1 <= retry_after(answer) <= server.RETRY_S
    assert str((await client.packets())[0]).startswith('42["leaving",')
    assert (await client.post('421["echo",1]')).status == 200
    assert await client.packets() == ["431[1]"]


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_nobody_comes_in_after_everybody_has_been_closed(serve: Serve, transport: str) -> None:
    served = await serve()
    served.edge.dismiss()
    assert (await knock(served, transport)).status == 503


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_handshakes_beyond_the_budget_are_refused_and_those_there_are_go_on(serve: Serve, transport: str) -> None:
    served = await serve(handshakes_per_second=2)
    first, second = await served.connected(), await served.connected()
    answers = [await knock(served, transport) for _ in range(20)]
    refused = [answer for answer in answers if answer.status == 503]
    assert len(refused) > 10
    assert {answer.code for answer in refused} == {11}
    assert len({retry_after(answer) for answer in refused}) > 1, "not all at the same time"
    assert served.engine.metrics.refused == len(refused)
    for client in (first, second):
        await client.send('421["echo"]')
        assert await client.receive() == "431[]"


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_who_is_refused_anyway_takes_nothing_of_the_budget(serve: Serve, transport: str) -> None:
    served = await serve(handshakes_per_second=10, connections_per_address=1)
    await served.connected()
    budget = served.engine._handshakes._flow
    level, at = budget.level, budget.at
    for _ in range(20):
        assert (await knock(served, transport)).status == 429
        assert (await knock(served, transport, {"Origin": "https://evil.example"})).status == 403
    assert (budget.level, budget.at) == (level, at)


async def test_those_who_leave_come_back_over_the_time_it_takes_to_let_them_in(serve: Serve) -> None:
    served = await serve(Telling(), handshakes_per_second=10)
    clients = []
    for _ in range(10):
        served.engine._handshakes._flow.level = 0
        clients.append(await served.connected())
    served.edge.drain()
    told = [json.loads((await client.text())[2:])[1] for client in clients]
    assert len(set(told)) > 5
    assert all(0 <= each < 2000 for each in told)
    assert max(told) > 1000 * server.RETURN_S


async def test_who_is_relayed_is_told_by_the_session_when_the_relay_stops(start: Start) -> None:
    pair = await start(Telling())
    relayed, at_home = await pair.upgraded(), await pair.owner.websocket()
    for client in (relayed, at_home):
        await client.connect()
    pair.other.edge.drain()
    assert str(await relayed.receive()).startswith('42["leaving",')
    await relayed.send('421["echo"]')
    assert await relayed.receive() == "431[]"
    await at_home.send('421["echo"]')
    assert await at_home.receive() == "431[]"


async def test_who_polls_at_another_node_is_told_when_the_sessions_own_stops(start: Start) -> None:
    pair = await start(Telling())
    client = await pair.polling()
    await client.connect()
    poll = pair.other.keep(await client.waiting())
    await eventually(lambda: pair.owner.session.carrier is not None)
    pair.owner.edge.drain()
    assert (await poll.answer()).body.startswith(b'42["leaving",')
    assert (await client.post('421["echo"]')).status == 200
    assert await client.packets() == ["431[]"]


class Slow(Telling):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__(work=self._work)
        self.waiting: list[Ack] = []

    def _work(self, socket: Socket, *args: object, ack: Ack) -> None:
        self.waiting.append(ack)

    async def settle(self) -> None:
        """What was accepted is answered."""
        for ack in self.waiting:
            ack("done")


async def stopping(served: Served, settle: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """Serve as the program does."""
    uvicorn = EdgeServer(served.edge, own_signals=False, settle=settle, log_config=None, timeout_graceful_shutdown=5)
    listener = listen("127.0.0.1", 0)
    served.port = listener.getsockname()[1]
    served.uvicorn = uvicorn
    task = asyncio.create_task(uvicorn.serve(sockets=[listener]))
    await eventually(lambda: uvicorn.started)
    return task


async def test_at_the_end_what_was_accepted_is_answered_before_the_connection_ends() -> None:
    slow = Slow()
    served = Served({"/": slow}, {})
    serving = await stopping(served, slow.settle)
    websocket, polling = await served.connected(), await served.polling()
    await polling.connect()
    await websocket.send('421["work"]')
    assert (await polling.post('422["work"]')).status == 200
    poll = await served.waiting(polling)
    await eventually(lambda: len(slow.waiting) == 2)
    served.uvicorn.should_exit = True
    assert str(await websocket.receive()).startswith('42["leaving",')
    assert await websocket.receive() == '431["done"]'
    assert (await websocket.closed()).code == 1001
    body = (await poll.answer()).body.decode()
    assert body.startswith('42["leaving",')
    await serving
    served.require_clean()
    for wire in (websocket, poll):
        wire.abort()


async def test_while_what_was_accepted_is_settled_nobody_new_is_taken() -> None:
    free, settling = asyncio.Event(), asyncio.Event()

    async def settle() -> None:
        settling.set()
        await free.wait()

    served = Served({"/": Telling()}, {})
    serving = await stopping(served, settle)
    websocket = await served.connected()
    served.uvicorn.should_exit = True
    await settling.wait()
    with pytest.raises(OSError):
        await request(served.port, "GET", target(SOCKET_IO))
    await websocket.send('421["echo"]')
    assert str(await websocket.receive()).startswith('42["leaving",')
    assert await websocket.receive() == "431[]"
    free.set()
    assert (await websocket.closed()).code == 1001
    await serving
    served.require_clean()
    websocket.abort()
