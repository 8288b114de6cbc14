"""Whatever happens to nodes and their store, changes are numbered without a gap, and messages show what they add up to.

And the checker is worth something: it finds out logs that are a little weaker than they must be.
"""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import Phase, event, find, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fireside.core.errors import Unavailable
from fireside.features.changes.log import Changed, ChangeLog, Wish
from fireside.features.changes.service import Change
from fireside.features.messages.service import Message
from tests.features.changes.world import MESSAGES, NODES, PEOPLE, PLACES, WHAT, World, check
from tests.features.trouble import Step, walks

nodes = st.integers(0, NODES - 1)
which = st.integers(0, 7)
counts = st.integers(0, 2)
fates = st.sampled_from(["done"] * 10 + ["lost before", "lost half way", "lost after", "late"])

STEPS: dict[str, tuple[int, SearchStrategy[Step]]] = {
    "wish": (
        5,
        st.tuples(
            nodes,
            st.sampled_from([0, 0, 0, *range(len(PLACES))]),
            st.sampled_from([1, 1, *range(1, MESSAGES + 1)]),
            st.integers(0, len(PEOPLE) - 1),
            st.integers(0, len(WHAT) - 1),
        ),
    ),
    "go_on": (6, st.tuples(which, fates, counts)),
    "all_go_on": (2, st.tuples(fates, counts, st.integers(1, 8))),
    "land": (1, st.tuples(which)),
    "kill": (1, st.tuples(nodes)),
}
"""How often each comes, and with what."""

steps = walks(STEPS, most=80)


def live(world: World, taken: Sequence[Step]) -> World:
    """The world after these steps, at rest, and looked at."""

    async def living() -> None:
        await world.start()
        for step in taken:
            await world.take(step)
        await world.rest()
        await check(world)

    asyncio.run(living())
    return world


@settings(deadline=None, max_examples=200)
@given(taken=steps)
def test_any_interleaving_gives_numbers_without_a_gap_and_messages_that_show_them_all(taken: list[Step]) -> None:
    world = live(World(), taken)
    for life in world.lives:
        for wished in life.accepted:
            for outcome in wished.told:
                event(f"{type(outcome).__name__} {isinstance(outcome, Changed) and outcome.change is not None}")


# ── the checker, checked ─────────────────────────────────────────────────────────────────────────────────────────────


class Hasty(ChangeLog):
    """Tells of a change before the messages show it."""

    async def _show(self, done: Sequence[tuple[Message, Change]]) -> None:
        """Later, perhaps."""


class Forgetful(ChangeLog):
    """Never looks whether what got no answer is there."""

    async def _catch_up(self, batch: list[Wish]) -> None:
        for wish in batch:
            talk = self._talks.get(wish.conversation.id)
            if talk is not None:
                talk.rev = (await self.shown({wish.conversation.id: talk.rev}))[wish.conversation.id]


class TakesSilenceForSuccess(ChangeLog):
    """Answers what got no answer as done."""

    async def _write(self, batch: list[Wish]) -> None:
        try:
            await super()._write(batch)
        except Unavailable:
            found = {(each.conversation, each.seq): each for each in await self._messages.at([w.place for w in batch])}
            for each in self._number(batch, found):
                self._settle_as_done(batch, each.wish, Changed(each.message, each.talk.conversation, each.change))


class Impatient(ChangeLog):
    """Counts what it proposes before it is there."""

    async def _write(self, batch: list[Wish]) -> None:
        before = {wish.conversation.id for wish in batch}
        try:
            await super()._write(batch)
        except Unavailable:
            for each in before:
                talk = self._talks.get(each)
                if talk is not None:
                    talk.rev += 1
            raise


@pytest.mark.parametrize("log", [Hasty, Forgetful, TakesSilenceForSuccess, Impatient])
def test_a_log_that_is_too_weak_is_found_out(log: type[ChangeLog]) -> None:
    assert find(steps, is_wrong(log), settings=hunt)


hunt = settings(deadline=None, database=None, derandomize=True, max_examples=1000, phases=[Phase.generate])


def is_wrong(log: type[ChangeLog]) -> Callable[[list[Step]], bool]:
    def judge(taken: list[Step]) -> bool:
        try:
            live(World(log), taken)
        except AssertionError:
            return True
        return False

    return judge
