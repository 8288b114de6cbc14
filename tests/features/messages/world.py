"""A world to try the message log in (see `tests.features.trouble`). What it asks of the store ends in full; after some
rows, so that others come between; with the answer lost; with the rest arriving whenever a later step says so; or with
an exception that no port speaks of.

`check` says what must be true of any such world once it has come to rest.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec

from fireside.core.errors import ChatError, Conflict, Internal, Unavailable
from fireside.features.conversations.mending import SystemRow
from fireside.features.conversations.service import PLAIN
from fireside.features.messages.log import MessageLog
from fireside.features.messages.service import Draft, Message, Stored
from tests.contract.samples import direct
from tests.features import trouble
from tests.features.talking import Shared
from tests.features.trouble import pick

NODES, SENDERS, CONVERSATIONS = 3, 2, 2
PEOPLE = [f"{number:024x}" for number in range(SENDERS + CONVERSATIONS)]
PLACES = [
    msgspec.structs.replace(direct(PEOPLE[0], other), members=dict.fromkeys(PEOPLE, PLAIN))
    for other in PEOPLE[SENDERS:]
]
"""Everybody is in both: who may write where is no matter of this world."""
MAX_BATCH, PATIENCE_S = 3, 0.05


class Rows:
    """What is on disk. Weaker stores, which must be found out, override what is asked of a row."""

    def __init__(self) -> None:
        self.rows: list[Message] = []

    def insert(self, messages: Sequence[Message]) -> int:
        """In order, up to the first that breaks a rule."""
        for number, message in enumerate(messages):
            if any(self.excludes(row, message) for row in self.rows):
                return number
            self.rows.append(message)
        return len(messages)

    def excludes(self, row: Message, message: Message) -> bool:
        return same_place(row, message) or key(row) == key(message)


@dataclass(eq=False)
class Sending:
    """A draft that a node accepted, and what it was told."""

    draft: Draft
    is_first: bool
    """Nobody had used this client id before."""
    told: list[Stored | ChatError] = field(default_factory=list)


@dataclass(eq=False)
class Visit:
    """A call of the store that waits for its turn; `write` is what is left to insert."""

    write: Sequence[Message]
    turn: asyncio.Future[tuple[str, int]]


class Life(trouble.Life):
    """A node from its start to its end: its log, and the store as it sees it (a `MessageStore`)."""

    def __init__(self, world: "World", log_type: type[MessageLog]) -> None:
        super().__init__()
        self._world = world
        self.was_broken = False
        self.log = log_type(
            self,
            world.shared.talks(self),
            max_batch=MAX_BATCH,
            patience_s=PATIENCE_S,
            monotonic=self._monotonic,
            sleep=self._sleep,
        )

    def send(self, draft: Draft, *, is_first: bool) -> None:
        sending = Sending(draft, is_first)

        def done(outcome: Stored | ChatError) -> None:
            if isinstance(outcome, Stored) and outcome.message not in self._world.disk.rows:
                self._world.wrong.append(f"{outcome.message} was acknowledged before it was stored")
            sending.told.append(outcome)

        self.log.append(draft, done)
        self.accepted.append(sending)

    async def append(self, messages: Sequence[Message]) -> int:
        left = messages
        while True:
            fate, count = await self._turn(left)
            some = left if fate == "done" else left[:count]
            stored = self._world.disk.insert(some)
            left = left[stored:]
            if stored < len(some) or (fate in ("done", "some") and not left):
                return len(messages) - len(left)
            if fate == "late":
                self._world.late.append(left)
            if fate != "some":
                self._fail(fate)

    async def heads(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        await self._read()
        rows = sorted(self._world.disk.rows, key=lambda row: row.seq)
        return {row.conversation: row.seq for row in rows if row.conversation in conversation_ids}

    async def at(self, places: Sequence[tuple[str, int]]) -> list[Message]:
        await self._read()
        return [row for row in self._world.disk.rows if (row.conversation, row.seq) in places]

    async def sent(self, keys: Sequence[tuple[str, str]]) -> list[Message]:
        await self._read()
        return [row for row in self._world.disk.rows if key(row) in keys]

    async def system(self, after: Mapping[str, int]) -> dict[str, list[SystemRow]]:
        return {}

    async def _read(self) -> None:
        fate, _ = await self._turn([])
        if fate not in ("done", "some"):
            self._fail(fate)

    async def _turn(self, write: Sequence[Message]) -> tuple[str, int]:
        visit = Visit(write, asyncio.get_running_loop().create_future())
        self._world.visits.append(visit)
        try:
            return await visit.turn
        except asyncio.CancelledError:
            self._world.visits.remove(visit)
            self._world.late.append(write)
            raise

    def _fail(self, fate: str) -> None:
        if fate == "broken":
            self.was_broken = True
            raise RuntimeError("a bug")
        raise Unavailable("The store did not answer.")


class World(trouble.World[Life, Visit]):
    """With a disk. `check` judges."""

    def __init__(self, disk: Rows | None = None, log_type: type[MessageLog] = MessageLog) -> None:
        super().__init__()
        self.disk = disk or Rows()
        self.shared = Shared()
        self.late: list[Sequence[Message]] = []
        self.drafts: list[Draft] = []
        """The first of every client id."""
        self._log_type = log_type
        self._sendings = 0

    async def start(self) -> None:
        self._nodes = [await self._born() for _ in range(NODES)]

    async def rest(self) -> None:
        """Let everything go on without a fault, send everything again, and let what is late arrive."""
        await self._finish()
        for number in range(len(self.drafts)):
            await self.take(("send_again", number, 0))
        await self._finish()
        for write in self.late:
            self.disk.insert(write)
        for node in self._nodes:
            await node.end()

    async def _send(self, node: int, sender: int, place: int) -> None:
        client_id = f"{len(self.drafts)}"
        self._hand_in(node, PEOPLE[sender], place, client_id, f"text {client_id}")

    async def _send_again(self, which: int, node: int) -> None:
        if self.drafts:
            first = pick(self.drafts, ~which)
            place = PLACES.index(first.conversation)
            self._hand_in(node, first.sender, place, first.client_id, first.content)

    async def _send_twice(self, node: int, sender: int, place: int) -> None:
        """As by an impatient finger."""
        await self._send(node, sender, place)
        await self._send_again(0, node)

    async def _misuse(self, which: int, node: int, place: int) -> None:
        """Another message with a client id that has been used."""
        if self.drafts:
            first = pick(self.drafts, ~which)
            self._hand_in(node, first.sender, place, first.client_id, "another text")

    async def _land(self, which: int, count: int) -> None:
        """So many rows of a late write arrive."""
        if self.late:
            write = pick(self.late, which)
            self.late.remove(write)
            if self.disk.insert(write[:count]) == count < len(write):
                self.late.append(write[count:])

    def _hand_in(self, node: int, sender: str, place: int, client_id: str, content: str) -> None:
        # No two drafts are of one time, so it says which of them a row was made from.
        self._sendings += 1
        draft = Draft(PLACES[place], sender, client_id, content, self._sendings)
        is_first = client_id == f"{len(self.drafts)}"
        if is_first:
            self.drafts.append(draft)
        self._nodes[node].send(draft, is_first=is_first)

    def _new_life(self) -> Life:
        return Life(self, self._log_type)


def check(world: World) -> None:
    """What must be true of a world that has come to rest.

    Raises:
        AssertionError: it is not.
    """
    rows = world.disk.rows
    assert not world.wrong, world.wrong[0]
    for place in PLACES:
        seqs = sorted(row.seq for row in rows if row.conversation == place.id)
        assert seqs == list(range(1, len(seqs) + 1)), "numbers are contiguous, and each is given once"
    by_key = {key(row): row for row in rows}
    assert len(by_key) == len(rows), "a client id is stored once"
    assert by_key.keys() == set(map(key, world.drafts)), "what is sent again in the end is stored"
    for life in world.lives:
        for sending in life.accepted:
            assert len(sending.told) == 1 or (life.is_over and not sending.told), "each is settled once"
            for outcome in sending.told:
                _check_outcome(sending.draft, outcome, by_key.get(key(sending.draft)), may_break=life.was_broken)
        _check_order(life, by_key)
    _check_news(world)


def _check_outcome(draft: Draft, outcome: Stored | ChatError, row: Message | None, *, may_break: bool) -> None:
    if isinstance(outcome, Stored):
        assert row == outcome.message, "what was acknowledged is there, at its number"
        assert (row.conversation, row.content) == (draft.conversation.id, draft.content), "and is what was sent"
    elif isinstance(outcome, Conflict):
        assert row is not None, "a conflict is one with something"
        assert (row.conversation, row.content) != (draft.conversation.id, draft.content)
    else:
        assert isinstance(outcome, Unavailable) or (may_break and isinstance(outcome, Internal))


def _check_news(world: World) -> None:
    """One answer, and only one, says of a message that it is new, because that is when the others are told."""
    answers: defaultdict[tuple[str, str], dict[int, bool]] = defaultdict(dict)
    for life in world.lives:
        for sending in life.accepted:
            for outcome in sending.told:
                if isinstance(outcome, Stored):
                    answers[key(sending.draft)][sending.draft.sent_at] = not outcome.repeated
    for row in world.disk.rows:
        is_new = answers[key(row)]
        assert sum(is_new.values()) <= 1
        assert is_new.get(row.sent_at, True), "it is new to the one whose draft it was"


def _check_order(life: Life, by_key: dict[tuple[str, str], Message]) -> None:
    """What one person sent on one node is in the order of sending, acknowledged or not."""
    numbers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for sending in life.accepted:
        row = by_key[key(sending.draft)]
        if sending.is_first and row.sent_at == sending.draft.sent_at:
            numbers[row.sender, row.conversation].append(row.seq)
    assert all(one < next_ for seqs in numbers.values() for one, next_ in pairwise(seqs)), "nothing overtakes"


def key(of: Message | Draft) -> tuple[str, str]:
    return of.sender, of.client_id


def same_place(one: Message, other: Message) -> bool:
    return (one.conversation, one.seq) == (other.conversation, other.seq)
