"""No sticky sessions: a poll that reaches another node than the session's is as good as if it had reached that.

Two nodes in one process, each with a port of its own, and a bus between them: in memory, or on a real Valkey. A
client's session is on `owner`; what it does next, it does at `other`.
"""

import pytest

from fireside.cluster.links import WINDOW
from fireside.core.origins import OriginPolicy
from fireside.realtime import relaying
from tests.fakes.bus import Hub
from tests.realtime.clients import (
    ENGINE_IO,
    SOCKET_IO,
    PollingClient,
    WebSocketClient,
    Wire,
    head,
    target,
)
from tests.realtime.nodes import Pair, Start, in_memory, links_of, peer_of
from tests.realtime.served import eventually


async def waiting(pair: Pair, client: PollingClient) -> Wire:
    """A poll at the other node, which has come to the session."""
    poll = pair.other.keep(await client.waiting())
    session = pair.owner.session
    await eventually(lambda: session.carrier is not None)
    return poll


async def test_a_session_names_its_node(pair: Pair) -> None:
    client = await pair.owner.polling()
    secret, _, node = client.sid.partition(".")
    assert (len(secret), node) == (24, links_of(pair.owner).node)


async def test_a_client_that_polls_at_another_node_notices_nothing(pair: Pair) -> None:
    client = await pair.polling()
    await client.connect()
    assert (await client.post('421["echo",1]', '422["echo",2]')).body == b"ok"
    assert await client.packets() == ["431[1]", "432[2]"]
    poll = await waiting(pair, client)
    pair.owner.main.sockets[0].emit("news")
    assert (await poll.answer()).body == b'42["news"]'
    assert len(pair.other.engine) == 0


async def test_a_client_may_be_at_a_different_node_each_time(pair: Pair) -> None:
    client = await pair.polling()
    await client.connect()
    for n in range(10):
        client.port = (pair.owner, pair.other)[n % 2].port
        assert (await client.post(f'42{n}["echo"]')).status == 200
        client.port = (pair.owner, pair.other)[n // 2 % 2].port
        assert await client.packets() == [f"43{n}[]"]


@pytest.mark.parametrize("session", ["unknown", "of a node that is gone", "of no node", "of an odd node"])
async def test_a_session_that_is_nowhere_is_refused_at_once(pair: Pair, session: str) -> None:
    unknown = f"x.{links_of(pair.owner).node}"
    sid = {"unknown": unknown, "of a node that is gone": "x.gone", "of no node": "x", "of an odd node": "x.a b*"}
    polling = await pair.other.request("GET", target(SOCKET_IO, sid=sid[session]))
    where = target(SOCKET_IO, "websocket", sid=sid[session])
    websocket = pair.other.keep(await WebSocketClient.shake(pair.other.port, where))
    for answer in (polling, websocket.handshake):
        assert (answer.status, answer.code) == (400, 1)


async def test_a_body_of_an_origin_that_may_not_is_refused(start: Start) -> None:
    pair = await start(origins=OriginPolicy(["https://ours.example"]))
    client = await pair.polling()
    for origin, status in (("https://theirs.example", 403), ("https://ours.example", 200)):
        answer = await pair.other.request("POST", client.target, b"40", {"Origin": origin})
        assert answer.status == status
        assert answer.header("access-control-allow-origin") == (origin if status == 200 else None)
    assert len(pair.owner.main.sockets) == 1


async def test_a_body_over_the_limit_is_refused_before_it_is_sent(start: Start) -> None:
    pair = await start(max_payload=100)
    client = await pair.polling()
    await client.connect()
    wire = pair.other.keep(await Wire.open(pair.other.port))
    await wire.write(head("POST", client.target, {"Content-Length": "101"}))
    answer = await wire.answer()
    assert (answer.status, answer.code) == (413, 7)
    assert pair.owner.main.reasons == ["payload too large"]
    await pair.settled()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_a_body_in_chunks_is_bounded_on_its_way(start: Start) -> None:
    pair = await start(max_payload=2 * WINDOW)
    client = await pair.polling(ENGINE_IO)
    body = b"4" + b"x" * (2 * WINDOW - 1)
    wire = pair.other.keep(await Wire.open(pair.other.port))
    await wire.write(head("POST", client.target, {"Transfer-Encoding": "chunked"}))
    for at in range(0, len(body), 10_000):
        await wire.write(chunk(body[at : at + 10_000]))
    await wire.write(chunk(b""))
    assert (await wire.answer()).status == 200
    assert await client.packets() == [body.decode()]


async def test_who_hangs_up_on_a_poll_has_left(pair: Pair) -> None:
    client = await pair.polling()
    await client.connect()
    poll = await waiting(pair, client)
    poll.abort()
    await eventually(lambda: pair.owner.main.reasons)
    assert pair.owner.main.reasons == ["transport close"]
    await pair.settled()


async def test_of_two_polls_at_different_nodes_the_second_is_refused(pair: Pair) -> None:
    client = await pair.polling()
    await client.connect()
    first = await waiting(pair, client)
    client.port = pair.owner.port
    assert (await client.get()).code == 3
    assert (await first.answer()).body == b"1"


async def test_a_poll_whose_node_dies_is_refused_and_nothing_is_left(pair: Pair) -> None:
    client = await pair.polling()
    await client.connect()
    poll = await waiting(pair, client)
    await pair.kill_owner()
    links_of(pair.other)._tell(peer_of(pair.other, pair.owner))
    answer = await poll.answer()
    assert (answer.status, answer.code) == (400, 1)
    assert not links_of(pair.other)._peers


@in_memory
async def test_a_poll_that_is_not_answered_is_refused_in_time(
    start: Start, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a session that is not heard of for so long is gone."""
    monkeypatch.setattr("fireside.realtime.polling.ON_THE_WAY_S", -0.09)
    pair = await start(ping_interval_s=0.05, ping_timeout_s=0.05)
    hub.swallow = lambda sender, node: True
    answer = await pair.other.request("GET", target(SOCKET_IO, sid="x.owner"))
    assert (answer.status, answer.code) == (400, 1)


async def test_a_node_that_dies_with_somebodys_poll_ends_the_session(pair: Pair) -> None:
    client = await pair.polling()
    await client.connect()
    await waiting(pair, client)
    links_of(pair.owner)._lose(peer_of(pair.owner, pair.other))
    await eventually(lambda: pair.owner.main.reasons)
    assert pair.owner.main.reasons == ["transport close"]


async def test_no_line_of_the_log_has_a_session_id_in_it(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    pair = await start()
    client = await pair.polling()
    websocket = await pair.shake(client)
    await websocket.send("2probe")
    await client.post("4abc")
    await websocket.closed()
    assert client.sid not in caplog.text
    assert client.sid.partition(".")[0] not in caplog.text


def test_what_is_passed_on_of_the_headers_says_nothing_of_who_it_is() -> None:
    assert not {"authorization", "cookie"} & set(relaying.PASSED_ON)
