"""WebSocket frames that no client sends, and what every client may: each costs one connection at most."""

import asyncio
from typing import Any

import pytest

from fireside.realtime import websocket
from fireside.realtime.sockets import Socket
from fireside.realtime.websocket import MAX_FRAGMENTS, WebSocketEdge
from tests.realtime.clients import (
    BINARY,
    CLOSE,
    CONTINUATION,
    ENGINE_IO,
    PATIENCE_S,
    PING,
    PONG,
    TEXT,
    Closed,
    Deaf,
    WebSocketClient,
    client_frame,
    target,
)
from tests.realtime.served import Recorder, Serve, Served, eventually

LIMIT = 1000

BROKEN = {
    "a frame without a mask": (client_frame(TEXT, b"40", masked=False), 1002),
    "the first reserved bit, which compression would use": (client_frame(TEXT, b"40", reserved=4), 1002),
    "the second reserved bit": (client_frame(TEXT, b"40", reserved=2), 1002),
    "the third reserved bit": (client_frame(TEXT, b"40", reserved=1), 1002),
    "an opcode that there is not": (client_frame(3, b"40"), 1002),
    "a control opcode that there is not": (client_frame(11, b""), 1002),
    "text that is not UTF-8": (client_frame(TEXT, b"4\xff"), 1007),
    "text that stops in a character": (client_frame(TEXT, b"4\xe2\x82"), 1007),
    "text with an encoded surrogate": (client_frame(TEXT, b"4\xed\xa0\x80"), 1007),
    "a length of 2^63": (client_frame(TEXT, b"", length=1 << 63), 1009),
    "a length of 2^64 - 1": (client_frame(BINARY, b"", length=(1 << 64) - 1), 1009),
    "a length of 15 MiB": (client_frame(TEXT, b"", length=15 << 20), 1009),
    "a length just over the limit": (client_frame(TEXT, b"", length=LIMIT + 1), 1009),
    "fragments over the limit in sum": (
        client_frame(TEXT, b"4" * 600, final=False) + client_frame(CONTINUATION, b"", length=600),
        1009,
    ),
    "a ping in fragments": (client_frame(PING, b"x", final=False), 1002),
    "a close in fragments": (client_frame(CLOSE, b"", final=False), 1002),
    "a ping of 126 bytes": (client_frame(PING, b"x" * 126), 1002),
    "a continuation of nothing": (client_frame(CONTINUATION, b"x"), 1002),
    "text within a text": (client_frame(TEXT, b"4", final=False) + client_frame(TEXT, b"40"), 1002),
    "binary within a text": (client_frame(TEXT, b"4", final=False) + client_frame(BINARY, b"x"), 1002),
    "an empty message": (client_frame(TEXT), 1002),
    "an empty message in fragments": (client_frame(TEXT, final=False) + client_frame(CONTINUATION), 1002),
    "a close with half a code": (client_frame(CLOSE, b"\3"), 1002),
    "a close with a code that nobody may send": (client_frame(CLOSE, b"\3\xee"), 1002),
    "a close whose reason is not UTF-8": (client_frame(CLOSE, b"\3\xe8\xff"), 1007),
    "fragments without end": (
        client_frame(TEXT, b"4", final=False) + client_frame(CONTINUATION, final=False) * 10_000,
        1008,
    ),
    "fragments without end before anything else": (
        client_frame(BINARY, final=False) + client_frame(CONTINUATION, final=False) * 10_000,
        1008,
    ),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN)
async def test_a_frame_that_no_client_sends_ends_its_connection_and_no_other(
    serve: Serve, data: bytes, code: int
) -> None:
    served = await serve(max_payload=LIMIT)
    bystander, client = await served.connected(), await served.connected()
    await client.write(data)
    assert (await client.closed()).code == code
    await eventually(lambda: len(served.main.reasons) == 1)
    assert [socket.id for socket, _ in served.main.ended] == [served.main.sockets[1].id]
    assert served.main.events == []
    await bystander.send('421["echo",1]')
    assert await bystander.receive() == "431[1]"


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN)
async def test_it_ends_a_websocket_that_has_only_just_been_opened_too(serve: Serve, data: bytes, code: int) -> None:
    served = await serve(max_payload=LIMIT)
    polling = await served.polling()
    for client in (
        await served.websocket(),
        served.keep(await WebSocketClient.shake(served.port, target(transport="websocket", sid=polling.sid))),
    ):
        await client.write(data)
        assert (await client.closed()).code == code
    await polling.connect()


