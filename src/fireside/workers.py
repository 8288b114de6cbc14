"""Workers: several processes behind one listening socket, and the one that looks after them.

The supervisor serves nobody. It binds the port, starts each worker as a fresh interpreter that inherits the socket, and
starts another where one has died. What must stay true:

- The socket listens from when the first worker serves until all are to stop: who connects while workers come and go is
  taken by the next, and who connects before or after is sent away at once, to another node.
- Who watches a worker finds whoever has its place at the same port: the supervisor has those sockets, too.
- A worker counts once it says that it serves. In a rolling restart the old one goes after the new one has said so, and
  where the new one does not start, the old ones stay.
- No worker outlives the supervisor: each has one end of a socket pair, and stops when the other end is gone.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence

from fireside.config import StartupError

logger = logging.getLogger(__name__)

READY = b"r"
"""What a worker says when it serves."""

STEADY_S = 10.0
"""Who has lived for so long has not died of how it was started."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
GONE_S = 40.0
"""How long a worker may take to stop before it is killed."""


class Worker:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process, line: socket.socket) -> None:
        self._process = process
        self._line = line
        self._began = time.monotonic()
        self.ended = asyncio.create_task(process.wait())

    @classmethod
    async def start(
        cls, command: Sequence[str], listener: socket.socket, beside: socket.socket | None = None
    ) -> "Worker":
        """Run it, with the socket to listen on, its end of the line, and the socket for those who watch it, if any.

        Raises:
            OSError, RuntimeError: there is no process for it, no file, or no thread to wait for its end.
        """
        line, theirs = socket.socketpair()
        line.setblocking(False)
        given = {"--listener": listener, "--line": theirs} | ({"--beside": beside} if beside is not None else {})
        words = [word for flag, each in given.items() for word in (flag, str(each.fileno()))]
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *command,
                    *words,
                    pass_fds=[each.fileno() for each in given.values()],
                    start_new_session=True,
                )
        except BaseException:
            # One that runs all the same, and that nobody would look after, stops by this.
            line.close()
            raise
        return cls(process, line)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def age_s(self) -> float:
        return time.monotonic() - self._began

    async def ready(self) -> bool:
        """Wait until it serves; False if it has ended before."""
        said = asyncio.create_task(asyncio.get_running_loop().sock_recv(self._line, 1))
        try:
            await asyncio.wait([said, self.ended], return_when=asyncio.FIRST_COMPLETED)
        finally:
            said.cancel()
        return said.done() and not said.cancelled() and said.exception() is None and said.result() == READY

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def stop(self) -> None:
        """Have it stop, and wait for its end."""
        self.tell(signal.SIGTERM)
        done, _ = await asyncio.wait([self.ended], timeout=GONE_S)
        if not done:
            logger.error("pid %d does not stop: it is killed", self.pid)
            self.tell(signal.SIGKILL)
            await self.ended

    def hang_up(self) -> None:
        """It has ended."""
        self._line.close()


