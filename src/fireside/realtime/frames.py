"""WebSocket frames (RFC 6455 section 5.2), and what is in them.

A server's frame carries no mask, so the same bytes serve every recipient: a frame is built once per message and is
the one currency of everything that goes out. Polling takes the payload out of it again.

What clients send is read by `websockets`' parser, which knows every rule. Nearly all of it is whole text messages in
whole frames, though, and those need no rule but one: `whole_texts` reads them at a fifth of the cost.
"""

import struct

from websockets.frames import Frame
from websockets.speedups import apply_mask

from fireside.socketio import engine, packet

TEXT, BINARY = 0x81, 0x82

PING = bytes((TEXT, 1)) + engine.PING.encode()
CLOSE = bytes((TEXT, 1)) + engine.CLOSE.encode()
NOOP = bytes((TEXT, 1)) + engine.NOOP.encode()


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A final, unmasked frame around the payload."""
    size = len(payload)
    if size < 126:
        return bytes((opcode, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", opcode, 126, size) + payload
    return struct.pack("!BBQ", opcode, 127, size) + payload


def polling_packet(framed: bytes) -> bytes:
    """The packet inside a frame as it stands in a polling payload."""
    start = {126: 4, 127: 10}.get(framed[1], 2)
    payload = framed[start:]
    return engine.binary_payload(payload) if framed[0] == BINARY else payload


def packet_frames(out: packet.Packet) -> list[bytes]:
    """A Socket.IO packet, and after it its attachments, as frames."""
    text, attachments = packet.encode(out)
    return [frame(b"4" + text), *(frame(data, BINARY) for data in attachments)]


MASKED, LENGTH_FOLLOWS = 0x80, 126


def whole_texts(data: bytes, limit: int) -> tuple[list[bytes], int]:
    """The payloads of the whole, masked text messages that the data begins with, and how many bytes those were.

    Stops before whatever is anything else: another kind of frame, a part of one, a payload over the limit.
    """
    payloads, at, size = [], 0, len(data)
    while size - at >= 6 and data[at] == TEXT:
        length, start = data[at + 1] - MASKED, at + 2
        if length == LENGTH_FOLLOWS:
            length, start = int.from_bytes(data[start : start + 2]), at + 4
        elif not 0 <= length < LENGTH_FOLLOWS:
            break
        end = start + 4 + length
        if end > size or length > limit:
            break
        payloads.append(apply_mask(data[start + 4 : end], data[start : start + 4]))
        at = end
    return payloads, at


def size_on_the_wire(received: Frame) -> int:
    """How many bytes a client's frame was, at least: a length can be written longer than it need be."""
    length = len(received.data)
    return 6 + length + (0 if length < LENGTH_FOLLOWS else 2 if length < 65536 else 8)
