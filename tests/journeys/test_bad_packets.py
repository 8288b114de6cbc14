"""Packets, frames and payloads that only an attack or a bug sends: they end that connection, and nobody else's."""

import json
from typing import NamedTuple

import pytest

from tests.journeys.bystanders import bystanding
from tests.journeys.people import House, Person
from tests.journeys.wire import PATH, poll, wire

PARSE_ERROR, NOT_UTF8, TOO_LARGE = 1002, 1007, 1009
MAX_PAYLOAD = 128 * 1024


class Frame(NamedTuple):
    """Bytes that go as a text frame, valid or not."""

    text: bytes


FRAMES: dict[str, tuple[list[str | bytes | Frame], int]] = {
    "no packet": (["x"], PARSE_ERROR),
    "nothing": ([""], PARSE_ERROR),
    "a session that is open already": (["0{}"], PARSE_ERROR),
    "a ping, which is the server's to send": (["2"], PARSE_ERROR),
    "an upgrade to what it is": (["5"], PARSE_ERROR),
    "an unknown type": (["49"], PARSE_ERROR),
    "a message of nothing": (["4"], PARSE_ERROR),
    "a second CONNECT": (["40"], PARSE_ERROR),
    "a CONNECT with a list": (["40/chat,[]"], PARSE_ERROR),
    "a CONNECT_ERROR, which is the server's to send": (['44{"message":"no"}'], PARSE_ERROR),
    "an event without data": (["42"], PARSE_ERROR),
    "an event that is an object": (["42{}"], PARSE_ERROR),
    "an event without a name": (["42[]"], PARSE_ERROR),
    "an event with a number for its name": (["42[5]"], PARSE_ERROR),
    "an event cut short": (['42["sendMessage",{"content":"a'], PARSE_ERROR),
    "an event of a namespace it is not in": (['42/chat,["sendMessage"]'], PARSE_ERROR),
    "an event that is nested without end": (["42" + "[" * 50_000], PARSE_ERROR),
    "reserved: connect": (['42["connect"]'], PARSE_ERROR),
    "reserved: disconnecting": (['42["disconnecting"]'], PARSE_ERROR),
    "reserved: newListener": (['42["newListener"]'], PARSE_ERROR),
    "a negative acknowledgement number": (['42-1["join"]'], PARSE_ERROR),
    "an endless acknowledgement number": (['421234567890123456["join"]'], PARSE_ERROR),
    "an acknowledgement of nothing": (["431[]"], PARSE_ERROR),
    "an acknowledgement without its number": (["43[]"], PARSE_ERROR),
    "attachments that are not announced": (['45["join"]'], PARSE_ERROR),
    "no attachments announced": (['450-["join"]'], PARSE_ERROR),
    "too many attachments": (['4511-["join"]'], PARSE_ERROR),
    "text in place of an attachment": (['451-["x",{"_placeholder":true,"num":0}]', '42["join"]'], PARSE_ERROR),
    "an attachment that nobody announced": ([b"bytes"], PARSE_ERROR),
    "an attachment that is used nowhere": (['451-["x"]', b"bytes"], PARSE_ERROR),
    "a placeholder of another attachment": (['451-["x",{"_placeholder":true,"num":1}]', b"bytes"], PARSE_ERROR),
    "a placeholder that is forged": (['451-["x",{"_placeholder":true,"num":"constructor"}]', b"bytes"], PARSE_ERROR),
    "text that is not UTF-8": ([Frame(b"\xff")], NOT_UTF8),
    "a surrogate as bytes": ([Frame(b'42["join","\xed\xa0\x80"]')], NOT_UTF8),
    "a frame of a byte too many": (["4" + "x" * MAX_PAYLOAD], TOO_LARGE),
}


