"""WebSocket frames from server to client (RFC 6455 section 5.2), and what is in them.

A server's frame carries no mask, so the same bytes serve every recipient: a frame is built once per message and is
the one currency of everything that goes out. Polling takes the payload out of it again.
"""

import struct

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
