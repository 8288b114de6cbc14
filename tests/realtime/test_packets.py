"""Socket.IO packets that only an attack or a bug sends: the connection ends, whatever carries it, and no other does."""

import logging
from collections.abc import Callable, Sequence

import pytest

from fireside.realtime.sockets import Socket
from tests.realtime.clients import WebSocketClient
from tests.realtime.served import Recorder, Serve, Served, eventually
from tests.socketio.hostile import FORGED_PLACEHOLDERS, PACKETS, UNREADABLE

BIG = 2_000_000

PLACEHOLDER = '{"_placeholder":true,"num":0}'

ROWS: dict[str, Sequence[str | bytes]] = {
    **{name: [f"4{packet}"] for name, packet in PACKETS.items()},
    **{f"for a placeholder, {name}": [f'451-["x",{forged}]', b"x"] for name, forged in FORGED_PLACEHOLDERS.items()},
    "a second connection to the same namespace": ["40"],
    "an event for a namespace that was not joined": ['42/custom,["x"]'],
    "a disconnection from a namespace that was not joined": ["41/custom,"],
    "an acknowledgement for a namespace that was not joined": ["43/custom,1[]"],
    "an event after leaving": ["41", '42["x"]'],
    "leaving twice": ["41", "41"],
    "an acknowledgement of nothing": ["430[1]"],
    "an acknowledgement of something long gone": ["43999999999999999[1]"],
    "a binary acknowledgement of nothing": [f"461-0[{PLACEHOLDER}]", b"x"],
    "text where an attachment was due": [f'451-["x",{PLACEHOLDER}]', '42["y"]'],
    "a second header where an attachment was due": [f'451-["x",{PLACEHOLDER}]', f'451-["y",{PLACEHOLDER}]'],
    "an attachment that is used nowhere": [f'452-["x",{PLACEHOLDER}]', b"x", b"y"],
    "an attachment out of nothing": [b"x"],
    "a ping, which only servers send": ["2"],
    "a goodbye with something on it": ["1x"],
    "a pong with something on it": ["3x"],
}
"""Messages of a client that has joined the main namespace, up to the one that ends its connection."""

WEBSOCKET_ROWS: dict[str, Sequence[str | bytes]] = {
    "a message without a digit": ["abc"],
    "a packet type that there is not": ["9"],
    "a digit of another alphabet": ["٤0"],
    "an open packet": ['0{"sid":"x"}'],
    "an upgrade": ["5"],
    "a noop": ["6"],
    "a probe": ["2probe"],
    "base64 in place of binary": ["bAQIDBA=="],
}
"""Over polling these make no payload: see test_polling.py."""


async def require_bystander(served: Served, bystander: WebSocketClient) -> None:
    """One client is gone, and this one has noticed nothing."""
    await eventually(lambda: len(served.engine) == 1)
    assert len({socket.id for socket, _ in served.main.ended}) == 1
    await bystander.send('421["echo",1]')
    assert await bystander.receive() == "431[1]"


@pytest.mark.parametrize("messages", [*ROWS.values(), *WEBSOCKET_ROWS.values()], ids=[*ROWS, *WEBSOCKET_ROWS])
async def test_over_websocket_it_ends_the_connection(serve: Serve, messages: Sequence[str | bytes]) -> None:
    served = await serve(max_payload=BIG)
    bystander, client = await served.connected(), await served.connected()
    for message in messages:
        await client.send(message)
    assert (await client.closed()).code == 1002
    assert served.engine.metrics.protocol_errors == 1
    assert [name for name, _ in served.main.events] == []
    await require_bystander(served, bystander)


@pytest.mark.parametrize("messages", ROWS.values(), ids=ROWS)
async def test_over_polling_it_ends_the_session(serve: Serve, messages: Sequence[str | bytes]) -> None:
    served = await serve(max_payload=BIG)
    bystander, client = await served.connected(), await served.polling()
    await client.connect()
    answer = await client.post(*(each if isinstance(each, str) else "beA==" for each in messages))
    assert (answer.status, answer.code) == (400, 3)
    assert (await client.get()).code == 1
    assert served.engine.metrics.protocol_errors == 1
    assert [name for name, _ in served.main.events] == []
    await require_bystander(served, bystander)


async def test_more_attachments_than_were_announced_end_the_connection(served: Served) -> None:
    client = await served.connected()
    for message in (f'451-["x",{PLACEHOLDER}]', b"x", b"y"):
        await client.send(message)
    assert (await client.closed()).code == 1002
    assert served.main.events == [("x", [b"x"])]


@pytest.mark.parametrize(
    "message", ['42["x"]', '421["x"]', "430[1]", "41", "44", f'451-["x",{PLACEHOLDER}]', '42/custom,["x"]', "4abc"]
)
async def test_nothing_comes_before_joining_a_namespace(served: Served, message: str) -> None:
    websocket, polling = await served.websocket(), await served.polling()
    await websocket.send(message)
    assert (await websocket.closed()).code == 1002
    assert (await polling.post(message)).status == 400
    assert len(served.engine) == 0
    assert served.main.sockets == []


async def test_an_event_that_pretends_to_be_a_connection_or_its_end_reaches_no_handler(served: Served) -> None:
    for name in ("connect", "disconnect", "disconnecting", "connect_error", "newListener", "removeListener"):
        client = await served.connected()
        await client.send(f'42["{name}",{{"REMOTE_USER":"admin"}},{{"token":"forged"}}]')
        await client.closed()
    await eventually(lambda: len(served.engine) == 0)
    assert served.main.events == []
    assert served.main.reasons == ["parse error"] * 6


