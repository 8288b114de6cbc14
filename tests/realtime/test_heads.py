"""The head of a request: what there may be of it, and how long it may take to arrive."""

import asyncio

import pytest

from fireside.realtime.heads import MAX_BYTES, MAX_FIELDS, HttpEdge
from fireside.realtime.opening import MAX_HEAD
from fireside.realtime.serving import PlainServer, listen
from fireside.realtime.wheel import Timed
from tests.protocol.apps import not_found
from tests.realtime.clients import SOCKET_IO, Wire, head
from tests.realtime.served import Serve, Served, eventually, set_in, waiting_in

START = b"GET /socket.io/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
PIECE = 4096


async def connect(served: Served, *sent: bytes) -> tuple[Wire, HttpEdge]:
    """A connection on which this has arrived, and the server's end of it."""
    wire = served.keep(await Wire.open(served.port))
    connections = served.uvicorn.server_state.connections
    await eventually(lambda: connections)
    (edge,) = connections
    assert isinstance(edge, HttpEdge)
    for each in sent:
        await wire.write(each)
    return wire, edge


async def send_without_end(wire: Wire, piece: bytes, *, at_most: int = 64 * MAX_BYTES) -> None:
    """Until there is an answer, or the server hangs up."""
    sent = 0
    while sent < at_most and not wire._reader._buffer and not wire._reader.at_eof():  # type: ignore[attr-defined]
        await wire.write(piece)
        await asyncio.sleep(0)
        sent += len(piece)
    assert sent < at_most, "it is taken without end"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"\r\n", b"\r\n" * (PIECE // 2)),
        (b"GET /", b"x" * PIECE),
        (START, b"X-Short: x\r\n" * 50),
        (START + b"X-Long: ", b"x" * PIECE),
        (START + b"X", b"x" * PIECE),
    ],
    ids=["empty lines", "address", "fields", "value", "name"],
)
async def test_a_head_without_end_is_refused(served: Served, start: bytes, piece: bytes) -> None:
    wire, edge = await connect(served, start)
    await send_without_end(wire, piece)
    answer = await wire.answer()
    assert (answer.status, answer.code) == (431, 9)
    assert answer.header("connection") == "close"
    assert len(edge.headers) <= 2 * MAX_FIELDS
    # Whoever goes on is not heard: cut off with something unread of it, it might not get the answer.
    await wire.write(START + b"\r\n")
    await its_time_comes(served, edge)
    assert await wire.end() == b""


async def test_a_head_without_end_is_refused_on_a_connection_that_was_good_before(served: Served) -> None:
    wire, _ = await connect(served, head("GET", SOCKET_IO, {}))
    assert (await wire.answer()).status == 400
    await wire.write(START)
    await send_without_end(wire, b"X-Short: x\r\n" * 50)
    assert (await wire.answer()).status == 431


@pytest.mark.parametrize("start", [b"0\r\n", b"0\r\nX-Long: ", b"1\r\nx\r\n0\r\nX-Long: ", b"1;"])
async def test_what_goes_with_a_body_in_chunks_has_an_end_too(served: Served, start: bytes) -> None:
    """Extensions, and fields behind the last chunk."""
    client = await served.polling()
    wire, _ = await connect(served, head("POST", client.target, {"Transfer-Encoding": "chunked"}), start)
    with pytest.raises((ConnectionError, EOFError)):  # noqa: PT012 - whichever comes first
        await send_without_end(wire, b"x: y\r\n" * 100 if start == b"0\r\n" else b"x" * PIECE)
        await wire.answer()


