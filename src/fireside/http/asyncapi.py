"""The AsyncAPI document: what goes over the sockets, made from the forms that it is read and written with.

What must stay true:

- Every event that the server has is in it, with everything that it may be answered with, and nothing else is.
- What is said of an event, a field or a code is said in the code: here is only what goes for all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fireside import __version__
from fireside.core.errors import (
    ChatError,
    Internal,
    InvalidInput,
    NotFound,
    RateLimited,
    TokenExpired,
    Unauthorized,
    Unavailable,
    UnknownEvent,
)
from fireside.core.events import Announcement, Event
from fireside.http.commands import about
from fireside.http.openapi import ERROR_SCHEMA
from fireside.http.schemas import REF, Schemas, components, example, named

Document = dict[str, Any]

ANY_EVENT: tuple[type[ChatError], ...] = (InvalidInput, RateLimited, Unavailable, Internal)
CONNECTING: tuple[type[ChatError], ...] = (Unauthorized, TokenExpired, RateLimited, Unavailable, Internal)
SAID: Mapping[type[ChatError], str] = {
    NotFound: "There is no such conversation.",
    Unauthorized: "The token is not valid. Log in to get one.",
    InvalidInput: "seq: Expected `int`, got `str`.",
}
"""What refusals may say, for examples."""

TITLE = "Fireside in real time"
DESCRIPTION = """
Events over Socket.IO: what clients ask for, what they are answered, and what the server tells of its own accord.

Every client event takes one object and is acknowledged: with `{ok: true, …}`, or with
`{ok: false, error, code, requestId}` where it is refused. Who asks for no acknowledgement hears of a refusal by
`eventRefused`. A refusal is an answer: the connection stays.

