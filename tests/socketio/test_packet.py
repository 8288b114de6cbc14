"""Socket.IO packets without I/O: what is read, what is refused, and what is written."""

from typing import Any

import pytest

from fireside.socketio.engine import ProtocolError
from fireside.socketio.packet import (
    ACK,
    BINARY_ACK,
    BINARY_EVENT,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    MAX_ARGUMENTS,
    MAX_ATTACHMENTS,
    MAX_DEPTH,
    Decoder,
    Packet,
    decode,
    encode,
    holds_bytes,
)
from tests.socketio.hostile import FORGED_PLACEHOLDERS, PACKETS, UNREADABLE

ACCEPTED: dict[str, Packet] = {
    "0": Packet(CONNECT),
    '0{"token":"123"}': Packet(CONNECT, data={"token": "123"}),
    "0/custom": Packet(CONNECT, "/custom"),
    "0/custom,": Packet(CONNECT, "/custom"),
    '0/custom,{"a":1}': Packet(CONNECT, "/custom", {"a": 1}),
    "0/custom?token=1,": Packet(CONNECT, "/custom"),
    "0/,{}": Packet(CONNECT, "/", {}),
    "1": Packet(DISCONNECT),
    "1/custom,": Packet(DISCONNECT, "/custom"),
    '2["x"]': Packet(EVENT, data=["x"]),
    '2[""]': Packet(EVENT, data=[""]),
    '212["x",1]': Packet(EVENT, data=["x", 1], id=12),
    '20["x"]': Packet(EVENT, data=["x"], id=0),
    f'2{"9" * 15}["x"]': Packet(EVENT, data=["x"], id=10**15 - 1),
    '2/custom,7["x",{"a":[null,true,1.5]}]': Packet(EVENT, "/custom", ["x", {"a": [None, True, 1.5]}], 7),
    '2["x"' + ",1" * MAX_ARGUMENTS + "]": Packet(EVENT, data=["x"] + [1] * MAX_ARGUMENTS),
    '2["Connect"]': Packet(EVENT, data=["Connect"]),
    '2["x",{"_placeholder":true,"num":0}]': Packet(EVENT, data=["x", {"_placeholder": True, "num": 0}]),
    "31[]": Packet(ACK, data=[], id=1),
    "3/custom,1[2]": Packet(ACK, "/custom", [2], 1),
    '31["connect"]': Packet(ACK, data=["connect"], id=1),
    '51-["x",0]': Packet(BINARY_EVENT, data=["x", 0], attachments=1),
    '510-/custom,3["x"]': Packet(BINARY_EVENT, "/custom", ["x"], 3, attachments=MAX_ATTACHMENTS),
    "61-3[0]": Packet(BINARY_ACK, data=[0], id=3, attachments=1),
}


@pytest.mark.parametrize(("text", "packet"), ACCEPTED.items(), ids=[text[:40] for text in ACCEPTED])
def test_a_packet_is_read(text: str, packet: Packet) -> None:
    assert decode(text) == packet


@pytest.mark.parametrize("text", PACKETS.values(), ids=PACKETS)
def test_a_packet_that_only_an_attack_or_a_bug_sends_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        decode(text)
    with pytest.raises(ProtocolError):
        Decoder().feed(text)


@pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE)
def test_what_no_application_wants_comes_through_for_it_to_refuse(text: str) -> None:
    packet = decode(text)
    assert packet.type == EVENT
    assert isinstance(packet.data[0], str)


def test_unwanted_values_come_through_as_they_were() -> None:
    assert decode(UNREADABLE["a lone surrogate"]).data == ["x", "\ud800"]
    assert decode('2["x","\ud800"]').data == ["x", "\ud800"]
    assert decode(UNREADABLE["a number past every float"]).data == ["x", float("inf")]
    assert decode(UNREADABLE["NUL"]).data == ["x", "\0"]


def test_of_duplicate_keys_the_last_one_counts_in_either_parser() -> None:
    assert decode('2["x",{"a":1,"a":2}]').data == ["x", {"a": 2}]
    assert decode(r'2["x",{"a":1,"a":"\ud800"}]').data == ["x", {"a": "\ud800"}]


def test_a_surrogate_pair_is_one_character() -> None:
    assert decode(r'2["x","\ud83d\ude00"]').data == ["x", "😀"]


def test_an_integer_of_a_thousand_digits_is_a_number() -> None:
    assert decode(f'2["x",{"9" * 1000}]').data == ["x", 10**1000 - 1]


def nested(depth: int, innermost: str = "") -> str:
    return "[" * depth + innermost + "]" * depth


@pytest.mark.parametrize("shape", [nested, lambda depth: '{"a":' * depth + "1" + "}" * depth])
def test_data_may_be_as_deep_as_the_limit_and_no_deeper(shape: Any) -> None:
    assert decode(f'2["x",{shape(MAX_DEPTH - 1)}]').data[0] == "x"
    with pytest.raises(ProtocolError):
        decode(f'2["x",{shape(MAX_DEPTH)}]')


def test_brackets_in_strings_are_not_depth() -> None:
    assert decode(f'2["x","{"[{" * 1000}"]').data == ["x", "[{" * 1000]


def test_many_values_side_by_side_are_not_depth() -> None:
    assert decode(f'2["x",[{",".join(["[]"] * 1000)}]]').data[1] == [[]] * 1000