async def test_a_body_is_no_head_however_it_comes(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    body = b'42["n","%b"]' % (b"x" * 2 * MAX_BYTES)
    wire, _ = await connect(served, head("POST", client.target, {"Content-Length": str(len(body))}))
    for at in range(0, len(body), PIECE):
        await wire.write(body[at : at + PIECE])
    assert (await wire.answer()).status == 200
    await wire.write(head("POST", client.target, {"Transfer-Encoding": "chunked"}))
    for each in body:
        await wire.write(b"1\r\n%c\r\n" % each)
    await wire.write(b"0\r\n\r\n")
    assert (await wire.answer()).status == 200


async def test_many_requests_on_one_connection_are_many_heads(served: Served) -> None:
    one = head("GET", SOCKET_IO, {"X": "x" * (MAX_HEAD // 2)})
    wire, _ = await connect(served)
    for _ in range(10):
        await wire.write(one)
        assert (await wire.answer()).status == 400
    await wire.write(10 * one)
    for _ in range(10):
        assert (await wire.answer()).status == 400


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def its_time_comes(served: Served, owner: Timed) -> None:
    """The deadline of this connection, which has one."""
    await eventually(lambda: waiting_in(served.engine.wheel) == [owner])
    served.engine.wheel.cancel(owner)
    owner.on_deadline()


@pytest.mark.parametrize("sent", [[], [b"\r\n"], [b"G"], [START], [START, b"X: x\r\n", b"X"]])
async def test_who_does_not_finish_a_head_is_closed(served: Served, sent: list[bytes]) -> None:
    wire, edge = await connect(served, *sent)
    await its_time_comes(served, edge)
    assert await wire.end() == b""


async def test_time_does_not_start_again_with_each_piece(served: Served) -> None:
    wire, edge = await connect(served, START)
    until = edge.bucket
    assert until > 0
    for _ in range(3):
        await wire.write(b"X: x\r\n")
    await eventually(lambda: len(edge.headers) == 3)
    # The last is told of when it is known to be complete.
    assert edge.bucket == until
    await wire.write(b"\r\n")
    assert (await wire.answer()).status == 400


async def test_between_two_requests_it_is_uvicorns_time_and_the_second_head_has_its_own(served: Served) -> None:
    wire, edge = await connect(served, head("GET", SOCKET_IO, {}))
    assert (await wire.answer()).status == 400
    assert set_in(served.engine.wheel) == 0
    assert edge.timeout_keep_alive_task is not None
    await wire.write(START)
    await its_time_comes(served, edge)
    assert await wire.end() == b""


async def test_the_rest_of_a_body_that_was_refused_is_not_waited_for_without_end(served: Served) -> None:
    wire, edge = await connect(served, head("POST", SOCKET_IO, {"Content-Length": "1000"}))
    assert (await wire.answer()).status == 400
    await wire.write(b"x")
    await its_time_comes(served, edge)
    assert await wire.end() == b""


async def test_who_waits_for_an_answer_has_all_the_time(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    wire = await served.waiting(client)
    (edge,) = served.uvicorn.server_state.connections
    assert isinstance(edge, HttpEdge)
    assert edge.bucket < 0
    await client.post('421["echo"]')
    assert (await wire.answer()).body == b"431[]"


async def test_a_websocket_leaves_no_deadline_behind(served: Served) -> None:
    await served.connected()
    assert waiting_in(served.engine.wheel) == [served.session]


async def test_a_connection_that_is_lost_leaves_no_deadline_behind(served: Served) -> None:
    wire, _ = await connect(served, START)
    wire.abort()
    await eventually(lambda: set_in(served.engine.wheel) == 0)


async def test_who_says_nothing_is_closed_in_time(serve: Serve) -> None:
    served = await serve(connect_timeout_s=0.2, ping_interval_s=2)
    wire, _ = await connect(served)
    assert await wire.end() == b""


async def test_where_there_is_nothing_but_http_the_bounds_are_the_same() -> None:
    listener = listen("127.0.0.1", 0)
    server = PlainServer(not_found, listener)
    server.start()
    with (await Wire.open(listener.getsockname()[1])).or_abort() as wire:
        await wire.write(START)
        await eventually(lambda: set_in(server._wheel) == 1)
        await send_without_end(wire, b"X-Short: x\r\n" * 50)
        assert (await wire.answer()).status == 431
        wire.abort()
    await server.stop()
    assert set_in(server._wheel) == 0
