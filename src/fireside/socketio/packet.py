"""Socket.IO v5 packets (specification: socket.io-protocol, revision 5).

    <type>[<attachments>-][<namespace>,][<ack id>][JSON]

CONNECT 0, DISCONNECT 1, EVENT 2, ACK 3, CONNECT_ERROR 4, BINARY_EVENT 5, BINARY_ACK 6. `42["hi"]` on the wire is the
Engine.IO message digit 4 and then an EVENT without namespace (so `/`), without ack id, with one argument.

In a binary packet the JSON holds `{"_placeholder":true,"num":0}` where bytes belong; the bytes follow as that many
binary frames. `Decoder` puts them back.

Decoding is strict, because everything a lenient decoder lets through has been somebody's vulnerability: an ack id has
at most 15 digits and no sign, attachments are announced (1 to 10, never 0) and used exactly once each, event names of
the server's own life cycle are refused, and the shape of the data must fit the type. `ProtocolError` means: close.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from fireside.socketio.engine import ProtocolError

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)

MAX_ATTACHMENTS = 10
MAX_ACK_DIGITS = 15
MAX_ARGUMENTS = 32
MAX_NAMESPACE = 256
MAX_DEPTH = 32
"""How far arrays and objects may lie in one another. Whoever walks the data may do so by recursion."""

RESERVED_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)

_decode_json = msgspec.json.Decoder().decode
encode_json = msgspec.json.Encoder().encode


class Packet(msgspec.Struct):
    """One packet. `data`: the object of a CONNECT or CONNECT_ERROR, the arguments of an EVENT or ACK."""

    type: int
    namespace: str = "/"
    data: Any = None
    id: int | None = None
    attachments: int = 0
    buffers: list[bytes] = []


def _is_object(data: Any) -> bool:
    return data is None or isinstance(data, dict)


def _is_event(data: Any) -> bool:
    return (
        isinstance(data, list)
        and 0 < len(data) <= MAX_ARGUMENTS + 1
        and isinstance(data[0], str)
        and data[0] not in RESERVED_EVENTS
    )


def _is_arguments(data: Any) -> bool:
    return isinstance(data, list) and len(data) <= MAX_ARGUMENTS


# What a client may send, and the shape its data must have. A server alone sends CONNECT_ERROR.
_ACCEPTED: dict[str, tuple[int, Callable[[Any], bool]]] = {
    str(kind): (kind, fits)
    for kind, fits in (
        (CONNECT, _is_object),
        (DISCONNECT, lambda data: data is None),
        (EVENT, _is_event),
        (ACK, _is_arguments),
        (BINARY_EVENT, _is_event),
        (BINARY_ACK, _is_arguments),
    )
}
_BINARY = (BINARY_EVENT, BINARY_ACK)


def decode(text: str) -> Packet:
    """The packet in the text of an Engine.IO message. Of a binary one, the attachments are still to come.

    Raises:
        ProtocolError: it is none.
    """
    accepted = _ACCEPTED.get(text[:1])
    if accepted is None:
        raise ProtocolError("unknown packet type")
    kind, fits = accepted
    packet = Packet(kind)
    at = 1
    if kind in _BINARY:
        at = _read_attachments(packet, text)
    if text.startswith("/", at):
        comma = text.find(",", at)
        end = comma if comma >= 0 else len(text)
        if end - at > MAX_NAMESPACE:
            raise ProtocolError("namespace too long")
        # A query string in a namespace is a thing of older clients; it selects nothing.
        packet.namespace = text[at:end].partition("?")[0]
        at = end + 1
    rest = text[at:].lstrip("0123456789")
    digits = text[at : len(text) - len(rest)]
    if digits:
        if len(digits) > MAX_ACK_DIGITS or kind in (CONNECT, DISCONNECT):
            raise ProtocolError("bad acknowledgement id")
        packet.id = int(digits)
    if rest:
        packet.data = _read_json(rest)
    if not fits(packet.data) or (packet.id is None and kind in (ACK, BINARY_ACK)):
        raise ProtocolError("data does not fit the packet type")
    return packet


def _read_attachments(packet: Packet, text: str) -> int:
    digits, dash, _ = text[1:MAX_ACK_DIGITS].partition("-")
    if not (dash and digits.isascii() and digits.isdecimal()):
        raise ProtocolError("attachments not announced")
    packet.attachments = int(digits)
    if not 1 <= packet.attachments <= MAX_ATTACHMENTS:
        raise ProtocolError("bad number of attachments")
    return len(digits) + 2


def _read_json(text: str) -> Any:
    try:
        data = _decode_json(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        data = _parse_leniently(text)
    # Most data have fewer brackets than that in all, and need not be looked through.
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(data):
        raise ProtocolError("data too deep")
    return data


def _is_too_deep(data: Any) -> bool:
    level = [data]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level if isinstance(outer, list | dict) for inner in _items(outer)]
    return any(isinstance(value, list | dict) for value in level)


def _items(container: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return container.values() if isinstance(container, dict) else container


def _parse_leniently(text: str) -> Any:
    """JSON that only the lenient parser reads (a lone surrogate, 1e999) is well-formed, just not acceptable: it is
    passed on for the application to refuse with a reason, rather than answered by cutting the line."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ProtocolError("data is not JSON") from None


