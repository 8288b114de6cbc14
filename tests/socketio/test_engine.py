"""Engine.IO without I/O: which requests are any, and what a polling body holds."""

import json
from base64 import b64encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fireside.socketio.engine import (
    MAX_PACKETS_PER_PAYLOAD,
    ProtocolError,
    Refusal,
    Request,
    binary_payload,
    open_packet,
    read_request,
    split_payload,
)
from tests.socketio.hostile import PAYLOADS

POLLING = {"EIO": "4", "transport": "polling"}
WEBSOCKET = {"EIO": "4", "transport": "websocket"}


@pytest.mark.parametrize(
    ("method", "query", "upgrade", "expected"),
    [
        ("GET", POLLING, False, Request("polling", None)),
        ("GET", WEBSOCKET, True, Request("websocket", None)),
        ("GET", {**POLLING, "sid": "x"}, False, Request("polling", "x")),
        ("POST", {**POLLING, "sid": "x"}, False, Request("polling", "x")),
        ("GET", {**WEBSOCKET, "sid": "x"}, True, Request("websocket", "x")),
        ("GET", {}, False, Refusal.UNKNOWN_TRANSPORT),
        ("GET", {"EIO": "4"}, False, Refusal.UNKNOWN_TRANSPORT),
        ("GET", {"EIO": "4", "transport": "abc"}, False, Refusal.UNKNOWN_TRANSPORT),
        ("GET", {"EIO": "4", "transport": "constructor"}, True, Refusal.UNKNOWN_TRANSPORT),
        ("GET", {"transport": "abc"}, False, Refusal.UNKNOWN_TRANSPORT),
        ("GET", {"transport": "polling"}, False, Refusal.UNSUPPORTED_PROTOCOL),
        ("GET", {"transport": "polling", "EIO": "3"}, False, Refusal.UNSUPPORTED_PROTOCOL),
        ("GET", {"transport": "polling", "EIO": "abc"}, False, Refusal.UNSUPPORTED_PROTOCOL),
        ("GET", {"transport": "polling", "EIO": "04"}, False, Refusal.UNSUPPORTED_PROTOCOL),
        ("GET", WEBSOCKET, False, Refusal.BAD_REQUEST),
        ("GET", POLLING, True, Refusal.BAD_REQUEST),
        ("GET", {**POLLING, "j": "0"}, False, Refusal.BAD_REQUEST),
        ("POST", POLLING, False, Refusal.BAD_METHOD),
        ("PUT", POLLING, False, Refusal.BAD_METHOD),
        ("DELETE", POLLING, False, Refusal.BAD_METHOD),
        ("HEAD", POLLING, False, Refusal.BAD_METHOD),
    ],
)
def test_a_request_is_read_or_refused(
    method: str, query: dict[str, str], upgrade: bool, expected: Request | Refusal
) -> None:
    assert read_request(method, query, upgrade=upgrade) == expected


@given(
    st.text(max_size=8),
    st.dictionaries(st.sampled_from(["EIO", "transport", "sid", "j", "t"]), st.text(max_size=8)),
    st.booleans(),
)
def test_any_method_and_query_is_read_or_refused(method: str, query: dict[str, str], upgrade: bool) -> None:
    assert isinstance(read_request(method, query, upgrade=upgrade), Request | Refusal)


def test_refusals_are_numbered_as_the_reference_server_does_and_no_number_is_given_twice() -> None:
    numbers = [json.loads(refusal.body())["code"] for refusal in Refusal]
    assert numbers == list(range(len(numbers)))
    assert json.loads(Refusal.UNKNOWN_SID.body()) == {"code": 1, "message": "Session ID unknown"}
    assert {refusal.status for refusal in Refusal} <= {400, 403, 404, 413, 426, 429, 431, 503}


def test_the_open_packet_holds_exact_milliseconds() -> None:
    packet = open_packet("s", upgrades=True, ping_interval_ms=300, ping_timeout_ms=200, max_payload=1000)
    assert packet.startswith(b"0")
    assert json.loads(packet[1:]) == {
        "sid": "s",
        "upgrades": ["websocket"],
        "pingInterval": 300,
        "pingTimeout": 200,
        "maxPayload": 1000,
    }


def test_a_websocket_has_nothing_to_upgrade_to() -> None:
    packet = open_packet("s", upgrades=False, ping_interval_ms=1, ping_timeout_ms=1, max_payload=1)
    assert json.loads(packet[1:])["upgrades"] == []


@pytest.mark.parametrize(
    ("body", "packets"),
    [
        (b"4hello", ["4hello"]),
        (b"4", ["4"]),
        (b"3\x1e4a\x1e1", ["3", "4a", "1"]),
        (b"2", ["2"]),
        ("4héllo €\x1e4😀".encode(), ["4héllo €", "4😀"]),
        (b"4hello\x1ebAQIDBA==", ["4hello", b"\x01\x02\x03\x04"]),
        (b"b", [b""]),
        (b"4a\x00b", ["4a\x00b"]),
    ],
)
def test_a_payload_is_split_into_its_packets(body: bytes, packets: list[str | bytes]) -> None:
    assert split_payload(body) == packets


@pytest.mark.parametrize("body", PAYLOADS.values(), ids=PAYLOADS)
def test_a_payload_that_is_none_is_refused_whole(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        split_payload(body)


@pytest.mark.parametrize("count", [1, 17, MAX_PACKETS_PER_PAYLOAD])
def test_a_payload_of_many_packets_is_read_whole(count: int) -> None:
    assert split_payload(b"\x1e".join(b"4%d" % n for n in range(count))) == [f"4{n}" for n in range(count)]


@given(st.binary(max_size=64))
def test_any_body_is_split_or_refused(body: bytes) -> None:
    try:
        packets = split_payload(body)
    except ProtocolError:
        return
    assert packets
    assert all(isinstance(packet, bytes) or packet[0] in "1234" for packet in packets)


@given(st.text("b12345\x1e=Aé٣\x00€!", max_size=24))
def test_any_body_of_interesting_characters_is_split_or_refused(body: str) -> None:
    with suppress(ProtocolError):
        split_payload(body.encode())


# No separator: over polling the JSON inside escapes it, like every control character.
MESSAGES = st.binary(max_size=40) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@given(st.lists(MESSAGES, min_size=1, max_size=20))
def test_what_is_put_into_a_payload_comes_out_of_it(messages: list[str | bytes]) -> None:
    parts = [b"4" + each.encode() if isinstance(each, str) else binary_payload(each) for each in messages]
    expected = ["4" + each if isinstance(each, str) else each for each in messages]
    assert split_payload(b"\x1e".join(parts)) == expected


def test_a_binary_message_is_base64_with_padding() -> None:
    assert binary_payload(b"\x01\x02\x03\x04") == b"b" + b64encode(b"\x01\x02\x03\x04") == b"bAQIDBA=="
