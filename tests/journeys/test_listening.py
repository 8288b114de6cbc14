"""Who connects is served, or sent away at once: a balancer that is sent away takes another node."""

import asyncio
import os
import signal
import socket
import sys

import psutil
import pytest

from fireside.realtime.serving import LAST_PORT, bind, listen_from
from fireside.workers import READY, Supervisor
from tests.realtime.served import eventually

WORKER = f"""
import signal, socket, sys

listener, line = (socket.socket(fileno=int(sys.argv[at])) for at in (2, 4))
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGTERM, signal.SIGUSR1}})
listener.listen()
line.send({READY!r})
signal.sigwait({{signal.SIGTERM}})
listener.close()
signal.sigwait({{signal.SIGUSR1}})
"""
"""Told to stop, it takes nobody any more, and has something to finish until it gets another signal."""


def is_taken(port: int) -> bool:
    """Whether who connects is let in."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


async def test_nobody_waits_for_workers_that_do_not_serve_yet_or_are_to_stop() -> None:
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    assert not is_taken(port)
    running = asyncio.create_task(Supervisor([sys.executable, "-c", WORKER], 1, listener).run())
    await eventually(lambda: is_taken(port))
    (worker,) = (each for each in psutil.Process().children() if WORKER in each.cmdline())
    os.kill(os.getpid(), signal.SIGTERM)
    await eventually(lambda: not is_taken(port))
    assert not running.done()
    worker.send_signal(signal.SIGUSR1)
    await running


async def test_a_port_that_others_listen_on_is_taken() -> None:
    with bind("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", first.getsockname()[1])


def test_after_the_last_port_there_is_no_next() -> None:
    with pytest.raises(OSError, match="taken"):
        listen_from("127.0.0.1", LAST_PORT + 1)
