"""Phones: devices without a client library, that hear what the server tells them as it comes, and nothing else."""

import asyncio
from typing import Any

from fireside.client import Refused
from tests.client.house import House
from tests.client.inprocess import InProcessConnection
from tests.cluster.buses import HUNG_S, until

Heard = tuple[str, dict[str, Any]]


class Phone:
    """A device of a user, connected to one of the nodes."""

    def __init__(self, house: House, user: str) -> None:
        self.house = house
        self.user = user
        self.heard: list[Heard] = []
        self.connection = InProcessConnection(house.fireside, lambda name, body: self.heard.append((name, body)))

    async def connect(self) -> "Phone":
        await self.connection.accepted(self.house.token(self.user))
        return self

    async def do(self, event: str, **fields: Any) -> Any:
        """Give a command; what it is answered.

        Raises:
            Refused: the server says no.
        """
        async with asyncio.timeout(HUNG_S):
            answer = await self.connection.call(event, fields)
        if not answer["ok"]:
            raise Refused(answer["code"], answer["error"])
        return answer

    async def hears(self, event: str, **expected: Any) -> dict[str, Any]:
        """Wait until it has heard this, and take it."""

        def found() -> list[Heard]:
            return [each for each in self.heard if each[0] == event and expected.items() <= each[1].items()]

        try:
            await until(found)
        except TimeoutError:
            raise AssertionError(f"no {event} with {expected} in {self.heard}") from None
        first = found()[0]
        self.heard.remove(first)
        return first[1]

    async def hang_up(self) -> None:
        await self.connection.close()
