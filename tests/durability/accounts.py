"""People to talk, and what they read of it afterwards."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import msgspec

from tests.durability.journal import Message, Reading
from tests.serving import PASSWORD

AT_ONCE = 8
PAGE = 100
EVERY_SO_MANYTH = 8
"""Of the pairs, this one reads downwards, too."""

_messages = msgspec.json.Decoder(list[Message]).decode


class Page(msgspec.Struct):
    """Of a conversation."""

    messages: list[Message]


_page = msgspec.json.Decoder(Page).decode


@dataclass(frozen=True)
class Account:
    """Somebody who is registered."""

    id: str
    name: str
    token: str


Pairs = Sequence[tuple[Account, Account]]


async def register_pairs(url: str, pairs: int) -> Pairs:
    """So many pairs of new people."""
    async with _client(url) as http:
        people: list[Account] = []
        for first in range(0, 2 * pairs, AT_ONCE):
            names = [f"person{number}" for number in range(first, min(first + AT_ONCE, 2 * pairs))]
            people += await asyncio.gather(*(_register(http, name) for name in names))
    return list(zip(people[::2], people[1::2], strict=True))


async def _register(http: httpx2.AsyncClient, name: str) -> Account:
    body = {"username": name, "password": PASSWORD, "email": f"{name}@example.org"}
    answer = await http.post("/api/users/register", json=body)
    assert answer.status_code == 201, answer.text
    return Account(answer.json()["user"]["_id"], name, answer.json()["token"])


async def read_histories(url: str, pairs: Pairs) -> list[Reading]:
    """What each pair reads: one the whole, the other page by page, and some from the end, too."""
    readings: list[Reading] = []
    async with _client(url) as http:
        for number, (one, other) in enumerate(pairs):
            whole = await _whole(http, one, other)
            readings.append(Reading(one.id, other.id, "whole", whole))
            if not whole:
                continue
            path = f"/api/conversations/{whole[0].conversation}/messages"
            upward = [row async for row in _pages(http, other, path, "after", 0)]
            readings.append(Reading(other.id, one.id, "upward", upward))
            if number % EVERY_SO_MANYTH == 0:
                downward = [row async for row in _pages(http, one, path, "before", whole[-1].seq + 1)]
                readings.append(Reading(one.id, other.id, "downward", downward[::-1]))
    return readings


async def _whole(http: httpx2.AsyncClient, reader: Account, other: Account) -> list[Message]:
    query = {"sender": reader.id, "recipient": other.id}
    answer = await http.get("/api/chat/messages", params=query, headers=_bearer(reader))
    assert answer.status_code == 200, answer.text
    return _messages(answer.content)


async def _pages(
    http: httpx2.AsyncClient, reader: Account, path: str, direction: str, start: int
) -> AsyncIterator[Message]:
    """Rows in the direction of reading, until a page is not full."""
    page: list[Message] = []
    while not page or len(page) == PAGE:
        query = {direction: f"{start}", "limit": f"{PAGE}"}
        answer = await http.get(path, params=query, headers=_bearer(reader))
        assert answer.status_code == 200, answer.text
        page = _page(answer.content).messages
        for row in _in(direction, page):
            yield row
        if not page:
            return
        start = page[-1 if direction == "after" else 0].seq


def _in(direction: str, page: list[Message]) -> Iterator[Message]:
    return iter(page) if direction == "after" else reversed(page)


def _bearer(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.token}"}


@asynccontextmanager
async def _client(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url, timeout=60) as http:
        yield http
