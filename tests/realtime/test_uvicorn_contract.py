"""What our protocol classes rely on in uvicorn, which is internal to it.

uvicorn is pinned to a minor version. When that is raised and a test here fails, `realtime/edge.py`, `heads.py`,
`websocket.py` and `serving.py` have to follow.
"""

import asyncio
import inspect
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from fireside.realtime.edge import Edge
from fireside.realtime.heads import HttpEdge
from fireside.realtime.options import Options
from fireside.realtime.server import EngineServer
from fireside.realtime.serving import EdgeServer
from fireside.realtime.websocket import WebSocketEdge
from tests.protocol.apps import EngineEcho, not_found
from tests.realtime.clients import ENGINE_IO, target
from tests.realtime.served import eventually

REQUEST = (
    f"GET {target(ENGINE_IO, 'websocket')} HTTP/1.1\r\n"
    "Host: 127.0.0.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Mixed-Case: Kept\r\n\r\n"
).encode()


class FakeTransport(asyncio.Transport):
    """Writes down what is written and which protocol it is given."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.protocol: Any = None
        self.closed = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


class FakeProtocol:
    """Stands where the WebSocket protocol class stands, and writes down what uvicorn does to it."""

    def __init__(self, calls: list[tuple[str, Any]], **given: Any) -> None:
        self.calls = calls
        self.calls.append(("constructed", given))

    def connection_made(self, transport: Any) -> None:
        self.calls.append(("connection_made", transport))

    def data_received(self, data: bytes) -> None:
        self.calls.append(("data_received", data))


@pytest.fixture
def edge() -> Edge:
    return Edge(not_found, EngineServer(Options(path=ENGINE_IO), EngineEcho))


def http_protocol(config: uvicorn.Config, state: ServerState) -> tuple[HttpToolsProtocol, FakeTransport]:
    """uvicorn's end of a new connection."""
    config.load()
    transport = FakeTransport()
    protocol: HttpToolsProtocol = cast(Any, config.http_protocol_class)(config, state, {})
    protocol.connection_made(transport)
    return protocol, transport


async def test_uvicorn_makes_hands_over_and_lets_go_in_this_order() -> None:
    calls: list[tuple[str, Any]] = []
    made: list[FakeProtocol] = []

    def make(**given: Any) -> FakeProtocol:
        made.append(FakeProtocol(calls, **given))
        return made[0]

    config = uvicorn.Config(not_found, ws=cast(Any, make), http="httptools", log_config=None)
    state = ServerState()
    http, transport = http_protocol(config, state)
    # A client has to wait for the answer before it says more. Who does not is not heard.
    http.data_received(REQUEST + b"more")
    assert [name for name, _ in calls] == ["constructed", "connection_made", "data_received"]
    (_, given), (_, handed), (_, data) = calls
    assert given == {"config": config, "server_state": state, "app_state": {}}
    assert handed is transport
    assert transport.protocol is made[0]
    assert http not in state.connections
    head, *lines = data.split(b"\r\n")
    assert head == REQUEST.split(b"\r\n")[0]
    assert data.endswith(b"\r\n\r\n")
    assert {line.lower() for line in lines} == {line.lower() for line in REQUEST.split(b"\r\n")[1:]}


@pytest.mark.parametrize("missing", [b"Connection: keep-alive, Upgrade\r\n", b"Upgrade: websocket\r\n"])
async def test_uvicorn_hands_over_what_asks_for_a_websocket_and_nothing_else(missing: bytes) -> None:
    """Our handshake looks at neither header."""
    config = uvicorn.Config(
        not_found, ws=cast(Any, lambda **_: pytest.fail("handed over")), http="httptools", log_config=None
    )
    http, transport = http_protocol(config, ServerState())
    http.data_received(REQUEST.replace(missing, b""))
    await eventually(lambda: transport.written.startswith(b"HTTP/1.1 404"))


