"""No sticky sessions: a WebSocket that reaches another node than the session's is as good as if it had reached that.

The nodes are those of `test_handover_of_polls`.
"""

import asyncio
import random
from typing import Any

import pytest

from fireside.core.origins import OriginPolicy
from fireside.realtime import relaying
from fireside.realtime.hosting import RemoteWebSocket
from fireside.realtime.session import QUEUE_LIMIT
from fireside.realtime.sockets import Socket
from tests.fakes.bus import Hub
from tests.realtime.clients import (
    BINARY,
    CLOSE,
    ENGINE_IO,
    PING,
    PONG,
    SOCKET_IO,
    TEXT,
    Deaf,
    WebSocketClient,
    client_frame,
    target,
)
from tests.realtime.nodes import Pair, Start, edges_of, in_memory, links_of, peer_of
from tests.realtime.served import Recorder, eventually
from tests.realtime.test_upgrade import Ticker, upgrade_under_traffic


async def test_a_session_moves_to_a_websocket_at_another_node(pair: Pair) -> None:
    websocket = await pair.upgraded()
    await websocket.connect()
    await websocket.send('421["echo",1]')
    assert await websocket.receive() == "431[1]"
    pair.owner.main.sockets[0].emit("news", {"a": b"bytes"})
    assert str(await websocket.receive()).startswith('451-["news"')
    assert await websocket.receive() == b"bytes"
    assert isinstance(pair.owner.session.carrier, RemoteWebSocket)
    assert pair.owner.session.carrier.bucket < 0, "no deadline any more"
    websocket.abort()
    await eventually(lambda: pair.owner.main.reasons)
    assert pair.owner.main.reasons == ["transport close"]
    await pair.settled()


async def test_messages_come_whole_whatever_their_frames(pair: Pair) -> None:
    websocket = await pair.upgraded(ENGINE_IO)
    await websocket.write(
        client_frame(TEXT, b"4\xe2\x82", final=False) + client_frame(PING, b"hi") + client_frame(0, b"\xac")
    )
    assert await websocket.receive() == "4€"
    assert await websocket.frame() == (PONG, b"hi")
    await websocket.send(b"\0\1")
    assert await websocket.receive() == b"\0\1"
    await websocket.write(client_frame(BINARY, b"x", final=False) + client_frame(0, b"y"))
    assert await websocket.receive() == b"xy"


async def test_a_ping_of_who_has_not_taken_over_is_answered(pair: Pair) -> None:
    client = await pair.polling()
    websocket = await pair.shake(client)
    await websocket.send_frame(PING, b"hi")
    assert await websocket.frame() == (PONG, b"hi")
    websocket.abort()
    await client.connect()


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (client_frame(TEXT, b"4\xff"), 1007),
        (client_frame(TEXT, b""), 1002),
        (client_frame(TEXT, b"4abc"), 1002),
        (client_frame(TEXT, b"1"), 1000),
        (client_frame(TEXT, b"4", final=False) + client_frame(0, final=False) * 10_000, 1008),
        (client_frame(CLOSE, b"\3\xe8"), 1000),
        (b"\xff" * 20, 1002),
    ],
    ids=["not UTF-8", "empty", "no packet", "goodbye", "fragments", "close", "no frame"],
)
async def test_a_broken_rule_ends_it_as_it_does_at_home(pair: Pair, frame: bytes, code: int) -> None:
    codes = []
    for served in (pair.owner, pair.other):
        client = await pair.polling()
        where = target(SOCKET_IO, "websocket", sid=client.sid)
        websocket = served.keep(await WebSocketClient.shake(served.port, where))
        for packet in ("2probe", "5", "40"):
            await websocket.send(packet)
        assert await websocket.receive() == "3probe"
        assert str(await websocket.receive()).startswith("40")
        await websocket.write(frame)
        codes.append((await websocket.closed()).code)
        websocket.abort()
    assert codes == [code, code]
    await pair.settled()
    assert len(set(pair.owner.main.reasons)) == 1, pair.owner.main.reasons


async def test_a_flood_of_pings_counts_as_one_of_packets(start: Start) -> None:
    pair = await start(packets_per_second=10, burst=10)
    websocket = await pair.upgraded()
    await websocket.write(client_frame(PING) * 1000)
    assert (await websocket.closed()).code == 1008


async def test_whoever_may_not_is_refused_before_the_websocket_is_accepted(start: Start) -> None:
    pair = await start(origins=OriginPolicy(["https://ours.example"]))
    client = await pair.polling()
    refused = await pair.shake(client, Origin="https://theirs.example")
    assert (refused.handshake.status, refused.handshake.code) == (403, 4)
    assert (await pair.shake(client, Origin="https://ours.example")).handshake.status == 101


async def test_only_one_websocket_has_a_session_wherever_they_are(pair: Pair) -> None:
    client = await pair.polling()
    first = await pair.shake(client)
    await first.send("2probe")
    assert await first.receive() == "3probe"
    second = await pair.shake(client)
    assert second.handshake.status == 101
    assert (await second.closed()).code == 1008
    await first.send("5")
    await first.connect()
    assert (await (await pair.shake(client)).closed()).code == 1008
    first.abort()
    await pair.settled()


async def test_who_does_not_take_over_in_time_is_cut(pair: Pair) -> None:
    client = await pair.polling()
    websocket = await pair.shake(client)
    await websocket.send("2probe")
    assert await websocket.receive() == "3probe"
    carrier = pair.owner.session.upgrading
    assert isinstance(carrier, RemoteWebSocket)
    assert carrier.bucket >= 0
    carrier.on_deadline()
    assert (await websocket.closed()).code == 1012
    assert pair.owner.session.upgrading is None
    await client.connect()


