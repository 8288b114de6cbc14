"""The bus: what this process has for others, to those that want it; a hint that is fast and may be lost.

A process is a node. It joins topics (the id of a person while a device of theirs is connected here, and a few others),
and hears what others send to them, on a channel of its own. What it has to say in one turn of its loop leaves as one
call of a script; what comes up while that is under way leaves with the next.

What must stay true:

- Nobody waits for the bus. What is to be sent is put in a queue, and past a bound dropped and counted; a Valkey that
  has stopped is noticed by what it does not answer, and by one's own heartbeat that is not heard.
- Whatever was lost, either way, ends in `to_return`: also where this node alone was cut off, and where too much
  waited. By then everything that this node has joined is in the register again.
- A node joins only what its channel is there to hear: it subscribes first, and says everything it has joined anew. So
  whoever found nobody on the channel, and took the node out of the register, did so before that. What the register had
  of it until then is forgotten: it may have left since, and could not say so.
- A topic is in the register when `in_force` returns. Whoever waits for that before reading misses nothing in between.
- What one node sends another arrives in order, or not at all.
"""

import asyncio
import logging
import random
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from fireside.cluster.envelopes import LONGEST_TOPIC, unpack
from fireside.cluster.line import TROUBLES, Argument, Line, Lines
from fireside.cluster.register import JOINED, LEASE_S, TURN
from fireside.core.ending import ended
from fireside.core.peers import EVERYBODY, Body, Handler

logger = logging.getLogger(__name__)

BEAT_S = 0.5
PAUSE_S = 0.5
"""Between two attempts to find the bus, give or take a half."""
WAITING, WAITING_BYTES = 20_000, 32 << 20
"""What may wait to be sent."""
LATE_BYTES = 64
"""What something counts that is not made before it leaves."""
ENTRIES_AT_ONCE, BYTES_AT_ONCE, CHANGES_AT_ONCE, ASKED_AT_ONCE = 500, 1 << 20, 5000, 5000
"""What one call of the script is given, so that others have their turn at Valkey."""
FAREWELL_S = 1.0

Undelivered = Callable[[], None]


class Emptied(Exception):
    """The register knows nothing of this node any more: it is another, or we were away for too long."""


class Deaf(Exception):
    """Nobody hears this node's channel, not even the node."""


class Sending(NamedTuple):
    """Something that waits to be sent: to topics, or to one node."""

    kind: str
    body: Body
    topics: tuple[str, ...] = ()
    node: str = ""
    undelivered: Undelivered | None = None

    @property
    def size(self) -> int:
        return (len(self.body) if isinstance(self.body, bytes) else LATE_BYTES) + 32 * len(self.topics)


