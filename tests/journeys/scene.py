"""A group and a direct conversation with something in them, and their people: what one may do there, another may not.

A command is given over either wire by its name and its form. Where it is on the REST wire, the server itself says.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

import httpx2

from tests.journeys.people import Device, House, Json, Person

WireName = Literal["socket", "http"]
WIRES: tuple[WireName, ...] = ("socket", "http")
MEMBERS = ("ann", "bob", "cem", "dan")
"""Of the group: its owner, an admin, and two who are neither. Ann and Bob also talk alone."""
EVERYBODY = (*MEMBERS, "eve")

CREATED, PROMOTED, OF_ANN, OF_BOB, OF_CEM, DELETED, OF_DAN = range(1, 8)
"""The messages of the group."""
ALONE_OF_ANN, ALONE_OF_BOB, ALONE_DELETED = range(1, 4)
"""The messages of Ann and Bob."""
MISSING = 99
"""No message."""

Refusal = tuple[int, str]
"""The status over HTTP, and the code on both wires."""


class Answer(NamedTuple):
    """What came of a command: the status over HTTP, and what was answered."""

    status: int | None
    body: Json

    def assert_refused(self, refusal: Refusal) -> None:
        """It is refused so, in the one shape."""
        status, code = refusal
        assert self.body.get("code") == code, self.body
        if self.status is None:
            assert self.body["ok"] is False
        else:
            assert self.status == status
        assert set(self.body) - {"ok", "details"} == {"error", "code", "requestId"}
        assert self.body["error"]

    def assert_done(self) -> Json:
        """It is done; what was answered."""
        assert self.body["ok"] is True if self.status is None else self.status in (200, 201), self.body
        return self.body


class Scene:
    """`async with scene_in(house) as scene:`"""

    def __init__(self, house: House, routes: dict[str, list[Json]], people: dict[str, Person]) -> None:
        self.house = house
        self.people = people
        self.ids = {f"@{name}": person.id for name, person in people.items()}
        """What stands for ids in forms."""
        self._routes = routes
        self._devices: dict[str, Device] = {}
        self._witnesses: dict[str, Device] = {}
        self._settled: list[Any] = []

    async def connect(self, everything: AsyncExitStack) -> None:
        """Two devices for everybody: one gives commands, the other is told what comes of them."""
        for devices in (self._devices, self._witnesses):
            for name, person in self.people.items():
                devices[name] = await everything.enter_async_context(person.device())

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def filled(self, value: Any) -> Any:
        """A form with the ids it speaks of."""
        if isinstance(value, Mapping):
            return {self.filled(name): self.filled(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.filled(each) for each in value]
        return self.ids.get(value, value) if isinstance(value, str) else value

    def is_on(self, wire: WireName, event: str) -> bool:
        """Whether the command can be given there: what is about a device cannot be over HTTP."""
        return wire == "socket" or bool(self._routes[event])

    async def ask(self, wire: WireName, who: str, event: str, form: Mapping[str, Any]) -> Answer:
        """Give a command."""
        filled: Json = self.filled(form)
        if wire == "socket":
            return Answer(None, await self._devices[who].call(event, filled))
        answer = await self._request(self.people[who], event, filled)
        return Answer(answer.status_code, answer.json())

    async def do(self, who: str, event: str, **form: Any) -> Json:
        """Give a command that must be accepted; what was answered."""
        return (await self.ask("http", who, event, form)).assert_done()

    async def _request(self, person: Person, event: str, form: Json) -> httpx2.Response:
        fitting = [each for each in self._routes[event] if all(name in form for name in names_in(each["path"]))]
        route = max(fitting, key=lambda each: len(names_in(each["path"])))
        inside = names_in(route["path"])
        path = route["path"].format(**{name: quote(str(form[name]), safe="") for name in inside})
        rest = {name: value for name, value in form.items() if name not in inside}
        if route["method"] in ("GET", "DELETE"):
            query = {name: value if isinstance(value, str) else json.dumps(value) for name, value in rest.items()}
            return await person.http.request(route["method"], path, params=query, headers=person.headers)
        return await person.http.request(route["method"], path, json=rest, headers=person.headers)

    # ── what has become of it ────────────────────────────────────────────────────────────────────────────────────

    @asynccontextmanager
    async def unchanged(self) -> AsyncIterator[None]:
        """What is done in the block leaves everything as it was at rest, and nobody hears of it."""
        yield
        # Each is answered on the connection on which it would have been told.
        assert await self._everything() == self._settled
        assert self._heard() == {}

    async def _everything(self) -> list[Any]:
        """All there is to read."""
        reading = ("getConversation", "getMessages", "getChanges", "getMembers", "getReceipts")
        places = (("dan", {"conversation": "@group"}), ("bob", {"conversation": "@alone"}))
        asked: list[tuple[str, str, Json]] = [(name, event, place) for name, place in places for event in reading]
        asked += [(name, "getOwn", {}) for name in self._witnesses]
        found = await asyncio.gather(
            *(self._witnesses[name].call(event, self.filled(form)) for name, event, form in asked)
        )
        assert all(each["ok"] for each in found), found
        return found

    def _heard(self) -> dict[str, list[Any]]:
        """What anybody was told that was not looked at, news aside."""
        heard = {name: device.waiting() for name, device in self._witnesses.items()}
        return {name: what for name, what in heard.items() if what}

    async def rest(self) -> None:
        """Let all that was done be told, and all that it implies be written: from here on nothing moves by itself."""
        names = {person.id: name for name, person in self.people.items()}
        for watcher, place in (("dan", "@group"), ("bob", "@alone")):
            item = (await self.do(watcher, "getConversation", conversation=place))["item"]
            for member in (await self.do(watcher, "getMembers", conversation=place))["members"]:
                await self.do(names[member["user"]], "markRead", conversation=place, seq=item["seq"])
            opened = await self._witnesses[watcher].call("openConversation", self.filled({"conversation": place}))
            assert opened["ok"], opened
        self._settled = await self._everything()
        self._heard()


def names_in(path: str) -> list[str]:
    """The fields of a form that stand in a path."""
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


async def routes_of(house: House) -> dict[str, list[Json]]:
    """Every event that clients can send, and where the same is to be had over HTTP: method and path."""
    operations: Json = (await house.http.get("/asyncapi.json")).json()["operations"]
    return {
        name: operation.get("x-rest", [])
        for name, operation in operations.items()
        if operation["action"] == "receive" and name != "connect"
    }


@asynccontextmanager
async def scene_in(house: House, *, delete: bool = True) -> AsyncIterator[Scene]:
    """Everybody is connected, everything has been told and read, and nothing moves by itself.

    `delete`: what is to be deleted is. Where its time is over, nobody could.
    """
    people = {name: await house.person(name) for name in EVERYBODY}
    scene = Scene(house, await routes_of(house), people)
    made = await scene.do("ann", "createGroup", title="Book club", members=["@bob", "@cem", "@dan"])
    scene.ids["@group"] = made["conversation"]["_id"]
    group = {"conversation": "@group"}
    await scene.do("ann", "setRole", **group, user="@bob", role="admin")
    for who in ("ann", "bob", "cem", "dan", "dan"):
        said = await scene.do(who, "sendMessage", **group, content=f"by {who}")
    assert said["message"]["seq"] == OF_DAN
    if delete:
        await scene.do("dan", "deleteMessage", **group, seq=DELETED)
    await scene.do("bob", "pinMessage", **group, seq=OF_CEM)
    await scene.do("dan", "reactToMessage", **group, seq=OF_CEM, emoji="👍")
    for who, other in (("ann", "@bob"), ("bob", "@ann"), ("ann", "@bob")):
        said = await scene.do(who, "sendMessage", recipient=other, content=f"by {who}")
    assert said["message"]["seq"] == ALONE_DELETED
    scene.ids["@alone"] = said["message"]["conversation"]
    if delete:
        await scene.do("ann", "deleteMessage", conversation="@alone", seq=ALONE_DELETED)
    async with AsyncExitStack() as everything:
        await scene.connect(everything)
        await scene.rest()
        yield scene