@pytest.mark.parametrize("depth", [MAX_DEPTH, 200, 500, 900, 990, 1100, 100_000])
def test_data_too_deep_is_refused_also_with_attachments_in_it(depth: int) -> None:
    with pytest.raises(ProtocolError):
        Decoder().feed('51-["x",' + nested(depth, '{"_placeholder":true,"num":0}') + "]")


def feed(*messages: str | bytes) -> Packet | None:
    decoder = Decoder()
    packet = None
    for message in messages:
        assert packet is None
        packet = decoder.feed(message)
    return packet


PLACEHOLDER = '{"_placeholder":true,"num":%d}'


def test_attachments_are_put_where_their_placeholders_are() -> None:
    header = f'52-9["x",{{"a":[{PLACEHOLDER % 1}]}},{PLACEHOLDER % 0}]'
    packet = feed(header, b"first", b"second")
    assert packet is not None
    assert packet.data == ["x", {"a": [b"second"]}, b"first"]
    assert (packet.type, packet.id) == (BINARY_EVENT, 9)


def test_an_attachment_may_be_empty() -> None:
    packet = feed(f'51-["x",{PLACEHOLDER % 0}]', b"")
    assert packet is not None
    assert packet.data == ["x", b""]


def test_a_packet_is_incomplete_while_attachments_that_were_announced_are_missing() -> None:
    assert feed(f'52-["x",{PLACEHOLDER % 0},{PLACEHOLDER % 1}]', b"first") is None


def test_ten_attachments_are_taken() -> None:
    header = '510-["x",' + ",".join(PLACEHOLDER % n for n in range(10)) + "]"
    packet = feed(header, *(b"%d" % n for n in range(10)))
    assert packet is not None
    assert packet.data == ["x", *(b"%d" % n for n in range(10))]


@pytest.mark.parametrize("forged", FORGED_PLACEHOLDERS.values(), ids=FORGED_PLACEHOLDERS)
def test_a_forged_placeholder_is_refused(forged: str) -> None:
    with pytest.raises(ProtocolError):
        feed(f'51-["x",{forged}]', b"data")


def test_an_attachment_that_is_used_nowhere_is_refused() -> None:
    with pytest.raises(ProtocolError):
        feed(f'52-["x",{PLACEHOLDER % 0}]', b"first", b"second")


def test_text_where_an_attachment_was_due_is_refused() -> None:
    with pytest.raises(ProtocolError):
        feed(f'51-["x",{PLACEHOLDER % 0}]', '2["y"]')


def test_an_attachment_that_was_not_announced_is_refused() -> None:
    decoder = Decoder()
    with pytest.raises(ProtocolError):
        decoder.feed(b"data")
    decoder.feed(f'51-["x",{PLACEHOLDER % 0}]')
    assert decoder.feed(b"data") is not None
    with pytest.raises(ProtocolError):
        decoder.feed(b"more")


def test_a_decoder_goes_on_after_a_binary_packet() -> None:
    decoder = Decoder()
    assert decoder.feed(f'51-["x",{PLACEHOLDER % 0}]') is None
    assert decoder.feed(b"data") == Packet(BINARY_EVENT, data=["x", b"data"], attachments=1, buffers=[b"data"])
    assert decoder.feed('2["y"]') == Packet(EVENT, data=["y"])


WRITTEN: list[tuple[Packet, bytes]] = [
    (Packet(CONNECT, data={"sid": "a"}), b'0{"sid":"a"}'),
    (Packet(CONNECT, "/custom", {"sid": "a"}), b'0/custom,{"sid":"a"}'),
    (Packet(DISCONNECT), b"1"),
    (Packet(DISCONNECT, "/custom"), b"1/custom,"),
    (Packet(EVENT, data=["x", 1, "2", {"3": [True]}]), b'2["x",1,"2",{"3":[true]}]'),
    (Packet(EVENT, data=["x"], id=0), b'20["x"]'),
    (Packet(ACK, "/custom", [None], 12), b"3/custom,12[null]"),
    (Packet(CONNECT_ERROR, "/x", {"message": "Invalid namespace"}), b'4/x,{"message":"Invalid namespace"}'),
    (Packet(EVENT, data=["x", "a\ud800b"]), '2["x","a\ufffdb"]'.encode()),
    (Packet(ACK, data=[{"\udfff": [float("inf"), "😀"]}], id=1), '31[{"\ufffd":[null,"😀"]}]'.encode()),
    (Packet(EVENT, data=["x", "\x1e"]), rb'2["x","\u001e"]'),
]


@pytest.mark.parametrize(("packet", "text"), WRITTEN, ids=[ascii(text) for _, text in WRITTEN])
def test_a_packet_is_written(packet: Packet, text: bytes) -> None:
    assert encode(packet) == (text, [])


@pytest.mark.parametrize("data", [b"\1\2", bytearray(b"\1\2"), memoryview(b"\1\2")])
def test_bytes_in_the_data_make_a_packet_binary(data: Any) -> None:
    text, attachments = encode(Packet(EVENT, data=["x", {"a": (data, "b")}], id=7))
    assert text == b'51-7["x",{"a":[{"_placeholder":true,"num":0},"b"]}]'
    assert attachments == [b"\1\2"]
    assert encode(Packet(ACK, "/custom", [data], 7))[0] == b'61-/custom,7[{"_placeholder":true,"num":0}]'


def test_bytes_are_found_wherever_they_are() -> None:
    assert not holds_bytes(["x", {"a": [1, None, "b"]}])
    assert holds_bytes(["x", {"a": [1, None, b"b"]}])
    assert holds_bytes({"a": ({"b": bytearray()},)})
