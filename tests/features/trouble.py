"""Worlds to try logs in: several nodes on one store, and nothing happens in them by itself.

Whatever a log asks of its store waits until a step lets it go on, and the step says how it ends. A node can be killed
at any point: its successor knows nothing, and the write that was under way may still arrive. Time moves only when a log
sleeps.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

TICKS = 12
"""Turns of the loop in which everything that can go on has gone on, up to the next call of the store."""
REST = 10_000
"""Steps after which a world that is still busy will never come to rest."""

Step = tuple[Any, ...]


class Visit(Protocol):
    """A call of the store that waits for its turn, which says how it ends, and after how much."""

    turn: asyncio.Future[tuple[str, int]]


class Life:
    """A node from its start to its end."""

    log: Any

    def __init__(self) -> None:
        self._now_s = 0.0
        self.accepted: list[Any] = []
        self.is_over = False

    async def kill(self) -> None:
        """As a power cut would."""
        self.is_over = True
        await self.end()

    async def end(self) -> None:
        """Not `stop`, which waits for a store that may never answer."""
        writer = self.log._batches._writer
        assert writer is not None
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)

    def _monotonic(self) -> float:
        return self._now_s

    async def _sleep(self, seconds: float) -> None:
        self._now_s += seconds
        await asyncio.sleep(0)


L = TypeVar("L", bound=Life)
V = TypeVar("V", bound=Visit)


class World(Generic[L, V]):
    """Nodes, and what is on its way between them and what they share. `take` makes a step."""

    def __init__(self) -> None:
        self.visits: list[V] = []
        self.wrong: list[str] = []
        self.lives: list[L] = []
        self._nodes: list[L] = []

    async def take(self, step: Step) -> None:
        """One of the steps, by its name; it is nothing where there is nothing to do it to."""
        name, *how = step
        await getattr(self, f"_{name}")(*how)
        await self._settle_down()

    def _new_life(self) -> L:
        raise NotImplementedError

    async def _go_on(self, which: int, fate: str, count: int) -> None:
        """One call of the store ends so."""
        if self.visits:
            self._end(pick(self.visits, which), fate, count)

    async def _all_go_on(self, fate: str, count: int, rounds: int = 1) -> None:
        """A spell in which all calls end so."""
        for _ in range(rounds):
            for visit in self.visits.copy():
                self._end(visit, fate, count)
            await self._settle_down()

    async def _kill(self, node: int) -> None:
        await self._nodes[node].kill()
        self._nodes[node] = await self._born()

    def _end(self, visit: V, fate: str, count: int) -> None:
        self.visits.remove(visit)
        visit.turn.set_result((fate, count))

    async def _born(self) -> L:
        life = self._new_life()
        self.lives.append(life)
        await life.log.start()
        return life

    async def _settle_down(self) -> None:
        for _ in range(TICKS):
            await asyncio.sleep(0)

    async def _finish(self) -> None:
        """Let everything go on until nobody waits."""
        for _ in range(REST):
            if not self.visits and all(each.told for node in self._nodes for each in node.accepted):
                return
            await self._all_go_on("done", 0)
        self.wrong.append("the world does not come to rest")


def walks(
    steps: Mapping[str, tuple[int, SearchStrategy[Step]]], *, most: int, least: int = 20
) -> SearchStrategy[list[Step]]:
    """So many steps; each name says how often it comes, and with what."""
    names = st.sampled_from([name for name, (often, _) in steps.items() for _ in range(often)])
    return st.lists(
        names.flatmap(lambda name: steps[name][1].map(lambda how: (name, *how))), min_size=least, max_size=most
    )


def pick(things: Sequence[Any], which: int) -> Any:
    """One of them, whatever the number."""
    return things[which % len(things)]
