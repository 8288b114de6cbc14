"""Pairs of people who talk: who sent what when, what was acknowledged, what arrived, and how long it took.

A message is *done* when it was both acknowledged and delivered, each exactly once; anything else is trouble.
Times are `time.perf_counter()`. Latency counts from the intended time of sending, given by the schedule where there is
one (open loop), so a stall is charged to every message it delays.
"""

from __future__ import annotations  # array[float] is a type only for the type checker on Python 3.11

import json
import time
from array import array
from dataclasses import dataclass, field
from typing import Any

from bench.client import Mask, SocketClient

FIRST_TAG = 10_000_000  # tags have eight digits, so that all frames of a sender are equally long
CONTENT_LENGTH = 100
ACKED, DELIVERED, DONE = 1, 2, 3
CONTENT = b'"content":"'
RECEIVED = b'["messageReceived",'
OK = b'[{"ok":true'


@dataclass(slots=True)
class Meter:
    """Counts over all pairs. `from_time`: messages intended before it are warm-up and leave no latency."""

    done: int = 0
    sent: int = 0
    from_time: float = 0.0
    ack_s: array[float] = field(default_factory=lambda: array("d"))
    delivery_s: array[float] = field(default_factory=lambda: array("d"))
    trouble: list[str] = field(default_factory=list)

    def restart(self) -> None:
        """Forget latencies; what is sent from now on counts."""
        self.from_time = time.perf_counter()
        self.ack_s, self.delivery_s = array("d"), array("d")

    def check(self) -> None:
        """Raise what went wrong, if anything did."""
        if self.trouble:
            raise RuntimeError(f"{len(self.trouble)} surprises, the first: {self.trouble[0]}")


class Sender(SocketClient):
    __slots__ = ("_pair",)

    def __init__(self, token: str, pair: Pair) -> None:
        super().__init__(token, pair.meter.trouble)
        self._pair = pair

    def on_ack(self, data: bytes, start: int, end: int) -> None:
        body = data.find(b"[", start, end)
        if not data.startswith(OK, body):
            self.fail(f"refused: {data[start:end][:300]!r}")
        self._pair.acked(int(data[start + 2 : body]) - FIRST_TAG)


class Recipient(SocketClient):
    __slots__ = ("_pair", "last_event")

    def __init__(self, token: str, pair: Pair) -> None:
        super().__init__(token, pair.meter.trouble)
        self._pair = pair
        self.last_event = b""

    def on_event(self, data: bytes, start: int, end: int) -> None:
        if data.startswith(RECEIVED, start + 2):
            at = data.find(CONTENT, start, end) + len(CONTENT)
            self.last_event = data[start:end]
            self._pair.delivered(int(data[at : at + 8]) - FIRST_TAG)

    def last_message(self) -> dict[str, Any]:
        """The message delivered last, as the server wrote it."""
        message: dict[str, Any] = json.loads(self.last_event[2:])[1]
        return message


class Pair:
    """One sender and one recipient. In a closed loop an acknowledgement triggers the next message."""

    __slots__ = ("_marks", "_mask", "_template", "_times", "lockstep", "meter", "recipient", "refill", "sender")

    def __init__(self, meter: Meter, sender_token: str, recipient_token: str, recipient_id: str, run: str) -> None:
        self.meter = meter
        self.refill = False
        self.lockstep = False
        self.sender = Sender(sender_token, self)
        self.recipient = Recipient(recipient_token, self)
        filler = "x" * (CONTENT_LENGTH - 8)
        self._template = (
            b'42%d["sendMessage",{"recipient":"'
            + f'{recipient_id}","content":"%d{filler}","clientId":"{run}-%d"}}]'.encode()
        )
        self._mask = Mask(len(self._template % (FIRST_TAG, FIRST_TAG, FIRST_TAG)))
        self._times = array("d")
        self._marks = bytearray()

    @property
    def in_flight(self) -> int:
        return len(self._marks) - self._marks.count(DONE)

    def send(self, intended: float) -> None:
        """Queue one message; `sender.flush()` lets it go."""
        tag = FIRST_TAG + len(self._marks)
        self._times.append(intended)
        self._marks.append(0)
        self.meter.sent += 1
        self.sender.send(self._mask.frame(self._template % (tag, tag, tag)))

    def begin(self, in_flight: int, *, lockstep: bool = False) -> None:
        """Start the closed loop. In lockstep the next message waits for the delivery too."""
        self.refill, self.lockstep = True, lockstep
        for _ in range(in_flight):
            self.send(time.perf_counter())
        self.sender.flush()

    def acked(self, index: int) -> None:
        now = time.perf_counter()
        if self._times[index] >= self.meter.from_time:
            self.meter.ack_s.append(now - self._times[index])
        self._mark(index, ACKED)
        if self.refill and (not self.lockstep or self._marks[index] == DONE):
            self.send(now)

    def delivered(self, index: int) -> None:
        now = time.perf_counter()
        if self._times[index] >= self.meter.from_time:
            self.meter.delivery_s.append(now - self._times[index])
        self._mark(index, DELIVERED)
        if self.lockstep and self.refill and self._marks[index] == DONE:
            self.send(now)
            self.sender.flush()

    def close(self) -> None:
        self.sender.close()
        self.recipient.close()

    def _mark(self, index: int, mark: int) -> None:
        marks = self._marks[index]
        if marks & mark:
            self.meter.trouble.append(f"message {index} came twice")
        self._marks[index] = marks = marks | mark
        if marks == DONE:
            self.meter.done += 1
