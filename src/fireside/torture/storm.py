"""A storm: everybody is cut off and comes back at once, and with them a crowd that connects and goes again."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import aiohttp

from fireside.client import Lost, Refused
from fireside.client.connection import SocketIoConnection
from fireside.torture.devices import TRANSPORTS, Person
from fireside.torture.proxy import Proxy

STAYS_S = 2.0


class Storm:
    """`among` says who it is that connects; then `burst` is a fault."""

    def __init__(self, proxy: Proxy, connections: int) -> None:
        self._proxy = proxy
        self._connections = connections
        self._people: Sequence[Person] = ()
        self._server = ""
        self._http: Callable[[], aiohttp.ClientSession] = aiohttp.ClientSession

    def among(self, people: Sequence[Person], server: str, http: Callable[[], aiohttp.ClientSession]) -> None:
        """These people, there, by this way."""
        self._people, self._server, self._http = people, server, http

    async def burst(self, random: Random) -> None:
        """All of them."""
        self._proxy.cut()
        everybody = (
            self._one(self._people[number % len(self._people)], random.choice(list(TRANSPORTS.values())))
            for number in range(self._connections)
        )
        await asyncio.gather(*everybody)

    async def _one(self, person: Person, transports: Sequence[str]) -> None:
        try:
            connection = await SocketIoConnection.open(
                self._server, person.token, _hear_nothing, transports=transports, http=self._http
            )
        except (Lost, Refused):
            return  # there may be too many
        await asyncio.sleep(STAYS_S)
        await connection.close()


def _hear_nothing(event: str, body: Any) -> None:
    """Whoever is in the storm is not there to listen."""
