"""Who takes more than its share is stopped at a bound, and everybody else goes on as if nothing were."""

import asyncio
import json

import pytest

from fireside.realtime import websocket
from fireside.realtime.session import QUEUE_LIMIT, VOLATILE_LIMIT, Session
from fireside.realtime.sockets import Socket
from fireside.realtime.websocket import WebSocketEdge
from tests.realtime.clients import TEXT, Deaf, WebSocketClient, client_frame
from tests.realtime.served import Recorder, Serve, Served, eventually

HIGH_WATER = 64 * 1024
"""What asyncio and uvloop let a transport buffer before they ask to pause."""


def waiting(session: Session) -> int:
    """Bytes that the server holds for this session."""
    edge = session.carrier
    buffered = edge.transport.get_write_buffer_size() if isinstance(edge, WebSocketEdge) else 0
    return session.pending_bytes + buffered


async def deaf_client(served: Served) -> tuple[Deaf, Socket]:
    """One that joins and never reads a byte."""
    before = len(served.engine)
    deaf = served.keep(await Deaf.websocket(served.port))
    await eventually(lambda: len(served.engine) > before)
    joined = len(served.main.sockets)
    await deaf.write(client_frame(TEXT, b"40"))
    await eventually(lambda: len(served.main.sockets) > joined)
    return deaf, served.main.sockets[-1]


@pytest.mark.parametrize("size", [100, 10_000, 100_000])
async def test_who_never_reads_is_cut_at_the_bound_and_others_go_on(
    served: Served, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "CLOSING_S", 3600)
    reader = await served.connected()
    _, socket = await deaf_client(served)
    session, text = socket.session, "x" * size
    most = 0
    async with asyncio.timeout(30):
        while socket.connected:
            for _ in range(16):
                for each in served.main.sockets:
                    each.emit("x", text)
                most = max(most, waiting(session))
            for _ in range(16):
                assert await reader.receive() == f'42["x","{text}"]'
    assert most <= QUEUE_LIMIT + HIGH_WATER + 16 * (size + 20)
    assert served.main.reasons == ["slow consumer"]
    assert served.engine.metrics.slow_consumers == 1
    assert len(served.engine) == 1
    await reader.send('421["echo"]')
    assert await reader.receive() == "431[]"
    await eventually(lambda: len(served.uvicorn.server_state.connections) == 1)


async def test_who_never_reads_holds_nobody_up_who_answers_it(serve: Serve) -> None:
    """Answers to its own events count against it as well."""
    served = await serve()
    reader = await served.connected()
    deaf, socket = await deaf_client(served)
    async with asyncio.timeout(30):
        while socket.connected:
            try:
                await deaf.write(client_frame(TEXT, f'421["echo","{"x" * 1000}"]'.encode()) * 20)
            except OSError:
                break
            await reader.send('421["echo"]')
            assert await reader.receive() == "431[]"
    await eventually(lambda: served.main.reasons == ["slow consumer"])


async def test_where_too_much_waits_for_all_who_never_read_the_first_of_them_is_cut(serve: Serve) -> None:
    limit, text = 4 * VOLATILE_LIMIT, "x" * 1000
    served = await serve(backlog=limit)
    reader = await served.connected()
    deaf = [(await deaf_client(served))[1] for _ in range(3)]
    sockets = (served.main.sockets[0], *deaf)
    async with asyncio.timeout(30):
        while all(socket.connected for socket in deaf):
            for socket in sockets:
                socket.emit("x", text)
            assert await reader.receive() == f'42["x","{text}"]'
            assert sum(socket.session.pending_bytes for socket in sockets) <= limit + 4 * VOLATILE_LIMIT
    assert served.main.reasons == ["slow consumer"]
    left = [socket.session.pending_bytes for socket in deaf if socket.connected]
    assert served.engine.backlog.size == sum(size for size in left if size > VOLATILE_LIMIT)


async def test_who_reads_slowly_but_reads_stays_and_gets_everything(served: Served) -> None:
    client = await served.connected()
    text = "x" * 30_000
    for n in range(200):
        served.main.sockets[0].emit("n", n, text)
        await eventually(lambda: waiting(served.session) < QUEUE_LIMIT // 2)
        if n % 5 == 0:
            await asyncio.sleep(0.001)
        assert await client.receive() == f'42["n",{n},"{text}"]'
    assert served.main.reasons == []


async def test_who_reads_after_a_pause_gets_what_has_waited(served: Served) -> None:
    client = await served.connected()
    socket, sent = served.main.sockets[0], 0
    while not socket.session.pending:
        socket.emit("n", sent, "x" * 20_000)
        sent += 1
        await asyncio.sleep(0)
        socket.session.flush()
    received = [await client.text() for _ in range(sent)]
    assert [json.loads(each[2:])[1] for each in received] == list(range(sent))
    assert waiting(socket.session) == 0


async def test_a_burst_in_one_tick_reaches_who_reads(served: Served) -> None:
    client = await served.connected()
    for n in range(5000):
        served.main.sockets[0].emit("n", n)
    assert [await client.receive() for _ in range(5000)] == [f'42["n",{n}]' for n in range(5000)]


@pytest.mark.parametrize(
    "message", ["3", '42["x"]', '421["echo"]', "40/none,"], ids=["pongs", "events", "questions", "connections"]
)
async def test_a_flood_ends_its_connection_and_no_other(serve: Serve, message: str) -> None:
    served = await serve(packets_per_second=10, burst=20)
    bystander, client = await served.connected(), await served.connected()
    await client.write(client_frame(TEXT, message.encode()) * 1000)
    assert (await client.closed()).code == 1008
    assert len(served.main.events) <= 100
    await bystander.send('421["echo"]')
    assert await bystander.receive() == "431[]"


async def test_a_flood_over_polling_ends_the_session(serve: Serve) -> None:
    served = await serve(packets_per_second=10, burst=20)
    client = await served.polling()
    await client.connect()
    assert (await client.post(*["3"] * 250)).status == 400
    assert (await client.get()).code == 1
    assert served.main.reasons == ["too many packets"]


async def test_who_is_within_the_limits_is_not_hasty_and_who_is_not_can_be_told(serve: Serve) -> None:
    hasty: list[bool] = []
    served = await serve(
        Recorder(x=lambda socket, *, ack: hasty.append(socket.session.is_hasty)), packets_per_second=0.001, burst=10
    )
    client = await served.connected()
    for _ in range(30):
        await client.send('42["x"]')
    await client.send('421["echo"]')
    assert await client.receive() == "431[]"
    assert hasty == [False] * 9 + [True] * 21


async def test_attachments_are_held_up_to_their_number_and_size_only(serve: Serve) -> None:
    served = await serve(max_payload=1000)
    client = await served.connected()
    slots = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(10))
    await client.send(f'4510-["x",{slots}]')
    for _ in range(9):
        await client.send(bytes(1000))
    await client.write(client_frame(2, b"", length=1001))
    assert (await client.closed()).code == 1009
    assert served.main.events == []


async def test_the_same_client_may_come_and_go_a_thousand_times(served: Served) -> None:
    """Nothing piles up."""

    async def come_and_go(n: int) -> None:
        client = await WebSocketClient.begin(served.port)
        await client.connect()
        if n % 2:
            await client.send("1")
        client.abort()

    for _ in range(20):
        await asyncio.gather(*(come_and_go(n) for n in range(50)))
    await eventually(lambda: len(served.engine) == 0)
    assert len(served.main.ended) == 1000
    await eventually(lambda: not served.uvicorn.server_state.connections)
