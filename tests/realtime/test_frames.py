"""Frames: what a client's own parser makes of ours, and what polling takes out of them."""

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from fireside.realtime import frames
from fireside.realtime.frames import (
    BINARY,
    TEXT,
    frame,
    packet_frames,
    polling_packet,
    size_on_the_wire,
    whole_texts,
)
from fireside.socketio.engine import split_payload
from fireside.socketio.packet import EVENT, Packet
from tests.realtime.clients import BINARY as BINARY_OPCODE
from tests.realtime.clients import CLOSE, CONTINUATION, PING, client_frame
from tests.realtime.clients import TEXT as TEXT_OPCODE

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


# ── from clients ─────────────────────────────────────────────────────────────────────────────────────────────────

LIMIT = 70_000


@given(st.lists(st.binary(max_size=200) | st.binary(min_size=300, max_size=300), max_size=5), st.integers(0, 20))
def test_whole_texts_are_read_up_to_the_one_that_is_not_whole(payloads: list[bytes], missing: int) -> None:
    framed = [client_frame(TEXT_OPCODE, payload) for payload in payloads]
    data = b"".join(framed)
    cut = data[: len(data) - missing]
    complete, size = [], 0
    for payload, each in zip(payloads, framed, strict=True):
        if size + len(each) > len(cut):
            break
        complete.append(payload)
        size += len(each)
    assert whole_texts(cut, LIMIT) == (complete, size)


def test_a_mask_is_taken_off() -> None:
    framed = Frame(Opcode.TEXT, b'42["hello"]').serialize(mask=True)
    assert whole_texts(framed, LIMIT) == ([b'42["hello"]'], len(framed))


@pytest.mark.parametrize("length", [length for length in LENGTHS if length < 65536])
def test_a_whole_text_of_any_length_but_the_longest_is_read(length: int) -> None:
    framed = client_frame(TEXT_OPCODE, b"x" * length)
    assert whole_texts(framed, LIMIT) == ([b"x" * length], len(framed))


@pytest.mark.parametrize(
    "other",
    [
        client_frame(BINARY_OPCODE, b"x"),
        client_frame(CONTINUATION, b"x"),
        client_frame(PING),
        client_frame(CLOSE),
        client_frame(TEXT_OPCODE, b"x", final=False),
        client_frame(TEXT_OPCODE, b"x", masked=False),
        client_frame(TEXT_OPCODE, b"x" * 125, masked=False),
        client_frame(TEXT_OPCODE, b"x" * 126, masked=False),
        client_frame(TEXT_OPCODE, b"x", reserved=4),
        client_frame(TEXT_OPCODE, b"x" * 101),
        client_frame(TEXT_OPCODE, b"x" * 65536),
    ],
    ids=[
        "binary",
        "a continuation",
        "a ping",
        "a close",
        "a part",
        "no mask",
        "no mask and 125 bytes",
        "no mask and 126 bytes",
        "a reserved bit",
        "over the limit",
        "a length of eight bytes",
    ],
)
def test_everything_else_is_left_to_the_parser_with_what_comes_after(other: bytes) -> None:
    before = client_frame(TEXT_OPCODE, b"40")
    after = client_frame(TEXT_OPCODE, b"41")
    assert whole_texts(before + other + after, 100) == ([b"40"], len(before))


@pytest.mark.parametrize("length", LENGTHS)
def test_the_size_of_a_frame_is_known_after_it_was_read(length: int) -> None:
    assert size_on_the_wire(Frame(Opcode.TEXT, b"x" * length)) == len(client_frame(TEXT_OPCODE, b"x" * length))
