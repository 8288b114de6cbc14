"""The wire of messages: their form, the event, the routes, and who hears of what."""

import asyncio
from typing import Any

import msgspec
import pytest

from fireside.core.errors import ChatError, Conflict, Forbidden, InvalidInput, NotFound
from fireside.features.messages.wire import SendMessage
from tests.contract.samples import ODD_TEXTS
from tests.features.messages.chat import DIRECT, HELLO, INTO_HERE, MADE_UP_IDS, NOBODY, NOTES, Chat, FakeCall, refusal
from tests.features.messages.nodes import ANN, BOB, HERE, lost_after

NOT_TEXT: list[Any] = [{"$gt": ""}, {"$ne": None}, ["hello"], 1, 1.5, True]


def sent(answer: dict[str, Any]) -> dict[str, Any]:
    """The message in an acknowledgement."""
    assert answer.keys() == {"ok", "message"}
    assert answer["ok"] is True
    message: dict[str, Any] = answer["message"]
    return message


# ── the event ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_sent_message_is_acknowledged_and_told_to_every_other_device_of_both(chat: Chat) -> None:
    call = FakeCall(ANN)
    await chat.hand_over(call, recipient=BOB, content="hello", client_id="mine")
    await chat.settled()
    assert call.answers == [{"ok": True, "message": HELLO}]
    assert chat.publisher.published == [([ANN, BOB], "messageReceived", HELLO, call.origin)]


async def test_without_a_client_id_the_answer_says_which_one_it_got(chat: Chat) -> None:
    call = FakeCall(ANN)
    await chat.hand_over(call, sender=ANN, recipient=BOB, content="hello")
    await chat.settled()
    assert sent(call.answers[0]) == HELLO | {"clientId": sent(call.answers[0])["clientId"]}
    again = FakeCall(ANN)
    await chat.hand_over(again, recipient=BOB, content="hello", client_id=sent(call.answers[0])["clientId"])
    await chat.settled()
    assert again.answers == call.answers


async def test_the_first_message_waits_for_its_conversation_and_nothing_overtakes_it(chat: Chat) -> None:
    calls = [FakeCall(ANN) for _ in range(3)]
    waited = [
        await chat.hand_over(call, recipient=BOB, content=f"{number}") for number, call in enumerate(calls, start=1)
    ]
    await chat.settled()
    assert waited == [True, False, False], "only the first has to open the conversation"
    assert [sent(call.answers[0])["seq"] for call in calls] == [1, 2, 3]
    assert await chat.store.contents() == ["1", "2", "3"]


async def test_notes_to_self_have_oneself_as_recipient_and_reach_ones_other_devices(chat: Chat) -> None:
    call = FakeCall(ANN)
    await chat.hand_over(call, recipient=ANN, content="milk")
    await chat.settled()
    message = sent(call.answers[0])
    assert (message["conversation"], message["sender"], message["recipient"]) == (NOTES.id, ANN, ANN)
    assert chat.publisher.published == [([ANN], "messageReceived", message, call.origin)]


async def test_a_repeated_message_gets_the_first_answer_and_nobody_hears_of_it_again(chat: Chat) -> None:
    calls = [FakeCall(ANN), FakeCall(ANN)]
    for call in calls:
        await chat.hand_over(call, recipient=BOB, content="hello", client_id="mine")
        await chat.settled()
    assert [call.answers for call in calls] == [[{"ok": True, "message": HELLO}]] * 2
    assert len(chat.publisher.published) == 1


async def test_a_message_whose_write_got_no_answer_is_announced_all_the_same(chat: Chat) -> None:
    chat.store.fates.append(lost_after)
    call = FakeCall(ANN)
    await chat.hand_over(call, recipient=BOB, content="hello", client_id="mine")
    await chat.settled()
    assert call.answers == [{"ok": True, "message": HELLO}]
    assert len(chat.publisher.published) == 1


async def test_a_client_id_used_for_another_message_is_refused_as_a_conflict(chat: Chat) -> None:
    calls = [FakeCall(ANN), FakeCall(ANN)]
    for call, content in zip(calls, ("hello", "bye"), strict=True):
        await chat.hand_over(call, recipient=BOB, content=content, client_id="mine")
    await chat.settled()
    assert sent(calls[0].answers[0]) == HELLO
    (refused,) = calls[1].answers
    assert isinstance(refused, Conflict)
    assert refused.details == {"field": "clientId"}
    assert len(chat.publisher.published) == 1