class Bus:
    """Implements `core.peers.Peers`. `start()` and `stop()`."""

    def __init__(self, url: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.node = secrets.token_hex(8)
        self.is_up = False
        self.sent = self.received = self.dropped = 0
        """Envelopes that went out and came in, and what was to be sent and was not."""
        self._lines = Lines(url)
        self._monotonic = monotonic
        self._handlers: dict[str, Handler] = {}
        self._callbacks: list[Callable[[], None]] = []
        self._joined: Counter[str] = Counter()
        self._changes: dict[str, None] = {}
        """Topics that may not be in the register as they are here."""
        self._being_changed: Collection[str] = ()
        self._waiting: deque[Sending] = deque()
        self._waiting_bytes = 0
        self._questions: deque[tuple[Collection[str], asyncio.Future[set[str]]]] = deque()
        self._wake = asyncio.Event()
        self._turned = asyncio.Event()
        """Set, and replaced, whenever a turn is over, and when the bus is lost."""
        self._is_ending = False
        self._has_lost = False
        self._away_since = 0.0
        self._trouble = ""
        self._task: asyncio.Task[None] | None = None
        self.join(EVERYBODY)

    # ── what others may want ─────────────────────────────────────────────────────────────────────────────────────

    def on(self, kind: str, handler: Handler) -> None:
        """Have this called with what others send of this kind: one ASCII character, given to one handler."""
        assert len(kind) == 1, "a kind is one character"
        assert self._handlers.setdefault(kind, handler) is handler, f"kind {kind} is taken"

    def to_return(self, callback: Callable[[], None]) -> None:
        """Have this called when the bus is back, or had to drop something."""
        self._callbacks.append(callback)

    def join(self, topic: str) -> None:
        """Hear what is sent to this topic. Counted: it takes as many `leave` to hear it no more."""
        assert len(topic) <= LONGEST_TOPIC, "a topic is short"
        self._joined[topic] += 1
        if self._joined[topic] == 1:
            self._change(topic)

    def leave(self, topic: str) -> None:
        """Take back one `join`."""
        self._joined[topic] -= 1
        if self._joined[topic] <= 0:
            del self._joined[topic]
            self._change(topic)

    async def in_force(self, topic: str) -> None:
        """Return when the register says of this topic what is so here, or cannot be reached."""
        while self.is_up and (topic in self._changes or topic in self._being_changed):
            await self._turned.wait()

    def send(self, topics: Collection[str], kind: str, body: Body) -> None:
        """To every other node that has joined one of these topics, once. Waits for nothing."""
        if topics:
            self._put(Sending(kind, body, tuple(topics)))

    def tell(self, node: str, kind: str, body: bytes, undelivered: Undelivered | None = None) -> None:
        """To one node; its handler gets no topics. `undelivered` is called if nobody hears there, or nobody can say:
        it may have been heard all the same."""
        self._put(Sending(kind, body, node=node, undelivered=undelivered))

    async def joined(self, topics: Collection[str]) -> set[str]:
        """Those of these topics that a live node has joined, this one included; none while the bus is away."""
        if not topics or not self.is_up:
            return set()
        answer: asyncio.Future[set[str]] = asyncio.get_running_loop().create_future()
        self._questions.append((topics, answer))
        self._wake.set()
        return await answer

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Find the bus; or say in the log that it is not there, and go on looking."""
        tried = self._turned
        self._task = asyncio.create_task(self._keep_up(), name="bus")
        await tried.wait()

    async def stop(self) -> None:
        """Send what waits, be dead for others, and end."""
        if self._task is None:
            return
        self._is_ending = True
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_S):
                turns = 0
                # One may have been under way.
                while self.is_up and (self._waiting or turns < 2):
                    self._wake.set()
                    await self._turned.wait()
                    turns += 1
        await ended(self._task)
        self._lose()

    async def _keep_up(self) -> None:
        """Find the bus, serve it until it is lost, and find it again."""
        # A task group that fails in the moment in which it is cancelled goes on as if it had not been.
        while not self._is_ending:
            try:
                async with self._lines.open() as line, self._lines.open() as channel:
                    await channel.subscribe(f"fs:n:{self.node}")
                    self._changes = dict.fromkeys(self._joined)
                    async with asyncio.TaskGroup() as both:
                        both.create_task(self._hear(channel), name="bus, in")
                        both.create_task(self._speak(line), name="bus, out")
            except* (*TROUBLES, Emptied, Deaf) as group:
                self._away(group)
            except* Exception:
                logger.exception("the bus has failed")
                self._lose()
            await asyncio.sleep(PAUSE_S * random.uniform(0.5, 1.5))  # noqa: S311 - so that not all come back at once

    def _away(self, group: BaseExceptionGroup[Exception]) -> None:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        # Once for each thing that is wrong: that the password is is not known before there is a connection.
        if type(error).__name__ != self._trouble:
            self._trouble = type(error).__name__
            logger.error(
                "the bus is away (%s: %s); what happens elsewhere is heard when it is back", self._trouble, error
            )
        if self.is_up or not self._has_lost:
            self._away_since = self._monotonic()
        self._lose()

    def _lose(self) -> None:
        """Nobody waits for what will not come."""
        self.is_up, self._has_lost = False, True
        while self._waiting:
            self._drop(self._waiting.popleft())
        self._waiting_bytes = 0
        while self._questions:
            _answer(self._questions.popleft()[1], set())
        self._being_changed = ()
        self._turn_is_over()

    def _turn_is_over(self) -> None:
        over, self._turned = self._turned, asyncio.Event()
        over.set()

    # ── out ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _change(self, topic: str) -> None:
        self._changes[topic] = None
        self._wake.set()

    def _put(self, sending: Sending) -> None:
        if not self.is_up:
            return self._drop(sending)
        if len(self._waiting) >= WAITING or self._waiting_bytes >= WAITING_BYTES:
            self._has_lost = True
            return self._drop(sending)
        self._waiting.append(sending)
        self._waiting_bytes += sending.size
        self._wake.set()

    def _drop(self, sending: Sending) -> None:
        self.dropped += 1
        if sending.undelivered is not None:
            asyncio.get_running_loop().call_soon(sending.undelivered)

    async def _speak(self, line: Line) -> None:
        beat_at, is_first = 0.0, True
        while True:
            if not (self._changes or self._waiting or self._questions):
                await self._work_until(beat_at)
            self._wake.clear()
            now = self._monotonic()
            beats = now >= beat_at
            if beats:
                beat_at = now + BEAT_S
            if beats or self._changes or self._waiting or self._is_ending:
                was_known = await self._turn(line, beats, is_first)
                if not (was_known or is_first or self._is_ending):
                    raise Emptied("it knows nothing of this node")
                is_first = False
            await self._ask(line)
            if self._has_lost and not (self._changes or self._waiting):
                self._back()

    async def _work_until(self, beat_at: float) -> None:
        """Return when there is something to do, and at that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(beat_at - self._monotonic()):
                await self._wake.wait()

    async def _turn(self, line: Line, beats: bool, begins: bool) -> bool:
        """Say what there is to say; whether the register knew of this node before."""
        changes = self._being_changed = list(islice(self._changes, CHANGES_AT_ONCE))
        for topic in changes:
            del self._changes[topic]
        sendings = list(self._next())
        try:
            answer = await line.run(TURN, self._arguments(beats, begins, changes, sendings))
        except BaseException:
            # Some of it may have been heard.
            for each in sendings:
                self._drop(each)
            raise
        was_known, sent, unheard = answer
        self.is_up, self._being_changed = True, ()
        self.sent += sent
        gone = {node.decode() for node in unheard}
        if self.node in gone:
            raise Deaf("nobody hears this node")
        for each in sendings:
            if each.node in gone:
                self._drop(each)
        self._turn_is_over()
        return bool(was_known)

    def _next(self) -> Iterator[Sending]:
        size = 0
        for _ in range(min(len(self._waiting), ENTRIES_AT_ONCE)):
            if size > BYTES_AT_ONCE:
                break
            sending = self._waiting.popleft()
            size += sending.size
            yield sending
        self._waiting_bytes -= size

    def _arguments(
        self, beats: bool, begins: bool, changes: Collection[str], sendings: Collection[Sending]
    ) -> list[Argument]:
        """As `TURN` takes them."""
        joins = [each for each in changes if each in self._joined]
        leaves = [each for each in changes if each not in self._joined]
        lists: dict[tuple[str, ...], int] = {}
        entries: list[Argument] = []
        for each in sendings:
            # What goes to the same people again and again names them once.
            number = lists.setdefault(each.topics, len(lists) + 1) if each.topics else 0
            body = each.body if isinstance(each.body, bytes) else each.body()
            entries += (each.kind, body, each.node, number)
        arguments: list[Argument] = [self.node, 0 if self._is_ending else 1000 * LEASE_S, int(beats), int(begins)]
        arguments += (len(joins), *joins, len(leaves), *leaves, len(lists))
        for topics in lists:
            arguments += (len(topics), *topics)
        arguments += (len(sendings), *entries)
        return arguments

    async def _ask(self, line: Line) -> None:
        """Answer those who want to know who is there, as many as one question has room for."""
        asking: list[tuple[Collection[str], asyncio.Future[set[str]]]] = []
        wanted: dict[str, None] = {}
        while self._questions and len(wanted) < ASKED_AT_ONCE:
            asking.append(self._questions.popleft())
            wanted |= dict.fromkeys(asking[-1][0])
        found: set[str] = set()
        try:
            if wanted:
                found = {topic.decode() for topic in await line.run(JOINED, list(wanted))}
        finally:
            for topics, answer in asking:
                _answer(answer, found.intersection(topics))

    def _back(self) -> None:
        self._has_lost = False
        if self._trouble:
            logger.warning("the bus is back after %.1f s", self._monotonic() - self._away_since)
        else:
            logger.warning("the bus had to drop something; %d in all", self.dropped)
        self._trouble = ""
        for callback in self._callbacks:
            _do(callback)

    # ── in ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _hear(self, channel: Line) -> None:
        while True:
            # Its own heartbeat, if nothing else: a channel that is silent is dead.
            envelope = await channel.heard()
            if envelope:
                self.received += 1
                self._open(envelope)

    def _open(self, envelope: bytes) -> None:
        try:
            entries = unpack(envelope)
        except ValueError:
            logger.warning("something that is no envelope was heard on the bus")
            return
        for kind, topics, body in entries:
            mine = [each for each in topics if each in self._joined]
            if len(mine) < len(topics):
                # It left while it could not say so.
                for each in set(topics).difference(mine):
                    self._change(each)
            handler = self._handlers.get(kind)
            if handler is not None and (mine or not topics):
                _do(handler, mine, body)


def _answer(future: asyncio.Future[set[str]], found: set[str]) -> None:
    if not future.done():
        future.set_result(found)


def _do(work: Callable[..., None], *arguments: object) -> None:
    """What goes wrong in one does not end the bus for all."""
    try:
        work(*arguments)
    except Exception:
        logger.exception("what came over the bus could not be taken")
