"""Every way in which a connection can end: its application hears of it once, with the reason, and nothing is left."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from fireside.realtime.serving import EdgeServer, listen
from fireside.realtime.sockets import Socket
from fireside.realtime.websocket import WebSocketEdge
from fireside.realtime.wheel import Timed
from tests.realtime.clients import ENGINE_IO, PollingClient, WebSocketClient, Wire, head, target
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
    await its_time_comes(served.connection)


async def its_time_comes(owner: Timed) -> None:
    """A deadline is set, and met. (The wheel's own tests say when; here nobody has to hurry.)"""
    await eventually(lambda: owner.bucket >= 0)
    owner.on_deadline()


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
    served = await serve(packets_per_second=100)
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


async def test_a_websocket_that_answers_no_ping_is_gone(served: Served) -> None:
    client = await served.connected()
    session = served.session
    await its_time_comes(session)
    assert await client.receive() == "2"
    await its_time_comes(session)
    assert (await client.closed()).code == 1000
    assert served.main.reasons == ["ping timeout"]


async def test_a_websocket_that_answers_pings_stays(served: Served) -> None:
    client = await served.connected()
    session = served.session
    for _ in range(5):
        await its_time_comes(session)
        assert await client.receive() == "2"
        await client.send("3")
        await eventually(lambda: not session.awaiting_pong)
    assert served.main.reasons == []


async def test_who_does_nothing_at_all_is_closed_in_time(serve: Serve) -> None:
    served = await serve(connect_timeout_s=0.2, ping_interval_s=2)
    assert (await (await served.websocket()).closed()).code == 1008


async def test_who_goes_quiet_is_closed_in_time(serve: Serve) -> None:
    served = await serve(ping_interval_s=0.02, ping_timeout_s=0.02)
    client = await served.websocket(ENGINE_IO)
    assert await client.receive() == "2"
    assert (await client.closed()).code == 1000
    assert served.endings == ["ping timeout"]


async def test_who_never_joins_a_namespace_is_closed_though_it_answers_pings(served: Served) -> None:
    client = await served.websocket()
    session, connection = served.session, served.connection
    await its_time_comes(session)
    assert await client.receive() == "2"
    await client.send("3")
    await eventually(lambda: not session.awaiting_pong)
    await its_time_comes(connection)
    assert (await client.closed()).code == 1008
    assert len(served.engine) == 0


async def test_over_polling_too(served: Served) -> None:
    client = await served.polling()
    await client.post("40/none,")
    await its_time_comes(served.connection)
    assert await client.packets() == ['44/none,{"message":"Invalid namespace"}', "1"]
    assert len(served.engine) == 0


async def test_who_leaves_and_joins_nothing_else_is_closed(served: Served) -> None:
    client = await served.connected()
    await client.send("41")
    await its_time_comes(served.connection)
    assert (await client.closed()).code == 1008
    assert served.main.reasons == ["client namespace disconnect"]


async def test_who_leaves_is_pinged_once_more(served: Served) -> None:
    client = await served.connected()
    await client.send("41")
    await eventually(lambda: served.connection.bucket >= 0)
    assert served.connection.bucket > served.session.bucket
    await its_time_comes(served.session)
    assert await client.receive() == "2"


async def test_who_has_joined_has_no_deadline_any_more(serve: Serve) -> None:
    served = await serve(others={"/custom": Recorder()})
    client = await served.websocket()
    assert served.connection.bucket >= 0
    await client.connect()
    assert served.connection.bucket < 0
    await client.connect(namespace="/custom,")
    await client.send("41")
    await eventually(lambda: served.main.reasons)
    assert served.connection.bucket < 0, "it is still somewhere"


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_attachments_that_never_come_end_the_connection(served: Served, transport: str) -> None:
    header = f'452-["x",{PLACEHOLDER},{{"_placeholder":true,"num":1}}]'
    if transport == "websocket":
        client = await served.connected()
        await client.send(header)
        await client.send(b"one of two")
        await its_time_comes(served.connection)
        assert (await client.closed()).code == 1008
    else:
        polling = await served.polling()
        await polling.connect()
        assert (await polling.post(header, "beA==")).status == 200
        await its_time_comes(served.connection)
        assert await polling.packets() == ["1"]
    assert served.main.events == []
    assert served.main.reasons == ["connect timeout"]


async def test_attachments_that_come_in_time_are_waited_for_no_longer(served: Served) -> None:
    client = await served.connected()
    await client.send(f'451-1["echo",{PLACEHOLDER}]')
    await eventually(lambda: served.connection.bucket >= 0)
    await client.send(b"x")
    assert await client.receive() == f"461-1[{PLACEHOLDER}]"
    assert await client.receive() == b"x"
    assert served.connection.bucket < 0


async def test_a_connection_that_overflows_as_it_is_made_was_never_made(serve: Serve) -> None:
    """The application is not told of an end whose beginning it has not heard of."""
    served = await serve()
    client = await served.websocket()
    session = served.session
    assert isinstance(session.carrier, WebSocketEdge)
    session.carrier.writable = False
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
    assert (answer.status, answer.body) == (200, b"6"), "not 1, which would be the last word for some clients"
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
