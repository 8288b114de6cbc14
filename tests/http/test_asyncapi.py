"""The AsyncAPI document: valid, whole, and true of the server that shows it."""

import json
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Any

import pytest
from jsonschema import Draft7Validator

import fireside as package
from fireside.app import Fireside
from fireside.core.errors import Conflict, NotFound, UnknownEvent
from fireside.core.events import Announcement, Call, Event, Route
from fireside.core.forms import Form, Reply, meant
from fireside.http.asyncapi import ANY_EVENT, document
from fireside.http.schemas import choices
from tests.journeys.programs import node_modules
from tests.reference import Json, Reference


@pytest.fixture(scope="session")
def events(fireside: Fireside) -> dict[str, Event]:
    """What the gateway really takes."""
    found: dict[str, Event] = fireside._sockets.namespaces["/"]._events  # type: ignore[attr-defined]
    return found


@pytest.fixture
def messages(asyncapi: Json) -> Json:
    found: Json = asyncapi["channels"]["main"]["messages"]
    return found


@pytest.fixture(scope="session")
def reference(asyncapi: Json, openapi: Json) -> Reference:
    return Reference(asyncapi, openapi)


# ── valid ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_what_the_specification_asks_for(asyncapi: Json) -> None:
    schema = json.loads((node_modules() / "@asyncapi/specs/schemas/3.0.0.json").read_text())
    errors = [f"{error.json_path}: {error.message}" for error in Draft7Validator(schema).iter_errors(asyncapi)]
    assert errors == []


