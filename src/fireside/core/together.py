"""Asking together: a few look-ups are under way at a time, and those who ask meanwhile share the next.

Nobody gets an answer that was being read before they asked. A lone asker never waits for company; thousands who come
back at the same moment cost a few look-ups.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from itertools import islice
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """`look_up` reads what there is for some keys, at most `at_once` of them; it leaves out those of nothing. At most
    `under_way` of them are."""

    def __init__(
        self, look_up: Callable[[list[K]], Awaitable[Mapping[K, V]]], at_once: int, under_way: int = 1
    ) -> None:
        self._look_up = look_up
        self._at_once = at_once
        self._most = under_way
        self._asked: dict[K, asyncio.Future[V | None]] = {}
        self._looking: dict[asyncio.Task[None] | None, None] = {}

    async def one(self, key: K) -> V | None:
        """What there is for this key.

        Raises:
            Exception: whatever the look-up has raised.
        """
        answer = self._ask(key)
        self._begin()
        # Shielded: the answer is others' too, and one who gives up must not take it from them.
        return await asyncio.shield(answer)

    async def some(self, keys: Iterable[K]) -> dict[K, V]:
        """What there is for these keys; absent where there is nothing.

        Raises:
            Exception: whatever the look-up has raised.
        """
        asked = {key: self._ask(key) for key in keys}
        if asked:
            self._begin()
            await asyncio.shield(asyncio.wait(asked.values()))
        return {key: value for key, future in asked.items() if (value := future.result()) is not None}

    def _ask(self, key: K) -> asyncio.Future[V | None]:
        """The answer that the next look-up to leave will give."""
        answer = self._asked.get(key)
        if answer is None:
            answer = self._asked[key] = asyncio.get_running_loop().create_future()
        return answer

    def _begin(self) -> None:
        if len(self._looking) < self._most:
            look = asyncio.create_task(self._look())
            self._looking[look] = None

    async def _look(self) -> None:
        """Answer those who ask, until nobody does."""
        asked: dict[K, asyncio.Future[V | None]] = {}
        try:
            while self._asked:
                asked = {key: self._asked.pop(key) for key in list(islice(self._asked, self._at_once))}
                await self._answer(asked)
        finally:
            # Now, and not when the task is known to be done: whoever asks in between would wait for nobody.
            del self._looking[asyncio.current_task()]
            left = [] if self._looking else self._asked.values()
            for answer in (*asked.values(), *left):
                # None is open, unless this was cancelled.
                answer.cancel()

    async def _answer(self, asked: dict[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._look_up(list(asked))
        except Exception as error:
            for answer in asked.values():
                answer.set_exception(error)
                answer.exception()  # who has given up does not want to hear of it
            return
        for key, answer in asked.items():
            answer.set_result(found.get(key))
