"""A clock finer than the event loop's own: libuv and epoll round timers to milliseconds, which is what we measure."""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable

_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_libc = ctypes.CDLL(None, use_errno=True)


class Ticker:
    """Calls back every `interval_s`, by a Linux timerfd on the monotonic clock, until stopped. Late ticks merge."""

    def __init__(self, interval_s: float, tick: Callable[[], None]) -> None:
        self._tick = tick
        self._fd: int = _libc.timerfd_create(time.CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        seconds, fraction = divmod(interval_s, 1.0)
        spec = (ctypes.c_long * 4)(int(seconds), int(fraction * 1e9), int(seconds), int(fraction * 1e9))
        if _libc.timerfd_settime(self._fd, 0, ctypes.byref(spec), None) != 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")
        asyncio.get_running_loop().add_reader(self._fd, self._ready)

    def _ready(self) -> None:
        os.read(self._fd, 8)
        self._tick()

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
