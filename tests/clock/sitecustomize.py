"""Imported by Python at its start, where this folder is on its path: time is what `CLOCK` says."""

import mmap
import os
import struct
import time

with open(os.environ["CLOCK"], "rb") as file:  # noqa: PTH123 - each start of Python pays for what is imported here
    wrong = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)

right, right_ns = time.time, time.time_ns


def by_s() -> int:
    return int(struct.unpack("=q", wrong[:8])[0])


setattr(time, "time", lambda: right() + by_s())  # noqa: B010 - types forbid the plain form
setattr(time, "time_ns", lambda: right_ns() + by_s() * 1_000_000_000)  # noqa: B010