async def test_a_namespace_that_there_is_not_is_refused_and_the_connection_stays(served: Served) -> None:
    client = await served.websocket()
    await client.send("40/none,")
    assert await client.receive() == '44/none,{"message":"Invalid namespace"}'
    await client.connect()


async def test_who_asks_for_many_namespaces_that_there_are_not_is_closed(served: Served) -> None:
    websocket = await served.websocket()
    for n in range(1000):
        await websocket.send(f"40/{n},")
    refusals = [await websocket.receive() for _ in range(5)]
    assert refusals == [f'44/{n},{{"message":"Invalid namespace"}}' for n in range(5)]
    assert (await websocket.closed()).code == 1008


async def test_a_name_that_nobody_knows_is_no_offence(served: Served) -> None:
    client = await served.connected()
    await client.send('42["nobody knows this"]')
    await client.send(f'421["{"x" * 10_000}"]')
    await client.send('422["echo"]')
    assert await client.receive() == "432[]"


async def test_leaving_and_joining_again_makes_a_new_socket(served: Served) -> None:
    client = await served.connected()
    await client.send("41")
    assert await client.connect() != served.main.sockets[0].id
    assert served.main.reasons == ["client namespace disconnect"]


async def test_namespaces_on_one_connection_do_not_know_of_each_other(serve: Serve) -> None:
    custom = Recorder()
    served = await serve(others={"/custom": custom})
    client = await served.connected()
    await client.connect(namespace="/custom,")
    await client.send('42/custom,1["echo",1]')
    assert await client.receive() == "43/custom,1[1]"
    await client.send("41")
    await client.send('42/custom,["echo",2]')
    assert await client.receive() == '42/custom,["echo",2]'
    assert (served.main.reasons, custom.reasons) == (["client namespace disconnect"], [])
    client.abort()
    await eventually(lambda: custom.reasons == ["transport close"])


async def test_an_acknowledgement_that_was_asked_for_is_heard_once(served: Served) -> None:
    client = await served.connected()
    heard: list[object] = []
    served.main.sockets[0].emit("question", ack=lambda *args: heard.append(args))
    assert await client.receive() == '420["question"]'
    await client.send("430[1,2]")
    await client.send("430[3]")
    await client.send('421["echo"]')
    assert await client.receive() == "431[]"
    assert heard == [(1, 2)]


async def test_an_answer_to_one_event_counts_once(served: Served) -> None:
    def twice(socket: Socket, *, ack: Callable[..., None]) -> None:
        ack(1)
        ack(2)

    served.main.on["twice"] = twice
    client = await served.connected()
    await client.send('427["twice"]')
    await client.send('428["echo"]')
    assert [await client.receive() for _ in range(2)] == ["437[1]", "438[]"]


async def test_an_answer_that_is_json_already_goes_to_its_namespace(serve: Serve) -> None:
    def ready(socket: Socket, *, ack: object) -> None:
        ack.json(b'{"ok":true}')  # type: ignore[attr-defined]

    served = await serve(Recorder(ready=ready), others={"/custom": Recorder(ready=ready)})
    client = await served.connected()
    await client.connect(namespace="/custom,")
    await client.send('421["ready"]')
    assert await client.receive() == '431[{"ok":true}]'
    await client.send('42/custom,1["ready"]')
    assert await client.receive() == '43/custom,1[{"ok":true}]'


async def test_who_has_left_a_namespace_hears_no_more_of_it(served: Served) -> None:
    client = await served.connected()
    await client.send('421["echo"]')
    await client.send("41")
    assert await client.receive() == "431[]"
    await eventually(lambda: served.main.reasons)
    served.main.sockets[0].emit("late", ack=print)
    assert (await client.connect()) == served.main.sockets[1].id


@pytest.mark.parametrize("packet", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_no_application_wants_can_be_answered_all_the_same(served: Served, packet: str) -> None:
    client = await served.connected()
    await client.send("421" + packet[1:].replace('"x"', '"echo"'))
    await client.send('422["echo"]')
    answers = [await client.receive()]
    if answers[0] != "432[]":
        answers.append(await client.receive())
    assert answers[-1] == "432[]"
    assert "\\ud8" not in str(answers[0])


async def test_a_handler_that_fails_ends_its_clients_connection_and_no_other(served: Served) -> None:
    def fail(socket: Socket, *args: object, ack: object) -> None:
        raise RuntimeError("a bug of ours")

    served.main.on["fail"] = fail
    bystander = await served.connected()
    websocket, polling = await served.connected(), await served.polling()
    await polling.connect()
    await websocket.send('42["fail","secret words"]')
    assert (await websocket.closed()).code == 1011
    assert (await polling.post('42["fail"]', '42["never"]')).status == 400
    assert (await polling.get()).code == 1
    assert served.main.reasons == ["internal error"] * 2
    assert [record.levelno for record in served.errors] == [logging.ERROR] * 2
    assert all(record.exc_info for record in served.errors)
    assert "secret words" not in "".join(record.getMessage() for record in served.errors)
    served.errors.clear()
    await bystander.send('421["echo"]')
    assert await bystander.receive() == "431[]"


async def test_a_farewell_that_fails_is_logged_and_everybody_else_hears_theirs(serve: Serve) -> None:
    class Failing(Recorder):
        def disconnected(self, socket: Socket, reason: str) -> None:
            super().disconnected(socket, reason)
            raise RuntimeError("a bug of ours")

    served = await serve(Failing(), others={"/custom": Failing()})
    client, other = await served.connected(), await served.connected()
    await client.connect(namespace="/custom,")
    await client.send("1")
    await client.closed()
    other.abort()
    await eventually(lambda: len(served.engine) == 0)
    assert served.main.reasons == ["transport close"] * 2
    assert len(served.errors) == 3
    served.errors.clear()