The events of one client are taken up in the order they were sent in, but behind `markDelivered` and `markRead` nothing
waits. Fields that are not ours are ignored, and new ones may come: ignore those you do not know. A field that may be
absent has its default then. Times are ISO 8601 in UTC. Ids are opaque.
"""
SERVER = """
Socket.IO v5 over Engine.IO v4, with its usual path `/socket.io/` and the main namespace. Clients may begin with polling
and upgrade, or use WebSockets alone.
"""
CHANNEL = """
The main namespace of Socket.IO. You hear what is for you from the handshake on: there is nothing to subscribe to. A
connection that outlives its token is closed, and so is one that breaks the protocol or does not read what it is sent.
"""
SECURITY = """
The token that register and login answer with: as `auth: {token}` of the Socket.IO handshake, or as an
`Authorization: Bearer` header.
"""
CONNECT = (
    "Every connection needs a token. Without a good one it is refused with a `connect_error`, and `data.code` says why."
)
CONNECT_ERROR = "The connection is refused. Clients hand it over as an error that has `message` and `data`."

CODE = "Which refusal it is, for programs."

MAIN = "#/channels/main"


def document(events: Mapping[str, Iterable[Event]], announcements: Iterable[Announcement]) -> Document:
    """The document. `events` by the names under which the reference shows them."""
    tagged = [(tag, event) for tag, some in events.items() for event in some]
    told = list(announcements)
    messages, schemas = _messages([event for _, event in tagged], told)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": TITLE,
            "version": __version__,
            "description": DESCRIPTION.strip(),
            "license": {"name": "MIT"},
            "tags": [{"name": tag} for tag in events],
        },
        "defaultContentType": "application/json",
        "servers": {
            "here": {
                "host": "localhost:5000",
                "pathname": "/socket.io/",
                "protocol": "ws",
                "description": SERVER.strip(),
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            }
        },
        "channels": {
            "main": {
                "address": "/",
                "title": "The main namespace",
                "description": CHANNEL.strip(),
                "servers": [{"$ref": "#/servers/here"}],
                "messages": messages,
                "bindings": {"ws": _handshake()},
            }
        },
        "operations": {
            "connect": _connect(),
            **{event.name: _asked(tag, event) for tag, event in tagged},
            **{each.name: _told(each) for each in told},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": SECURITY.strip()}
            },
        },
    }


# ── operations ───────────────────────────────────────────────────────────────────────────────────────────────────


def _asked(tag: str, event: Event) -> Document:
    """What a client may do."""
    summary, description = about(event.handle)
    return {
        "action": "receive",
        "channel": {"$ref": MAIN},
        "summary": summary,
        **({"description": description} if description else {}),
        "tags": [{"name": tag}],
        "messages": [_in_channel(event.name)],
        "reply": _reply(f"{event.name}.ok", f"{event.name}.refused"),
        **({"x-rest": [{"method": each.method, "path": each.path} for each in event.routes]} if event.routes else {}),
    }


def _told(announcement: Announcement) -> Document:
    """What the server tells."""
    summary, _, description = announcement.when.partition(". ")
    return {
        "action": "send",
        "channel": {"$ref": MAIN},
        "summary": summary.rstrip("."),
        **({"description": description} if description else {}),
        "messages": [_in_channel(announcement.name)],
    }


def _connect() -> Document:
    return {
        "action": "receive",
        "channel": {"$ref": MAIN},
        "summary": "Connect",
        "description": CONNECT,
        "messages": [_in_channel("connect")],
        "reply": _reply("connect.ok", "connect_error"),
    }


def _reply(*names: str) -> Document:
    return {"channel": {"$ref": MAIN}, "messages": [_in_channel(name) for name in names]}


def _in_channel(name: str) -> Document:
    return {"$ref": f"{MAIN}/messages/{name}"}


# ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _messages(events: Sequence[Event], announcements: Sequence[Announcement]) -> tuple[Document, Schemas]:
    """Everything that may go over the socket, and the schemas it refers to."""
    types = [kind for event in events for kind in (event.form, event.reply)] + [each.form for each in announcements]
    refs, forms = components(types)
    payloads = dict(zip(types, refs, strict=True))
    schemas = _plain(forms) | _refusal_schemas(events)
    for reply in {event.reply for event in events}:
        # Nothing is left out of an acknowledgement, whatever its defaults.
        form = named(payloads[reply], schemas)
        form["required"] = list(form["properties"])
    messages = _connecting()
    for event in events:
        messages |= _asked_and_answered(event, payloads)
    for each in announcements:
        messages[each.name] = _message(each.name, payloads[each.form], each.form.__doc__)
    for message in messages.values():
        if "examples" not in message:
            message["examples"] = [{"payload": example(message["payload"], schemas)}]
    return messages, schemas


def _asked_and_answered(event: Event, payloads: Mapping[type, Document]) -> Document:
    """What is sent, and the two ways in which it may be answered."""
    kinds = _refusals(event)
    refusal = _refusal_with(kinds)
    return {
        event.name: _message(event.name, payloads[event.form], event.form.__doc__),
        f"{event.name}.ok": _message("Acknowledgement", payloads[event.reply], event.reply.__doc__),
        f"{event.name}.refused": {
            **_message("Refusal", _narrowed("Refusal", kinds), None),
            "description": _meanings(kinds),
            "examples": [{"payload": {"ok": False, **refusal}}],
        },
    }


def _connecting() -> Document:
    token = {"type": "string", "description": "Who you are.", "examples": ["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…"]}
    sid = {"type": "string", "description": "The socket's id.", "examples": ["bzXfDdNUC5P4GaFb"]}
    message = {"type": "string", "description": "What `data.error` says."}
    refusal = _refusal_with(CONNECTING)
    return {
        "connect": _message("connect", _form(token=token), "The `auth` of the handshake."),
        "connect.ok": _message("Connected", _form(sid=sid), "You are connected."),
        "connect_error": {
            **_message("connect_error", _form(message=message, data=_narrowed("Error", CONNECTING)), CONNECT_ERROR),
            "description": _meanings(CONNECTING),
            "examples": [{"payload": {"message": refusal["error"], "data": refusal}}],
        },
    }


def _message(name: str, payload: Document, summary: str | None) -> Document:
    return {"name": name, "payload": payload, **({"summary": " ".join(summary.split())} if summary else {})}


def _handshake() -> Document:
    """The query of a WebSocket, which every Socket.IO client writes by itself."""
    query = {"EIO": {"type": "string", "enum": ["4"]}, "transport": {"type": "string", "enum": ["websocket"]}}
    return {"method": "GET", "query": _form(**query), "bindingVersion": "0.1.0"}


# ── schemas ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _refusals(event: Event) -> list[type[ChatError]]:
    """What this event may be refused with: what is its own, then what every event may be."""
    return list(dict.fromkeys((*event.refusals, *ANY_EVENT)))


def _refusal_schemas(events: Iterable[Event]) -> Document:
    kinds: list[type[ChatError]] = [UnknownEvent, *CONNECTING]
    kinds += [kind for event in events for kind in _refusals(event)]
    meanings = {kind.code: kind.__doc__ for kind in kinds}
    codes = [{"const": code, "description": meanings[code]} for code in sorted(meanings)]
    ok = {"enum": [False], "description": "It was not done."}
    fields = ERROR_SCHEMA["properties"] | {"code": {"description": CODE, **_ref("Code")}}
    required = ERROR_SCHEMA["required"]
    return {
        "Code": {"description": CODE, "type": "string", "oneOf": codes},
        "Error": _object("Why a connection was refused.", fields, required),
        "Refusal": {
            **_object("Why nothing was done.", {"ok": ok, **fields}, ["ok", *required]),
            "examples": [{"ok": False, **_refusal_with([NotFound])}],
        },
    }


def _narrowed(name: str, kinds: Iterable[type[ChatError]]) -> Document:
    """A refusal that has one of these codes only."""
    return {"allOf": [_ref(name), {"properties": {"code": {"enum": [kind.code for kind in kinds]}}}]}


def _refusal_with(kinds: Iterable[type[ChatError]]) -> Document:
    """An example."""
    kind = next(kind for kind in kinds if kind in SAID)
    return {"error": SAID[kind], "code": kind.code, "requestId": "6f1c0d9e5b7a4c32"}


def _meanings(kinds: Iterable[type[ChatError]]) -> str:
    return "\n\n".join(f"`{kind.code}`: {kind.__doc__}" for kind in kinds)


def _form(**fields: Document) -> Document:
    return {"type": "object", "properties": fields, "required": list(fields)}


def _object(description: str, fields: Document, required: list[str]) -> Document:
    return {"type": "object", "description": description, "properties": fields, "required": required}


def _ref(name: str) -> Document:
    return {"$ref": REF.format(name=name)}


def _plain(schema: Any) -> Any:
    """Without OpenAPI's way to tell the members of a union apart; they are told by their `enum` as well."""
    if isinstance(schema, dict):
        return {name: _plain(each) for name, each in schema.items() if name != "discriminator"}
    return [_plain(each) for each in schema] if isinstance(schema, list) else schema
