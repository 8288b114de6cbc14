"""Reading: the history of two people, and pages of a conversation."""

import asyncio
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from tests.contract.samples import direct
from tests.features.messages.chat import DIRECT, HELLO, INTO_HERE, MADE_UP_IDS, NOBODY, NOTES, Chat, refusal
from tests.features.messages.nodes import ANN, BOB, EVE, HERE

# ── the history of two ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("sender", "recipient"), [(ANN, BOB), (BOB, ANN)])
@pytest.mark.parametrize("caller", [ANN, BOB])
async def test_the_history_of_two_is_both_directions_oldest_first_whoever_of_them_asks(
    chat: Chat, caller: str, sender: str, recipient: str
) -> None:
    await chat.fill(HERE, 4)
    await chat.fill(direct(ANN, EVE), 2)
    await chat.fill(NOTES, 1)
    async with chat.client(caller) as client:
        response = await client.get(DIRECT, params={"sender": sender, "recipient": recipient})
    assert response.headers["content-type"] == "application/json"
    assert [(each["content"], each["sender"], each["recipient"]) for each in response.json()] == [
        ("message 1", BOB, ANN),
        ("message 2", ANN, BOB),
        ("message 3", BOB, ANN),
        ("message 4", ANN, BOB),
    ]


async def test_a_message_in_the_history_has_the_form_of_the_one_that_was_received(chat: Chat) -> None:
    async with chat.client(ANN) as ann:
        await ann.post(DIRECT, json={"recipient": BOB, "content": "hello", "clientId": "mine"})
        history = await ann.get(DIRECT, params={"sender": ANN, "recipient": BOB})
    assert history.json() == [HELLO] == [chat.publisher.published[0][2]]


async def test_notes_to_self_have_a_history(chat: Chat) -> None:
    await chat.fill(NOTES, 2)
    async with chat.client(ANN) as ann:
        history = await ann.get(DIRECT, params={"sender": ANN, "recipient": ANN})
    assert [(each["sender"], each["recipient"]) for each in history.json()] == [(ANN, ANN)] * 2


async def test_two_who_have_never_written_have_an_empty_history_and_asking_leaves_no_trace(chat: Chat) -> None:
    async with chat.client(ANN) as ann:
        history = await ann.get(DIRECT, params={"sender": ANN, "recipient": BOB})
    assert (history.status_code, history.content) == (200, b"[]")
    assert await chat.conversation_store.by_ids([HERE.id]) == {}


@pytest.mark.parametrize(("limit", "first"), [(1, 150), (50, 101), (100, 51)])
async def test_with_a_limit_the_history_is_the_newest(chat: Chat, limit: int, first: int) -> None:
    await chat.fill(HERE, 150)
    async with chat.client(ANN) as ann:
        history = await ann.get(DIRECT, params={"sender": ANN, "recipient": BOB, "limit": limit})
    assert [each["seq"] for each in history.json()] == list(range(first, 151))


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1200])
async def test_without_a_limit_the_history_is_everything_in_pages_of_500(chat: Chat, count: int) -> None:
    await chat.fill(HERE, count)
    chat.store.asked.clear()
    async with chat.client(ANN) as ann:
        history = await ann.get(DIRECT, params={"sender": ANN, "recipient": BOB})
    assert [each["content"] for each in history.json()] == [f"message {seq}" for seq in range(1, count + 1)]
    assert chat.store.asked == ["after"] * (count // 500 + 1)


async def test_a_long_history_leaves_page_by_page(chat: Chat) -> None:
    await chat.fill(HERE, 1200)
    parts: list[tuple[int, bytes]] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        if message.get("body"):
            parts.append((chat.store.asked.count("after"), message["body"]))

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "path": DIRECT,
        "query_string": f"sender={ANN}&recipient={BOB}".encode(),
        "headers": [(b"host", b"chat.example.org"), (b"authorization", f"Bearer {BOB}".encode())],
    }
    await chat.app(scope, receive, send)
    whole = b"".join(body for _, body in parts)
    assert [each["seq"] for each in msgspec.json.decode(whole)] == list(range(1, 1201))
    assert max(body.count(b'"seq":') for _, body in parts) == 500
    assert parts[0][0] == 1, "the first part has left before the second page is read"


