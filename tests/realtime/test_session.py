"""A session by itself, between a carrier and a peer that only write down what they are told."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from fireside.realtime import frames
from fireside.realtime.options import Options
from fireside.realtime.server import EngineServer
from fireside.realtime.session import (
    CLOSED,
    LINGERING,
    OPEN,
    QUEUE_FRAMES,
    QUEUE_LIMIT,
    VOLATILE_LIMIT,
    Handshake,
    Session,
)
from fireside.socketio.engine import ProtocolError
from tests.realtime.served import set_in


class FakeCarrier:
    """Takes frames while it is writable, as a WebSocket does; `stop_at` bytes it stops, as a full transport does."""

    at_once = 1_000_000

    def __init__(self, *, writable: bool = True, stop_at: int | None = None) -> None:
        self.writable = writable
        self.written: list[bytes] = []
        self.closed: list[tuple[str, int]] = []
        self.reading = True
        self._stop_at = stop_at

    def write(self, waiting: list[bytes]) -> None:
        assert self.writable
        self.written += waiting
        if self._stop_at is not None and sum(map(len, self.written)) > self._stop_at:
            self.writable = False

    def close(self, reason: str, code: int) -> None:
        self.closed.append((reason, code))

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class FakePeer:
    """Writes down what it hears; `fail` makes it fail."""

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.reasons: list[str] = []
        self.pings = 0
        self.fail: Callable[[], None] = lambda: None

    def received(self, message: str | bytes) -> None:
        self.messages.append(message)
        self.fail()

    def pinged(self) -> None:
        self.pings += 1
        self.fail()

    def leaving(self, retry_after_ms: int) -> None: ...

    def closed(self, reason: str) -> None:
        self.reasons.append(reason)


def a_bug() -> None:
    raise RuntimeError("a bug of ours")


def a_broken_rule() -> None:
    raise ProtocolError("broken")


class Bench:
    """One session on a server."""

    def __init__(self, *, polling: bool = False, **options: float) -> None:
        self.peer = FakePeer()
        self.server = EngineServer(Options(**options), lambda _: self.peer)  # type: ignore[arg-type]
        self.carrier = FakeCarrier()
        self._polling = polling

    async def start(self) -> Session:
        await self.server.start()
        session = self.server.open(Handshake({}, {}, "192.0.2.1"), polling=self._polling)
        if not self._polling:
            session.attach(self.carrier)
            self.carrier.written.clear()
        else:
            session.pending, session.pending_bytes = [], 0
        return session


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def tick() -> None:
    """What was to happen at the end of this tick has happened."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_what_is_sent_in_one_tick_leaves_in_one_write(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await bench.start()
    writes: list[list[bytes]] = []
    monkeypatch.setattr(bench.carrier, "write", writes.append)
    for n in range(3):
        session.send(b"%d" % n)
    assert writes == []
    await tick()
    assert writes == [[b"0", b"1", b"2"]]


async def test_a_carrier_gets_no_more_at_once_than_it_takes_and_the_rest_stays_in_order(bench: Bench) -> None:
    session = await bench.start()
    await tick()
    bench.carrier.at_once = 16
    for n in range(20):
        session.send(b"%02d" % n)
    await tick()
    assert bench.carrier.written == [b"%02d" % n for n in range(16)]
    assert session.pending_bytes == 8
    session.flush()
    assert bench.carrier.written == [b"%02d" % n for n in range(20)]
    assert session.pending_bytes == 0


async def test_what_a_carrier_cannot_take_waits_and_is_taken_in_order(bench: Bench) -> None:
    session = await bench.start()
    bench.carrier.writable = False
    for n in range(3):
        session.send(b"%d" % n)
        await tick()
    assert bench.carrier.written == []
    bench.carrier.writable = True
    session.flush()
    assert bench.carrier.written == [b"0", b"1", b"2"]
    assert session.pending_bytes == 0


