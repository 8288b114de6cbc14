"""Devices of seeded people: our client library over lines that fail. What goes over the wire is noted down.

Some use WebSocket, some long polling, some begin with one and change to the other, as the clients of others do.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult

from fireside.client import Client, Message
from fireside.client.connection import Connection, Hear, SocketIoConnection
from fireside.features.receipts.wire import ReceiptsMoved
from fireside.torture.record import (
    Acked,
    Changing,
    Closed,
    Handed,
    Heard,
    Marked,
    Opened,
    Record,
    Refused,
    Sent,
    Told,
    digest,
    row_of,
)

TRANSPORTS: dict[str, Sequence[str]] = {
    "websocket": ("websocket",),
    "polling": ("polling",),
    "upgrade": ("polling", "websocket"),
}
GROUP_CHANGES = {"addMembers": "membersAdded", "removeMember": "memberRemoved", "leaveGroup": "memberLeft"}


class Address(Protocol):
    """Where a proxy listens."""

    host: str
    port: int


@dataclass(frozen=True)
class Person:
    """Somebody who is registered."""

    id: str
    name: str
    token: str


class Marks:
    """The highest that anybody was told of how far somebody has got: what is below that is no news."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._highest: dict[tuple[str, str], tuple[int, int]] = {}

    def told(self, moved: ReceiptsMoved) -> None:
        """Note what is higher."""
        for receipt in moved.receipts:
            key = moved.conversation, receipt.user
            delivered, read = self._highest.get(key, (0, 0))
            if receipt.delivered > delivered or receipt.read > read:
                self._highest[key] = max(delivered, receipt.delivered), max(read, receipt.read)
                delivered, read = self._highest[key]
                told = Told(
                    at=self._record.now,
                    user=receipt.user,
                    conversation=moved.conversation,
                    delivered=delivered,
                    read=read,
                )
                self._record.note(told)


class Watched:
    """A connection that notes what goes over it. Implements the `Connection` of the client."""

    def __init__(self, inner: Connection, number: int, device: str, user: str, record: Record) -> None:
        self._inner = inner
        self._number = number
        self._device = device
        self._user = user
        self._record = record
        self._is_closed = False

    async def call(self, event: str, body: Any) -> Any:
        attempt = self._attempt(event, body)
        answer = await self._inner.call(event, body)
        if attempt is not None:
            self._note_answer(attempt, answer)
        elif event in ("markDelivered", "markRead") and answer.get("ok"):
            read = body["seq"] if event == "markRead" else 0
            marked = Marked(
                at=self._record.now,
                user=self._user,
                conversation=body["conversation"],
                delivered=body["seq"],
                read=read,
            )
            self._record.note(marked)
        return answer

    async def lost(self) -> None:
        await self._inner.lost()
        self._note_end()

    async def close(self) -> None:
        await self._inner.close()
        self._note_end()

    def _attempt(self, event: str, body: Any) -> int | None:
        if event == "sendMessage":
            form = msgspec.to_builtins(body)
            number = self._record.number()
            sent = Sent(
                at=self._record.now,
                attempt=number,
                device=self._device,
                user=self._user,
                place=form.get("conversation") or form.get("recipient") or "",
                client_id=form["clientId"],
                digest=digest(form["content"]),
                bad=is_bad(form["clientId"]),
            )
            self._record.note(sent)
            return number
        if event in GROUP_CHANGES:
            number = self._record.number()
            changing = Changing(
                at=self._record.now,
                attempt=number,
                device=self._device,
                user=self._user,
                conversation=body["conversation"],
                kind=GROUP_CHANGES[event],
                who=tuple(body.get("members") or filter(None, [body.get("user")])),
            )
            self._record.note(changing)
            return number
        return None

    def _note_answer(self, attempt: int, answer: Any) -> None:
        if answer.get("ok"):
            row = row_of(msgspec.convert(answer["message"], Message))
            self._record.note(Acked(at=self._record.now, attempt=attempt, row=row))
        else:
            self._record.note(Refused(at=self._record.now, attempt=attempt, code=str(answer.get("code"))))

    def _note_end(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._record.note(Closed(at=self._record.now, connection=self._number))


def is_bad(client_id: str) -> bool:
    """Whether a message of this name must be refused."""
    return client_id.startswith("bad")


class Device:
    """One of a person's devices, for the whole run. `hands_over`: a program listens to it."""

    def __init__(
        self,
        person: Person,
        name: str,
        transport: str,
        server: str,
        record: Record,
        marks: Marks,
        http: Callable[[], aiohttp.ClientSession],
        *,
        hands_over: bool,
    ) -> None:
        self.person = person
        self.name = name
        self.transport = transport
        self.is_connected = False
        self._record = record
        self._marks = marks
        self._http = http
        self.client = Client(server, person.token, keep=None, connect=self._connect)
        if hands_over:
            self.client.on_message(self._hand)

    async def _connect(self, server: str, token: str, hear: Hear) -> Connection:
        number = self._record.number()

        def listen(event: str, body: Any) -> None:
            self._hear(number, event, body)
            hear(event, body)

        inner = await SocketIoConnection.open(
            server, token, listen, transports=TRANSPORTS[self.transport], http=self._http
        )
        opened = Opened(
            at=self._record.now,
            connection=number,
            device=self.name,
            user=self.person.id,
            transport=self.transport,
        )
        self._record.note(opened)
        return Watched(inner, number, self.name, self.person.id, self._record)

    def _hear(self, connection: int, event: str, body: Any) -> None:
        if event == "messageReceived":
            row = row_of(msgspec.convert(body, Message))
            self._record.note(Heard(at=self._record.now, connection=connection, user=self.person.id, row=row))
        elif event == "receiptUpdated":
            self._marks.told(msgspec.convert(body, ReceiptsMoved))

    async def _hand(self, message: Message) -> None:
        self._record.note(Handed(at=self._record.now, device=self.name, user=self.person.id, row=row_of(message)))


class Through(AbstractResolver):
    """Every name leads to the proxy, so that the server is called what it is called, in TLS and in HTTP."""

    def __init__(self, proxy: Address) -> None:
        self._proxy = proxy

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=self._proxy.host,
                port=self._proxy.port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing to let go of."""


def sessions_through(proxy: Address) -> Callable[[], aiohttp.ClientSession]:
    """Makes what HTTP requests go through, by way of the proxy."""

    def make() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(resolver=Through(proxy), family=socket.AF_INET, use_dns_cache=False)
        return aiohttp.ClientSession(connector=connector)

    return make


def address_through(url: str, proxy: Address) -> str:
    """The URL to give to clients: a name leads to the proxy by itself, a number has to be another."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host.replace(".", "").isdigit() or ":" in host:
        return f"{parts.scheme}://{proxy.host}:{proxy.port}"
    return url