async def test_a_store_that_is_down_is_503_and_not_half_a_history(chat: Chat) -> None:
    await chat.fill(HERE, 3)
    async with chat.client(ANN) as ann:
        params = {"sender": ANN, "recipient": BOB}
        chat.store.is_down = True
        assert refusal(await ann.get(DIRECT, params=params)) == (503, "unavailable")
        chat.store.is_down = False
        assert len((await ann.get(DIRECT, params=params)).json()) == 3


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"sender": BOB, "recipient": EVE}, 404, "not_found"),
        ({"sender": BOB, "recipient": BOB}, 404, "not_found"),
        ({"sender": BOB, "recipient": NOBODY}, 404, "not_found"),
        ({"sender": "", "recipient": ""}, 404, "not_found"),
        *[({"sender": ANN, "recipient": made_up}, 404, "not_found") for made_up in MADE_UP_IDS],
        ({"sender": ANN}, 422, "invalid_input"),
        ({"recipient": BOB}, 422, "invalid_input"),
        ({"sender[$ne]": "", "recipient[$ne]": ""}, 422, "invalid_input"),
        *[({"sender": ANN, "recipient": BOB, "limit": bad}, 422, "invalid_input") for bad in ("0", "101", "-1", "all")],
    ],
    ids=str,
)
async def test_a_history_is_for_the_two_whose_it_is(chat: Chat, params: dict[str, str], status: int, code: str) -> None:
    await chat.fill(HERE, 1)
    await chat.fill(direct(BOB, EVE), 1)
    async with chat.client(ANN) as ann:
        assert refusal(await ann.get(DIRECT, params=params)) == (status, code)
        assert len((await ann.get(DIRECT, params={"sender": ANN, "recipient": BOB})).json()) == 1


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("params", "first", "last"),
    [
        ({}, 71, 120),
        ({"limit": "1"}, 120, 120),
        ({"limit": "100"}, 21, 120),
        ({"before": "71"}, 21, 70),
        ({"before": "2"}, 1, 1),
        ({"after": "0", "limit": "2"}, 1, 2),
        ({"after": "118"}, 119, 120),
    ],
    ids=str,
)
async def test_a_page_of_a_conversation_is_oldest_first(
    chat: Chat, params: dict[str, str], first: int, last: int
) -> None:
    await chat.fill(HERE, 120)
    async with chat.client(BOB) as bob:
        page = await bob.get(INTO_HERE, params=params)
    assert page.json().keys() == {"messages"}
    assert [each["seq"] for each in page.json()["messages"]] == list(range(first, last + 1))


async def test_a_page_is_of_messages_as_they_were_received(chat: Chat) -> None:
    async with chat.client(ANN) as ann:
        await ann.post(DIRECT, json={"recipient": BOB, "content": "hello", "clientId": "mine"})
        assert (await ann.get(INTO_HERE)).json() == {"messages": [HELLO]}
        assert (await ann.get(INTO_HERE, params={"after": 1})).json() == {"messages": []}
        assert (await ann.get(INTO_HERE, params={"before": 1})).json() == {"messages": []}


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "fifty"},
        {"before": "-1"},
        {"after": "-1"},
        {"before": "1", "after": "1"},
        {"before": "1.5"},
        {"after": str(1 << 64)},
        {"before": "9" * 400},
        {"after": '{"$gt": 0}'},
        {"after": "\u0661x"},
    ],
    ids=str,
)
async def test_a_page_out_of_range_is_refused(chat: Chat, params: dict[str, str]) -> None:
    await chat.fill(HERE, 1)
    async with chat.client(ANN) as ann:
        assert refusal(await ann.get(INTO_HERE, params=params)) == (422, "invalid_input")
        assert len((await ann.get(INTO_HERE)).json()["messages"]) == 1


@pytest.mark.parametrize("made_up", [*MADE_UP_IDS[1:], "\u0000", "a" * 5000], ids=lambda value: ascii(value)[:30])
async def test_an_outsider_cannot_tell_a_conversation_from_none(chat: Chat, made_up: str) -> None:
    await chat.fill(HERE, 1)
    async with chat.client(EVE) as eve, chat.client(ANN) as ann:
        answers = [
            await eve.request(method, f"/api/conversations/{each}/messages", json=body)
            for method, body in (("GET", None), ("POST", {"content": "hello"}))
            for each in (HERE.id, NOBODY)
        ]
        assert {refusal(each) for each in answers} == {(404, "not_found")}
        assert len({each.json()["error"] for each in answers}) == 1
        path = f"/api/conversations/{quote(made_up, safe='')}/messages"
        assert refusal(await eve.get(path)) == (404, "not_found")
        assert len((await ann.get(INTO_HERE)).json()["messages"]) == 1
    assert await chat.store.contents() == ["message 1"]