class Line:
    """A worker's end of the line to its supervisor."""

    def __init__(self, line: socket.socket) -> None:
        line.setblocking(False)
        self._line = line

    async def attend(self, stop: Callable[[], None]) -> None:
        """Say that this one serves, and have it stop when nobody looks after it any more."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(ConnectionError):
            await loop.sock_sendall(self._line, READY)
            await loop.sock_recv(self._line, 1)
        logger.error("the supervisor is gone: this worker stops")
        stop()


class Supervisor:
    """`await run()` until told to stop."""

    def __init__(
        self, command: Sequence[str], count: int, listener: socket.socket, beside: Sequence[socket.socket] = ()
    ) -> None:
        """`beside`: the sockets for those who watch, one for each place, or none."""
        self._command = command
        self._count = count
        self._listener = listener
        self._beside = beside
        self._workers: dict[int, Worker] = {}
        self._changing = [asyncio.Lock() for _ in range(count)]
        self._stopping = asyncio.Event()
        self._rolling: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Start the workers, and keep them.

        Raises:
            StartupError: the first does not start. It has said why.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._roll_soon)
        # The first one alone: it brings the schema up to date, and what is wrong is said once.
        if not await self._begin(0) and not self._stopping.is_set():
            raise StartupError("the first worker has not started, so there will be no others")
        keepers = [asyncio.create_task(self._keep(number)) for number in range(self._count)]
        await self._stopping.wait()
        await self._end()
        await asyncio.gather(*keepers)

    async def _begin(self, number: int) -> bool:
        """Start a worker for this place and wait until it serves; False if it does not, or if all is to stop."""
        if self._stopping.is_set():
            return False
        try:
            beside = self._beside[number] if self._beside else None
            worker = await Worker.start(self._command, self._listener, beside)
        except (OSError, RuntimeError) as error:
            logger.error("worker %d cannot be started: %s", number + 1, error)
            return False
        ready = asyncio.create_task(worker.ready())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait([ready, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in (ready, stopping):
            task.cancel()
        if self._stopping.is_set() or not ready.result():
            await worker.stop()
            worker.hang_up()
            return False
        self._workers[number] = worker
        logger.info("worker %d serves (pid %d)", number + 1, worker.pid)
        return True

    async def _keep(self, number: int) -> None:
        """See to it that there is a worker in this place."""
        pause_s = 0.0
        while not self._stopping.is_set():
            worker = self._workers.get(number)
            status = await worker.ended if worker is not None else None
            async with self._changing[number]:
                if self._workers.get(number) is not worker or self._stopping.is_set():
                    continue  # another has its place by now
                if worker is not None:
                    logger.error("worker %d (pid %d) has ended with %d", number + 1, worker.pid, status)
                    self._workers.pop(number)
                    worker.hang_up()
                if worker is not None and worker.age_s > STEADY_S:
                    pause_s = 0.0
                elif worker is not None or pause_s:
                    pause_s = min(LONGEST_PAUSE_S, 2 * pause_s or FIRST_PAUSE_S)
                    logger.warning("worker %d is started again in %.1f s", number + 1, pause_s)
                    await self._sleep(pause_s)
                if not await self._begin(number) and not self._stopping.is_set():
                    logger.error("worker %d has not started", number + 1)
                    pause_s = pause_s or FIRST_PAUSE_S

    async def _sleep(self, seconds: float) -> None:
        """Unless all is to stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    # ── all of them ──────────────────────────────────────────────────────────────────────────────────────────────

    def _roll_soon(self) -> None:
        if self._rolling is not None and not self._rolling.done():
            logger.warning("the workers are being replaced already")
        else:
            self._rolling = asyncio.create_task(self._try_to_roll())

    async def _try_to_roll(self) -> None:
        """Whatever becomes of it is said at once, and keeps nobody from stopping them."""
        try:
            await self._roll()
        except Exception:
            logger.exception("the other workers stay: replacing them has failed")

    async def _roll(self) -> None:
        """Replace one after the other."""
        logger.info("the workers are replaced, one after the other")
        for number in range(self._count):
            async with self._changing[number]:
                old = self._workers.get(number)
                if not await self._begin(number):
                    return logger.error("the other workers stay: the new one does not serve")
            if old is not None:
                await old.stop()
                old.hang_up()
        logger.info("the workers have been replaced")

    def _stop(self) -> None:
        # The workers close theirs as they stop: who connects is not to wait for somebody who will not come.
        for each in (self._listener, *self._beside):
            each.close()
        self._stopping.set()

    async def _end(self) -> None:
        """Stop all of them, at the same time."""
        if self._rolling is not None:
            await self._rolling
        workers = list(self._workers.values())
        await asyncio.gather(*(worker.stop() for worker in workers))
        for worker in workers:
            worker.hang_up()


def supervise(flags: Sequence[str], count: int, listener: socket.socket, beside: Sequence[socket.socket] = ()) -> None:
    """Serve with so many workers until told to stop; `flags` are those of the command line, the rest as above.

    Raises:
        StartupError: they do not start.
    """
    command = [sys.executable, "-m", "fireside", "worker", *flags]

    async def run() -> None:
        await Supervisor(command, count, listener, beside).run()

    with contextlib.ExitStack() as open_until_then:
        for each in (listener, *beside):
            open_until_then.enter_context(each)
        asyncio.run(run())