def test_operations_name_messages_of_the_channel_and_say_who_sends_them(asyncapi: Json) -> None:
    assert asyncapi["asyncapi"] == "3.0.0"
    assert set(asyncapi["channels"]) == {"main"}
    for operation in asyncapi["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert ("reply" in operation) == (operation["action"] == "receive")
        for part in (operation, operation.get("reply", operation)):
            assert part["channel"] == {"$ref": "#/channels/main"}
            assert part["messages"]
            assert all(each["$ref"].startswith("#/channels/main/messages/") for each in part["messages"])


def test_every_reference_leads_somewhere(asyncapi: Json, openapi: Json) -> None:
    for whole in (asyncapi, openapi):
        for ref in re.findall(r'"\$ref": "([^"]+)"', json.dumps(whole)):
            found: Any = whole
            for step in ref.removeprefix("#/").split("/"):
                found = found[step]
            assert found


def test_nothing_is_left_over(asyncapi: Json, messages: Json) -> None:
    text = json.dumps(asyncapi)
    named = re.findall(r'"#/channels/main/messages/([^"]+)"', text)
    assert sorted(set(named)) == sorted(messages)
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', text)) == set(asyncapi["components"]["schemas"])


def test_examples_fit_what_they_are_examples_of(reference: Reference, messages: Json) -> None:
    assert len(messages) > 100
    for name, message in messages.items():
        for example in message["examples"]:
            assert reference.misfit_of_message(name, example["payload"]) is None


# ── whole ────────────────────────────────────────────────────────────────────────────────────────────────────────


def everything_announced() -> Iterator[Announcement]:
    """Every announcement that a module of Fireside has."""
    for module in pkgutil.walk_packages(package.__path__, "fireside."):
        if not module.name.endswith("__main__"):
            for value in vars(import_module(module.name)).values():
                yield from (each for each in (value if isinstance(value, tuple) else (value,)) if is_announced(each))


def is_announced(value: object) -> bool:
    return isinstance(value, Announcement)


def operations(asyncapi: Json, action: str) -> set[str]:
    return {name for name, operation in asyncapi["operations"].items() if operation["action"] == action}


def test_every_client_event_is_in_it_and_nothing_else(asyncapi: Json, events: dict[str, Event]) -> None:
    assert {"sendMessage", "join", "sync", "setTyping"} <= set(events)
    assert operations(asyncapi, "receive") == {"connect", *events}


def test_everything_that_the_server_tells_is_in_it_and_nothing_else(asyncapi: Json) -> None:
    announced = {each.name for each in everything_announced()}
    assert {"messageReceived", "eventRefused", "heads"} <= announced
    assert operations(asyncapi, "send") == announced


def test_every_event_and_everything_told_has_words(asyncapi: Json, messages: Json) -> None:
    for name, operation in asyncapi["operations"].items():
        assert operation["summary"], name
    for name, message in messages.items():
        assert message.get("summary") or message.get("description"), name


def undocumented(whole: Json) -> set[str]:
    """Fields, and forms, of which nothing is said."""
    forms = dict(whole["components"]["schemas"])
    forms |= {name: message["payload"] for name, message in whole["channels"]["main"]["messages"].items()}
    found = {name for name in whole["components"]["schemas"] if not forms[name].get("description")}
    for name, form in forms.items():
        fields = form.get("properties", {}).items()
        found |= {f"{name}.{each}" for each, field in fields if not field.get("description")}
    return found


def test_every_field_of_every_form_is_documented(asyncapi: Json) -> None:
    # What is said of a refusal that goes with a `connect_error` is said of `Error`.
    assert undocumented(asyncapi) == {"connect_error.data"}


def test_every_number_that_clients_give_has_a_highest(asyncapi: Json, events: dict[str, Event]) -> None:
    """One that no database can hold is refused in words, whichever database it is."""
    schemas = asyncapi["components"]["schemas"]
    unbounded = [
        f"{event.form.__name__}.{name}"
        for event in events.values()
        for name, field in schemas[event.form.__name__]["properties"].items()
        for each in choices(field)
        if each.get("type") == "integer" and "maximum" not in each
    ]
    assert unbounded == []


class Bare(Form, frozen=True):
    """What is asked."""

    known: Annotated[str, meant("What it means.", "x")]
    unknown: Annotated[str, meant("", "x")]


class Answered(Reply, frozen=True, kw_only=True):
    """What is answered."""

    more: Annotated[bool, meant("")] = False


def _ask(call: Call, form: Bare) -> None:
    """Ask.

    And more of it.
    """


ASK = Event("ask", Bare, _ask, Answered, (NotFound, Conflict), (Route("POST", "/api/ask"),))
TOLD = Announcement("told", Bare, "Something is. And more of it.")


@pytest.fixture
def small() -> Json:
    return document({"asking": [ASK]}, [TOLD])


def test_a_field_of_which_nothing_is_said_is_found_out(small: Json) -> None:
    assert undocumented(small) - {"connect_error.data"} == {"Bare.unknown", "Answered.more"}


# ── true ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_is_documented_from_its_handler_its_forms_and_its_route(small: Json) -> None:
    assert small["operations"]["ask"] == {
        "action": "receive",
        "channel": {"$ref": "#/channels/main"},
        "summary": "Ask",
        "description": "And more of it.",
        "tags": [{"name": "asking"}],
        "messages": [{"$ref": "#/channels/main/messages/ask"}],
        "reply": {
            "channel": {"$ref": "#/channels/main"},
            "messages": [
                {"$ref": "#/channels/main/messages/ask.ok"},
                {"$ref": "#/channels/main/messages/ask.refused"},
            ],
        },
        "x-rest": [{"method": "POST", "path": "/api/ask"}],
    }
    told = small["operations"]["told"]
    assert (told["action"], told["summary"], told["description"]) == ("send", "Something is", "And more of it.")


def test_an_acknowledgement_has_all_its_fields_and_begins_with_ok(small: Json) -> None:
    answered = small["components"]["schemas"]["Answered"]
    assert answered["required"] == ["ok", "more"]
    assert small["channels"]["main"]["messages"]["ask.ok"]["examples"] == [{"payload": {"ok": True, "more": False}}]


def test_an_event_is_refused_with_its_own_codes_and_with_those_of_every_event(
    events: dict[str, Event], messages: Json
) -> None:
    for name, event in events.items():
        codes = messages[f"{name}.refused"]["payload"]["allOf"][1]["properties"]["code"]["enum"]
        assert set(codes) == {kind.code for kind in (*event.refusals, *ANY_EVENT)}
        assert all(f"`{code}`: " in messages[f"{name}.refused"]["description"] for code in codes)


def test_codes_are_listed_with_their_meanings(asyncapi: Json, messages: Json) -> None:
    codes = {each["const"]: each["description"] for each in asyncapi["components"]["schemas"]["Code"]["oneOf"]}
    assert codes["unknown_event"] == UnknownEvent.__doc__
    assert set(re.findall(r"^`(\w+)`: ", messages["connect_error"]["description"], re.MULTILINE)) <= set(codes)


def test_what_there_is_over_rest_is_there(asyncapi: Json, openapi: Json) -> None:
    routes = [each for operation in asyncapi["operations"].values() for each in operation.get("x-rest", ())]
    assert len(routes) > 30
    for route in routes:
        assert route["method"].lower() in openapi["paths"][route["path"]]


# ── the measure of the journeys ──────────────────────────────────────────────────────────────────────────────────

MESSAGE = {
    "_id": "8f0a1b2c3d673f1c2ab5d94e00000000002a",
    "conversation": "8f0a1b2c3d673f1c2ab5d94e",
    "seq": 42,
    "sender": "74d0e3b8a1c25f6907b8d4e2",
    "content": "Hello!",
    "timestamp": "2026-11-22T09:42:00.123Z",
    "clientId": "b1946ac9-1",
}
REFUSAL = {"ok": False, "error": "No.", "code": "not_found", "requestId": "6f1c0d9e5b7a4c32"}


def test_what_is_as_documented_fits(reference: Reference) -> None:
    assert reference.misfit_of_event("messageReceived", MESSAGE) is None
    assert reference.misfit_of_answer("sendMessage", {"ok": True, "message": MESSAGE}) is None
    assert reference.misfit_of_answer("sendMessage", REFUSAL) is None
    assert reference.misfit_of_answer("sendLove", REFUSAL | {"code": "unknown_event"}) is None


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"read": True}, "'read' was unexpected"),
        ({"seq": "42"}, "$.seq: '42' is not of type 'integer'"),
        ({"seq": 0}, "$.seq: 0 is less than the minimum of 1"),
        ({"pinned": {"by": "74d0e3b8a1c25f6907b8d4e2", "at": 5}}, "$.pinned"),
        ({"system": {"type": "groupExploded"}}, "$.system"),
    ],
)
def test_an_event_that_is_not_as_documented_is_a_misfit(reference: Reference, wrong: Json, said: str) -> None:
    for misfit in (
        reference.misfit_of_event("messageReceived", MESSAGE | wrong),
        reference.misfit_of_answer("sendMessage", {"ok": True, "message": MESSAGE | wrong}),
    ):
        assert misfit is not None
        assert said.removeprefix("$") in misfit


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ("sendMessage", {"message": MESSAGE}),
        ("sendMessage", {"ok": True}),
        ("markRead", {"ok": True, "message": MESSAGE}),
        ("sendMessage", REFUSAL | {"code": "token_expired"}),
        ("sendMessage", REFUSAL | {"ok": True}),
        ("sendMessage", None),
        ("sendLove", {"ok": True}),
        ("messageReceived", {"ok": True}),
        ("connect", {"ok": True}),
    ],
)
def test_an_answer_that_is_not_as_documented_is_a_misfit(reference: Reference, event: str, answer: object) -> None:
    assert reference.misfit_of_answer(event, answer)


@pytest.mark.parametrize("event", ["sendMessage", "messageLost", "connect"])
def test_what_no_server_tells_is_a_misfit(reference: Reference, event: str) -> None:
    assert reference.misfit_of_event(event, MESSAGE)
