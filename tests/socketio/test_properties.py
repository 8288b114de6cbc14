"""Socket.IO packets by properties: what is written is read again, and nothing that is read does harm."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fireside.socketio.engine import ProtocolError
from fireside.socketio.packet import ACK, EVENT, MAX_ATTACHMENTS, RESERVED_EVENTS, Decoder, Packet, decode, encode

TEXT = st.text(max_size=8)
NUMBERS = st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXT
KEYS = TEXT.filter(lambda key: key != "_placeholder")


def trees(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=MAX_ATTACHMENTS,
    )


NAMESPACES = st.just("/") | st.text("abcXYZ019-_./", max_size=12).map("/".__add__)
IDS = st.integers(0, 10**15 - 1)
NAMES = TEXT.filter(lambda name: name not in RESERVED_EVENTS)
ARGUMENTS = trees(SCALARS | st.binary(max_size=8)).map(lambda tree: [tree])


def read(text: bytes, attachments: list[bytes]) -> Packet:
    decoder = Decoder()
    packet = decoder.feed(text.decode())
    for data in attachments:
        assert packet is None
        packet = decoder.feed(data)
    assert packet is not None
    return packet


@given(NAMESPACES, NAMES, ARGUMENTS, st.none() | IDS)
def test_an_event_with_bytes_anywhere_is_read_as_it_was_written(
    namespace: str, name: str, arguments: list[Any], ack_id: int | None
) -> None:
    packet = read(*encode(Packet(EVENT, namespace, [name, *arguments], ack_id)))
    assert (packet.namespace, packet.data, packet.id) == (namespace, [name, *arguments], ack_id)


@given(NAMESPACES, ARGUMENTS, IDS)
def test_an_acknowledgement_is_read_as_it_was_written(namespace: str, arguments: list[Any], ack_id: int) -> None:
    packet = read(*encode(Packet(ACK, namespace, arguments, ack_id)))
    assert (packet.namespace, packet.data, packet.id) == (namespace, arguments, ack_id)


def decoded(text: str) -> Packet | None:
    """What any text is: a packet, which can then be written, or a protocol error."""
    try:
        packet = decode(text)
    except ProtocolError:
        return None
    encode(packet)
    return packet


@given(st.text(st.characters(), max_size=64))
def test_any_text_is_a_packet_or_a_protocol_error(text: str) -> None:
    decoded(text)


PIECES = (
    *'0123456789-,/?[]{}:"\\ud80.eE+ \x00\x1e٣é',
    '["x"',
    '["x",',
    "null",
    "true",
    "1e999",
    "NaN",
    r'"\ud800"',
    '"_placeholder"',
    '"num"',
    '{"_placeholder":true,"num":0}',
    "[" * 50,
    "]" * 50,
    "9" * 5000,
)


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_any_text_of_interesting_pieces_is_a_packet_or_a_protocol_error(text: str) -> None:
    decoded(text)


HEADERS = st.builds(
    "5{}-{}{}".format,
    st.integers(0, 12),
    st.sampled_from(["", "/custom,", "7"]),
    st.lists(
        st.integers(-1, 3).map('{{"_placeholder":true,"num":{}}}'.format)
        | st.sampled_from(["1", '{"_placeholder":1}']),
        max_size=4,
    ).map(lambda items: '["x",[' + ",".join(items) + "]]"),
)


@given(st.lists(HEADERS | st.binary(max_size=4) | st.text(max_size=8), max_size=12))
def test_any_row_of_messages_makes_packets_or_a_protocol_error(messages: list[str | bytes]) -> None:
    decoder = Decoder()
    for message in messages:
        try:
            packet = decoder.feed(message)
        except ProtocolError:
            return
        if packet is not None:
            assert len(packet.buffers) == packet.attachments
            encode(packet)
