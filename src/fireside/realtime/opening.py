"""The opening handshake of a WebSocket (RFC 6455 section 4.2), as uvicorn hands it over: one whole request head.

uvicorn's parser has read it before and passes on nothing but well-formed requests that ask for an upgrade to
`websocket`, so what is left are the rules of the handshake itself. After a restart everybody comes at once; a handshake
is all that each of them costs then, and this is done for each.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import sha1
from http import HTTPStatus

from fireside.socketio.engine import Refusal

VERSION = "13"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY_BYTES = 16

MAX_HEAD = 16 * 1024
MAX_HEADERS = 128


@dataclass(frozen=True, slots=True)
class Opening:
    """A handshake that can be accepted, with `answer`."""

    path: str
    query: str
    headers: dict[str, str]
    """By lower-case name. What came more than once is joined by commas (RFC 9110 section 5.3)."""
    answer: bytes


def read_opening(head: bytes) -> Opening | Refusal:
    """The handshake in a request head, or why it is none."""
    if len(head) > MAX_HEAD or head.count(b"\r\n") > MAX_HEADERS:
        return Refusal.HEAD_TOO_LARGE
    first, *lines = head.removesuffix(b"\r\n\r\n").decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    if method != "GET":
        return Refusal.BAD_METHOD
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if headers.get("sec-websocket-version") != VERSION:
        return Refusal.UNSUPPORTED_WEBSOCKET
    key = headers.get("sec-websocket-key", "")
    if not _is_key(key):
        return Refusal.BAD_HANDSHAKE
    path, _, query = target.partition("?")
    return Opening(path, query, headers, _accepting(key))


def _is_key(key: str) -> bool:
    try:
        return len(b64decode(key, validate=True)) == KEY_BYTES
    except ValueError:
        return False


def _accepting(key: str) -> bytes:
    # Not for secrecy: it shows that the server has understood.
    proof = b64encode(sha1(key.encode() + GUID, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % proof
    )


def refusing(refusal: Refusal, retry_after_s: int | None) -> bytes:
    """The answer to a handshake that is turned away. The connection ends with it."""
    body = refusal.body()
    lines = [
        f"HTTP/1.1 {refusal.status} {HTTPStatus(refusal.status).phrase}",
        f"Date: {formatdate(usegmt=True)}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    if refusal is Refusal.UNSUPPORTED_WEBSOCKET:
        lines += ["Upgrade: websocket", f"Sec-WebSocket-Version: {VERSION}"]
    if retry_after_s is not None:
        lines.append(f"Retry-After: {retry_after_s}")
    return "\r\n".join([*lines, "", ""]).encode() + body