class Decoder:
    """Reads the messages of one connection and puts binary packets together."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending: Packet | None = None

    def feed(self, message: str | bytes) -> Packet | None:
        """The packet that this message completes, or None while attachments are missing.

        Raises:
            ProtocolError: text where an attachment was due, or the other way round, or a forged placeholder.
        """
        if isinstance(message, str):
            if self._pending is not None:
                raise ProtocolError("an attachment was due")
            packet = decode(message)
            if packet.attachments:
                self._pending = packet
                return None
            return packet
        pending = self._pending
        if pending is None:
            raise ProtocolError("an attachment without its packet")
        pending.buffers.append(message)
        if len(pending.buffers) < pending.attachments:
            return None
        self._pending = None
        unused = set(range(pending.attachments))
        pending.data = _put_back(pending.data, pending.buffers, unused)
        if unused:
            raise ProtocolError("an attachment that is used nowhere")
        return pending


def _put_back(value: Any, buffers: Sequence[bytes], unused: set[int]) -> Any:
    if isinstance(value, list):
        return [_put_back(item, buffers, unused) for item in value]
    if not isinstance(value, dict):
        return value
    if "_placeholder" not in value:
        return {key: _put_back(item, buffers, unused) for key, item in value.items()}
    number = value.get("num")
    if value["_placeholder"] is not True or type(number) is not int or number not in unused:
        raise ProtocolError("forged placeholder")
    unused.remove(number)
    return buffers[number]


def encode(packet: Packet) -> tuple[bytes, list[bytes]]:
    """The Engine.IO message text (without the digit 4) of a packet, and its attachments.

    Bytes anywhere in the data make an EVENT or ACK a binary one.
    """
    data, kind, buffers = packet.data, packet.type, packet.buffers
    if kind in (EVENT, ACK) and holds_bytes(data):
        kind, buffers = kind + 3, []
        data = _take_out(data, buffers)
    head = str(kind)
    if buffers:
        head += f"{len(buffers)}-"
    if packet.namespace != "/":
        head += packet.namespace + ","
    if packet.id is not None:
        head += str(packet.id)
    return head.encode() + (b"" if data is None else _write_json(data)), buffers


def _write_json(data: Any) -> bytes:
    try:
        return encode_json(data)
    except UnicodeEncodeError:
        # A lone surrogate is no text: not every client could read it. In what is sent back of it stands U+FFFD.
        return encode_json(_mended(data))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(item) for item in value]
    return value


def holds_bytes(value: Any) -> bool:
    """Whether there are bytes anywhere in this data."""
    if isinstance(value, bytes | bytearray | memoryview):
        return True
    if isinstance(value, dict):
        return any(holds_bytes(item) for item in value.values())
    return isinstance(value, list | tuple) and any(holds_bytes(item) for item in value)


def _take_out(value: Any, buffers: list[bytes]) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        buffers.append(bytes(value))
        return {"_placeholder": True, "num": len(buffers) - 1}
    if isinstance(value, dict):
        return {key: _take_out(item, buffers) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_take_out(item, buffers) for item in value]
    return value