@pytest.mark.parametrize(("size", "count"), [(10, QUEUE_FRAMES), (QUEUE_LIMIT // 8, 8)])
async def test_a_client_that_does_not_read_is_closed_at_the_bound(bench: Bench, size: int, count: int) -> None:
    session = await bench.start()
    bench.carrier.writable = False
    for _ in range(count):
        session.send(bytes(size))
        await tick()
    assert session.state == OPEN
    session.send(bytes(size))
    assert session.state == CLOSED
    assert bench.peer.reasons == ["slow consumer"]
    assert bench.carrier.closed == [("slow consumer", 1013)]
    assert session.pending == []
    assert bench.server.metrics.slow_consumers == 1
    assert len(bench.server) == 0


async def test_a_burst_in_one_tick_is_no_offence_of_a_client_that_reads(bench: Bench) -> None:
    session = await bench.start()
    for n in range(5 * QUEUE_FRAMES):
        session.send(b"%d" % n)
    await tick()
    assert session.state == OPEN
    assert bench.carrier.written == [b"%d" % n for n in range(5 * QUEUE_FRAMES)]


async def test_what_waits_in_a_burst_is_bounded_by_what_the_carrier_takes() -> None:
    bench = Bench()
    bench.carrier = FakeCarrier(stop_at=100)
    session = await bench.start()
    for _ in range(3 * QUEUE_FRAMES):
        session.send(b"x")
    assert session.state == CLOSED
    assert len(bench.carrier.written) <= QUEUE_FRAMES + 1


async def test_volatile_frames_are_dropped_past_the_mark_and_others_are_not(bench: Bench) -> None:
    session = await bench.start()
    bench.carrier.writable = False
    session.send(b"first", volatile=True)
    session.send(bytes(VOLATILE_LIMIT))
    session.send(b"typing", volatile=True)
    session.send(b"message")
    assert session.pending == [b"first", bytes(VOLATILE_LIMIT), b"message"]
    bench.carrier.writable = True
    session.flush()
    session.send(b"typing", volatile=True)
    assert session.pending == [b"typing"]


@pytest.mark.parametrize("polling", [False, True])
async def test_a_peer_hears_of_the_end_once_whoever_ends_it(polling: bool) -> None:
    bench = Bench(polling=polling)
    session = await bench.start()
    session.close("first")
    session.close("second")
    session.packet("1")
    session.on_deadline()
    assert bench.peer.reasons == ["first"]


async def test_after_the_end_nothing_is_sent_or_heard(bench: Bench) -> None:
    session = await bench.start()
    session.close("over", 1001)
    session.send(b"late")
    session.packet("4late")
    await tick()
    assert (bench.carrier.written, bench.peer.messages) == ([], [])
    assert bench.carrier.closed == [("over", 1001)]
    assert set_in(bench.server.wheel) == 0


async def test_what_was_sent_before_the_end_leaves_first(bench: Bench) -> None:
    session = await bench.start()
    session.send(b"last words")
    session.close("over")
    assert bench.carrier.written == [b"last words"]


async def test_a_peer_may_end_the_session_while_it_hears_a_message(bench: Bench) -> None:
    session = await bench.start()
    bench.peer.fail = lambda: session.close("enough")
    session.packet("4x")
    session.packet("4y")
    assert bench.peer.messages == ["x"]
    assert bench.peer.reasons == ["enough"]


@pytest.mark.parametrize(
    ("fail", "reason", "code"), [(a_bug, "internal error", 1011), (a_broken_rule, "parse error", 1002)]
)
async def test_a_peer_that_fails_ends_the_session(
    bench: Bench, caplog: pytest.LogCaptureFixture, fail: Callable[[], None], reason: str, code: int
) -> None:
    session = await bench.start()
    bench.peer.fail = fail
    session.packet("4x")
    assert bench.peer.reasons == [reason]
    assert bench.carrier.closed == [(reason, code)]
    assert [record.levelno for record in caplog.records] == ([logging.ERROR] if fail is a_bug else [])
    assert session.sid not in caplog.text


async def test_a_peer_that_fails_at_a_heartbeat_ends_the_session(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    session = await bench.start()
    bench.peer.fail = a_bug
    session.on_deadline()
    assert bench.peer.reasons == ["internal error"]
    assert set_in(bench.server.wheel) == 0
    assert len(caplog.records) == 1


async def test_a_heartbeat_asks_waits_and_gives_up(bench: Bench) -> None:
    session = await bench.start()
    session.on_deadline()
    await tick()
    assert bench.carrier.written == [frames.PING]
    session.packet("3")
    assert not session.awaiting_pong
    session.on_deadline()
    session.on_deadline()
    assert bench.peer.reasons == ["ping timeout"]
    assert bench.peer.pings == 2


async def test_a_pong_that_was_not_asked_for_prolongs_nothing(bench: Bench) -> None:
    session = await bench.start()
    expires_at = session.expires_at
    await asyncio.sleep(0.002)
    session.packet("3")
    assert session.expires_at == expires_at


async def test_a_peer_may_end_the_session_at_a_heartbeat(bench: Bench) -> None:
    session = await bench.start()
    bench.peer.fail = lambda: session.close("token expired")
    session.on_deadline()
    await tick()
    assert bench.carrier.written == []
    assert bench.peer.reasons == ["token expired"]
    assert set_in(bench.server.wheel) == 0


async def test_reading_stops_and_goes_on_with_whatever_carries_the_session(bench: Bench) -> None:
    session = await bench.start()
    session.pause()
    session.pause()
    assert not bench.carrier.reading
    session.resume()
    session.resume()
    assert bench.carrier.reading


async def test_reading_stays_stopped_when_the_client_moves_to_a_websocket() -> None:
    bench = Bench(polling=True)
    session = await bench.start()
    session.pause()
    assert session.probed(bench.carrier)
    assert session.upgraded(bench.carrier)
    assert not bench.carrier.reading
    session.resume()
    assert bench.carrier.reading


async def test_a_client_has_a_while_to_be_heard_once_it_is_read_again(bench: Bench) -> None:
    session = await bench.start()
    session.on_deadline()
    session.pause()
    session.expires_at = bench.server.now()
    assert not session.expired
    session.resume()
    assert not session.expired
    assert session.expires_at >= bench.server.now() + bench.server.options.ping_timeout_s / 2


async def test_a_session_that_ends_lets_go_of_who_waits_to_be_read(bench: Bench) -> None:
    session = await bench.start()
    session.pause()
    blocked = session.blocked
    assert blocked is not None
    session.on_deadline()
    session.close("over")
    assert blocked.done()
    assert set_in(bench.server.wheel) == 0


async def test_who_stops_waiting_to_be_read_harms_nobody(bench: Bench) -> None:
    session = await bench.start()
    session.pause()
    waiting = session.blocked
    assert waiting is not None
    waiting.cancel()
    session.resume()
    assert session.blocked is None
    assert bench.carrier.reading


async def test_a_polling_client_between_two_polls_hears_its_end_if_it_is_to() -> None:
    bench = Bench(polling=True)
    session = await bench.start()
    session.send(frames.frame(b"4x"))
    session.close("slow", linger=True)
    assert (session.state, len(bench.server)) == (LINGERING, 1)
    assert session.last_words() == [frames.frame(b"4x"), frames.CLOSE]
    assert (session.state, len(bench.server)) == (CLOSED, 0)
    assert session.last_words() == []
    assert set_in(bench.server.wheel) == 0


async def test_a_polling_client_that_need_not_hear_it_is_forgotten_at_once() -> None:
    bench = Bench(polling=True)
    session = await bench.start()
    session.close("over")
    assert (session.state, len(bench.server)) == (CLOSED, 0)


async def test_a_websocket_never_lingers(bench: Bench) -> None:
    session = await bench.start()
    session.close("over", linger=True)
    assert (session.state, len(bench.server)) == (CLOSED, 0)


async def test_the_end_of_one_session_fails_for_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """At the end all are closed, whatever one of them does."""
    bench = Bench()
    await bench.start()
    sessions = [bench.server.open(Handshake({}, {}, "192.0.2.1"), polling=False) for _ in range(3)]
    bench.server.dismiss()
    assert {session.state for session in sessions} == {CLOSED}
    assert len(bench.server) == 0
    await bench.server.stop()
    assert caplog.records == []
