"""The chat on the main namespace: what an event may look like, what its answer is, and whom deliveries reach."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Iterator

import pytest
from structlog.contextvars import get_contextvars

from fireside.core.errors import NotFound
from fireside.core.events import Call, Event
from fireside.realtime.delivery import Delivery, Devices
from fireside.realtime.gateway import ChatGateway
from tests.realtime.chat import (
    ANN,
    ANN_AUTH,
    BOB,
    SECRET,
    Chat,
    FakeAuthenticator,
    Said,
    Say,
    ann,
    ask,
    require_refusal,
)
from tests.realtime.clients import joined
from tests.realtime.served import Serve, Served, eventually


@pytest.fixture
def chat() -> Chat:
    return Chat()


@pytest.fixture
async def served(serve: Serve, chat: Chat) -> Served:
    return await serve(chat.gateway)


@pytest.mark.parametrize("event", ["say", "sayLater"])
async def test_an_event_is_acknowledged_with_its_reply_once(served: Served, chat: Chat, event: str) -> None:
    client = await ann(served)
    assert await ask(client, event, {"text": "hello", "toUser": BOB}) == {"ok": True, "text": "hello"}
    assert chat.said == [(ANN, Say("hello", BOB))]
    assert await ask(client, event, {"text": "next"}) == {"ok": True, "text": "next"}


async def test_an_event_that_asks_for_no_acknowledgement_is_handled_and_gets_none(served: Served, chat: Chat) -> None:
    client = await ann(served)
    await client.send('42["say",{"text":"quietly"}]')
    assert (await ask(client, "say", {"text": "aloud"}))["text"] == "aloud"
    assert [form.text for _, form in chat.said] == ["quietly", "aloud"]


class Ids(logging.Filter):
    """Notes of which connection each line is that the gateway and its handlers log, in a handler that waits."""

    def __init__(self) -> None:
        super().__init__()
        self.logged: list[tuple[str, object]] = []
        self.gateway = ChatGateway(
            [Event("fail", Say, self._fail), Event("later", Say, self._later)],
            FakeAuthenticator(),
            Devices(),
            lambda: 0,
        )

    def filter(self, record: logging.LogRecord) -> bool:
        self.logged.append((record.getMessage().partition(":")[0], get_contextvars().get("connection_id")))
        return False

    def _fail(self, call: Call, form: Say) -> None:
        raise RuntimeError

    async def _later(self, call: Call, form: Say) -> None:
        await asyncio.sleep(0)
        logging.getLogger("fireside.realtime.gateway").error("later")
        call.reply(Said(text=form.text))


@pytest.fixture
def ids() -> Iterator[Ids]:
    ids, logger = Ids(), logging.getLogger("fireside.realtime.gateway")
    logger.addFilter(ids)
    yield ids
    logger.removeFilter(ids)


@pytest.mark.asyncio(loop_factories=["uvloop", "asyncio"])
async def test_what_is_logged_of_an_event_names_the_connection_and_nothing_else_does(serve: Serve, ids: Ids) -> None:
    served = await serve(ids.gateway)
    ones, others, polling = await served.websocket(), await served.websocket(), await served.polling()
    one, other, third = await ones.connect(ANN_AUTH), await others.connect(ANN_AUTH), await polling.connect(ANN_AUTH)
    expected: list[tuple[str, object]] = []
    for client, name in ((ones, one), (others, other), (ones, one)):
        await ask(client, "later", {"text": "x"})
        await ask(client, "fail", {"text": "x"})
        expected += [("later", name), ("event fail failed", name)]
    await polling.post('42["later",{"text":"x"}]', '42["fail",{"text":"x"}]')
    await eventually(lambda: len(ids.logged) == 8)
    assert ids.logged == [*expected, ("later", third), ("event fail failed", third)]
    assert third != polling.sid
    assert "connection_id" not in get_contextvars()


@pytest.mark.parametrize(
    "raw",
    [
        '["say"]',
        '["say",null]',
        '["say","hello"]',
        '["say",1]',
        '["say",[{"text":"hello"}]]',
        '["say",{}]',
        '["say",{"text":null}]',
        '["say",{"text":1}]',
        '["say",{"text":["hello"]}]',
        '["say",{"text":{"$gt":""}}]',
        '["say",{"text":"hello","toUser":{"$ne":null}}]',
        '["say",{"text":"hello","toUser":12}]',
        '["say",{"text":"hello","times":"2"}]',
        '["say",{"text":"hello","times":1.5}]',
        '["say",{"text":"hello","times":1e999}]',
        '["say",{"text":"hello","times":NaN}]',
        '["say",{"text":"hello","times":true}]',
        '["say",{"Text":"hello"}]',
        '["say",{"text":{"_placeholder":true,"num":0}}]',
        r'["say",{"\ud800":"hello"}]',
        '["join",{"userId":{"$gt":""}}]',
        '["join",{}]',
    ],
)
async def test_an_argument_that_does_not_fit_is_refused_before_any_handler(
    served: Served, chat: Chat, raw: str
) -> None:
    client = await ann(served)
    body = await ask(client, raw=raw)
    assert body["ok"] is False
    require_refusal(body, "invalid_input")
    assert "$gt" not in body["error"]
    assert chat.said == []
    assert (await ask(client, "say", {"text": "still here"}))["ok"]


async def test_bytes_in_place_of_text_are_refused(served: Served, chat: Chat) -> None:
    client = await ann(served)
    await client.send('451-7["say",{"text":{"_placeholder":true,"num":0}}]')
    await client.send(b"hello")
    (body,) = json.loads((await client.text()).removeprefix("437"))
    require_refusal(body, "invalid_input")
    assert chat.said == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("nobody knows", "nobody knows"),
        ("sendmessage", "sendmessage"),
        ("", ""),
        ("x" * 10_000, "x" * 64),
        ("a\ud800b", "a\ufffdb"),
        ("a\0b", "a\0b"),
        ("__proto__", "__proto__"),
    ],
    ids=["a name", "another case", "no name", "a long one", "half a character", "NUL", "a prototype"],
)
async def test_an_unknown_event_is_named_in_its_refusal(served: Served, name: str, shown: str) -> None:
    client = await ann(served)
    body = await ask(client, name)
    assert body["ok"] is False
    require_refusal(body, "unknown_event")
    assert body["details"] == {"event": shown}
    await client.send(f"42{json.dumps([name])}")
    event, unasked = json.loads((await client.text()).removeprefix("42"))
    assert (event, unasked["event"]) == ("eventRefused", shown)
    require_refusal(unasked, "unknown_event")


@pytest.mark.parametrize("event", ["refuse", "refuseLater"])
async def test_a_refusal_is_an_answer_with_a_code_and_details(served: Served, event: str) -> None:
    client = await ann(served)
    body = await ask(client, event, {"text": "x"})
    assert body["ok"] is False
    require_refusal(body, "not_found")
    assert body["details"] == {"field": "toUser"}


@pytest.mark.parametrize(("event", "code"), [("refuse", "not_found"), ("refuseLater", "not_found"), ("say", None)])
async def test_who_did_not_ask_hears_of_a_refusal_by_an_event(served: Served, event: str, code: str | None) -> None:
    client = await ann(served)
    await client.send(f'42["{event}",{{"text":"x"}}]')
    if code is not None:
        name, body = json.loads((await client.text()).removeprefix("42"))
        assert (name, body["event"]) == ("eventRefused", event)
        require_refusal(body, code)
    assert (await ask(client, "say", {"text": "next"}))["ok"]


@pytest.mark.parametrize("event", ["fail", "failLater"])
@pytest.mark.parametrize("asked", [True, False])
async def test_a_failure_of_ours_is_logged_under_its_request_and_says_nothing(
    served: Served, caplog: pytest.LogCaptureFixture, event: str, asked: bool
) -> None:
    client = await ann(served)
    await client.send(f'42{"7" if asked else ""}["{event}",{{"text":"private words"}}]')
    answer = await client.text()
    body = json.loads(answer.lstrip("0123456789"))[0 if asked else 1]
    require_refusal(body, "internal")
    assert SECRET not in answer
    (record,) = served.errors
    assert record.levelno == logging.ERROR
    assert body["requestId"] in record.getMessage()
    assert SECRET in caplog.text
    assert "private words" not in caplog.text
    served.errors.clear()
    assert (await ask(client, "say", {"text": "next"}))["ok"]


async def test_every_refusal_has_a_request_id_of_its_own(served: Served) -> None:
    client = await ann(served)
    assert len({(await ask(client, "refuse", {"text": "x"}))["requestId"] for _ in range(20)}) == 20


async def test_one_may_join_as_oneself_and_as_nobody_else(served: Served) -> None:
    client = await ann(served)
    assert await ask(client, "join", {"userId": ANN}) == {"ok": True}
    body = await ask(client, "join", {"userId": BOB})
    require_refusal(body, "forbidden")
    assert body["details"] == {"field": "userId"}
    body = await ask(client, "join", {"userId": "\0"})
    require_refusal(body, "forbidden")


async def test_who_is_hasty_is_told_so_and_who_floods_is_closed(serve: Serve, chat: Chat) -> None:
    served = await serve(chat.gateway, packets_per_second=0.001, burst=10)
    client = await ann(served)
    for _ in range(9):
        assert (await ask(client, "say", {"text": "x"}))["ok"]
    for _ in range(40):
        body = await ask(client, "say", {"text": "x"})
        require_refusal(body, "rate_limited")
        assert body["details"]["retryAfterS"] > 0
    assert len(chat.said) == 9
    await client.send('421["say",{"text":"one too many"}]')
    assert (await client.closed()).code == 1008


async def test_every_device_of_a_person_hears_what_is_for_them(served: Served, chat: Chat) -> None:
    first, polling, other = await ann(served), await served.polling(), await served.connected('{"token":"bob"}')
    await polling.connect(ANN_AUTH)
    Delivery(chat.devices).publish([ANN], "messageReceived", Say("hello", BOB))
    expected = '42["messageReceived",{"text":"hello","toUser":"' + BOB + '"}]'
    assert await first.receive() == expected
    assert await polling.packets() == [expected]
    Delivery(chat.devices).publish([ANN, BOB], "x", Say("both"), origin=chat.devices.of(ANN)[0])
    assert await other.receive() == '42["x",{"text":"both"}]'


async def test_a_device_that_leaves_and_comes_back_is_one_device(served: Served, chat: Chat) -> None:
    client = await ann(served)
    await client.send("41")
    await eventually(lambda: len(chat.devices) == 0)
    await client.send(f"40{ANN_AUTH}")
    joined([await client.receive()])
    assert len(chat.devices.of(ANN)) == 1
    client.abort()
    await eventually(lambda: len(chat.devices) == 0)


async def test_an_answer_for_who_has_left_goes_nowhere(served: Served, chat: Chat) -> None:
    calls: list[Call] = []

    def keep(call: Call, form: Say) -> Awaitable[None] | None:
        calls.append(call)
        return None

    chat.gateway._events["keep"] = Event("keep", Say, keep)
    client = await ann(served)
    await client.send('427["keep",{"text":"x"}]')
    await client.send('42["keep",{"text":"x"}]')
    await client.send("41")
    await eventually(lambda: len(chat.devices) == 0)
    for call in calls:
        call.refuse(NotFound("late"))
        call.reply(Said(text="late"))
    await client.send(f"40{ANN_AUTH}")
    joined([await client.receive()])
