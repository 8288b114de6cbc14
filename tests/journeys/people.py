"""People who use a server as clients do: over HTTP, and with python-socketio on one or more devices."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import aiohttp
import httpx2
import socketio

from tests.journeys.stores import Store
from tests.reference import reference_of
from tests.serving import PASSWORD, FiresideProcess

PATIENCE_S = 60
"""How long a test waits for what must happen. Nothing is asserted of how long it took."""

MODES: dict[str, list[str] | None] = {"default": None, "polling": ["polling"], "websocket": ["websocket"]}
"""The transports a client may be told to use; by default it starts with polling and upgrades."""

NEWS = ("heads", "receiptUpdated")
"""What the server tells of its own accord, whenever it likes."""

Json = dict[str, Any]

SOON = {"reconnection_delay": 0.01, "reconnection_delay_max": 0.1}
"""For clients whose return a test waits for."""


class Client(socketio.AsyncClient):  # type: ignore[misc]
    """python-socketio's. What it is told and answered is held to what its server says of itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.misfits: list[str] = []
        self.has_heard: set[str] = set()

    async def connect(self, url: str, *args: Any, **options: Any) -> None:
        self.reference = await reference_of(url)
        await super().connect(url, *args, **options)

    async def emit(
        self, event: str, data: Any = None, namespace: str | None = None, callback: Callable[..., Any] | None = None
    ) -> None:
        def answered(*answer: Any) -> Any:
            assert callback is not None
            self._note(self.reference.misfit_of_answer(event, *answer))
            return callback(*answer)

        await super().emit(event, data, namespace, answered if callback else None)

    def hear(self, event: str, body: Any) -> None:
        """Somebody has heard this."""
        self.has_heard.add(event)
        self._note(self.reference.misfit_of_event(event, body))

    def _note(self, misfit: str | None) -> None:
        if misfit is not None:
            self.misfits.append(misfit)


class Device:
    """One connected client: what it heard waits in line."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.connects = 0
        self._disconnects = 0
        self._heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._changed = asyncio.Event()
        client.on("connect", self._connected)
        client.on("disconnect", self._disconnected)
        client.on("*", self._hear)

    async def connect(self, person: "Person", mode: str) -> None:
        """Connect as this person."""
        auth, transports = {"token": person.token}, MODES[mode]
        await self.client.connect(person.url, auth=auth, transports=transports, wait_timeout=PATIENCE_S)

    async def call(self, event: str, form: object) -> Json:
        """Send with an acknowledgement; the acknowledgement."""
        answer: Json = await self.client.call(event, form, timeout=PATIENCE_S)
        return answer

    async def send(self, recipient: "Person | str", content: str, **more: object) -> Json:
        """`sendMessage`, which must be accepted; the message."""
        to = recipient if isinstance(recipient, str) else recipient.id
        answer = await self.call("sendMessage", {"recipient": to, "content": content, **more})
        assert answer["ok"] is True, answer
        message: Json = answer["message"]
        return message

    async def heard(self, event: str = "messageReceived") -> Json:
        """What it hears next, news aside, which must be this event."""
        name, body = await asyncio.wait_for(self._heard.get(), PATIENCE_S)
        while name in NEWS and name != event:
            name, body = await asyncio.wait_for(self._heard.get(), PATIENCE_S)
        assert name == event, body
        result: Json = body
        return result

    async def hears(self, event: str, **expected: object) -> Json:
        """Wait until it hears this, whatever it hears before; what it is told."""
        while True:
            name, body = await asyncio.wait_for(self._heard.get(), PATIENCE_S)
            if name == event and expected.items() <= body.items():
                result: Json = body
                return result

    def waiting(self) -> list[tuple[str, Json]]:
        """What it has heard that nobody has looked at, news aside; nothing of it waits any more."""
        heard = [self._heard.get_nowait() for _ in range(self._heard.qsize())]
        return [(name, body) for name, body in heard if name not in NEWS]

    async def returned(self) -> None:
        """Wait until it has lost the connection once and made another."""
        await self._until(lambda: self.connects == 2)

    async def cut_off(self) -> None:
        """Wait until it has lost the connection."""
        await self._until(lambda: self._disconnects > 0)
        while self.client.connected:  # noqa: ASYNC110 - it says so just before it is, and then no more
            await asyncio.sleep(0)

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _connected(self) -> None:
        self.connects += 1
        self._changed.set()

    def _disconnected(self, reason: str) -> None:
        self._disconnects += 1
        self._changed.set()

    def _hear(self, event: str, *args: Any) -> None:
        body = args[0] if len(args) == 1 else args
        self.client.hear(event, body)
        self._heard.put_nowait((event, body))


@dataclass(frozen=True)
class Person:
    """Somebody who is registered and has a token."""

    url: str
    http: httpx2.AsyncClient
    id: str
    username: str
    token: str

    async def get(self, path: str, **query: str | int) -> httpx2.Response:
        return await self.http.get(path, params=query, headers=self.headers)

    async def post(self, path: str, body: object) -> httpx2.Response:
        return await self.http.post(path, json=body, headers=self.headers)

    async def history(self, other: "Person") -> list[Json]:
        """Everything between these two, as existing clients ask for it."""
        answer = await self.get("/api/chat/messages", sender=self.id, recipient=other.id)
        assert answer.status_code == 200, answer.text
        messages: list[Json] = answer.json()
        return messages

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @asynccontextmanager
    async def device(self, mode: str = "websocket", **options: Any) -> AsyncIterator[Device]:
        """A device of theirs, connected until the block ends."""
        async with open_client(**options) as client:
            device = Device(client)
            await device.connect(self, mode)
            yield device


def open_session(*, restless: bool = False) -> aiohttp.ClientSession:
    """What requests go through; `restless`: each on a connection of its own."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=restless), middlewares=[read_whole])


async def read_whole(request: aiohttp.ClientRequest, ask: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """python-socketio does not look at the answer to a POST, and would leave its connection lying about."""
    answer = await ask(request)
    if answer.status != HTTPStatus.SWITCHING_PROTOCOLS:
        await answer.read()
    return answer


@asynccontextmanager
async def open_client(*, restless: bool = False, **options: Any) -> AsyncIterator[Client]:
    """A python-socketio client, and its end, by when all that it was told must have been as documented.

    `restless`: each request makes a connection of its own.
    """
    async with open_session(restless=restless) as session:
        client = Client(http_session=session, handle_sigint=False, **options)
        try:
            yield client
            assert not client.misfits, client.misfits
        finally:
            await client.shutdown()


def new_name(beginning: str) -> str:
    """A username that nobody has yet."""
    return f"{beginning}-{uuid4().hex[:12]}"


@dataclass(frozen=True)
class House:
    """A running server, the store behind it, and its door for people."""

    server: FiresideProcess
    store: Store
    http: httpx2.AsyncClient

    async def person(self, name: str) -> Person:
        """Somebody new, whose name begins so."""
        username = new_name(name)
        registration = {"username": username, "password": PASSWORD, "email": f"{name}@example.org"}
        answer = await self.http.post("/api/users/register", json=registration)
        assert answer.status_code == 201, answer.text
        return self.known(username, answer.json())

    def known(self, username: str, welcome: Json) -> Person:
        """Who a registration or log-in has let in."""
        return Person(self.server.url, self.http, welcome["user"]["_id"], username, welcome["token"])
