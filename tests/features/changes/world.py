"""A world to try the change log in (see `tests.features.trouble`). What it asks of its stores ends in full; with the
answer lost before, half way or after; or with the write arriving whenever a later step says so.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from fireside.core.errors import ChatError, Conflict, Forbidden, Unavailable
from fireside.features.changes.log import Changed, ChangeLog
from fireside.features.changes.service import Change, ChangeKind, Deletion, Edit, Pin, Reaction, Windows, folded
from fireside.features.messages.service import Message
from tests.contract.samples import direct
from tests.fakes import FakeChanges, FakeMessages
from tests.features import trouble
from tests.features.talking import NOW_MS, Shared
from tests.features.trouble import pick

NODES, MESSAGES = 2, 3
PEOPLE = ("a" * 24, "b" * 24)
PLACES = (direct(*PEOPLE), direct(PEOPLE[0], PEOPLE[0]))
WHAT: tuple[ChangeKind, ...] = (
    Edit("one"),
    Edit("two"),
    Reaction("👍"),
    Reaction("🎉"),
    Reaction(None),
    Pin(True),
    Pin(False),
    Deletion(),
)
WINDOWS = Windows()
PATIENCE_S = 0.5
Work = Callable[[int | None], Awaitable[Any]]
"""Does what a store was asked for, or the first so many of it."""


class Disk:
    """What is stored, and every change as it was when it came."""

    def __init__(self) -> None:
        self.messages, self.changes = FakeMessages(), FakeChanges()
        self.journal: dict[tuple[str, int], Change] = {}

    async def append(self, changes: Sequence[Change]) -> int:
        stored = await self.changes.append(changes)
        for each in changes[:stored]:
            self.journal[each.conversation, each.rev] = each
        return stored


@dataclass(eq=False)
class Wished:
    """A wish that a node accepted, and what it was told."""

    actor: str
    what: ChangeKind
    told: list[Changed | ChatError] = field(default_factory=list)


@dataclass(eq=False)
class Visit:
    """A call of a store that waits for its turn."""

    work: Work
    turn: asyncio.Future[tuple[str, int]]


class Life(trouble.Life, FakeMessages):
    """A node from its start to its end: its log, and both stores as it sees them."""

    def __init__(self, world: "World", log_type: type[ChangeLog]) -> None:
        trouble.Life.__init__(self)
        FakeMessages.__init__(self)
        self._world = world
        self._disk = world.disk
        talks = world.shared.talks(world.disk.messages)
        self.log = log_type(
            _Changes(self),
            self,
            talks,
            lambda: NOW_MS,
            windows=WINDOWS,
            patience_s=PATIENCE_S,
            monotonic=self._monotonic,
            sleep=self._sleep,
        )
        talks.show_changes_with(self.log.shown)

    def wish(self, place: int, seq: int, actor: str, what: ChangeKind) -> None:
        wished = Wished(actor, what)

        def done(outcome: Changed | ChatError) -> None:
            if isinstance(outcome, Changed) and outcome.change is not None:
                kept = self._disk.messages._logs[outcome.change.conversation][outcome.change.seq]
                if kept.rev < outcome.change.rev:
                    self._world.wrong.append(f"{outcome.change} was told before the message showed it")
            wished.told.append(outcome)

        self.log.append(PLACES[place], seq, actor, what, done)
        self.accepted.append(wished)

    # ── the stores, as far as a change log asks them ─────────────────────────────────────────────────────────────

    async def at(self, places: Sequence[tuple[str, int]]) -> list[Message]:
        found: list[Message] = await self.call(lambda _: self._disk.messages.at(places))
        return found

    async def bring_up(self, messages: Sequence[Message]) -> None:
        await self.call(lambda count: self._disk.messages.bring_up(messages[:count]))

    async def call(self, work: Work) -> Any:
        visit = Visit(work, asyncio.get_running_loop().create_future())
        self._world.visits.append(visit)
        try:
            fate, count = await visit.turn
        except asyncio.CancelledError:
            if visit in self._world.visits:
                self._world.visits.remove(visit)
            self._world.late.append(work)
            raise
        if fate == "done":
            return await work(None)
        if fate == "lost half way":
            await work(count)
        elif fate == "lost after":
            await work(None)
        elif fate == "late":
            self._world.late.append(work)
        raise Unavailable("The store did not answer.")


class _Changes(FakeChanges):
    """The store of changes, as a node sees it."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self._life, self._disk = life, life._disk

    async def append(self, changes: Sequence[Change]) -> int:
        stored: int = await self._life.call(lambda count: self._disk.append(changes[:count]))
        return stored

    async def after(self, conversation_id: str, rev: int, limit: int) -> list[Change]:
        found: list[Change] = await self._life.call(lambda _: self._disk.changes.after(conversation_id, rev, limit))
        return found

    async def erase(self, conversation_id: str, seqs: Sequence[int]) -> None:
        await self._life.call(lambda _: self._disk.changes.erase(conversation_id, seqs))


