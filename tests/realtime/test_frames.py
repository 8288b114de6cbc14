"""Frames: what a client's own parser makes of ours, and what polling takes out of them."""

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from fireside.realtime import frames
from fireside.realtime.frames import BINARY, TEXT, frame, packet_frames, polling_packet
from fireside.socketio.engine import split_payload
from fireside.socketio.packet import EVENT, Packet

LENGTHS = [0, 1, 125, 126, 127, 128, 65535, 65536, 70000]


def parsed(data: bytes) -> Frame:
    """The one frame in the data, as a WebSocket client reads it."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    steps: Generator[None, None, Frame] = Frame.parse(reader.read_exact, mask=False)
    try:
        next(steps)
    except StopIteration as end:
        assert not reader.buffer
        read: Frame = end.value
        return read
    raise AssertionError("the frame is not complete")


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize(("opcode", "expected"), [(TEXT, Opcode.TEXT), (BINARY, Opcode.BINARY)])
def test_a_client_reads_a_frame_of_any_length(length: int, opcode: int, expected: Opcode) -> None:
    payload = b"x" * length
    read = parsed(frame(payload, opcode))
    assert (read.opcode, read.data, read.fin) == (expected, payload, True)


@pytest.mark.parametrize("length", LENGTHS)
def test_polling_takes_out_of_a_frame_what_was_put_in(length: int) -> None:
    payload = b"4" + b"x" * length
    assert polling_packet(frame(payload)) == payload
    assert split_payload(polling_packet(frame(payload, BINARY))) == [payload]


@given(st.binary(max_size=300))
def test_polling_and_websocket_carry_the_same_bytes(payload: bytes) -> None:
    assert split_payload(polling_packet(frame(payload, BINARY))) == [payload]
    assert parsed(frame(payload, BINARY)).data == payload


@pytest.mark.parametrize(
    ("framed", "packet"),
    [(frames.PING, b"2"), (frames.CLOSE, b"1"), (frames.NOOP, b"6")],
    ids=["ping", "close", "noop"],
)
def test_the_frames_that_never_change_hold_their_packet(framed: bytes, packet: bytes) -> None:
    assert parsed(framed).data == packet
    assert polling_packet(framed) == packet


def test_a_packet_with_attachments_is_text_and_then_binary() -> None:
    read = [parsed(each) for each in packet_frames(Packet(EVENT, data=["x", b"\0" * 200, b""]))]
    assert [each.opcode for each in read] == [Opcode.TEXT, Opcode.BINARY, Opcode.BINARY]
    assert [len(each.data) for each in read[1:]] == [200, 0]
    assert bytes(read[0].data).startswith(b'452-["x",')