async def test_a_message_of_exactly_the_limit_is_taken_whole_or_in_fragments(serve: Serve) -> None:
    served = await serve(max_payload=LIMIT)
    client = await served.websocket(ENGINE_IO)
    message = "4" + "x" * (LIMIT - 1)
    await client.send(message)
    assert await client.receive() == message
    await client.send_frame(TEXT, message[:600].encode(), final=False)
    await client.send_frame(CONTINUATION, message[600:].encode())
    assert await client.receive() == message


async def test_each_server_has_its_own_limit(serve: Serve) -> None:
    served = await serve(max_payload=LIMIT)
    served.echo.options = type(served.echo.options)(path=ENGINE_IO, max_payload=2 * LIMIT)
    client = await served.websocket(ENGINE_IO)
    assert client.opening["maxPayload"] == 2 * LIMIT
    await client.send("4" + "x" * (2 * LIMIT - 1))
    assert len(await client.receive()) == 2 * LIMIT
    await client.write(client_frame(TEXT, b"", length=2 * LIMIT + 1))
    assert (await client.closed()).code == 1009


async def test_fragments_may_be_empty_and_have_pings_between_them(served: Served) -> None:
    client = await served.websocket(ENGINE_IO)
    await client.send_frame(TEXT, b"4he", final=False)
    await client.send_frame(CONTINUATION, b"", final=False)
    await client.send_frame(PING, b"?")
    await client.send_frame(CONTINUATION, b"llo")
    assert {await client.frame(), await client.frame()} == {(PONG, b"?"), (TEXT, b"4hello")}


async def test_a_message_in_as_many_fragments_as_are_allowed_is_taken(served: Served) -> None:
    client = await served.websocket(ENGINE_IO)
    await client.send_frame(TEXT, b"4", final=False)
    for _ in range(MAX_FRAGMENTS - 2):
        await client.send_frame(CONTINUATION, b"x", final=False)
    await client.send_frame(CONTINUATION, b"x")
    assert await client.receive() == "4" + "x" * (MAX_FRAGMENTS - 1)


async def test_of_fragments_without_end_none_is_kept(served: Served) -> None:
    client = await served.websocket(ENGINE_IO)
    edge = served.session.carrier
    assert isinstance(edge, WebSocketEdge)
    await client.write(client_frame(TEXT, b"4", final=False) + client_frame(CONTINUATION, final=False) * 10_000)
    assert (await client.closed()).code == 1008
    assert edge._fragments is None


async def test_a_character_may_lie_across_two_fragments(served: Served) -> None:
    client = await served.websocket(ENGINE_IO)
    await client.send_frame(TEXT, b"4\xe2\x82", final=False)
    await client.send_frame(CONTINUATION, b"\xac")
    assert await client.receive() == "4€"


@pytest.mark.parametrize("size", [1, 125, 126, 65535, 65536, 100_000])
async def test_messages_of_every_length_come_back_as_they_were(served: Served, size: int) -> None:
    client = await served.websocket(ENGINE_IO)
    for message in ("4" + "x" * (size - 1), bytes(size)):
        await client.send(message)
        assert await client.receive() == message


async def test_a_binary_message_may_be_empty(served: Served) -> None:
    client = await served.websocket(ENGINE_IO)
    await client.send(b"")
    assert await client.receive() == b""
    other = await served.connected()
    await other.send('451-1["echo",{"_placeholder":true,"num":0}]')
    await other.send(b"")
    assert await other.receive() == '461-1[{"_placeholder":true,"num":0}]'
    assert await other.receive() == b""


async def test_a_frame_may_come_byte_by_byte_and_many_at_once(served: Served) -> None:
    client = await served.websocket(ENGINE_IO)
    for byte in client_frame(TEXT, b"4slow"):
        await client.write(bytes((byte,)))
        await asyncio.sleep(0)
    assert await client.receive() == "4slow"
    await client.write(b"".join(client_frame(TEXT, b"4%d" % n) for n in range(500)))
    assert [await client.receive() for _ in range(500)] == [f"4{n}" for n in range(500)]


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover, x-webkit-deflate-frame",
        "permessage-bzip2",
    ],
)
async def test_compression_is_never_negotiated(serve: Serve, offer: str) -> None:
    served = await serve()
    client = await served.websocket(headers={"Sec-WebSocket-Extensions": offer})
    assert client.handshake.header("sec-websocket-extensions") is None
    await client.write(client_frame(TEXT, b"\xf2H\xcdU\0", reserved=4))
    assert (await client.closed()).code == 1002


async def test_a_subprotocol_is_never_negotiated(served: Served) -> None:
    client = await served.websocket(headers={"Sec-WebSocket-Protocol": "chat, superchat"})
    assert client.handshake.header("sec-websocket-protocol") is None
    await client.connect()


