"""A gateway for tests: two people with their tokens, a few events, and what was made of them."""

import asyncio
import json
from typing import Any

from fireside.auth.authenticator import Authenticator
from fireside.auth.tokens import Claims
from fireside.core.errors import NotFound, TokenExpired, Unauthorized
from fireside.core.events import Call, Event
from fireside.core.forms import Form, Reply
from fireside.core.peers import Peers
from fireside.realtime.delivery import Devices
from fireside.realtime.gateway import ChatGateway
from tests.realtime.clients import WebSocketClient
from tests.realtime.served import Served

ANN, BOB = "a" * 24, "b" * 24
SECRET = "what no client may see"
NEVER = 10**15


class FakeAuthenticator(Authenticator):
    """Knows two people; each token says what comes of it."""

    def __init__(self) -> None:
        self.expires_at = NEVER
        self.asked: list[str | None] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def identify(self, token: str | None) -> Claims:
        self.asked.append(token)
        await self.gate.wait()
        match token:
            case "ann":
                return Claims(ANN, self.expires_at)
            case "bob":
                return Claims(BOB, self.expires_at)
            case "old":
                raise TokenExpired("The token has expired. Log in again.")
            case "broken":
                raise RuntimeError(SECRET)
            case _:
                raise Unauthorized("A token is needed.")


class Say(Form, frozen=True):
    text: str
    to_user: str | None = None
    times: int = 1


class Said(Reply, frozen=True, kw_only=True):
    text: str


class Chat:
    """A gateway with a few events, and what they were called with."""

    def __init__(self, peers: Peers | None = None) -> None:
        self.authenticator = FakeAuthenticator()
        self.devices = Devices(peers)
        self.now = 0
        self.said: list[tuple[str, Say]] = []
        handlers = {"say": self._say, "sayLater": self._say_later, "fail": self._fail, "refuse": self._refuse}
        later = {"failLater": self._fail_later, "refuseLater": self._refuse_later}
        self.gateway = ChatGateway(
            [Event(name, Say, handler) for name, handler in {**handlers, **later}.items()],
            self.authenticator,
            self.devices,
            lambda: self.now,
        )

    def _say(self, call: Call, form: Say) -> None:
        self.said.append((call.user_id, form))
        call.reply(Said(text=form.text))
        call.reply(Said(text="again"))

    async def _say_later(self, call: Call, form: Say) -> None:
        await asyncio.sleep(0)
        self._say(call, form)

    def _fail(self, call: Call, form: Say) -> None:
        raise RuntimeError(SECRET)

    async def _fail_later(self, call: Call, form: Say) -> None:
        await asyncio.sleep(0)
        raise RuntimeError(SECRET)

    def _refuse(self, call: Call, form: Say) -> None:
        raise NotFound("There is no such conversation.", details={"field": "toUser"})

    async def _refuse_later(self, call: Call, form: Say) -> None:
        await asyncio.sleep(0)
        self._refuse(call, form)


ANN_AUTH = '{"token":"ann"}'


async def ann(served: Served) -> WebSocketClient:
    return await served.connected(ANN_AUTH)


async def ask(client: WebSocketClient, *event: object, raw: str | None = None) -> dict[str, Any]:
    """Send an event; the one argument of its acknowledgement."""
    await client.send("427" + (raw or json.dumps(event)))
    answer = await client.text()
    assert answer.startswith("437["), answer
    (body,) = json.loads(answer[3:])
    assert isinstance(body, dict)
    return body


def require_refusal(body: dict[str, Any], code: str) -> None:
    """The shape of every refusal."""
    assert body["code"] == code, body
    assert body["error"]
    assert len(body["requestId"]) >= 16
    assert body.keys() <= {"ok", "event", "error", "code", "requestId", "details"}
