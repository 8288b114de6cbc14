"""Reading a WebSocket: whole texts take a short way and the rest takes the parser's, and nobody can tell."""

import asyncio
from itertools import pairwise
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from fireside.realtime.edge import Edge
from fireside.realtime.options import Options
from fireside.realtime.server import EngineServer
from fireside.realtime.session import Session
from tests.protocol.apps import not_found
from tests.realtime.clients import CONTINUATION, ENGINE_IO, TEXT, client_frame

HEAD = (
    b"GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
Sent = list[tuple[str, bytes]]
"""What a client sends: a kind, and what is in it."""

kinds = st.sampled_from(["text", "text", "text", "binary", "fragments", "text with a ping inside", "ping"])
payloads = st.binary(max_size=20) | st.integers(110, 140).map(bytes)


class Listener:
    """A peer that writes down what it hears."""

    def __init__(self, heard: list[str | bytes]) -> None:
        self._heard = heard

    def received(self, message: str | bytes) -> None:
        self._heard.append(message)

    def pinged(self) -> None: ...

    def leaving(self, retry_after_ms: int) -> None: ...

    def closed(self, reason: str) -> None:
        self._heard.append(reason)


class Sink(asyncio.Transport):
    """A transport that takes everything and keeps nothing."""

    def write(self, data: Any) -> None: ...

    def writelines(self, list_of_data: Any) -> None: ...

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1)

    def close(self) -> None: ...


def text_of(payload: bytes) -> bytes:
    return b"4" + payload.hex().encode()


def frames(kind: str, payload: bytes) -> list[Frame]:
    text = text_of(payload)
    match kind:
        case "text":
            return [Frame(Opcode.TEXT, text)]
        case "binary":
            return [Frame(Opcode.BINARY, payload)]
        case "ping":
            return [Frame(Opcode.PING, payload[:125])]
        case "fragments":
            return [Frame(Opcode.TEXT, text[:3], fin=False), Frame(Opcode.CONT, text[3:])]
        case _:
            return [Frame(Opcode.TEXT, text, fin=False), Frame(Opcode.PING, b"?"), Frame(Opcode.CONT, b"")]


def meant(sent: Sent) -> list[str | bytes]:
    """What the application should hear of it."""
    return [payload if kind == "binary" else text_of(payload)[1:].decode() for kind, payload in sent if kind != "ping"]


async def hear(chunks: list[bytes]) -> list[str | bytes]:
    heard: list[str | bytes] = []

    def application(_session: Session) -> Listener:
        return Listener(heard)

    server = EngineServer(Options(path=ENGINE_IO), application)
    await server.start()
    connections: set[Any] = set()
    state = type("State", (), {"connections": connections})
    edge = Edge(not_found, server).websocket(None, state, None)
    edge.connection_made(Sink())
    for chunk in chunks:
        edge.data_received(chunk)
    server.wheel.stop()
    return heard


@given(st.lists(st.tuples(kinds, payloads), max_size=8), st.sets(st.integers(0, 1500), max_size=8))
@example([("text", b"x"), ("text", b"y")], {1})
@example([("fragments", b"xyz"), ("text", b"y")], {9})
def test_what_is_heard_does_not_depend_on_how_it_is_cut(sent: Sent, cuts: set[int]) -> None:
    data = b"".join(frame.serialize(mask=True) for kind, payload in sent for frame in frames(kind, payload))
    ends = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    chunks = [data[start:end] for start, end in pairwise(ends)]
    assert asyncio.run(hear([HEAD, *chunks])) == meant(sent)


@given(st.sets(st.integers(0, 60), max_size=5))
def test_nothing_is_heard_after_a_goodbye(cuts: set[int]) -> None:
    text, goodbye = Frame(Opcode.TEXT, b"4x").serialize(mask=True), Frame(Opcode.CLOSE, b"").serialize(mask=True)
    data = text + goodbye + 3 * text
    ends = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    chunks = [data[start:end] for start, end in pairwise(ends)]
    assert asyncio.run(hear([HEAD, *chunks])) == ["x"]


def test_a_frame_inside_a_frame_is_no_frame_wherever_that_is_cut() -> None:
    inside = client_frame(TEXT, b"4no")
    outer = client_frame(TEXT, b"4" + inside.hex().encode())
    for data in (outer, client_frame(TEXT, b"4 \x7f" + b"\0" * 200)):
        for cut in range(len(data)):
            assert len(asyncio.run(hear([HEAD, data[:cut], data[cut:]]))) == 1
    # Its bytes are not UTF-8, so the parser refuses the text whose part it is; it is never heard as a text of its own.
    hostile = client_frame(TEXT, b"4" + inside)
    for cut in range(len(hostile)):
        assert "no" not in asyncio.run(hear([HEAD, hostile[:cut], hostile[cut:]]))


def test_a_text_between_the_parts_of_another_is_not_heard() -> None:
    for other in (client_frame(TEXT, b"4no"), client_frame(TEXT, b"4no") + client_frame(CONTINUATION, b"x")):
        heard = asyncio.run(hear([HEAD, client_frame(TEXT, b"4a", final=False), other]))
        assert "no" not in heard
