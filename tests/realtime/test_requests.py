"""Requests on the Engine.IO path that are none: the same status and number over HTTP as for a WebSocket."""

import json

import pytest

from tests.realtime.clients import SOCKET_IO, PollingClient, WebSocketClient, target
from tests.realtime.served import Recorder, Serve, Served, eventually

POLLING = "EIO=4&transport=polling"
WEBSOCKET = "EIO=4&transport=websocket"

REFUSED = [
    ("GET", "", 400, 0, "Transport unknown"),
    ("GET", "EIO=4", 400, 0, "Transport unknown"),
    ("GET", "EIO=4&transport=abc", 400, 0, "Transport unknown"),
    ("GET", "EIO=4&transport=constructor", 400, 0, "Transport unknown"),
    ("GET", "transport=polling", 400, 5, "Unsupported protocol version"),
    ("GET", "EIO=3&transport=polling", 400, 5, "Unsupported protocol version"),
    ("GET", "EIO=abc&transport=polling", 400, 5, "Unsupported protocol version"),
    ("GET", "EIO=4%00&transport=polling", 400, 5, "Unsupported protocol version"),
    ("GET", WEBSOCKET, 400, 3, "Bad request"),
    ("GET", f"{POLLING}&j=0", 400, 3, "Bad request"),
    ("POST", POLLING, 400, 2, "Bad handshake method"),
    ("PUT", POLLING, 400, 2, "Bad handshake method"),
    ("DELETE", POLLING, 400, 2, "Bad handshake method"),
    ("PATCH", POLLING, 400, 2, "Bad handshake method"),
    ("TRACE", POLLING, 400, 2, "Bad handshake method"),
    ("GET", f"{POLLING}&sid=unknown", 400, 1, "Session ID unknown"),
    ("POST", f"{POLLING}&sid=unknown", 400, 1, "Session ID unknown"),
    ("GET", f"{POLLING}&sid=%ff%00", 400, 1, "Session ID unknown"),
]


@pytest.mark.parametrize(("method", "query", "status", "code", "message"), REFUSED)
async def test_a_request_that_is_none_is_refused_and_says_why(
    served: Served, method: str, query: str, status: int, code: int, message: str
) -> None:
    answer = await served.request(method, f"{SOCKET_IO}?{query}")
    assert answer.status == status
    assert json.loads(answer.body) == {"code": code, "message": message}
    assert answer.header("content-type") == "application/json"
    assert len(served.engine) == 0
    assert served.engine.metrics.refused == 1


@pytest.mark.parametrize(
    ("where", "status", "code"),
    [
        (f"{SOCKET_IO}?EIO=4", 400, 0),
        (f"{SOCKET_IO}?EIO=4&transport=abc", 400, 0),
        (f"{SOCKET_IO}?transport=websocket", 400, 5),
        (f"{SOCKET_IO}?EIO=3&transport=websocket", 400, 5),
        (f"{SOCKET_IO}?EIO=abc&transport=websocket", 400, 5),
        (f"{SOCKET_IO}?{POLLING}", 400, 3),
        (f"{SOCKET_IO}?{WEBSOCKET}&j=0", 400, 3),
        (f"{SOCKET_IO}?{WEBSOCKET}&sid=unknown", 400, 1),
        (f"/elsewhere/?{WEBSOCKET}", 404, 8),
        (f"/?{WEBSOCKET}", 404, 8),
    ],
)
async def test_a_websocket_handshake_that_is_none_is_refused_in_the_same_way(
    served: Served, where: str, status: int, code: int
) -> None:
    client = served.keep(await WebSocketClient.shake(served.port, where))
    assert (client.handshake.status, client.handshake.code) == (status, code)
    assert client.handshake.header("content-type") == "application/json"
    assert await client.end() == b"", "the server hangs up"
    assert len(served.engine) == 0


@pytest.mark.parametrize(
    ("name", "value", "status", "code"),
    [
        ("Sec-WebSocket-Key", "short", 400, 12),
        ("Sec-WebSocket-Version", "8", 426, 13),
        ("X-Long", "x" * 20_000, 431, 9),
    ],
)
async def test_a_websocket_handshake_against_its_own_rules_is_refused(
    served: Served, name: str, value: str, status: int, code: int
) -> None:
    client = served.keep(await WebSocketClient.shake(served.port, target(transport="websocket"), {name: value}))
    assert (client.handshake.status, client.handshake.code) == (status, code)
    assert await client.end() == b"", "the server hangs up"
    assert served.engine.metrics.refused == 1


async def test_a_websocket_is_opened_with_get_alone(served: Served) -> None:
    client = served.keep(await WebSocketClient.shake(served.port, target(transport="websocket"), method="POST"))
    assert (client.handshake.status, client.handshake.code) == (400, 2)
    await client.end()


async def test_a_websocket_handshake_with_too_many_headers_is_refused(served: Served) -> None:
    headers = {f"X-{n}": "x" for n in range(200)}
    client = served.keep(await WebSocketClient.shake(served.port, target(transport="websocket"), headers))
    assert client.handshake.status == 431
    await client.end()


@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io"])
async def test_the_path_is_the_same_with_and_without_the_slash_at_its_end(served: Served, path: str) -> None:
    assert (await served.polling(path)).opening["upgrades"] == ["websocket"]
    assert (await served.websocket(path)).opening["upgrades"] == []


async def test_other_paths_are_not_the_edges_business(served: Served) -> None:
    assert (await served.request("GET", "/api/users/me")).status == 404


