"""Engine.IO v4: packets, payloads and the handshake, as rules (specification: engine.io-protocol, revision 4).

A packet is one digit and its data. Over WebSocket it is a frame, and a binary message is a binary frame without the
digit. Over polling, packets are joined by the record separator U+001E, and a binary message is `b` and its base64.

What a client may send is a short list; the rest is an attack or a bug, and `ProtocolError` says so. The edge answers
one by closing the connection, never by guessing.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import msgspec

PROTOCOL = "4"
SEPARATOR = "\x1e"
OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
PROBE = "probe"

MAX_PACKETS_PER_PAYLOAD = 1024
"""More packets than this in one polling body are refused, whole. The official client sends all it has in one."""


class ProtocolError(Exception):
    """The peer broke the protocol. The connection cannot be trusted any further."""


class Refusal(Enum):
    """Why a request was turned away: `{"code", "message"}` numbered as the reference does (0 to 5), and a status."""

    UNKNOWN_TRANSPORT = (0, "Transport unknown", 400)
    UNKNOWN_SID = (1, "Session ID unknown", 400)
    BAD_METHOD = (2, "Bad handshake method", 400)
    BAD_REQUEST = (3, "Bad request", 400)
    FORBIDDEN = (4, "Forbidden", 403)
    UNSUPPORTED_PROTOCOL = (5, "Unsupported protocol version", 400)
    TOO_MANY = (6, "Too many connections", 429)
    TOO_LARGE = (7, "Payload too large", 413)
    UNKNOWN_PATH = (8, "Not found", 404)
    HEAD_TOO_LARGE = (9, "Request head too large", 431)
    STOPPING = (10, "Server is stopping", 503)
    BUSY = (11, "Too many handshakes", 503)
    BAD_HANDSHAKE = (12, "Bad WebSocket handshake", 400)
    UNSUPPORTED_WEBSOCKET = (13, "Unsupported WebSocket version", 426)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value[2]

    def body(self) -> bytes:
        """The JSON answer."""
        code, message, _ = self.value
        return msgspec.json.encode({"code": code, "message": message})


@dataclass(frozen=True, slots=True)
class Request:
    """What a request on the Engine.IO path asks for: a new session, or to go on with `sid`."""

    transport: str
    sid: str | None


def read_request(method: str, query: Mapping[str, str], *, upgrade: bool) -> Request | Refusal:
    """The request of a method and query, or why it is none. `upgrade`: it came as a WebSocket handshake."""
    transport = query.get("transport")
    if transport not in ("polling", "websocket"):
        return Refusal.UNKNOWN_TRANSPORT
    if query.get("EIO") != PROTOCOL:
        return Refusal.UNSUPPORTED_PROTOCOL
    if (transport == "websocket") != upgrade or "j" in query:
        return Refusal.BAD_REQUEST
    sid = query.get("sid")
    if sid is None and method != "GET":
        return Refusal.BAD_METHOD
    return Request(transport, sid)


def open_packet(sid: str, *, upgrades: bool, ping_interval_ms: int, ping_timeout_ms: int, max_payload: int) -> bytes:
    """The packet that opens a session. Milliseconds are exact: 300 is not rounded to whole seconds."""
    return b"0" + msgspec.json.encode(
        {
            "sid": sid,
            "upgrades": ["websocket"] if upgrades else [],
            "pingInterval": ping_interval_ms,
            "pingTimeout": ping_timeout_ms,
            "maxPayload": max_payload,
        }
    )


def split_payload(body: bytes) -> list[str | bytes]:
    """The packets of a polling body: text packets with their digit, binary messages as bytes.

    Raises:
        ProtocolError: the body is no payload; none of it may be used.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ProtocolError("payload is not UTF-8") from None
    if text.count(SEPARATOR) >= MAX_PACKETS_PER_PAYLOAD:
        raise ProtocolError("too many packets in one payload")
    return [_payload_packet(part) for part in text.split(SEPARATOR)]


def _payload_packet(part: str) -> str | bytes:
    if part.startswith("b"):
        try:
            return b64decode(part[1:], validate=True)
        except ValueError:  # binascii.Error is one; letters outside of ASCII are another
            raise ProtocolError("binary message is not base64") from None
    if part[:1] not in (CLOSE, PING, PONG, MESSAGE):
        raise ProtocolError("unknown packet type")
    return part


def binary_payload(message: bytes) -> bytes:
    """A binary message as it stands in a polling payload."""
    return b"b" + b64encode(message)