async def test_a_session_that_ends_takes_with_it_the_websocket_that_was_to_have_it(pair: Pair) -> None:
    client = await pair.polling()
    websocket = await pair.shake(client)
    await websocket.send("2probe")
    assert await websocket.receive() == "3probe"
    assert (await client.post("1")).status == 200
    assert (await websocket.closed()).code == 1000
    await pair.settled()


@pytest.mark.parametrize("seed", range(3))
async def test_upgrades_under_traffic_lose_and_reorder_nothing(start: Start, seed: int) -> None:
    ticker, chance = Ticker(seed), random.Random(seed)
    pair = await start(ticker)
    for _ in range(5):
        await asyncio.gather(*(upgrade_under_traffic(ticker, chance, pair.owner, pair.other) for _ in range(8)))
    await eventually(lambda: len(ticker.ended) == 40)
    await pair.settled()


async def test_who_does_not_read_is_closed_at_the_bound_and_others_go_on(pair: Pair) -> None:
    reader = await pair.upgraded()
    await reader.connect()
    client = await pair.polling()
    deaf = pair.other.keep(await Deaf.websocket(pair.other.port, sid=client.sid))
    # uvicorn drops what comes in one go with the head of a request.
    await eventually(lambda: len(links_of(pair.owner)) == 2)
    for packet in (b"2probe", b"5", b"40"):
        await deaf.write(client_frame(TEXT, packet))
    await eventually(lambda: len(pair.owner.main.sockets) == 2)
    slow: Socket = pair.owner.main.sockets[1]
    text, most = "x" * 10_000, 0
    async with asyncio.timeout(30):
        while slow.connected:
            for each in pair.owner.main.sockets:
                each.emit("x", text)
            most = max(most, slow.session.pending_bytes)
            assert await reader.receive() == f'42["x","{text}"]'
    assert most <= QUEUE_LIMIT + len(text) + 20
    assert pair.owner.main.reasons == ["slow consumer"]
    await reader.send('421["echo"]')
    assert await reader.receive() == "431[]"


async def test_a_client_that_sends_too_much_is_read_no_more_until_there_is_room(start: Start) -> None:
    """What is handled slowly fills the window, and the other node stops reading of the client."""
    free = asyncio.Event()

    async def wait(socket: Socket, *args: Any, ack: Any) -> None:
        await free.wait()

    recorder = Recorder(wait=wait)
    pair = await start(recorder)
    websocket = await pair.upgraded()
    await websocket.connect()
    await websocket.send('42["wait"]')
    await eventually(lambda: recorder.events)
    count, text = 60, "x" * 100_000
    sending = asyncio.create_task(send_all(websocket, [f'42["n","{text}",{n}]' for n in range(count)]))
    session = pair.owner.session
    await eventually(lambda: session.blocked is not None)
    inbox = pair.owner.connection._inbox
    assert inbox is not None
    (edge,) = edges_of(pair.other)
    relay = edge._reader
    assert isinstance(relay, relaying.Relay)
    await eventually(lambda: not relay.link.writable)
    held = len(inbox)
    assert held < count
    free.set()
    await sending
    await eventually(lambda: len(recorder.events) == count + 1)
    assert [args[1] for _, args in recorder.events[1:]] == list(range(count))


async def send_all(websocket: WebSocketClient, packets: list[str]) -> None:
    for packet in packets:
        await websocket.send(packet)


async def test_a_node_that_dies_takes_its_sessions_and_their_clients_are_told_at_once(pair: Pair) -> None:
    websocket = await pair.upgraded()
    await websocket.connect()
    await pair.kill_owner()
    await websocket.send("40/other,")
    closed = await websocket.closed()
    assert (closed.code, closed.reason) == (1012, "session is lost")
    assert not links_of(pair.other)._peers
    links_of(pair.owner)._lose(peer_of(pair.owner, pair.other))
    assert pair.owner.main.reasons == ["transport close"]


@in_memory
async def test_who_is_not_answered_is_cut_in_time(pair: Pair, hub: Hub) -> None:
    client = await pair.polling()
    hub.swallow = lambda sender, node: True
    shaking = asyncio.create_task(pair.shake(client))
    await eventually(lambda: edges_of(pair.other))
    (edge,) = edges_of(pair.other)
    assert edge.bucket >= 0
    edge.on_deadline()
    with pytest.raises(asyncio.IncompleteReadError):
        await shaking
    assert len(links_of(pair.other)) == 0


@in_memory
async def test_who_hangs_up_before_the_answer_is_forgotten_in_time(start: Start, hub: Hub) -> None:
    """Nothing is read of them before they are answered, so their hanging up is not noticed."""
    pair = await start(connect_timeout_s=0.1)
    client = await pair.polling()
    hub.swallow = lambda sender, node: sender == "owner"
    shaking = asyncio.create_task(pair.shake(client))
    links = links_of(pair.owner)
    await eventually(lambda: len(links) == 1)
    shaking.cancel()
    await eventually(lambda: len(links) == 0)


async def test_a_relay_that_shuts_down_ends_the_session_with_its_reason(pair: Pair) -> None:
    websocket = await pair.upgraded()
    await websocket.connect()
    for connection in list(pair.other.uvicorn.server_state.connections):
        connection.shutdown()
    assert (await websocket.closed()).code == 1001
    await eventually(lambda: pair.owner.main.reasons)
    assert pair.owner.main.reasons == ["server shutting down"]
    await pair.settled()
