"""A clock of a program that can be put wrong while the program runs: what a virtual machine's does when it is moved.

Wall time is meant, of Python's `time.time` and `time_ns`; monotonic time goes on as it does.
"""

import struct
from pathlib import Path


class Clock:
    """In a file, which the program looks at each time (`sitecustomize.py`, beside this)."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.write_bytes(bytes(8))

    @property
    def settings(self) -> dict[str, str]:
        """What has to be in the environment of the program; what it starts has the same clock."""
        return {"PYTHONPATH": str(Path(__file__).parent), "CLOCK": str(self._file)}

    def put(self, by_s: int) -> None:
        """So many seconds ahead of the right time, behind it if they are negative."""
        with self._file.open("r+b") as file:
            file.write(struct.pack("=q", by_s))
