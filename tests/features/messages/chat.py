"""The messages feature on fakes, up to both wires: HTTP clients, and events as the socket edge hands them over."""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec

from fireside.auth.authenticator import Authenticator
from fireside.auth.tokens import Claims
from fireside.core.errors import ChatError, Unauthorized
from fireside.core.events import Body
from fireside.core.forms import Reply
from fireside.core.origins import OriginPolicy
from fireside.features.conversations.service import Conversation, Conversations
from fireside.features.messages.endpoints import MessageEndpoints
from fireside.features.messages.log import MessageLog
from fireside.features.messages.mentions import Mentions
from fireside.features.messages.posting import Posting
from fireside.features.messages.service import Lenses, Message, Messages
from fireside.features.messages.wire import SendMessage
from fireside.http.app import build
from fireside.http.health import Readiness
from tests.contract.samples import direct
from tests.fakes import FakeAccounts
from tests.features.messages.nodes import ANN, BOB, EVE, HERE, UnreliableMessages

NOW_MS, NOW = 1_700_000_000_123, "2023-11-14T22:13:20.123Z"
NOBODY = "0" * 24
"""An id that nobody has."""
MADE_UP_IDS = ["", "me", "B" * 24, "b" * 23, "b" * 25, NOBODY, "\u0660" * 24, "../users", "{}", "%00"]

NOTES = direct(ANN, ANN)
DIRECT = "/api/chat/messages"
INTO_HERE = f"/api/conversations/{HERE.id}/messages"

HELLO = {
    "_id": f"{HERE.id}000000000001",
    "conversation": HERE.id,
    "seq": 1,
    "sender": ANN,
    "recipient": BOB,
    "content": "hello",
    "timestamp": NOW,
    "clientId": "mine",
}
"""The first message of `HERE`, as clients see it."""


class FakeUsers:
    """The port by which conversations ask whether somebody is there."""

    async def exists(self, user_id: str) -> bool:
        return user_id in (ANN, BOB, EVE)


class FakeAuthenticator(Authenticator):
    """The token is the user's id."""

    def __init__(self) -> None:
        """It has no secret and asks nobody."""

    async def identify(self, token: str | None) -> Claims:
        if token is None:
            raise Unauthorized("A token is needed.")
        return Claims(token, NOW_MS + 1)


class FakePublisher:
    """Notes what goes out: to whom, which event, the decoded body, and which device is left out."""

    def __init__(self) -> None:
        self.published: list[tuple[list[str], str, Any, object | None]] = []
        self.is_broken = False

    def publish(self, user_ids: Iterable[str], event: str, body: Body, *, origin: object | None = None) -> None:
        if self.is_broken:
            raise RuntimeError("a bug")
        self.published.append((list(user_ids), event, wire(body), origin))

    def hand(self, devices: Iterable[object], event: str, body: Body) -> None:
        raise NotImplementedError

    def here(self) -> list[str]:
        raise NotImplementedError

    async def present(self, user_ids: Collection[str]) -> set[str]:
        raise NotImplementedError


class FakeCall:
    """One event from one device, and how it was answered."""

    def __init__(self, user_id: str = ANN) -> None:
        self.user_id = user_id
        self.origin = object()
        self.answers: list[Any] = []

    def reply(self, body: Reply) -> None:
        self.answers.append(wire(body))

    def refuse(self, error: ChatError) -> None:
        self.answers.append(error)


class Chat:
    """Conversations, messages and their endpoints, wired as the composition root does it."""

    def __init__(self) -> None:
        self.store = UnreliableMessages()
        self.conversation_store = self.store.shared.conversations
        self.publisher = FakePublisher()
        self.conversations = Conversations(self.conversation_store, FakeUsers(), lambda: NOW_MS)
        self.log = MessageLog(self.store, self.store.shared.talks(self.store, self.conversations))
        self.messages = Messages(self.log, self.store, Lenses(), lambda: NOW_MS)
        self.accounts = FakeAccounts()
        posting = Posting(self.messages, self.publisher)
        self.endpoints = MessageEndpoints(self.messages, self.conversations, Mentions(self.accounts), posting)
        self.app = build(
            [self.endpoints.routes()],
            {"messages": self.endpoints.commands()},
            authenticator=FakeAuthenticator(),
            readiness=Readiness({}),
            origins=OriginPolicy(),
        )

    def client(self, user_id: str | None = ANN) -> httpx2.AsyncClient:
        """Somebody's HTTP client."""
        transport = httpx2.ASGITransport(self.app)
        headers = {} if user_id is None else {"Authorization": f"Bearer {user_id}"}
        return httpx2.AsyncClient(transport=transport, base_url="http://chat.example.org", headers=headers)

    async def hand_over(self, call: FakeCall, **form: Any) -> bool:
        """An event as the edge hands it over: the client's next one waits for this one. Whether it had to."""
        (event,) = self.endpoints.events()
        waiting = event.handle(call, SendMessage(**form))
        if waiting is None:
            return False
        await waiting
        return True

    async def settled(self) -> None:
        """Everything that was accepted has been answered."""
        await self.log.stop()
        await self.log.start()

    async def fill(self, conversation: Conversation, count: int) -> list[Message]:
        """So many messages, from both in turn."""
        await self.conversation_store.ensure(conversation)
        one, other = min(conversation.members), max(conversation.members)
        messages = [
            Message(conversation.id, seq, (one, other)[seq % 2], f"{conversation.id} {seq}", f"message {seq}", NOW_MS)
            for seq in range(1, count + 1)
        ]
        assert await self.store.append(messages) == count
        return messages


@asynccontextmanager
async def open_chat() -> AsyncIterator[Chat]:
    chat = Chat()
    await chat.log.start()
    yield chat
    await chat.log.stop()


def wire(body: Body) -> Any:
    """What a client reads."""
    return msgspec.json.decode(msgspec.json.encode(body))


def refusal(response: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal, which has our one shape."""
    body = response.json()
    assert set(body) - {"details"} == {"error", "code", "requestId"}
    return response.status_code, body["code"]
