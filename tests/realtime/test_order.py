"""What one client sends is handled in the order it sent it, however long a part of it takes, and it waits meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fireside.realtime.sockets import ASIDE, INBOX, Refused, Socket
from tests.realtime.clients import TEXT, client_frame, joined
from tests.realtime.served import Recorder, Serve, Served, eventually


class Slow(Recorder):
    """Handles `slow` when `gate` is open, one at a time, and writes down what it has done."""

    def __init__(self) -> None:
        super().__init__(slow=self._slow, quick=self._quick)
        self.gate = asyncio.Event()
        self.done: list[int] = []
        self._at_work = 0

    async def _slow(self, socket: Socket, n: int, *, ack: object) -> None:
        assert self._at_work == 0, "one at a time"
        self._at_work += 1
        await self.gate.wait()
        # Later ones would be quicker, if they were let.
        await asyncio.sleep((50 - n) % 7 / 10_000)
        self._at_work -= 1
        self.done.append(n)

    def _quick(self, socket: Socket, n: int, *, ack: object) -> None:
        self.done.append(n)


@pytest.fixture
def slow() -> Slow:
    return Slow()


def mixed(count: int) -> list[str]:
    """Numbered events, some of which take long."""
    return [f'42["{"quick" if n % 3 else "slow"}",{n}]' for n in range(count)]


async def test_fifty_events_are_handled_in_order_over_websocket(serve: Serve, slow: Slow) -> None:
    served = await serve(slow)
    client = await served.connected()
    slow.gate.set()
    for n in range(50):
        await client.send(f'42["slow",{n}]')
    await eventually(lambda: len(slow.done) == 50)
    assert slow.done == list(range(50))


async def test_fifty_events_are_handled_in_order_over_polling(serve: Serve, slow: Slow) -> None:
    served = await serve(slow)
    client = await served.polling()
    await client.connect()
    slow.gate.set()
    for n in range(0, 50, 10):
        assert (await client.post(*(f'42["slow",{n + m}]' for m in range(10)))).status == 200
    await eventually(lambda: len(slow.done) == 50)
    assert slow.done == list(range(50))


async def test_quick_events_wait_behind_slow_ones(serve: Serve, slow: Slow) -> None:
    served = await serve(slow)
    client, other = await served.connected(), await served.connected()
    for message in mixed(20):
        await client.send(message)
    await eventually(lambda: slow.events)
    await other.send('42["quick",99]')
    await eventually(lambda: slow.done == [99])
    slow.gate.set()
    await eventually(lambda: len(slow.done) == 21)
    assert slow.done == [99, *range(20)]


def inbox(served: Served) -> int:
    """How many messages wait to be handled."""
    return len(served.connection._inbox or ())


async def test_reading_stops_when_too_much_waits_and_goes_on_when_it_is_done(serve: Serve, slow: Slow) -> None:
    served = await serve(slow)
    client = await served.connected()
    one_read = 0

    async def flood() -> None:
        for n in range(0, 20_000, 20):
            await client.write(b"".join(client_frame(TEXT, f'42["quick",{n + m}]'.encode()) for m in range(20)))
            await asyncio.sleep(0)

    await client.send('42["slow",-1]')
    sending = asyncio.create_task(flood())
    await eventually(lambda: served.session.blocked is not None)
    one_read = inbox(served)
    # It stays what was read in one go, however long this takes and however much comes.
    for _ in range(20):
        await asyncio.sleep(0.002)
        assert inbox(served) == one_read
    assert INBOX < one_read < 20_000
    assert slow.done == []
    slow.gate.set()
    await sending
    await eventually(lambda: len(slow.done) == 20_001)
    assert slow.done == list(range(-1, 20_000))
    assert served.session.blocked is None


async def test_a_post_waits_until_enough_of_it_is_handled(serve: Serve, slow: Slow) -> None:
    served = await serve(slow)
    client = await served.polling()
    await client.connect()
    post = asyncio.create_task(client.post('42["slow",0]', *(f'42["quick",{n}]' for n in range(1, 100))))
    await eventually(lambda: served.session.blocked is not None)
    assert inbox(served) == 99
    poll = await served.waiting(client)
    served.main.sockets[0].emit("meanwhile")
    assert (await poll.answer()).body == b'42["meanwhile"]'
    assert not post.done()
    slow.gate.set()
    answer = await post
    assert (answer.status, answer.body) == (200, b"ok")
    assert slow.done == list(range(100))


async def test_a_post_that_waits_is_told_when_the_session_ends(serve: Serve, slow: Slow) -> None:
    served = await serve(slow)
    client = await served.polling()
    await client.connect()
    post = asyncio.create_task(client.post('42["slow",0]', *(f'42["quick",{n}]' for n in range(1, 100))))
    await eventually(lambda: served.session.blocked is not None)
    poll = await served.waiting(client)
    poll.abort()
    assert (await post).status == 400
    slow.gate.set()
    await eventually(lambda: slow.done == [0])
    assert slow.reasons == ["transport close"]


async def test_order_is_kept_when_the_client_moves_to_a_websocket_while_its_messages_wait(
    serve: Serve, slow: Slow
) -> None:
    served = await serve(slow)
    client = await served.polling()
    await client.connect()
    post = asyncio.create_task(client.post('42["slow",0]', *(f'42["quick",{n}]' for n in range(1, 50))))
    await eventually(lambda: served.session.blocked is not None)
    websocket = await served.probing(client)
    await websocket.send("5")
    for n in range(50, 100):
        await websocket.send(f'42["quick",{n}]')
    await eventually(lambda: not served.session.polling)
    slow.gate.set()
    assert (await post).status == 200
    await eventually(lambda: len(slow.done) == 100)
    assert slow.done == list(range(100))


async def test_a_client_is_not_given_up_while_it_is_us_who_do_not_read(serve: Serve, slow: Slow) -> None:
    """Its answer to the ping lies behind what still waits to be handled."""
    served = await serve(slow)
    client = await served.connected()
    session = served.session
    for n in range(200):
        await client.send(f'42["slow",{n}]')
    await eventually(lambda: session.blocked is not None)
    await client.send("3")
    for _ in range(3):
        session.on_deadline()
        assert await client.receive() == "2"
    session.expires_at = served.engine.now()
    assert served.engine.find(client.opening["sid"]) is session
    slow.gate.set()
    await eventually(lambda: len(slow.done) == 200)
    await eventually(lambda: not session.awaiting_pong)
    assert slow.reasons == []


async def test_a_client_that_says_nothing_once_we_read_again_is_given_up(serve: Serve, slow: Slow) -> None:
    served = await serve(slow)
    client = await served.connected()
    session = served.session
    for n in range(200):
        await client.send(f'42["slow",{n}]')
    await eventually(lambda: session.blocked is not None)
    session.on_deadline()
    late = session.expires_at
    slow.gate.set()
    await eventually(lambda: session.blocked is None)
    assert session.expires_at >= late, "it has a while, from when we read again"
    session.on_deadline()
    assert slow.reasons == ["ping timeout"]


async def test_what_waits_when_a_client_leaves_is_not_handled(serve: Serve, slow: Slow) -> None:
    served = await serve(slow)
    client = await served.connected()
    for n in range(30):
        await client.send(f'42["slow",{n}]')
    await eventually(lambda: inbox(served) == 29)
    client.abort()
    await eventually(lambda: slow.reasons == ["transport close"])
    slow.gate.set()
    await eventually(lambda: slow.done == [0])
    assert len(slow.events) == 1


async def test_a_broken_packet_waits_its_turn_too(serve: Serve, slow: Slow) -> None:
    served = await serve(slow)
    client = await served.connected()
    for message in ('42["slow",0]', '42["quick",1]', "4abc", '42["quick",2]'):
        await client.send(message)
    await eventually(lambda: inbox(served) == 3)
    assert slow.reasons == []
    slow.gate.set()
    assert (await client.closed()).code == 1002
    assert slow.done == [0, 1]
    assert served.engine.metrics.protocol_errors == 1


def failing(kind: str) -> Callable[..., Awaitable[None] | None]:
    def fail(*args: object, ack: object) -> None:
        raise RuntimeError("a bug of ours")

    async def fail_later(*args: object, ack: object) -> None:
        await asyncio.sleep(0)
        raise RuntimeError("a bug of ours")

    return fail if kind == "at once" else fail_later


@pytest.mark.parametrize("when", ["at once", "later"])
@pytest.mark.parametrize("behind", [True, False])
async def test_a_handler_that_fails_ends_the_connection_and_nothing_overtakes(
    serve: Serve, slow: Slow, when: str, behind: bool
) -> None:
    slow.on["fail"] = failing(when)
    served = await serve(slow)
    bystander, client = await served.connected(), await served.connected()
    for message in (['42["slow",0]'] if behind else []) + ['42["fail"]', '42["quick",1]']:
        await client.send(message)
    slow.gate.set()
    assert (await client.closed()).code == 1011
    assert slow.done == ([0] if behind else [])
    assert slow.reasons == ["internal error"]
    assert len(served.errors) == 1
    served.errors.clear()
    await bystander.send('421["echo"]')
    assert await bystander.receive() == "431[]"


class Doorkeeper(Slow):
    """Lets people in when the gate is open, but not those who say so."""

    async def _decide(self, auth: Any) -> None:
        await self.gate.wait()
        if auth and auth.get("refuse"):
            raise Refused("No.", {"code": "no"})
        if auth and auth.get("fail"):
            raise RuntimeError("a bug of ours")

    def connecting(self, socket: Socket, auth: Any) -> Awaitable[None]:
        return self._decide(auth)


async def test_what_follows_a_connection_waits_until_it_is_one(serve: Serve) -> None:
    keeper = Doorkeeper()
    served = await serve(keeper)
    client = await served.websocket()
    for message in ("40", *mixed(10), '421["echo",1]'):
        await client.send(message)
    await eventually(lambda: inbox(served) == 11)
    assert keeper.events == []
    keeper.gate.set()
    joined([await client.receive()])
    assert await client.receive() == "431[1]"
    assert keeper.done == list(range(10))


async def test_who_leaves_at_the_door_was_never_in(serve: Serve) -> None:
    keeper = Doorkeeper()
    served = await serve(keeper)
    client = await served.websocket()
    await client.send("40")
    await eventually(lambda: served.sockets.tasks._running)
    client.abort()
    await eventually(lambda: len(served.engine) == 0)
    keeper.gate.set()
    await eventually(lambda: not served.sockets.tasks._running)
    assert (keeper.sockets, keeper.ended) == ([], [])


async def test_who_is_refused_at_the_door_hears_why_and_may_ask_again(serve: Serve) -> None:
    keeper = Doorkeeper()
    keeper.gate.set()
    served = await serve(keeper)
    client = await served.websocket()
    await client.send('40{"refuse":true}')
    assert await client.receive() == '44{"message":"No.","data":{"code":"no"}}'
    await client.connect()


async def test_an_event_of_who_was_refused_ends_the_connection(serve: Serve) -> None:
    keeper = Doorkeeper()
    keeper.gate.set()
    served = await serve(keeper)
    client = await served.websocket()
    await client.send('40{"refuse":true}')
    await client.send('42["quick",1]')
    assert (await client.closed()).code == 1002
    assert keeper.done == []


async def test_a_doorkeeper_that_fails_ends_the_connection(serve: Serve) -> None:
    keeper = Doorkeeper()
    keeper.gate.set()
    served = await serve(keeper)
    client = await served.websocket()
    await client.send('40{"fail":true}')
    assert (await client.closed()).code == 1011
    assert len(served.errors) == 1
    served.errors.clear()


async def test_what_still_runs_at_the_end_is_cancelled(serve: Serve, slow: Slow) -> None:
    served = await serve(slow)
    client = await served.connected()
    await client.send('42["slow",0]')
    await eventually(lambda: served.sockets.tasks._running)
    served.edge.dismiss()
    await served.sockets.stop()
    assert not served.sockets.tasks._running
    assert slow.done == []


async def test_what_is_done_aside_holds_nothing_up_but_no_more_than_so_much_of_it(serve: Serve, slow: Slow) -> None:
    waiting: list[int] = []

    async def wait(n: int) -> None:
        waiting.append(n)
        await slow.gate.wait()
        waiting.remove(n)

    def aside(socket: Socket, n: int, *, ack: object) -> None:
        socket.aside(wait(n))

    slow.on["aside"] = aside
    served = await serve(slow)
    client = await served.connected()
    for n in range(ASIDE):
        await client.send(f'42["aside",{n}]')
    await client.send('42["quick",1]')
    await eventually(lambda: slow.done == [1])
    assert waiting == list(range(ASIDE))
    await client.send(f'42["aside",{ASIDE}]')
    await client.send('42["quick",2]')
    await eventually(lambda: len(waiting) == ASIDE + 1)
    assert slow.done == [1], "it waits in line"
    slow.gate.set()
    await eventually(lambda: slow.done == [1, 2])
    assert not waiting