@pytest.mark.parametrize("opened", [True, False], ids=["known conversation", "first message"])
@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ({"sender": BOB, "recipient": BOB, "content": "hello"}, Forbidden),
        ({"sender": "", "recipient": BOB, "content": "hello"}, Forbidden),
        ({"recipient": BOB, "content": ""}, InvalidInput),
        ({"recipient": BOB, "content": "a\x00"}, InvalidInput),
        ({"recipient": BOB, "content": "\ud800"}, InvalidInput),
        ({"recipient": BOB, "content": "a" * 16385}, InvalidInput),
        ({"recipient": BOB, "content": "hello", "client_id": ""}, InvalidInput),
        ({"recipient": BOB, "content": "hello", "client_id": "a" * 129}, InvalidInput),
        *[({"recipient": made_up, "content": "hello"}, NotFound) for made_up in [*MADE_UP_IDS, HERE.id, "\ud800"]],
    ],
    ids=lambda value: ascii(value)[:60],
)
async def test_a_bad_event_is_refused_and_leaves_no_trace(
    chat: Chat, opened: bool, form: dict[str, Any], kind: type[ChatError]
) -> None:
    call = FakeCall(ANN)
    if opened:
        await chat.hand_over(FakeCall(BOB), recipient=ANN, content="hello")
        await chat.settled()
    before = (await chat.store.contents(), len(chat.publisher.published))
    with pytest.raises(kind):
        await chat.hand_over(call, **form)
    await chat.hand_over(call, recipient=ANN, content="fine")
    await chat.settled()
    assert (await chat.store.contents(), len(chat.publisher.published) - 1) == before
    assert sent(call.answers[0])["content"] == "fine"


@pytest.mark.parametrize("field", ["recipient", "content", "sender", "clientId"])
@pytest.mark.parametrize("value", [*NOT_TEXT, None], ids=str)
def test_only_text_is_read_as_text(field: str, value: Any) -> None:
    good = {"recipient": BOB, "content": "hello", "sender": ANN, "clientId": "mine"}
    assert msgspec.convert(good, SendMessage) == SendMessage("hello", BOB, None, ANN, "mine")
    if value is None and field in ("sender", "clientId", "recipient"):
        assert msgspec.convert(good | {field: None}, SendMessage).content == "hello"
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(good | {field: value}, SendMessage)


async def test_who_sent_it_is_answered_though_telling_the_others_breaks(
    chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    chat.publisher.is_broken = True
    call = FakeCall(ANN)
    await chat.hand_over(call, recipient=BOB, content="hello", client_id="mine")
    await chat.settled()
    assert call.answers == [{"ok": True, "message": HELLO}]
    assert "a bug" in caplog.text


# ── POST ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", [DIRECT, INTO_HERE])
async def test_posting_again_is_200_with_the_first_message_and_another_message_under_its_client_id_is_409(
    chat: Chat, path: str
) -> None:
    await chat.fill(HERE, 0)
    async with chat.client(ANN) as ann:
        body = {"content": "hello", "clientId": "mine", "recipient": BOB}
        first = await ann.post(path, json=body)
        again = await ann.post(path, json=body)
        other = await ann.post(path, json=body | {"content": "bye"})
    assert (first.status_code, first.json()) == (201, {"message": HELLO})
    assert (again.status_code, again.json()) == (200, {"message": HELLO})
    assert refusal(other) == (409, "conflict")
    assert chat.publisher.published == [([ANN, BOB], "messageReceived", HELLO, None)]
    assert await chat.store.contents() == ["hello"]


async def test_a_message_whose_write_got_no_answer_is_201_and_announced(chat: Chat) -> None:
    chat.store.fates.append(lost_after)
    async with chat.client(ANN) as ann:
        response = await ann.post(DIRECT, json={"content": "hello", "clientId": "mine", "recipient": BOB})
    assert (response.status_code, response.json()) == (201, {"message": HELLO})
    assert len(chat.publisher.published) == 1


async def test_both_wires_are_one_log(chat: Chat) -> None:
    call = FakeCall(ANN)
    await chat.hand_over(call, recipient=BOB, content="hello", client_id="mine")
    async with chat.client(ANN) as ann, chat.client(BOB) as bob:
        again = await ann.post(DIRECT, json={"content": "hello", "clientId": "mine", "recipient": BOB})
        answer = await bob.post(INTO_HERE, json={"content": "hello", "clientId": "mine"})
    assert (again.status_code, again.json()["message"]) == (200, sent(call.answers[0]))
    assert (answer.status_code, answer.json()["message"]["seq"], answer.json()["message"]["recipient"]) == (201, 2, ANN)


async def test_fifty_posts_of_one_message_at_once_are_one_message(chat: Chat) -> None:
    async with chat.client(ANN) as ann:
        body = {"content": "hello", "clientId": "mine", "recipient": BOB}
        responses = await asyncio.gather(*(ann.post(DIRECT, json=body) for _ in range(50)))
    assert sorted(each.status_code for each in responses) == [200] * 49 + [201]
    assert all(each.json() == {"message": HELLO} for each in responses)
    assert len(chat.publisher.published) == 1


@pytest.mark.parametrize("text", [*ODD_TEXTS, "e" + "\u0301" * 8191], ids=lambda text: ascii(text)[:20])
async def test_odd_text_goes_round_unchanged(chat: Chat, text: str) -> None:
    async with chat.client(ANN) as ann:
        posted = await ann.post(DIRECT, json={"content": text, "recipient": BOB})
        history = await ann.get(DIRECT, params={"sender": ANN, "recipient": BOB})
    assert posted.json()["message"]["content"] == text
    assert history.json() == [posted.json()["message"]]
    assert chat.publisher.published[0][2] == posted.json()["message"]


@pytest.mark.parametrize("path", [DIRECT, INTO_HERE])
@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        *[({"content": value}, 422, "invalid_input") for value in [*NOT_TEXT, None, ""]],
        *[({"clientId": value}, 422, "invalid_input") for value in [*NOT_TEXT, "", "a" * 129]],
        ({"content": "a\x00"}, 422, "invalid_input"),
        ({"content": "a" * 16385}, 422, "invalid_input"),
        ({"content": "\u6f22" * 5462}, 422, "invalid_input"),
    ],
    ids=lambda value: ascii(value)[:40],
)
async def test_a_bad_message_is_refused_and_leaves_no_trace(
    chat: Chat, path: str, changes: dict[str, Any], status: int, code: str
) -> None:
    await chat.fill(HERE, 0)
    good = {"recipient": BOB, "content": "hello", "clientId": "mine"}
    async with chat.client(ANN) as ann:
        assert refusal(await ann.post(path, json=good | changes)) == (status, code)
        assert await chat.store.contents() == []
        assert (await ann.post(path, json=good)).status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (rb'{"recipient": "%b", "content": "\ud800"}', 422, "invalid_input"),
        (rb'{"recipient": "%b", "content": "\u0000"}', 422, "invalid_input"),
        (rb'{"recipient": "%b", "content": "hello", "clientId": "\udfff"}', 422, "invalid_input"),
        (b'{"recipient": "%b", "content": "\xed\xa0\x80"}', 422, "invalid_input"),
        (b'{"recipient": "%b", "content": "\xff"}', 400, "bad_request"),
        (b'{"recipient": "%b", "content": "hello"', 400, "bad_request"),
        (b'"%b"', 422, "invalid_input"),
        (b"[]%.0b", 422, "invalid_input"),
        (b"null%.0b", 422, "invalid_input"),
    ],
)
async def test_a_body_that_is_no_message_is_refused(chat: Chat, body: bytes, status: int, code: str) -> None:
    async with chat.client(ANN) as ann:
        headers = {"Content-Type": "application/json"}
        assert refusal(await ann.post(DIRECT, content=body % BOB.encode(), headers=headers)) == (status, code)
    assert chat.store.writes == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"sender": BOB}, 403, "forbidden"),
        ({"sender": {"$ne": ANN}}, 422, "invalid_input"),
        ({"recipient": NOBODY}, 404, "not_found"),
        ({"recipient": "b"}, 404, "not_found"),
        ({"recipient": "\U0001f600"}, 404, "not_found"),
        ({"recipient": HERE.id}, 404, "not_found"),
        *[({"recipient": value}, 422, "invalid_input") for value in [*NOT_TEXT, None]],
    ],
    ids=str,
)
async def test_one_writes_as_oneself_and_to_somebody_who_is_there(
    chat: Chat, changes: dict[str, Any], status: int, code: str
) -> None:
    good = {"sender": ANN, "recipient": BOB, "content": "hello"}
    async with chat.client(ANN) as ann:
        assert refusal(await ann.post(DIRECT, json=good | changes)) == (status, code)
        assert chat.store.writes == []
        assert (await ann.post(DIRECT, json=good)).status_code == 201


