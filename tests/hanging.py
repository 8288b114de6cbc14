"""A process that hangs: connected, but it answers nobody."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hanging(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """It does nothing until the block ends, and then goes on as if nothing had happened."""
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)  # returns when it has stopped
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
