"""Which web pages may talk to the edge: the same over both transports, at the handshake and after it."""

import pytest

from fireside.core.origins import OriginPolicy
from tests.protocol.apps import ANY_ORIGIN
from tests.realtime.clients import Answer, WebSocketClient, head, target
from tests.realtime.served import Serve, Served

GOOD = "https://chat.example"
POLICY = OriginPolicy([GOOD])

FOREIGN = [
    "https://evil.example",
    "null",
    "",
    "https://chat.example.evil.example",
    "https://evil.example/https://chat.example",
    "https://chat.example@evil.example",
    "https://evilchat.example",
    "https://sub.chat.example",
    "https://chat.example:8443",
    "https://chat.example:443",
    "http://chat.example",
    "https://chat.example/",
    "https://CHAT.example",
    "https://chat.example.",
    "chat.example",
    "file://",
    "http://[::1",
    "http://127.0.0.1.evil.example",
    "http://\xe4\xff",
]


async def handshakes(served: Served, headers: dict[str, str]) -> list[Answer]:
    """What each transport answers to a new client."""
    websocket = served.keep(await WebSocketClient.shake(served.port, target(transport="websocket"), headers))
    return [await served.request("GET", target(), headers=headers), websocket.handshake]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_page_of_another_origin_is_refused(serve: Serve, origin: str) -> None:
    served = await serve(origins=POLICY)
    for answer in await handshakes(served, {"Origin": origin}):
        assert (answer.status, answer.code) == (403, 4)
        assert answer.header("access-control-allow-origin") is None
    assert len(served.engine) == 0


@pytest.mark.parametrize("forwarded", ["X-Forwarded-Host", "X-Forwarded-Server", "Forwarded", "X-Original-Host"])
async def test_a_foreign_page_does_not_get_in_by_claiming_that_we_have_its_name(serve: Serve, forwarded: str) -> None:
    served = await serve(origins=POLICY)
    for answer in await handshakes(served, {"Origin": "https://evil.example", forwarded: "evil.example"}):
        assert (answer.status, answer.code) == (403, 4)


async def test_a_page_of_an_allowed_origin_gets_in_and_may_read_the_answer(serve: Serve) -> None:
    served = await serve(origins=POLICY)
    polling, websocket = await handshakes(served, {"Origin": GOOD})
    assert (polling.status, websocket.status) == (200, 101)
    assert polling.header("access-control-allow-origin") == GOOD
    assert polling.header("vary") == "origin"
    assert polling.header("access-control-allow-credentials") is None


@pytest.mark.parametrize("host", ["127.0.0.1", "chat.home:5000"])
async def test_a_page_of_the_server_itself_gets_in(serve: Serve, host: str) -> None:
    served = await serve(origins=POLICY)
    polling, websocket = await handshakes(served, {"Origin": f"http://{host}", "Host": host})
    assert (polling.status, websocket.status) == (200, 101)


async def test_who_is_no_page_gets_in(serve: Serve) -> None:
    served = await serve(origins=POLICY)
    polling, websocket = await handshakes(served, {})
    assert (polling.status, websocket.status) == (200, 101)
    assert polling.header("access-control-allow-origin") is None


async def test_a_foreign_page_that_knows_a_session_cannot_go_on_with_it(serve: Serve) -> None:
    served = await serve(origins=POLICY)
    client = await served.polling(headers={"Origin": GOOD})
    evil = {"Origin": "https://evil.example"}
    probe = served.keep(await WebSocketClient.shake(served.port, target(transport="websocket", sid=client.sid), evil))
    for answer in (
        await served.request("GET", client.target, headers=evil),
        await served.request("POST", client.target, b"40", headers=evil),
        probe.handshake,
    ):
        assert (answer.status, answer.code) == (403, 4)
    await client.connect()


async def test_a_refused_page_of_an_allowed_origin_may_read_why(serve: Serve) -> None:
    served = await serve(origins=POLICY)
    answer = await served.request("GET", target(sid="unknown"), headers={"Origin": GOOD})
    assert (answer.status, answer.code) == (400, 1)
    assert answer.header("access-control-allow-origin") == GOOD


PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-trace"}


async def test_a_preflight_tells_an_allowed_origin_what_it_may_send(serve: Serve) -> None:
    served = await serve(origins=POLICY)
    answer = await served.request("OPTIONS", target(sid="any"), headers={"Origin": GOOD, **PREFLIGHT})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("access-control-allow-origin") == GOOD
    assert answer.header("access-control-allow-methods") == "GET, POST"
    assert answer.header("access-control-allow-headers") == "content-type,x-trace"
    assert answer.header("content-length") is None, "RFC 9110 section 8.6"


async def test_a_preflight_tells_another_origin_nothing(serve: Serve) -> None:
    served = await serve(origins=POLICY)
    answer = await served.request("OPTIONS", target(sid="any"), headers={"Origin": "https://evil.example", **PREFLIGHT})
    assert not [name for name, _ in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "asked",
    [
        "x\ty",
        "x\x7f",
        "x\xe4\xff",
        "x: y",
        "x\r\n\tset-cookie: a=b",
        "x\rset-cookie: a=b",
        "x\nset-cookie: a=b",
        "x, set-cookie: a=b",
        "x" * 10_000,
    ],
    ids=ascii,
)
async def test_whatever_a_preflight_asks_for_makes_no_other_header(serve: Serve, asked: str) -> None:
    served = await serve(origins=POLICY)
    answer = await served.request(
        "OPTIONS", target(), headers={"Origin": GOOD, **PREFLIGHT, "Access-Control-Request-Headers": asked}
    )
    assert answer.status in (204, 400), answer
    assert answer.header("set-cookie") is None
    assert answer.header("access-control-allow-headers") in (None, asked, "x")


@pytest.mark.parametrize("origin", ["https://a.example", "null", "http://\xe4", "x\ty", "x\x7f"])
async def test_where_any_origin_is_allowed_none_breaks_the_answer(serve: Serve, origin: str) -> None:
    served = await serve(origins=ANY_ORIGIN)
    answer = await served.request("GET", target(), headers={"Origin": origin})
    assert answer.status in (200, 400), answer
    assert answer.header("access-control-allow-origin") in (None, origin)


async def test_a_head_that_cannot_be_read_ends_its_connection_only(served: Served) -> None:
    bystander = await served.connected()
    client = served.keep(await WebSocketClient.open(served.port))
    await client.write(head("GET", target(), {"Origin": "a\0b"}))
    await client.end()
    await bystander.send('421["echo"]')
    assert await bystander.receive() == "431[]"
