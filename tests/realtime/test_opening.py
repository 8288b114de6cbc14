"""The opening handshake of a WebSocket by its rules; `websockets` says whether our answer is one."""

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.protocol import State
from websockets.uri import parse_uri

from fireside.realtime.opening import MAX_HEAD, MAX_HEADERS, Opening, read_opening, refusing
from fireside.socketio.engine import Refusal

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
OWN = {"host": "x", "upgrade": "websocket", "connection": "Upgrade", "sec-websocket-key": KEY}
USUAL = OWN | {"sec-websocket-version": "13"}

names = st.text(st.characters(codec="ascii", exclude_characters="\r\n:"), min_size=1, max_size=12)
values = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=30)


FIRST = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1"


def head(headers: dict[str, str], *lines: str, first: str = FIRST) -> bytes:
    named = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([first, *named, *lines, "", ""]).encode("latin-1")


def usual(*lines: str, first: str = FIRST, **changed: str) -> bytes:
    return head(USUAL | {name.replace("_", "-"): value for name, value in changed.items()}, *lines, first=first)


def opened(request: bytes) -> Opening:
    found = read_opening(request)
    assert isinstance(found, Opening), found
    return found


def test_the_example_of_the_rfc_is_answered_as_it_says() -> None:
    opening = opened(usual())
    assert (opening.path, opening.query) == ("/socket.io/", "EIO=4&transport=websocket")
    assert opening.answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in opening.answer
    assert opening.answer.endswith(b"\r\n\r\n")


def test_a_client_of_somebody_else_takes_the_answer() -> None:
    client = ClientProtocol(parse_uri("ws://x/socket.io/?EIO=4&transport=websocket"))
    client.send_request(client.connect())
    opening = opened(b"".join(client.data_to_send()))
    client.receive_data(opening.answer)
    client.events_received()
    assert (client.state, client.handshake_exc) == (State.OPEN, None)


@given(st.binary(min_size=16, max_size=16))
def test_every_key_of_sixteen_bytes_is_one(key: bytes) -> None:
    opened(usual(sec_websocket_key=b64encode(key).decode()))


@pytest.mark.parametrize(
    ("request_head", "refusal"),
    [
        (head(OWN), Refusal.UNSUPPORTED_WEBSOCKET),
        (usual(sec_websocket_version="8"), Refusal.UNSUPPORTED_WEBSOCKET),
        (usual(sec_websocket_version="130"), Refusal.UNSUPPORTED_WEBSOCKET),
        (usual("Sec-WebSocket-Version: 13"), Refusal.UNSUPPORTED_WEBSOCKET),
        (usual(sec_websocket_key=""), Refusal.BAD_HANDSHAKE),
        (usual(sec_websocket_key="short"), Refusal.BAD_HANDSHAKE),
        (usual(sec_websocket_key=b64encode(bytes(15)).decode()), Refusal.BAD_HANDSHAKE),
        (usual(sec_websocket_key=b64encode(bytes(17)).decode()), Refusal.BAD_HANDSHAKE),
        (usual(sec_websocket_key=KEY + "!"), Refusal.BAD_HANDSHAKE),
        (usual(sec_websocket_key="ü" * 24), Refusal.BAD_HANDSHAKE),
        (usual(f"Sec-WebSocket-Key: {KEY}"), Refusal.BAD_HANDSHAKE),
        (usual(first="POST /socket.io/?EIO=4&transport=websocket HTTP/1.1"), Refusal.BAD_METHOD),
        (usual(x_long="x" * MAX_HEAD), Refusal.HEAD_TOO_LARGE),
        (usual(*(f"X-{number}: x" for number in range(MAX_HEADERS))), Refusal.HEAD_TOO_LARGE),
    ],
)
def test_what_is_against_the_rules_is_refused_and_said(request_head: bytes, refusal: Refusal) -> None:
    assert read_opening(request_head) is refusal


def test_names_are_in_lower_case_and_what_comes_twice_is_joined() -> None:
    assert set(opened(usual()).headers) == set(USUAL)
    headers = opened(usual("X-Forwarded-For: 192.0.2.1", "x-forwarded-for:192.0.2.2 ", "X-Empty:")).headers
    assert headers["x-forwarded-for"] == "192.0.2.1, 192.0.2.2"
    assert headers["x-empty"] == ""


@given(st.lists(st.tuples(names, values), max_size=12), values.filter(lambda each: " " not in each))
def test_whatever_a_head_says_it_is_a_handshake_or_it_is_not(headers: list[tuple[str, str]], target: str) -> None:
    lines = [f"{name}: {value}" for name, value in headers]
    for own in ({}, OWN, USUAL):
        read_opening(head(own, *lines, first=f"GET {target} HTTP/1.1"))


@pytest.mark.parametrize("refusal", Refusal)
def test_a_refusal_is_http_that_says_why_and_ends_the_connection(refusal: Refusal) -> None:
    start, _, body = refusing(refusal, 7 if refusal is Refusal.BUSY else None).partition(b"\r\n\r\n")
    status, *lines = start.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert status.startswith(f"HTTP/1.1 {refusal.status} ")
    assert json.loads(body) == json.loads(refusal.body())
    assert headers["Content-Length"] == str(len(body))
    assert headers["Connection"] == "close"
    assert headers.get("Retry-After") == ("7" if refusal is Refusal.BUSY else None)
    named = "13" if refusal is Refusal.UNSUPPORTED_WEBSOCKET else None
    assert (headers.get("Sec-WebSocket-Version"), headers.get("Upgrade")) == (named, named and "websocket")