async def test_over_a_websocket(house: House, ann: Person, subtests: pytest.Subtests) -> None:
    async with bystanding(house) as bystanders:
        for what, (frames, code) in FRAMES.items():
            with subtests.test(what):
                async with bystanders.unharmed(), wire(house, ann) as broken:
                    for frame in frames:
                        is_text = isinstance(frame, Frame)
                        await broken.socket.send(
                            frame.text if isinstance(frame, Frame) else frame, text=is_text or None
                        )
                    assert await broken.close_code() == code


PAYLOADS = {
    "nothing": (b"", 400),
    "no packet": (b"garbage", 400),
    "a second packet that is none": (b'42["sendMessage",@form]\x1egarbage', 400),
    "an empty packet among others": (b'42["sendMessage",@form]\x1e', 400),
    "text that is not UTF-8": (b'42["sendMessage",@form]\x1e4\xff', 400),
    "bytes that are not base64": (b"b***", 400),
    "a ping, which is the server's to send": (b"2", 400),
    "too many packets": (b"\x1e".join([b'42["join",{}]'] * 1100), 400),
    "a byte too many": (b"4" + b"x" * MAX_PAYLOAD, 413),
}


async def test_over_polling(house: House, ann: Person, subtests: pytest.Subtests) -> None:
    """A body that is refused is refused whole: what was good in it is not done either."""
    form = json.dumps({"recipient": ann.id, "content": "never to be stored"}).encode()
    await ann.post("/api/chat/messages", {"recipient": ann.id, "content": "opens the conversation"})
    async with bystanding(house) as bystanders:
        for what, (body, status) in PAYLOADS.items():
            with subtests.test(what):
                async with bystanders.unharmed():
                    address = await poll(house.http, ann)
                    answer = await house.http.post(address, content=body.replace(b"@form", form))
                    assert answer.status_code == status
                    assert set(answer.json()) == {"code", "message"}
                    gone = await house.http.get(address)
                    assert (gone.status_code, gone.json()) == (400, {"code": 1, "message": "Session ID unknown"})
    assert [message["content"] for message in await ann.history(ann)] == ["opens the conversation"]


async def test_a_namespace_that_is_not_there_is_refused_and_the_connection_stays(house: House, ann: Person) -> None:
    async with bystanding(house) as bystanders, bystanders.unharmed(), wire(house, ann) as anns:
        for namespace in ("/chat", "/admin", "/__proto__"):
            await anns.socket.send(f'40{namespace},{{"token":"{ann.token}"}}')
            assert await anns.packet() == f'44{namespace},{{"message":"Invalid namespace"}}'
        assert await anns.ask(f'["join",{{"userId":"{ann.id}"}}]') == {"ok": True}


async def test_what_is_sent_before_the_token_was_accepted_is_not_done(house: House, ann: Person) -> None:
    async with bystanding(house) as bystanders, bystanders.unharmed():
        async with wire(house) as stranger:
            await stranger.socket.send(f'42["sendMessage",{{"recipient":"{ann.id}","content":"x"}}]')
            assert await stranger.close_code() == PARSE_ERROR
        async with wire(house) as hasty:
            # Behind a CONNECT that is still being looked at; it is refused, and so is this.
            await hasty.socket.send('40{"token":"nonsense"}')
            await hasty.socket.send(f'42["sendMessage",{{"recipient":"{ann.id}","content":"x"}}]')
            assert await hasty.close_code() == PARSE_ERROR


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", 0),
        ("?EIO=4", 0),
        ("?EIO=4&transport=smoke", 0),
        ("?EIO=3&transport=polling", 5),
        ("?EIO=4&transport=websocket", 3),
        ("?EIO=4&transport=polling&sid=nobodys", 1),
        ("?EIO=4&transport=polling&sid=%00", 1),
        ("?EIO[$gt]=&transport[$gt]=", 0),
    ],
)
async def test_a_handshake_that_is_none_is_refused_with_its_number(house: House, query: str, code: int) -> None:
    answer = await house.http.get(f"/socket.io/{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_session_cannot_be_opened_by_a_post(house: House) -> None:
    answer = await house.http.post(PATH + "polling", content="40")
    assert (answer.status_code, answer.json()["code"]) == (400, 2)