@pytest.mark.parametrize(("made", "kind"), [("http", HttpToolsProtocol), ("websocket", WebSocketsSansIOProtocol)])
def test_our_makers_take_what_uvicorns_own_protocol_classes_take(edge: Edge, made: str, kind: Any) -> None:
    theirs = list(inspect.signature(kind.__init__).parameters.values())[1:]
    ours = list(inspect.signature(getattr(edge, made)).parameters.values())
    assert [(each.name, each.kind) for each in ours] == [(each.name, each.kind) for each in theirs]
    assert [each.default is inspect.Parameter.empty for each in ours] == [True, True, True, False]


async def test_uvicorns_own_class_has_what_ours_asks_of_it_and_no_bound_yet() -> None:
    config = uvicorn.Config(not_found, ws="none", http="httptools", log_config=None)
    made, transport = http_protocol(config, ServerState())
    assert type(made) is HttpToolsProtocol
    http = cast(Any, made)
    assert (http.cycle, http.timeout_keep_alive_task) == (None, None)
    http.data_received(b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: x\r\n" * 100_000)
    assert len(http.headers) > 10_000, "ours is needed no more"
    http.data_received(b"\r\n")
    assert not http.cycle.response_complete
    await eventually(lambda: http.cycle.response_complete)
    assert transport.written.startswith(b"HTTP/1.1 404")
    assert http.timeout_keep_alive_task is not None
    http.data_received(b"G")
    assert (http.timeout_keep_alive_task,) == (None,)


@pytest.mark.parametrize(
    "sent", [REQUEST, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"]
)
async def test_uvicorn_says_when_a_message_is_complete_whatever_becomes_of_it(edge: Edge, sent: bytes) -> None:
    await edge.start()
    http, _ = http_protocol(EdgeServer(edge, own_signals=False, log_config=None).config, ServerState())
    http.data_received(sent)
    assert isinstance(http, HttpEdge)
    assert (http._unread, http.bucket) == (0, -1)
    await edge.stop()


async def test_a_handshake_goes_all_the_way_through_uvicorn(edge: Edge) -> None:
    await edge.start()
    config = EdgeServer(edge, own_signals=False, log_config=None).config
    state = ServerState()
    http, transport = http_protocol(config, state)
    http.data_received(REQUEST)
    await asyncio.sleep(0)
    assert transport.written.startswith(b"HTTP/1.1 101 ")
    protocol = transport.protocol
    assert isinstance(protocol, WebSocketEdge)
    assert list(cast(set[object], state.connections)) == [protocol]
    protocol.connection_lost(None)
    assert state.connections == set()
    await edge.stop()


async def test_a_connection_of_ours_has_what_uvicorn_asks_of_one_at_the_end(edge: Edge) -> None:
    """`Server.shutdown` calls `shutdown()` on each of `server_state.connections` and waits until there is none."""
    await edge.start()
    server = EdgeServer(edge, own_signals=False, log_config=None, timeout_graceful_shutdown=5)
    http, transport = http_protocol(server.config, server.server_state)
    http.data_received(REQUEST)
    await asyncio.sleep(0)
    (protocol,) = server.server_state.connections
    server.servers = []
    server.lifespan = server.config.lifespan_class(server.config)
    ending = asyncio.create_task(server.shutdown())
    # A close frame with code 1001.
    await eventually(lambda: b"\x03\xe9server shutting down" in transport.written)
    assert not ending.done()
    cast(Any, protocol).connection_lost(None)
    await ending


def test_the_settings_we_give_are_settings_uvicorn_has(edge: Edge) -> None:
    config = EdgeServer(edge, own_signals=False, log_config=None).config
    config.load()
    assert cast(Any, config.http_protocol_class) == edge.http
    assert cast(Any, config.ws_protocol_class) == edge.websocket
    assert config.lifespan_class.__name__ == "LifespanOff"
    assert not config.access_log, "it would print session ids"
    assert not config.server_header