async def test_a_ping_is_answered_and_a_pong_is_not(served: Served) -> None:
    client = await served.connected()
    await client.send_frame(PONG, b"unasked")
    await client.send_frame(PING, b"asked")
    assert await client.frame() == (PONG, b"asked")


@pytest.mark.parametrize("opcode", [PING, PONG])
@pytest.mark.parametrize("where", ["open", "connected"])
async def test_a_flood_of_control_frames_is_cut(serve: Serve, opcode: int, where: str) -> None:
    served = await serve(packets_per_second=10, burst=20)
    client = await (served.connected() if where == "connected" else served.websocket())
    await client.write(client_frame(opcode, b"x") * 200)
    assert (await client.closed()).code == 1008


async def test_a_flood_of_control_frames_is_cut_while_a_websocket_takes_over(serve: Serve) -> None:
    served = await serve(packets_per_second=10, burst=20)
    polling = await served.polling()
    probe = await served.probing(polling)
    await probe.write(client_frame(PING, b"x") * 200)
    assert (await probe.closed()).code == 1008


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_a_client_that_closes_gets_its_code_back(served: Served, code: int) -> None:
    client = await served.connected()
    await client.send_frame(CLOSE, code.to_bytes(2) + b"bye")
    assert (await client.closed()).code == code
    await eventually(lambda: served.main.reasons == ["transport close"])


async def test_a_client_may_close_without_a_code(served: Served) -> None:
    client = await served.connected()
    await client.send_frame(CLOSE)
    with pytest.raises(Closed) as closed:
        await client.frame()
    assert closed.value.code is None
    await eventually(lambda: served.main.reasons == ["transport close"])


async def test_a_client_that_hangs_up_or_half_closes_is_gone(served: Served) -> None:
    first, second = await served.connected(), await served.connected()
    first.abort()
    await eventually(lambda: len(served.main.reasons) == 1)
    second._writer.write_eof()
    await eventually(lambda: len(served.main.reasons) == 2)
    assert len(served.engine) == 0


async def until_cut(deaf: Deaf, data: bytes, watched: set[Any]) -> int:
    """Send this again and again until the server hangs up; the most bytes that waited for one connection meanwhile."""
    most = 0
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await deaf.write(data)
            except OSError:
                return most
            await asyncio.sleep(0)
            most = max([most, *(each.transport.get_write_buffer_size() for each in watched)])


BOUND = 2 * 1024 * 1024


async def test_pongs_for_who_does_not_read_are_bounded(serve: Serve) -> None:
    """Limits on the rate are off; what waits is bounded all the same."""
    served = await serve(connect_timeout_s=60)
    bystander = await served.connected()
    deaf = served.keep(await Deaf.websocket(served.port))
    most = await until_cut(deaf, client_frame(PING, b"x" * 125) * 50, served.uvicorn.server_state.connections)
    assert most < BOUND
    assert served.engine.metrics.slow_consumers == 1
    await bystander.send('421["echo"]')
    assert await bystander.receive() == "431[]"


@pytest.mark.parametrize("data", [client_frame(PING, b"x" * 125) * 50, client_frame(TEXT, b"2probe") * 500])
async def test_a_websocket_that_does_not_read_while_it_takes_over_is_bounded(serve: Serve, data: bytes) -> None:
    served = await serve(connect_timeout_s=60)
    polling = await served.polling()
    deaf = served.keep(await Deaf.websocket(served.port, sid=polling.sid))
    assert await until_cut(deaf, data, served.uvicorn.server_state.connections) < BOUND
    await polling.connect()


async def test_who_says_goodbye_and_then_does_not_read_is_let_go(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for it will never be taken, so neither will the answer to its close frame."""
    monkeypatch.setattr(websocket, "CLOSING_S", 0.05)
    served = await serve(Recorder(fill=fill), ping_interval_s=1, ping_timeout_s=3600)
    deaf = served.keep(await Deaf.websocket(served.port))
    await eventually(lambda: len(served.engine))
    await deaf.write(client_frame(TEXT, b"40"))
    await eventually(lambda: served.main.sockets)
    await deaf.write(client_frame(TEXT, b'42["fill"]'))
    (edge,) = served.uvicorn.server_state.connections
    await eventually(lambda: edge.transport.get_write_buffer_size())
    await deaf.write(client_frame(CLOSE))
    await eventually(lambda: served.main.reasons)
    await eventually(lambda: not served.uvicorn.server_state.connections)


async def fill(socket: Socket, *, ack: object) -> None:
    """Send until the kernel's buffers are full and a little waits in ours."""
    (edge,) = [socket.session.carrier]
    assert isinstance(edge, WebSocketEdge)
    while not edge.transport.get_write_buffer_size():
        socket.emit("x", "x" * 10_000)
        await asyncio.sleep(0)
