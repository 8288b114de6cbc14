"""What the kernel knows: CPU time, memory, how busy each core was, and what machine this is.

Linux only, read from /proc. CPU time is a process's whole sum (threads that ended included), in steps of 10 ms.
"""

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The process and everything it started."""
    pids = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            pids += family(int(child))
    return pids


def cpu_s(pid: int) -> float:
    """CPU seconds (user and system) of a process and its descendants so far."""
    total = 0
    for member in family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


def rss_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants, counted exactly (not the kernel's running estimate)."""
    total = 0
    for member in family(pid):
        for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                total += int(line.split()[1]) * 1024
    return total


def core_idle_s() -> list[float]:
    """Seconds each core has idled so far. The kernel measures idling; what a core is busy with it only samples."""
    idle = []
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("cpu") and line[3].isdigit():
            fields = line.split()
            idle.append((int(fields[4]) + int(fields[5])) / TICKS_PER_S)
    return idle


@contextmanager
def on_cores(cores: frozenset[int]) -> Iterator[None]:
    """What is started inside inherits these cores; the caller gets its own back."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def punctual() -> Iterator[None]:
    """Ahead of everybody on its core, where the kernel allows it (root): a client that waits for its core sends and
    reads late, and the server is blamed for it. Not for closed loops: there it would only add switches."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except PermissionError:
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@dataclass(frozen=True, slots=True)
class Window:
    """What a stretch of time cost: wall clock, CPU of the three parties, and how busy each core was."""

    wall_s: float
    server_s: float
    database_s: float
    generator_s: float
    cores_s: tuple[float, ...]

    def busy(self, core: int) -> float:
        """The share of a core that was in use, 0 to 1."""
        return self.cores_s[core] / self.wall_s

    @property
    def others(self) -> float:
        """Cores used by processes that do not belong to the benchmark."""
        return max(0.0, (sum(self.cores_s) - self.server_s - self.database_s - self.generator_s) / self.wall_s)


class Stopwatch:
    """Started on construction; `read()` gives the window since then."""

    def __init__(self, servers: Sequence[int], database: int | None) -> None:
        self._servers, self._database = servers, database
        self._start = self._now()

    def _now(self) -> tuple[float, float, float, float, list[float]]:
        database = cpu_s(self._database) if self._database else 0.0
        return time.perf_counter(), sum(map(cpu_s, self._servers)), database, time.process_time(), core_idle_s()

    def read(self) -> Window:
        wall, server, database, generator, cores = self._start
        wall2, server2, database2, generator2, cores2 = self._now()
        wall = wall2 - wall
        busy = tuple(max(0.0, wall - (after - before)) for before, after in zip(cores, cores2, strict=True))
        return Window(wall, server2 - server, database2 - database, generator2 - generator, busy)


def wait_for_quiet(patience_s: float, at_most: float = 0.1) -> None:
    """Return when the machine uses less than a tenth of a core, or when patience runs out: what the last system left
    behind (a checkpoint, a dropped database) and passing strangers should not be measured."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        start, before = time.perf_counter(), core_idle_s()
        time.sleep(0.5)
        wall = time.perf_counter() - start
        idle = sum(after - earlier for earlier, after in zip(before, core_idle_s(), strict=True))
        if wall * len(before) - idle < at_most * wall:
            return


def fsync_ms(folder: Path, times: int = 100) -> float:
    """Median milliseconds of an fdatasync after a 512-byte append, on the disk the databases use."""
    taken = []
    with (folder / "fsync-probe").open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(b"x" * 512)
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - start)
    return sorted(taken)[times // 2] * 1000


def cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