class World(trouble.World[Life, Visit]):
    """With a disk. `check` judges."""

    def __init__(self, log_type: type[ChangeLog] = ChangeLog) -> None:
        super().__init__()
        self.disk = Disk()
        self.shared = Shared()
        self.late: list[Work] = []
        self._log_type = log_type

    async def start(self) -> None:
        for place in PLACES:
            await self.disk.messages.append(first_messages(place.id))
        self._nodes = [await self._born() for _ in range(NODES)]

    async def rest(self) -> None:
        """Let everything go on without a fault, let what is late arrive, and somebody look at all of it."""
        await self._finish()
        for work in self.late:
            await work(None)
        heir = await self._born()
        shown = asyncio.create_task(heir.log.shown({place.id: 0 for place in PLACES}))
        while not shown.done():
            await self._all_go_on("done", 0)
        for node in (*self._nodes, heir):
            await node.end()

    async def _wish(self, node: int, place: int, seq: int, actor: int, what: int) -> None:
        self._nodes[node].wish(place, seq, PEOPLE[actor] if place == 0 else PEOPLE[0], WHAT[what])

    async def _land(self, which: int) -> None:
        """A late write arrives."""
        if self.late:
            work = pick(self.late, which)
            self.late.remove(work)
            await work(None)

    def _new_life(self) -> Life:
        return Life(self, self._log_type)


def first_messages(conversation: str) -> list[Message]:
    return [
        Message(conversation, seq, PEOPLE[0], f"{conversation} {seq}", "first", NOW_MS)
        for seq in range(1, MESSAGES + 1)
    ]


async def check(world: World) -> None:
    """What must be true of a world that has come to rest.

    Raises:
        AssertionError: it is not.
    """
    assert not world.wrong, world.wrong[0]
    tokens = [change.token for change in world.disk.journal.values()]
    assert len(set(tokens)) == len(tokens), "nothing is done twice"
    for place in PLACES:
        log = [change for (conversation, _), change in sorted(world.disk.journal.items()) if conversation == place.id]
        assert [change.rev for change in log] == list(range(1, len(log) + 1)), "numbers are contiguous"
        messages = {message.seq: message for message in first_messages(place.id)}
        for change in log:
            before = messages[change.seq]
            admitted = change.what.admitted(before, place, change.actor, 0, WINDOWS)
            assert admitted == change.what, "it was looked at with all those below it"
            messages[change.seq] = folded(before, [change])
        kept = {message.seq: message for message in await world.disk.messages.before(place.id, 99, 99)}
        assert kept == messages, "every message shows what its changes add up to"
        for change in await world.disk.changes.after(place.id, 0, 1000):
            if isinstance(change.what, Edit) and messages[change.seq].is_deleted:
                assert change.what == Edit(""), "what is deleted is gone"
    _check_news(world)
    for life in world.lives:
        for wished in life.accepted:
            assert len(wished.told) == 1 or (life.is_over and len(wished.told) <= 1), "each is settled once"
            for outcome in wished.told:
                _check_outcome(world.disk.journal, wished, outcome)


def _check_news(world: World) -> None:
    """Of each change somebody is told that it is new, once, because that is when the others hear of it; unless it was
    refused for want of an answer, or its node died."""
    accepted = [wished for life in world.lives for wished in life.accepted]
    outcomes = [outcome for wished in accepted for outcome in wished.told]
    told = [each.change.token for each in outcomes if isinstance(each, Changed) and each.change is not None]
    assert len(set(told)) == len(told)
    unknown = sum(not wished.told or isinstance(wished.told[0], Unavailable) for wished in accepted)
    assert len(world.disk.journal) <= len(told) + unknown


def _erased(change: Change) -> Change:
    return msgspec.structs.replace(change, what=Edit("")) if isinstance(change.what, Edit) else change


def _check_outcome(journal: Mapping[tuple[str, int], Change], wished: Wished, outcome: Changed | ChatError) -> None:
    if isinstance(outcome, ChatError):
        assert isinstance(outcome, Unavailable | Conflict | Forbidden), outcome
    elif outcome.change is not None:
        kept = journal[outcome.change.conversation, outcome.change.rev]
        # Who hears of their edit late, after a deletion, hears nothing any more of what it said.
        assert outcome.change in (kept, _erased(kept)), "what was acknowledged is there, at its number"
        assert (kept.actor, type(kept.what)) == (wished.actor, type(wished.what)), "and is what was wished for"
        assert outcome.message.rev >= kept.rev
