"""Long polling: a body is handled whole or refused whole, and whoever polls twice at once is told so."""

import asyncio
from typing import Any

import pytest

from fireside.realtime.frames import frame
from fireside.realtime.polling import Polling
from fireside.realtime.session import CLOSED, OPEN
from tests.realtime.clients import ENGINE_IO, PollingClient, Wire, head
from tests.realtime.served import Serve, Served, eventually
from tests.socketio.hostile import PAYLOADS


def numbered(count: int) -> list[str]:
    return [f'42["n",{n}]' for n in range(count)]


@pytest.mark.parametrize("count", [1, 16, 17, 1024])
async def test_a_body_of_many_packets_is_handled_whole_and_in_order(served: Served, count: int) -> None:
    client = await served.polling()
    await client.connect()
    answer = await client.post(*numbered(count))
    assert (answer.status, answer.body) == (200, b"ok")
    assert served.main.events == [("n", [n]) for n in range(count)]


async def test_a_body_of_too_many_packets_is_refused_whole(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    answer = await client.post(*numbered(1025))
    assert (answer.status, answer.code) == (400, 3)
    assert served.main.events == []
    assert served.main.reasons == ["parse error"]
    assert (await client.get()).code == 1


@pytest.mark.parametrize("body", PAYLOADS.values(), ids=PAYLOADS)
async def test_a_body_that_is_no_payload_is_refused_whole_and_ends_the_session(serve: Serve, body: bytes) -> None:
    served = await serve(max_payload=2_000_000)
    bystander = await served.connected()
    client = await served.polling()
    await client.connect()
    answer = await served.request("POST", client.target, body)
    assert (answer.status, answer.code) == (400, 3)
    assert served.main.events == []
    assert served.main.reasons == ["parse error"]
    assert served.engine.metrics.protocol_errors == 1
    assert (await client.get()).code == 1
    await bystander.send('421["echo",1]')
    assert await bystander.receive() == "431[1]"


async def test_a_body_that_breaks_off_the_session_halfway_is_no_success(served: Served) -> None:
    """What came before the bad packet has been handled; what came after it has not, so this is no 200."""
    client = await served.polling()
    await client.connect()
    answer = await client.post('42["n",0]', "4abc", '42["n",1]')
    assert (answer.status, answer.code) == (400, 3)
    assert served.main.events == [("n", [0])]
    assert served.main.reasons == ["parse error"]


async def test_a_body_over_the_limit_is_refused_before_it_is_sent(serve: Serve) -> None:
    served = await serve(max_payload=100)
    client = await served.polling()
    await client.connect()
    wire = served.keep(await Wire.open(served.port))
    await wire.write(head("POST", client.target, {"Content-Length": "101"}))
    answer = await wire.answer()
    assert (answer.status, answer.code) == (413, 7)
    assert served.main.reasons == ["payload too large"]
    assert (await client.get()).code == 1


async def test_a_body_of_exactly_the_limit_is_taken(serve: Serve) -> None:
    served = await serve(max_payload=100)
    client = await served.polling(ENGINE_IO)
    assert (await client.post("4" + "x" * 99)).status == 200
    assert await client.packets() == ["4" + "x" * 99]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def test_a_body_in_chunks_over_the_limit_is_refused_when_it_gets_there(serve: Serve) -> None:
    served = await serve(max_payload=100)
    client = await served.polling()
    await client.connect()
    wire = served.keep(await Wire.open(served.port))
    await wire.write(head("POST", client.target, {"Transfer-Encoding": "chunked"}) + chunk(b"4" + b"x" * 60) * 2)
    answer = await wire.answer()
    assert (answer.status, answer.code) == (413, 7)
    assert served.main.reasons == ["payload too large"]


async def test_a_body_in_chunks_is_handled_whole(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    wire = served.keep(await Wire.open(served.port))
    first, *rest = numbered(20)
    await wire.write(head("POST", client.target, {"Transfer-Encoding": "chunked"}) + chunk(first.encode()))
    await wire.write(b"".join(chunk(b"\x1e" + each.encode()) for each in rest) + chunk(b""))
    assert (await wire.answer()).status == 200
    assert served.main.events == [("n", [n]) for n in range(20)]


async def test_what_a_body_says_of_its_type_does_not_matter(served: Served) -> None:
    client = await served.polling()
    for number, media_type in enumerate(["text/plain", "application/octet-stream", "application/json", "x/y;z=;"]):
        headers = {"Content-Type": media_type}
        assert (await served.request("POST", client.target, b"40/none,", headers)).status == 200
        assert len(await client.packets()) == 1, number


async def test_of_two_polls_at_once_the_first_hears_the_end_and_the_second_is_refused(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    first = await served.waiting(client)
    second = await client.get()
    assert (second.status, second.code) == (400, 3)
    answer = await first.answer()
    assert (answer.status, answer.body) == (200, b"1")
    assert (await client.get()).code == 1
    assert served.main.reasons == ["overlapping polls"]


async def begin_post(served: Served, client: PollingClient, size: int) -> Wire:
    """A POST whose body is on its way."""
    wire = served.keep(await Wire.open(served.port))
    await wire.write(head("POST", client.target, {"Content-Length": str(size)}))
    session = served.engine.find(client.sid)
    assert session is not None
    await eventually(lambda: session.posting)
    return wire


async def test_of_two_bodies_at_once_neither_is_handled(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    body = b'42["n",0]'
    first = await begin_post(served, client, len(body))
    second = await client.post('42["n",1]')
    assert (second.status, second.code) == (400, 3)
    await first.write(body)
    answer = await first.answer()
    assert (answer.status, answer.code) == (400, 3)
    assert served.main.events == []
    assert served.main.reasons == ["overlapping bodies"]


async def test_bodies_one_after_the_other_are_handled(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    for each in numbered(5):
        assert (await client.post(each)).status == 200
    assert served.main.events == [("n", [n]) for n in range(5)]


async def test_a_poll_that_is_hung_up_on_ends_the_session(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    poll = await served.waiting(client)
    poll.abort()
    await eventually(lambda: served.main.reasons == ["transport close"])
    assert (await client.get()).code == 1


async def test_a_post_that_is_hung_up_on_is_not_handled(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    post = await begin_post(served, client, 1000)
    await post.write(b'42["n",0]')
    post.abort()
    await eventually(lambda: served.main.reasons == ["transport error"])
    assert served.main.events == []


async def test_a_poll_waits_until_there_is_something_and_gets_all_of_it(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    poll = await served.waiting(client)
    for n in range(3):
        served.main.sockets[0].emit("n", n)
    assert (await poll.answer()).body.decode().split("\x1e") == numbered(3)


async def test_what_happens_between_two_polls_is_in_the_next_one(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    for n in range(3):
        served.main.sockets[0].emit("n", n)
        await asyncio.sleep(0)
    assert await client.packets() == numbered(3)


async def test_binary_goes_both_ways_as_base64(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    assert (await client.post('451-7["echo",{"_placeholder":true,"num":0}]', "bAQIDBA==")).status == 200
    assert await client.packets() == ['461-7[{"_placeholder":true,"num":0}]', b"\1\2\3\4"]


async def test_every_message_of_a_body_is_answered_in_the_next_poll(served: Served) -> None:
    client = await served.polling(ENGINE_IO)
    await client.post("4test1", "bAQIDBA==", "4test2")
    assert await client.packets() == ["4test1", b"\1\2\3\4", "4test2"]


async def test_a_client_that_says_goodbye_is_let_go(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    poll = await served.waiting(client)
    assert (await client.post("1")).body == b"ok"
    assert (await poll.answer()).body == b"6"
    assert (await client.get()).code == 1
    assert served.main.reasons == ["transport close"]


async def test_a_goodbye_after_a_message_is_a_success(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    assert (await client.post('42["n",0]', "41", "1")).status == 200
    assert served.main.events == [("n", [0])]
    assert served.main.reasons == ["client namespace disconnect"]


async def test_a_waiting_poll_hears_the_end_when_a_body_is_bad(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    poll = await served.waiting(client)
    assert (await client.post("abc")).status == 400
    assert (await poll.answer()).body == b"1"


async def test_a_client_that_answers_pings_stays(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    for _ in range(3):
        served.session.on_deadline()
        assert await client.packets() == ["2"]
        assert (await client.post("3")).body == b"ok"
    assert served.main.reasons == []


async def test_a_client_that_answers_no_ping_is_gone(serve: Serve) -> None:
    served = await serve(ping_interval_s=0.02, ping_timeout_s=0.02)
    client = await served.polling(ENGINE_IO)
    await eventually(lambda: served.endings == ["ping timeout"])
    assert (await client.get()).code == 1


async def test_who_is_closed_between_two_polls_hears_it_with_the_next(serve: Serve) -> None:
    served = await serve(connect_timeout_s=0.2, ping_interval_s=2)
    client = await served.polling()
    await eventually(lambda: served.session.state != OPEN)
    assert (await client.post("40")).status == 400
    assert await client.packets() == ["1"]
    assert (await client.get()).code == 1
    assert len(served.engine) == 0


@pytest.mark.parametrize(("body", "status"), [('42["n",0]', 400), ("1", 200)])
async def test_a_body_that_is_complete_only_after_the_end_is_not_taken_for_handled(
    served: Served, body: str, status: int
) -> None:
    client = await served.polling()
    await client.connect()
    post = await begin_post(served, client, len(body))
    served.session.close("token expired", linger=True)
    await post.write(body.encode())
    assert (await post.answer()).status == status
    assert served.main.events == []
    assert await client.packets() == ["1"]


async def test_who_does_not_come_to_hear_it_is_forgotten(serve: Serve) -> None:
    served = await serve(connect_timeout_s=0.2, ping_timeout_s=0.04)
    await served.polling()
    await eventually(lambda: len(served.engine) == 0)


async def test_what_was_refused_in_a_body_is_told_with_the_next_poll(served: Served) -> None:
    """The session ends for asking too often; the POST succeeds, so that the client goes on to hear why."""
    client = await served.polling()
    assert (await client.post(*["40/none,"] * 5)).status == 200
    *refused, farewell = await client.packets()
    assert refused == ['44/none,{"message":"Invalid namespace"}'] * 5
    assert farewell == "1"


async def test_a_body_that_does_not_come_holds_nothing_longer_than_its_session(serve: Serve) -> None:
    served = await serve(ping_interval_s=0.02, ping_timeout_s=0.02)
    client = await served.polling()
    wire = served.keep(await Wire.open(served.port))
    await wire.write(head("POST", client.target, {"Content-Length": "1000"}) + b"4")
    await eventually(lambda: len(served.engine) == 0)
    await eventually(lambda: not served.uvicorn.server_state.tasks)


async def test_a_body_that_is_complete_only_after_an_upgrade_is_refused(served: Served) -> None:
    """It would overtake what has come over the WebSocket since."""
    client = await served.polling()
    await client.connect()
    body = b'42["n",0]'
    post = await begin_post(served, client, len(body))
    websocket = await served.probing(client)
    await websocket.send("5")
    await websocket.send('421["n",1]')
    await eventually(lambda: served.main.events)
    await post.write(body)
    assert (await post.answer()).status == 400
    assert served.main.events == [("n", [1])]


@pytest.mark.parametrize("body", [b"abc", None], ids=["a bad one", "one that is hung up on"])
async def test_what_becomes_of_a_body_after_an_upgrade_is_not_the_websockets_fault(
    served: Served, body: bytes | None
) -> None:
    client = await served.polling()
    await client.connect()
    post = await begin_post(served, client, 3)
    websocket = await served.probing(client)
    await websocket.send("5")
    await websocket.send('421["echo"]')
    assert await websocket.receive() == "431[]"
    if body is None:
        post.abort()
        await eventually(lambda: not served.session.posting)
    else:
        await post.write(body)
        assert (await post.answer()).status == 400
    await websocket.send('422["echo"]')
    assert await websocket.receive() == "432[]"


async def test_who_hangs_up_just_as_there_is_something_does_not_lose_it_silently(served: Served) -> None:
    """The answer went to nobody, so the session ends: the client comes back and catches up."""
    client = await served.polling(ENGINE_IO)
    session, hang_up, sent = served.session, asyncio.Event(), []

    async def receive() -> dict[str, Any]:
        await hang_up.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    path, _, query = client.target.partition("?")
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query.encode(), "headers": []}
    poll = asyncio.create_task(Polling(served.echo)(scope, receive, send))
    await eventually(lambda: session.carrier is not None)
    hang_up.set()
    await asyncio.sleep(0)
    session.send(frame(b"4lost"))
    session.flush()
    await poll
    assert session.state == CLOSED
    assert served.endings == ["transport close"]


async def test_a_client_that_only_posts_pongs_is_bounded_and_closed(serve: Serve) -> None:
    """It shows that it is there and never asks for what it gets."""
    served = await serve()
    client, bystander = await served.polling(), await served.connected()
    await client.connect()
    session = served.engine.find(client.sid)
    assert session is not None
    posts = 0
    while session.state == OPEN:
        assert (await client.post("3")).status in (200, 400)
        for socket in served.main.sockets:
            for n in range(50):
                socket.emit("n", n)
        assert len(session.pending) <= 1025
        posts += 1
    assert posts < 60
    assert served.engine.metrics.slow_consumers == 1
    assert served.main.reasons == ["slow consumer"]
    assert await client.packets() == ["1"]
    assert await bystander.text() == '42["n",0]'
