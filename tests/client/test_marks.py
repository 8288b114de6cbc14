"""How far a device has got is told now and then, until the server knows, and never faster than it takes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from fireside.client import Lost, Refused
from fireside.client.marks import EVERY_S, Marks
from tests.client.house import HUNG_S, Device, House


class Server:
    """Is told marks; fails in these ways first."""

    def __init__(self, *failures: Exception) -> None:
        self.told: list[str] = []
        self.slept: list[float] = []
        self._failures = list(failures)

    async def tell(self, event: str, conversation: str, seq: int) -> None:
        self.told.append(f"{event} {conversation} {seq}")
        if self._failures:
            raise self._failures.pop(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def telling(server: Server) -> AsyncIterator[Callable[[str, str, int], None]]:
    """Give marks; at the end all have been told."""
    marks = Marks(server.tell, server.sleep)
    running = asyncio.ensure_future(marks.run())
    yield marks.move
    async with asyncio.timeout(HUNG_S):
        await marks.told.wait()
    running.cancel()


async def test_of_several_marks_the_last_one_is_told() -> None:
    server = Server()
    async with telling(server) as move:
        for seq in (1, 3, 2):
            move("markRead", "red", seq)
    assert server.told == ["markRead red 3"]


@pytest.mark.parametrize("failure", [Lost("gone"), Refused("unavailable", "Later.")])
async def test_what_did_not_arrive_is_told_again(failure: Exception) -> None:
    server = Server(failure)
    async with telling(server) as move:
        move("markRead", "red", 1)
    assert server.told == ["markRead red 1"] * 2


async def test_what_is_refused_for_good_is_not() -> None:
    server = Server(Refused("not_found", "There is none."))
    async with telling(server) as move:
        move("markRead", "red", 1)
    assert server.told == ["markRead red 1"]


async def test_where_it_is_too_much_all_of_them_wait_as_long_as_the_server_says() -> None:
    server = Server(Refused("rate_limited", "Slowly.", {"retryAfterS": 2}))
    async with telling(server) as move:
        for number in range(3):
            move("markDelivered", f"place {number}", 1)
    assert server.told == ["markDelivered place 0 1", *(f"markDelivered place {number} 1" for number in range(3))]
    assert server.slept[:2] == [2, EVERY_S]


async def test_what_the_server_knows_to_be_delivered_is_not_told_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob = [await house.device(await house.user(name)).start() for name in ("ann", "bob")]
    await bob.client.send("Hello Ann", to=ann.user)
    await ann.settled()
    told: list[str] = []
    monkeypatch.setattr(Marks, "move", lambda _, event, *where: told.append(event))
    again: Device = await house.device(ann.user).start()
    await again.settled()
    assert [each.content for local in again.client.state.conversations.values() for each in local.history()] == [
        "Hello Ann"
    ]
    assert told == []
