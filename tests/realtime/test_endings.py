"""Every way in which a connection can end: its application hears of it once, with the reason, and nothing is left."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from fireside.realtime.serving import EdgeServer, listen
from fireside.realtime.sockets import Socket
from tests.realtime.clients import PollingClient, WebSocketClient, Wire, head, target
from tests.realtime.served import Recorder, Serve, Served, eventually

PLACEHOLDER = '{"_placeholder":true,"num":0}'


async def send_close(served: Served, client: WebSocketClient) -> None:
    await client.send_frame(8, b"\3\xe8")


async def hang_up(served: Served, client: WebSocketClient) -> None:
    client.abort()


async def say_goodbye(served: Served, client: WebSocketClient) -> None:
    await client.send("1")


async def leave(served: Served, client: WebSocketClient) -> None:
    await client.send("41")


async def leave_and_hang_up(served: Served, client: WebSocketClient) -> None:
    await client.send("41")
    client.abort()


async def break_a_rule(served: Served, client: WebSocketClient) -> None:
    await client.send("4abc")


async def break_a_frame(served: Served, client: WebSocketClient) -> None:
    await client.write(b"\xff" * 20)


async def announce_and_not_send(served: Served, client: WebSocketClient) -> None:
    await client.send(f'451-["x",{PLACEHOLDER}]')


async def be_put_out(served: Served, client: WebSocketClient) -> None:
    served.main.sockets[0].disconnect()
    served.main.sockets[0].disconnect()


async def be_closed(served: Served, client: WebSocketClient) -> None:
    served.session.close("a reason of the application")


async def be_dismissed(served: Served, client: WebSocketClient) -> None:
    served.edge.dismiss()
    served.edge.dismiss()


async def flood(served: Served, client: WebSocketClient) -> None:
    served.session.flow.level = 10_000
    served.session.flow.at = served.engine.now()
    await client.send("3")


Ending = Callable[[Served, WebSocketClient], Awaitable[None]]

ENDINGS: list[tuple[Ending, str, int | None]] = [
    (send_close, "transport close", 1000),
    (say_goodbye, "transport close", 1000),
    (leave, "client namespace disconnect", None),
    (break_a_rule, "parse error", 1002),
    (break_a_frame, "transport close", 1002),
    (announce_and_not_send, "connect timeout", 1008),
    (be_put_out, "server namespace disconnect", None),
    (be_closed, "a reason of the application", 1000),
    (be_dismissed, "server shutting down", 1001),
    (flood, "too many packets", 1008),
]


@pytest.mark.parametrize(("end", "reason", "code"), ENDINGS, ids=[end.__name__ for end, _, _ in ENDINGS])
async def test_over_websocket_the_end_is_heard_once(serve: Serve, end: Ending, reason: str, code: int | None) -> None:
    served = await serve(connect_timeout_s=0.3, ping_interval_s=5, packets_per_second=100)
    client = await served.connected()
    await end(served, client)
    await eventually(lambda: served.main.reasons)
    if code is not None:
        assert (await client.closed()).code == code
        assert len(served.engine) == 0
    client.abort()
    await eventually(lambda: len(served.engine) == 0)
    assert served.main.reasons == [reason]


@pytest.mark.parametrize("end", [hang_up, leave_and_hang_up], ids=lambda end: end.__name__)
async def test_who_hangs_up_is_missed_once(served: Served, end: Ending) -> None:
    client = await served.connected()
    await end(served, client)
    await eventually(lambda: len(served.engine) == 0)
    assert len(served.main.reasons) == 1


async def test_a_websocket_that_answers_no_ping_is_gone(serve: Serve) -> None:
    served = await serve(ping_interval_s=0.05, ping_timeout_s=0.05, connect_timeout_s=60)
    client = await served.connected()
    assert await client.receive() == "2"
    assert (await client.closed()).code == 1000
    assert served.main.reasons == ["ping timeout"]


async def test_a_websocket_that_answers_pings_stays(serve: Serve) -> None:
    served = await serve(ping_interval_s=0.02, ping_timeout_s=60)
    client = await served.connected()
    for _ in range(5):
        assert await client.receive() == "2"
        await client.send("3")
    assert served.main.reasons == []


@pytest.mark.parametrize("pong", [True, False])
async def test_who_never_joins_a_namespace_is_closed_however_much_it_talks(serve: Serve, pong: bool) -> None:
    served = await serve(connect_timeout_s=0.2, ping_interval_s=0.02, ping_timeout_s=60)
    websocket, polling = await served.websocket(), await served.polling()
    assert await websocket.receive() == "2"
    if pong:
        await websocket.send("3")
    assert (await websocket.closed()).code == 1008
    packets: list[str | bytes] = []
    while "1" not in packets:
        packets = await polling.packets()
    assert len(served.engine) == 0


async def test_who_leaves_and_joins_nothing_else_is_closed(serve: Serve) -> None:
    served = await serve(connect_timeout_s=0.2, ping_interval_s=5)
    client = await served.connected()
    await client.send("41")
    assert (await client.closed()).code == 1008
    assert served.main.reasons == ["client namespace disconnect"]


async def test_who_joins_in_time_stays(serve: Serve) -> None:
    custom = Recorder()
    served = await serve(connect_timeout_s=0.1, ping_interval_s=3, others={"/custom": custom})
    client = await served.connected()
    await client.send("41")
    await client.connect(namespace="/custom,")
    late = served.engine.now() + 0.5
    await eventually(lambda: served.engine.now() > late)
    assert custom.reasons == []


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_attachments_that_never_come_end_the_connection(serve: Serve, transport: str) -> None:
    served = await serve(connect_timeout_s=0.2, ping_interval_s=5)
    header = f'452-["x",{PLACEHOLDER},{{"_placeholder":true,"num":1}}]'
    if transport == "websocket":
        client = await served.connected()
        await client.send(header)
        await client.send(b"one of two")
        assert (await client.closed()).code == 1008
    else:
        polling = await served.polling()
        await polling.connect()
        assert (await polling.post(header, "beA==")).status == 200
        assert await polling.packets() == ["1"]
    assert served.main.events == []
    assert served.main.reasons == ["connect timeout"]


async def test_attachments_that_come_in_time_are_waited_for_no_longer(serve: Serve) -> None:
    served = await serve(connect_timeout_s=0.1, ping_interval_s=1)
    client = await served.connected()
    await client.send(f'451-1["echo",{PLACEHOLDER}]')
    await client.send_frame(10)
    await client.send(b"x")
    assert await client.receive() == f"461-1[{PLACEHOLDER}]"
    assert await client.receive() == b"x"
    late = served.engine.now() + 0.3
    await eventually(lambda: served.engine.now() > late)
    assert served.main.reasons == []


async def test_a_connection_that_overflows_as_it_is_made_was_never_made(serve: Serve) -> None:
    """The application is not told of an end whose beginning it has not heard of."""
    served = await serve()
    client = await served.websocket()
    session = served.session
    session.carrier.writable = False  # type: ignore[union-attr]
    for _ in range(1024):
        session.send(b"x")
    await client.send("40")
    await eventually(lambda: len(served.engine) == 0)
    assert (served.main.sockets, served.main.ended) == ([], [])


async def polling_goodbye(client: PollingClient) -> None:
    await client.post("1")


async def polling_rule(client: PollingClient) -> None:
    await client.post("4abc")


async def polling_leave(client: PollingClient) -> None:
    await client.post("41")


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (polling_goodbye, "transport close"),
        (polling_rule, "parse error"),
        (polling_leave, "client namespace disconnect"),
    ],
    ids=["goodbye", "a broken rule", "leaving"],
)
@pytest.mark.parametrize("waiting", [True, False], ids=["in a poll", "between polls"])
async def test_over_polling_the_end_is_heard_once(
    served: Served, end: Callable[[PollingClient], Awaitable[None]], reason: str, waiting: bool
) -> None:
    client = await served.polling()
    await client.connect()
    if waiting:
        await served.waiting(client)
    await end(client)
    assert served.main.reasons == [reason]


async def serve_until_told(served: Served) -> asyncio.Task[None]:
    """Serve as the program does, with uvicorn's own beginning and end."""
    server = EdgeServer(served.edge, own_signals=False, log_config=None, timeout_graceful_shutdown=5)
    listener = listen("127.0.0.1", 0)
    served.port = listener.getsockname()[1]
    served.uvicorn = server
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await eventually(lambda: server.started)
    return task


