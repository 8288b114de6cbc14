"""Messages that may not be: each is refused with its code on both wires, leaves no trace and disturbs nobody."""

import json
from typing import NamedTuple

import pytest

from tests.journeys.bystanders import bystanding
from tests.journeys.people import House, Person
from tests.journeys.wire import wire

INVALID, MISSING, NOT_YOURS = (422, "invalid_input"), (404, "not_found"), (403, "forbidden")


class Bad(NamedTuple):
    """JSON as it stands on the wire, and how it is refused: the status over HTTP, and the code on both wires."""

    json: str
    refusal: tuple[int, str]


def form(refusal: tuple[int, str], **fields: object) -> Bad:
    """A message to Bob but for these fields; without those that are `...`."""
    whole = {"recipient": "@bob", "content": "hello"} | fields
    return Bad(json.dumps({name: value for name, value in whole.items() if value is not ...}), refusal)


def raw(name: str, value: str, refusal: tuple[int, str] = INVALID) -> Bad:
    """A message to Bob in which this field is JSON that Python would not write."""
    return Bad(json.dumps({"recipient": "@bob", "content": "hello", name: "@@"}).replace('"@@"', value), refusal)


ODD_TYPES: tuple[object, ...] = (5, 0.5, True, None, [], ["x"], {}, {"$gt": ""}, {"$ne": None}, {"length": 3})
BAD = {
    # ── no form at all ──
    **{f"{value} in place of the form": Bad(value, INVALID) for value in ("5", '"hello"', "null", "[]", "true", "{}")},
    # ── missing ──
    "no recipient": form(INVALID, recipient=...),
    "no content": form(INVALID, content=...),
    "the names of another API": Bad('{"to": "@bob", "text": "hello"}', INVALID),
    # ── wrong types, operators among them ──
    **{f"recipient {value}": form(INVALID, recipient=value) for value in ODD_TYPES},
    **{f"content {value}": form(INVALID, content=value) for value in ODD_TYPES},
    **{f"clientId {value}": form(INVALID, clientId=value) for value in ODD_TYPES if value is not None},
    **{f"sender {value}": form(INVALID, sender=value) for value in ODD_TYPES if value is not None},
    "content NaN": raw("content", "NaN"),
    "content 1e999": raw("content", "1e999"),
    # ── out of range ──
    "empty content": form(INVALID, content=""),
    "content of a byte too many": form(INVALID, content="x" * (16 * 1024 + 1)),
    "content of few letters but too many bytes": form(INVALID, content="é" * (8 * 1024 + 1)),
    "empty clientId": form(INVALID, clientId=""),
    "clientId too long": form(INVALID, clientId="c" * 129),
    # ── not text ──
    "NUL in the content": raw("content", r'"a\u0000b"'),
    "NUL in the clientId": raw("clientId", r'"a\u0000b"'),
    "a lone surrogate in the content": raw("content", r'"a\ud800b"'),
    "surrogates in the wrong order in the content": raw("content", r'"\udc00\ud800"'),
    "a lone surrogate in the clientId": raw("clientId", r'"\udfff"'),
    # ── ids ──
    "an id of nobody": form(MISSING, recipient="f" * 24),
    "a name in place of an id": form(MISSING, recipient="bob"),
    "an empty id": form(MISSING, recipient=""),
    "an id and a space": form(MISSING, recipient="@bob "),
    "NUL after an id": raw("recipient", r'"@bob\u0000"', MISSING),
    "a path in place of an id": form(MISSING, recipient="../../../../../etc/pwd"),
    "an operator as text": form(MISSING, recipient='{"$gt": ""}'),
    "somebody else's name under it": form(NOT_YOURS, sender="@bob"),
    "nobody's name under it": form(NOT_YOURS, sender=""),
}


@pytest.fixture
def filled(ann: Person, bob: Person) -> dict[str, Bad]:
    """The table with the ids of these two."""
    return {what: Bad(bad.json.replace("@bob", bob.id), bad.refusal) for what, bad in BAD.items()}


async def test_over_the_socket(
    house: House, ann: Person, bob: Person, filled: dict[str, Bad], subtests: pytest.Subtests
) -> None:
    async with bystanding(house) as bystanders, wire(house, ann) as anns:
        for what, bad in filled.items():
            with subtests.test(what):
                async with bystanders.unharmed():
                    answer = await anns.ask(f'["sendMessage",{bad.json}]')
                    assert (answer["ok"], answer["code"]) == (False, bad.refusal[1])
                    assert answer["error"]
                    assert answer["requestId"]
        # And on the same connection, after all this:
        answer = await anns.ask(f'["sendMessage",{{"recipient":"{bob.id}","content":"hello"}}]')
        assert (answer["ok"], answer["message"]["seq"]) == (True, 1)


async def test_over_http(
    house: House, ann: Person, bob: Person, filled: dict[str, Bad], subtests: pytest.Subtests
) -> None:
    headers = {**ann.headers, "Content-Type": "application/json"}
    async with bystanding(house) as bystanders:
        for what, bad in filled.items():
            with subtests.test(what):
                async with bystanders.unharmed():
                    answer = await house.http.post("/api/chat/messages", content=bad.json, headers=headers)
                    assert (answer.status_code, answer.json()["code"]) == bad.refusal
                    assert set(answer.json()) - {"details"} == {"error", "code", "requestId"}
    assert (await ann.post("/api/chat/messages", {"recipient": bob.id, "content": "hello"})).status_code == 201


# Without their acknowledgement number: an event, and the code it is refused with.
BAD_EVENTS = {
    "no argument": ('["sendMessage"]', "invalid_input"),
    "an argument too few": ('["join"]', "invalid_input"),
    "join as nobody": ('["join",{"userId":""}]', "forbidden"),
    "join as an operator": ('["join",{"userId":{"$gt":""}}]', "invalid_input"),
    "join as a number": ('["join",{"userId":5}]', "invalid_input"),
    "join by the bare id": ('["join","@ann"]', "invalid_input"),
    "an unknown event": ('["sendLove",{}]', "unknown_event"),
    "an event of the server's": ('["messageReceived",{"content":"forged"}]', "unknown_event"),
    "no name": ('["",{}]', "unknown_event"),
    "a name in another case": ('["sendmessage",{}]', "unknown_event"),
    "a name out of the prototype": ('["__proto__",{}]', "unknown_event"),
    "a name with NUL": (r'["sendMessage\u0000",{}]', "unknown_event"),
    "a name that is no text": (r'["\ud800",{}]', "unknown_event"),
    "a very long name": (json.dumps(["x" * 100_000]), "unknown_event"),
}


async def test_events_that_are_not_there_or_not_for_you(house: House, ann: Person, subtests: pytest.Subtests) -> None:
    async with bystanding(house) as bystanders, wire(house, ann) as anns:
        for what, (event, code) in BAD_EVENTS.items():
            event = event.replace("@ann", ann.id)
            with subtests.test(what):
                async with bystanders.unharmed():
                    answer = await anns.ask(event)
                    assert (answer["ok"], answer["code"]) == (False, code)
                    await anns.socket.send(f"42{event}")
                    assert code in (packet := await anns.packet())
                    assert packet.startswith('42["eventRefused",')
