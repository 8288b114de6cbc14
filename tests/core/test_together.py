"""Those who ask at the same time are looked up together, and nobody gets an answer older than their question."""

import asyncio

import pytest

from fireside.core.together import Together


class Library:
    """Looks things up when it is told to."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.there = {"a": 1, "b": 2, "c": 3}
        self.goes_on = asyncio.Event()

    async def look_up(self, keys: list[str]) -> dict[str, int]:
        self.asked.append(keys)
        found = {key: self.there[key] for key in keys if key in self.there}
        await self.goes_on.wait()
        return found


@pytest.fixture
def library() -> Library:
    return Library()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_asks_while_a_look_up_is_under_way_shares_the_next(library: Library) -> None:
    together = Together(library.look_up, 10)
    first = asyncio.create_task(together.some(["a"]))
    await settled()
    library.there["a"] = 10
    others = [asyncio.create_task(together.some(keys)) for keys in (["a", "b"], ["b", "c"], ["x"])]
    await settled()
    library.goes_on.set()
    assert await first == {"a": 1}
    assert await asyncio.gather(*others) == [{"a": 10, "b": 2}, {"b": 2, "c": 3}, {}]
    assert library.asked == [["a"], ["a", "b", "c", "x"]]


async def test_no_look_up_is_larger_than_agreed(library: Library) -> None:
    library.goes_on.set()
    together = Together(library.look_up, 2)
    assert await together.some("abc") == {"a": 1, "b": 2, "c": 3}
    assert library.asked == [["a", "b"], ["c"]]


async def test_nothing_is_looked_up_for_nobody(library: Library) -> None:
    together = Together(library.look_up, 2)
    assert await together.some([]) == {}
    assert library.asked == []


async def test_who_gives_up_takes_the_answer_from_nobody(library: Library) -> None:
    together = Together(library.look_up, 10)
    one, other = (asyncio.create_task(together.one("a")) for _ in range(2))
    await settled()
    one.cancel()
    await settled()
    library.goes_on.set()
    assert await other == 1
    assert one.cancelled()


async def test_all_who_ask_hear_that_it_went_wrong_and_the_next_are_answered() -> None:
    broken = True

    async def look_up(keys: list[str]) -> dict[str, int]:
        await asyncio.sleep(0)
        if broken:
            raise OSError("the shelf is on fire")
        return dict.fromkeys(keys, 1)

    together = Together(look_up, 10)
    heard = await asyncio.gather(together.one("a"), together.some(["a", "b"]), return_exceptions=True)
    assert [str(each) for each in heard] == ["the shelf is on fire"] * 2
    broken = False
    assert await together.one("a") == 1


async def test_as_many_look_ups_are_under_way_as_agreed_and_no_more(library: Library) -> None:
    together = Together(library.look_up, 10, under_way=2)
    asked = []
    for key in "abcx":
        asked.append(asyncio.create_task(together.one(key)))
        await settled()
    assert library.asked == [["a"], ["b"]]
    library.goes_on.set()
    assert await asyncio.gather(*asked) == [1, 2, 3, None]
    assert library.asked == [["a"], ["b"], ["c", "x"]]


async def test_who_asks_the_moment_a_look_up_ends_is_answered() -> None:
    together = Together(_as_they_are, 10)
    for turns in range(6):
        first = asyncio.create_task(together.one("a"))
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            assert await together.some(["b"]) == {"b": 1}
            assert await first == 1


async def _as_they_are(keys: list[str]) -> dict[str, int]:
    return dict.fromkeys(keys, 1)