async def test_a_session_opens_with_exact_milliseconds_and_the_size_limit(serve: Serve) -> None:
    served = await serve(ping_interval_s=0.3, ping_timeout_s=0.2, max_payload=5000)
    for client in (await served.polling(), await served.websocket()):
        sid = client.opening.pop("sid")
        assert len(sid) >= 20
        upgrades = [] if isinstance(client, WebSocketClient) else ["websocket"]
        assert client.opening == {
            "upgrades": upgrades,
            "pingInterval": 300,
            "pingTimeout": 200,
            "maxPayload": 5000,
        }


async def test_no_two_sessions_have_the_same_id(served: Served) -> None:
    assert len({(await served.polling()).sid for _ in range(50)}) == 50


async def test_the_session_id_is_no_sockets_id_and_every_namespace_has_its_own(serve: Serve) -> None:
    served = await serve(others={"/custom": Recorder()})
    client = await served.websocket()
    ids = {client.opening["sid"], await client.connect(), await client.connect(namespace="/custom,")}
    assert len(ids) == 3


async def test_an_answer_is_kept_by_no_cache_and_taken_for_nothing_else(served: Served) -> None:
    client = await served.polling()
    for answer in (
        await served.request("GET", target()),
        await client.post("40"),
        await client.get(),
        await served.request("GET", target(sid="unknown")),
    ):
        assert answer.header("cache-control") == "no-store"
        assert answer.header("x-content-type-options") == "nosniff"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
async def test_a_session_knows_no_other_methods_and_does_not_mind(served: Served, method: str) -> None:
    client = await served.polling()
    assert (await served.request(method, client.target)).status == 400
    await client.connect()


async def test_a_session_that_has_expired_is_unknown(serve: Serve) -> None:
    served = await serve(ping_interval_s=0.02, ping_timeout_s=0.02)
    client = await served.polling()
    await eventually(lambda: len(served.engine) == 0)
    for answer in (await client.get(), await client.post("40")):
        assert (answer.status, answer.code) == (400, 1)


async def test_a_session_that_has_expired_is_unknown_also_before_the_wheel_has_come_round(served: Served) -> None:
    client = await served.polling()
    served.session.expires_at = served.engine.now()
    answer = await client.get()
    assert (answer.status, answer.code) == (400, 1)
    assert len(served.engine) == 0


async def test_a_session_goes_on_while_it_has_not_expired(served: Served) -> None:
    client = await served.polling()
    await client.connect()
    assert len(served.engine) == 1


async def test_a_closed_session_takes_no_post(served: Served) -> None:
    client = await served.polling()
    assert (await client.post("1")).status == 200
    answer = await client.post("40")
    assert (answer.status, answer.code) == (400, 1)


async def test_an_upgraded_session_is_not_polled(served: Served) -> None:
    client = await served.polling()
    probe = await served.probing(client)
    await probe.send("5")
    await probe.connect()
    for answer in (await client.get(), await client.post("41")):
        assert (answer.status, answer.code) == (400, 3)
    await probe.send('421["echo"]')
    assert await probe.receive() == "431[]"


async def test_a_session_over_websocket_is_not_polled(served: Served) -> None:
    websocket = await served.websocket()
    client = PollingClient(served.port, SOCKET_IO, websocket.opening)
    assert ((await client.get()).code, (await client.post("40")).code) == (3, 3)
    await websocket.connect()


async def test_connections_from_one_address_are_limited_on_both_transports(serve: Serve) -> None:
    served = await serve(connections_per_address=2)
    polling, websocket = await served.polling(), await served.websocket()
    answer = await served.request("GET", target())
    assert (answer.status, answer.code) == (429, 6)
    refused = served.keep(await WebSocketClient.shake(served.port, target(transport="websocket")))
    assert (refused.handshake.status, refused.handshake.code) == (429, 6)
    assert served.engine.metrics.refused == 2
    await polling.post("1")
    await served.polling()
    websocket.abort()
    await eventually(lambda: len(served.engine) == 1)
    await served.websocket()


async def test_whom_a_proxy_speaks_for_is_who_is_counted(serve: Serve) -> None:
    served = await serve(connections_per_address=1, client_address=lambda peer, forwarded: forwarded or peer)
    await served.polling(headers={"X-Forwarded-For": "192.0.2.1"})
    await served.websocket(headers={"X-Forwarded-For": "192.0.2.2"})
    assert (await served.request("GET", target(), headers={"X-Forwarded-For": "192.0.2.2"})).status == 429


async def test_without_a_proxy_nobody_is_believed_to_speak_for_others(serve: Serve) -> None:
    served = await serve(connections_per_address=1)
    await served.polling(headers={"X-Forwarded-For": "192.0.2.1"})
    assert (await served.request("GET", target(), headers={"X-Forwarded-For": "192.0.2.2"})).status == 429


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ({}, {f"X-{n}": "x" * 5000 for n in range(4)}),
        ({"token": "x" * 7000}, {"X-1": "x" * 7000, "X-2": "x" * 7000}),
    ],
)
async def test_a_handshake_that_says_more_than_anybody_has_to_is_refused(
    served: Served, query: dict[str, str], headers: dict[str, str]
) -> None:
    """It is remembered until a namespace has been joined."""
    websocket = served.keep(await WebSocketClient.shake(served.port, target(transport="websocket", **query), headers))
    for answer in (await served.request("GET", target(**query), headers=headers), websocket.handshake):
        assert (answer.status, answer.code) == (431, 9)
    assert len(served.engine) == 0


async def test_a_handshake_may_say_as_much_as_a_browser_does(served: Served) -> None:
    headers = {"Cookie": "x" * 4000, "Authorization": "Bearer " + "x" * 4000, "User-Agent": "x" * 500}
    await served.polling(headers=headers)
    await served.websocket(headers=headers)


async def test_thousands_of_headers_are_refused(served: Served) -> None:
    answer = await served.request("GET", target(), headers={f"X-{n}": "x" for n in range(5000)})
    assert answer.status == 431
