"""Writes of one turn of the loop: a crowd takes several, and who is answered does not wait for them."""

import asyncio

import pytest

from fireside.realtime.frames import frame
from fireside.realtime.options import Options
from fireside.realtime.server import WRITES_A_TURN, EngineServer
from fireside.realtime.session import CLOSED, Handshake, Session
from fireside.realtime.sockets import SocketServer
from tests.realtime.served import Recorder

HELLO = frame(b"42hello")
ANSWER = frame(b"43answer")


class Line:
    """A carrier that notes who was written to."""

    writable = True
    at_once = 1 << 30

    def __init__(self, name: int, written: list[tuple[int, list[bytes]]]) -> None:
        self._name = name
        self._written = written

    def write(self, waiting: list[bytes]) -> None:
        self._written.append((self._name, waiting))

    def close(self, reason: str, code: int) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def crowd(size: int) -> tuple[list[Session], list[tuple[int, list[bytes]]]]:
    """Sessions of a server, and what is written to them."""
    server = EngineServer(Options(), SocketServer({"/": Recorder()}).open)
    await server.start()
    sessions = [server.open(Handshake({}, {}, "here"), polling=False) for _ in range(size)]
    written: list[tuple[int, list[bytes]]] = []
    for number, session in enumerate(sessions):
        session.attach(Line(number, written))
    for _ in range(size // WRITES_A_TURN + 1):
        await asyncio.sleep(0)
    written.clear()
    return sessions, written


async def test_a_crowd_is_written_to_in_turns_and_in_order() -> None:
    sessions, written = await crowd(2 * WRITES_A_TURN + 1)
    for session in sessions:
        session.send(HELLO)
    for turns in (1, 2, 3):
        await asyncio.sleep(0)
        assert len(written) == min(turns * WRITES_A_TURN, len(sessions))
    assert written == [(number, [HELLO]) for number in range(len(sessions))]
    await asyncio.sleep(0)
    assert len(written) == len(sessions)


async def test_who_is_answered_is_written_to_before_the_crowd() -> None:
    sessions, written = await crowd(2 * WRITES_A_TURN + 1)
    for session in sessions:
        session.send(HELLO)
    last = sessions[-1]
    last.send(ANSWER)
    last.server.flush_first(last)
    await asyncio.sleep(0)
    assert written[0] == (len(sessions) - 1, [HELLO, ANSWER])
    for _ in range(3):
        await asyncio.sleep(0)
    assert sorted(number for number, _ in written) == list(range(len(sessions)))


class Broken(Line):
    """A carrier that fails with whatever is asked of it."""

    def write(self, waiting: list[bytes]) -> None:
        raise RuntimeError("the handler is closed")

    def close(self, reason: str, code: int) -> None:
        raise RuntimeError("the handler is closed")


@pytest.mark.parametrize("is_first", [False, True])
@pytest.mark.parametrize("polling", [False, True])
async def test_who_cannot_be_written_to_ends_alone(
    caplog: pytest.LogCaptureFixture, polling: bool, is_first: bool
) -> None:
    sessions, written = await crowd(2 * WRITES_A_TURN + 1)
    broken = sessions.pop(2)
    broken.polling = polling
    broken.carrier = Broken(2, written)
    for session in (broken, *sessions):
        session.send(HELLO)
    if is_first:
        broken.server.flush_first(broken)
    for _ in range(4):
        await asyncio.sleep(0)
    assert [number for number, _ in written] == [number for number in range(2 * WRITES_A_TURN + 1) if number != 2]
    assert broken.state == CLOSED
    assert broken.server.metrics.closed == {"internal error": 1}
    assert broken.sid not in caplog.text
    sessions[0].send(ANSWER)
    await asyncio.sleep(0)
    assert written[-1] == (0, [ANSWER])
