"""Whatever happens to nodes and their store, what was acknowledged is there: once, in order, without a hole.

And the checker is worth something: it finds out stores and logs that are a little weaker than they must be.
"""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import Phase, event, find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fireside.core.errors import Unavailable
from fireside.features.messages.log import Entry, Identity, MessageLog, Numbered
from fireside.features.messages.service import Message, Stored
from tests.features.messages.world import CONVERSATIONS, NODES, SENDERS, Rows, World, check, key, same_place
from tests.features.trouble import Step, walks

which = st.integers(0, 15)
recent = st.integers(0, 5)
nodes = st.sampled_from([0] * 3 + list(range(NODES)))
"""One of them has more to do than the others, so that its batches are larger."""
senders = st.integers(0, SENDERS - 1)
places = st.integers(0, CONVERSATIONS - 1)
counts = st.sampled_from([0, 0, 1, 2, 3])
fates = st.sampled_from(["done"] * 12 + ["some"] * 2 + ["lost"] * 3 + ["late"] * 2 + ["broken"])

STEPS: dict[str, tuple[int, SearchStrategy[Step]]] = {
    "send": (4, st.tuples(nodes, senders, places)),
    "send_twice": (2, st.tuples(nodes, senders, places)),
    "send_again": (2, st.tuples(recent, nodes)),
    "misuse": (1, st.tuples(recent, nodes, places)),
    "go_on": (6, st.tuples(which, fates, counts)),
    "all_go_on": (2, st.tuples(fates, counts, st.integers(1, 12))),
    "land": (1, st.tuples(which, counts)),
    "kill": (1, st.tuples(nodes)),
}
"""How often each comes, and with what."""

steps = walks(STEPS, most=100)


def live(world: World, taken: Sequence[Step]) -> World:
    """The world after these steps, at rest."""

    async def living() -> None:
        await world.start()
        for step in taken:
            await world.take(step)
        await world.rest()

    asyncio.run(living())
    return world


@settings(deadline=None, max_examples=500)
@given(taken=steps)
def test_whatever_happens_what_was_acknowledged_is_there_once_and_in_order(taken: list[Step]) -> None:
    world = live(World(), taken)
    check(world)
    for life in world.lives:
        for sending in life.accepted:
            for outcome in sending.told:
                event(f"{type(outcome).__name__} {getattr(outcome, 'repeated', '')}")


# ── the checker, checked ─────────────────────────────────────────────────────────────────────────────────────────────


class NoClientIds(Rows):
    """Messages are told apart by their place alone."""

    def excludes(self, row: Message, message: Message) -> bool:
        return same_place(row, message)


class NoPlaces(Rows):
    """Several messages may have one number."""

    def excludes(self, row: Message, message: Message) -> bool:
        return key(row) == key(message)


class PerConversation(Rows):
    """A client id is unique in its conversation, not for its sender."""

    def excludes(self, row: Message, message: Message) -> bool:
        return same_place(row, message) or (row.conversation == message.conversation and key(row) == key(message))


class Forgetful(Rows):
    """Answers before it is on disk: the newest row is lost when the next write breaks a rule."""

    def insert(self, messages: Sequence[Message]) -> int:
        stored = super().insert(messages)
        if stored < len(messages) and self.rows:
            self.rows.pop()
        return stored


class Hasty(MessageLog):
    """Acknowledges a message when it has its number, before it is written."""

    async def _number(self, part: list[Entry], *, looked_up: bool) -> list[Numbered]:
        numbered = await super()._number(part, looked_up=looked_up)
        for each in numbered:
            self._settle(each.entry, Stored(each.message, each.conversation, repeated=False))
        return numbered


class TakesSilenceForSuccess(MessageLog):
    """Acknowledges what got no answer."""

    async def _write(self, part: list[Entry], unanswered: set[Identity], *, looked_up: bool) -> None:
        try:
            await super()._write(part, unanswered, looked_up=looked_up)
        except Unavailable:
            for each in await self._number(part, looked_up=True):
                self._settle(each.entry, Stored(each.message, each.conversation, repeated=False))
            part.clear()


class CountsFirst(MessageLog):
    """Raises its counter, then writes: a write that is lost leaves a hole."""

    async def _number(self, part: list[Entry], *, looked_up: bool) -> list[Numbered]:
        numbered = await super()._number(part, looked_up=looked_up)
        for each in numbered:
            each.talk.seq = each.message.seq
        return numbered


class Unannounced(MessageLog):
    """Takes for somebody else's what it wrote itself without getting an answer: nobody ever hears of it."""

    async def _look_up(self, part: list[Entry], unanswered: set[Identity]) -> None:
        await super()._look_up(part, set())


class AnnouncedTwice(MessageLog):
    """Takes for new what repeats something it has written: that somebody had been told is forgotten."""

    async def _write(self, part: list[Entry], unanswered: set[Identity], *, looked_up: bool) -> None:
        before = unanswered.copy()
        await super()._write(part, unanswered, looked_up=looked_up)
        unanswered |= before


class Overtaking(MessageLog):
    """What could not be written goes behind what came after it."""

    async def _look_up(self, part: list[Entry], unanswered: set[Identity]) -> None:
        await super()._look_up(part, unanswered)
        part.reverse()


@pytest.mark.parametrize("disk", [NoClientIds, NoPlaces, PerConversation, Forgetful])
def test_a_store_that_is_too_weak_is_found_out(disk: type[Rows]) -> None:
    assert find(steps, is_wrong(disk, MessageLog), settings=hunt)


@pytest.mark.parametrize("log", [Hasty, TakesSilenceForSuccess, CountsFirst, Unannounced, AnnouncedTwice, Overtaking])
def test_a_log_that_is_too_weak_is_found_out(log: type[MessageLog]) -> None:
    assert find(steps, is_wrong(Rows, log), settings=hunt)


hunt = settings(deadline=None, database=None, derandomize=True, max_examples=2000, phases=[Phase.generate])


def is_wrong(disk: type[Rows], log: type[MessageLog]) -> Callable[[list[Step]], bool]:
    def judge(taken: list[Step]) -> bool:
        world = live(World(disk(), log), taken)
        try:
            check(world)
        except AssertionError:
            return True
        return False

    return judge
