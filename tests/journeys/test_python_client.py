"""python-socketio talks to the server in each of its transport modes."""

import asyncio
from typing import Any

import pytest
import socketio

from tests.journeys.people import MODES, PATIENCE_S, SOON, Json, Person, open_client

AS_MANY = 200
modes = pytest.mark.parametrize("mode", MODES)


@modes
async def test_it_connects_with_a_token_and_moves_to_a_websocket_unless_told_not_to(ann: Person, mode: str) -> None:
    async with ann.device(mode) as device:
        assert device.client.transport() == ("polling" if mode == "polling" else "websocket")
        assert await device.call("join", {"userId": ann.id}) == {"ok": True}


@modes
@pytest.mark.parametrize("auth", [None, {}, {"token": ""}, {"token": "nonsense"}, {"token": {"$gt": ""}}, {"token": 5}])
async def test_without_a_good_token_it_is_refused_and_told_why(ann: Person, mode: str, auth: Json | None) -> None:
    errors: list[Any] = []
    async with open_client() as client:
        client.on("connect_error", errors.append)
        with pytest.raises(socketio.exceptions.ConnectionError):
            await client.connect(ann.url, auth=auth, transports=MODES[mode], wait_timeout=PATIENCE_S)
    (error,) = errors
    assert set(error["data"]) == {"error", "code", "requestId"}
    assert error["data"]["code"] == "unauthorized"
    assert error["message"] == error["data"]["error"]


@modes
async def test_two_talk_and_each_message_is_acknowledged(ann: Person, bob: Person, mode: str) -> None:
    async with ann.device(mode) as anns, bob.device(mode) as bobs:
        asked = await anns.send(bob, "How are you?", clientId="mine")
        assert (asked["clientId"], asked["seq"]) == ("mine", 1)
        assert await bobs.heard() == asked
        answer = await bobs.send(ann, "Well, thank you")
        assert await anns.heard() == answer
    assert await ann.history(bob) == [asked, answer]


@modes
async def test_bytes_are_carried_whatever_becomes_of_them(ann: Person, mode: str) -> None:
    async with ann.device(mode) as anns:
        picture = {"name": "x.png", "parts": [bytes(range(256)), b""]}
        refused = await anns.call("sendPicture", picture)
        assert (refused["ok"], refused["code"]) == (False, "unknown_event")
        await anns.client.emit("sendPicture", picture)
        assert (await anns.heard("eventRefused"))["code"] == "unknown_event"
        refused = await anns.call("sendMessage", {"recipient": ann.id, "content": b"bytes"})
        assert (refused["ok"], refused["code"]) == (False, "invalid_input")
        assert (await anns.send(ann, "text"))["seq"] == 1


@modes
async def test_it_comes_back_after_the_server_has_closed_the_connection(ann: Person, bob: Person, mode: str) -> None:
    async with ann.device(mode, **SOON) as anns, bob.device(mode) as bobs:
        first = await anns.send(bob, "before")
        await anns.client.eio.send("9 is no packet of Socket.IO")
        if mode == "polling":
            # Over polling, python-socketio takes the end of a session for the server's last word.
            await anns.cut_off()
            await anns.connect(ann, mode)
        await anns.returned()
        second = await anns.send(bob, "after")
        assert [await bobs.heard(), await bobs.heard()] == [first, second]
        assert await bobs.send(ann, "welcome back") == await anns.heard()


@modes
async def test_two_hundred_sent_without_waiting_keep_their_order(ann: Person, bob: Person, mode: str) -> None:
    async with ann.device(mode) as anns, bob.device(mode) as bobs:
        answers: asyncio.Queue[Json] = asyncio.Queue()
        for number in range(AS_MANY):
            form = {"recipient": bob.id, "content": str(number)}
            await anns.client.emit("sendMessage", form, callback=answers.put_nowait)
        acknowledged = [await asyncio.wait_for(answers.get(), PATIENCE_S) for _ in range(AS_MANY)]
        heard = [await bobs.heard() for _ in range(AS_MANY)]
    assert [message["content"] for message in heard] == [str(number) for number in range(AS_MANY)]
    assert [message["seq"] for message in heard] == list(range(1, AS_MANY + 1))
    assert [answer["message"] for answer in acknowledged] == heard
    assert await bob.history(ann) == heard
