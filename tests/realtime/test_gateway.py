"""The chat on the main namespace: who gets in, for how long, and what who does not is told."""

import asyncio
import json

import pytest

from fireside.auth.tokens import Tokens
from fireside.core.errors import Unauthorized
from fireside.core.peers import NoPeers, Peers
from tests.realtime.chat import ANN, ANN_AUTH, SECRET, Chat, ann, require_refusal
from tests.realtime.served import Serve, Served, eventually


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
async def served(serve: Serve, chat: Chat) -> Served:
    return await serve(chat.gateway)


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (ANN_AUTH, {}),
        ("", {"Authorization": "Bearer ann"}),
        ("{}", {"Authorization": "bearer  ann "}),
        ('{"token":null}', {"Authorization": "Bearer ann"}),
        (ANN_AUTH, {"Authorization": "Bearer bob"}),
    ],
)
async def test_a_valid_token_gets_in_from_either_place(
    served: Served, chat: Chat, auth: str, headers: dict[str, str]
) -> None:
    client = await served.websocket(headers=headers)
    await client.connect(auth)
    assert len(chat.devices.of(ANN)) == 1
    assert served.session.handshake is None, "an idle connection does not remember its headers"


@pytest.mark.parametrize(
    ("auth", "headers", "code"),
    [
        ("", {}, "unauthorized"),
        ("{}", {}, "unauthorized"),
        ('{"token":"nobody"}', {}, "unauthorized"),
        ('{"token":""}', {}, "unauthorized"),
        ('{"token":12}', {}, "unauthorized"),
        ('{"token":true}', {}, "unauthorized"),
        ('{"token":{"$gt":""}}', {}, "unauthorized"),
        ('{"token":["ann"]}', {}, "unauthorized"),
        ('{"Token":"ann"}', {}, "unauthorized"),
        (r'{"token":"\ud800"}', {}, "unauthorized"),
        (r'{"token":"ann\u0000"}', {}, "unauthorized"),
        ('{"token":"old"}', {}, "token_expired"),
        ("", {"Authorization": "ann"}, "unauthorized"),
        ("", {"Authorization": "Basic ann"}, "unauthorized"),
        ("", {"Authorization": "Bearer"}, "unauthorized"),
        ("", {"Authorization": "Bearer \xe4\xff"}, "unauthorized"),
        ('{"token":"nobody"}', {"Authorization": "Bearer ann"}, "unauthorized"),
    ],
)
async def test_who_has_no_valid_token_is_told_why_and_stays_outside(
    served: Served, chat: Chat, auth: str, headers: dict[str, str], code: str
) -> None:
    client = await served.websocket(headers=headers)
    await client.send(f"40{auth}")
    refusal = json.loads((await client.text()).removeprefix("44"))
    assert refusal.keys() == {"message", "data"}
    assert refusal["data"].keys() == {"error", "code", "requestId"}
    require_refusal(refusal["data"], code)
    assert refusal["message"] == refusal["data"]["error"]
    assert len(chat.devices) == 0
    await client.connect(ANN_AUTH)


async def test_over_polling_it_is_the_same(served: Served, chat: Chat) -> None:
    client = await served.polling(headers={"Authorization": "Bearer ann"})
    await client.post('40{"token":"old"}')
    (packet,) = await client.packets()
    assert json.loads(str(packet).removeprefix("44"))["data"]["code"] == "token_expired"
    await client.connect()
    assert len(chat.devices.of(ANN)) == 1


@pytest.mark.parametrize("token", ["\ud800", "ann\0", "\xe4\xff", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "." * 5000])
def test_whatever_is_sent_for_a_token_the_real_reader_has_an_answer(token: str) -> None:
    with pytest.raises(Unauthorized):
        Tokens("s" * 32, 60, lambda: 0).read(token)


async def test_a_failure_of_ours_at_the_door_is_logged_and_says_nothing(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    client = await served.websocket()
    await client.send('40{"token":"broken"}')
    answer = await client.text()
    body = json.loads(answer.removeprefix("44"))["data"]
    require_refusal(body, "internal")
    assert SECRET not in answer
    (record,) = served.errors
    assert body["requestId"] in record.getMessage()
    assert record.exc_info is not None
    assert SECRET in caplog.text
    served.errors.clear()


async def test_who_is_refused_again_and_again_is_closed(served: Served) -> None:
    client = await served.websocket()
    for _ in range(5):
        await client.send('40{"token":"nobody"}')
    assert (await client.closed()).code == 1008


async def test_one_person_has_so_many_connections_and_another_their_own(serve: Serve, chat: Chat) -> None:
    served = await serve(chat.gateway, connections_per_user=2)
    first, _ = await ann(served), await ann(served)
    third = await served.websocket()
    await third.send(f"40{ANN_AUTH}")
    data = json.loads((await third.text()).removeprefix("44"))["data"]
    require_refusal(data, "rate_limited")
    assert data["details"]["retryAfterS"] > 0
    await served.connected('{"token":"bob"}')
    first.abort()
    await eventually(lambda: len(chat.devices.of(ANN)) == 1)
    await third.connect(ANN_AUTH)


class FarPeers(NoPeers):
    """Others who are a way off."""

    async def in_force(self, topic: str) -> None:
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.mark.parametrize("peers", [None, FarPeers()], ids=["alone", "among others"])
async def test_those_who_come_at_the_same_moment_are_counted_too(serve: Serve, peers: Peers | None) -> None:
    chat = Chat(peers)
    served = await serve(chat.gateway, connections_per_user=3)
    clients = [await served.websocket() for _ in range(10)]
    chat.authenticator.gate.clear()
    for client in clients:
        await client.send(f"40{ANN_AUTH}")
    await eventually(lambda: len(chat.authenticator.asked) == 10)
    chat.authenticator.gate.set()
    answers = [await client.text() for client in clients]
    assert sorted(answer[:2] for answer in answers) == ["40"] * 3 + ["44"] * 7
    assert len(chat.devices.of(ANN)) == 3


async def test_a_session_ends_at_the_first_heartbeat_after_its_token_has_expired(served: Served, chat: Chat) -> None:
    chat.authenticator.expires_at = 1000
    client = await ann(served)
    session = served.session
    for now in (0, 999):
        chat.now = now
        session.on_deadline()
        assert await client.receive() == "2"
        await client.send("3")
        await eventually(lambda: not session.awaiting_pong)
    chat.now = 1000
    session.on_deadline()
    closed = await client.closed()
    assert (closed.code, closed.reason) == (1008, "token expired")
    assert len(chat.devices) == 0


async def test_over_polling_the_end_of_a_token_is_heard_with_the_next_poll(served: Served, chat: Chat) -> None:
    chat.authenticator.expires_at = 1000
    client = await served.polling()
    await client.connect(ANN_AUTH)
    chat.now = 1000
    served.session.on_deadline()
    assert len(chat.devices) == 0
    assert await client.packets() == ["1"]