async def test_a_store_that_is_down_is_503_and_sending_again_is_safe(chat: Chat) -> None:
    await chat.log.stop()
    async with chat.client(ANN) as ann:
        body = {"recipient": BOB, "content": "hello", "clientId": "mine"}
        refused = await ann.post(DIRECT, json=body)
        assert refusal(refused) == (503, "unavailable")
        assert refused.headers["retry-after"] == "1"
        await chat.log.start()
        assert (await ann.post(DIRECT, json=body)).status_code == 201


async def test_a_caller_who_hangs_up_has_sent_the_message_and_the_others_hear_of_it(chat: Chat) -> None:
    chat.store.hold()
    async with chat.client(ANN) as ann:
        posting = asyncio.create_task(ann.post(DIRECT, json={"recipient": BOB, "content": "hello", "clientId": "mine"}))
        await chat.store.under_way()
        posting.cancel()
        await asyncio.wait([posting])
        assert posting.cancelled()
    chat.store.release()
    await chat.settled()
    assert chat.publisher.published == [([ANN, BOB], "messageReceived", HELLO, None)]
    assert await chat.store.contents() == ["hello"]


async def test_who_posted_it_is_answered_though_telling_the_others_breaks(
    chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    chat.publisher.is_broken = True
    async with chat.client(ANN) as ann:
        response = await ann.post(DIRECT, json={"recipient": BOB, "content": "hello", "clientId": "mine"})
    assert (response.status_code, response.json()) == (201, {"message": HELLO})
    assert "a bug" in caplog.text


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for path in (DIRECT, INTO_HERE) for method in ("GET", "POST")]
)
async def test_without_a_token_nothing_is_told(chat: Chat, method: str, path: str) -> None:
    await chat.fill(HERE, 1)
    async with chat.client(None) as stranger:
        body = {"recipient": BOB, "content": "hello"}
        params = {"sender": ANN, "recipient": BOB}
        answer = await stranger.request(method, path, params=params, json=body)
    assert refusal(answer) == (401, "unauthorized")