@pytest.mark.asyncio(loop_factories=["uvloop", "asyncio"])
async def test_at_the_end_everybody_is_told_and_nobody_is_waited_for() -> None:
    served = Served({"/": Recorder()}, {})
    serving = await serve_until_told(served)
    websocket, polling, between = await served.connected(), await served.polling(), await served.polling()
    newcomer = await WebSocketClient.open(served.port)
    probe = await WebSocketClient.shake(served.port, target(transport="websocket", sid=between.sid))
    await polling.connect()
    await between.connect()
    poll = await served.waiting(polling)
    served.uvicorn.should_exit = True
    answer = await poll.answer()
    assert (answer.status, answer.body) == (200, b"1")
    closed = await websocket.closed()
    assert (closed.code, closed.reason) == (1001, "server shutting down")
    assert (await probe.closed()).code == 1001
    assert await newcomer.end() == b""
    await serving
    assert served.main.reasons == ["server shutting down"] * 3
    served.require_clean()
    with pytest.raises(OSError):
        await Wire.open(served.port)
    for client in (websocket, poll, newcomer, probe):
        client.abort()


async def test_no_line_of_the_log_has_a_session_id_in_it(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever knows one can speak for its session."""
    caplog.set_level(logging.DEBUG)

    def fail(socket: Socket, *args: object, ack: object) -> None:
        raise RuntimeError("a bug of ours")

    served = await serve(Recorder(fail=fail))
    websocket, polling, broken = await served.connected(), await served.polling(), await served.polling()
    probe = await served.probing(polling)
    await probe.send("5")
    await probe.connect()
    await probe.send('42["fail"]')
    await probe.closed()
    await broken.post("4abc")
    await broken.get()
    await websocket.write(b"\xff" * 20)
    await websocket.closed()
    wire = await Wire.open(served.port)
    await wire.write(head("GET", broken.target, {"Bad Header": "x"}))
    await wire.end()
    wire.abort()
    assert len(served.errors) == 1
    served.errors.clear()
    assert caplog.records
    for sid in (websocket.opening["sid"], polling.sid, broken.sid):
        assert sid not in caplog.text
