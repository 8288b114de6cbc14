"""Everything a client can ask for, and everything it is told, once each: what comes is what the reference says.

Whoever asks and hears here holds it to the reference, as everywhere in the journeys.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection

from tests.journeys.people import PATIENCE_S, House, Json, Person

HERE: Json = {"conversation": "@place"}
HELLO = HERE | {"seq": 2}
STEPS: list[tuple[str, Json]] = [
    ("sendMessage", HERE | {"content": "Hello @nobody"}),
    ("getMessages", HERE | {"limit": 10}),
    ("getMessage", HELLO),
    ("forwardMessage", HELLO | {"recipient": "@bob"}),
    ("editMessage", HELLO | {"content": "Hello again"}),
    ("reactToMessage", HELLO | {"emoji": "👍"}),
    ("pinMessage", HELLO),
    ("getEdits", HELLO),
    ("getChanges", HERE),
    ("markDelivered", HELLO),
    ("markRead", HELLO),
    ("getReceipts", HERE),
    ("getSeenBy", HELLO),
    ("setFlags", HERE | {"pinned": True, "mutedUntil": "2026-11-22T09:42:00.123Z"}),
    ("markMessage", HELLO | {"starred": True}),
    ("getOwn", {}),
    ("getStarred", {}),
    ("openConversation", HERE),
    ("getPresence", HERE),
    ("setTyping", HERE),
    ("closeConversation", HERE),
    ("updateGroup", HERE | {"title": "The book club", "description": "We read"}),
    ("addMembers", HERE | {"members": ["@eve"]}),
    ("setRole", HERE | {"user": "@eve", "role": "admin"}),
    ("getConversation", HERE),
    ("getMembers", HERE | {"limit": 2}),
    ("removeMember", HERE | {"user": "@eve"}),
    ("deleteMessage", HELLO),
    ("sync", {"known": {"@place": {"seq": 1, "rev": 1}}}),
    ("getConversations", {}),
    ("leaveGroup", HERE),
    ("updateMe", {"readReceipts": False}),
    ("join", {"userId": "@ann"}),
]
"""In a group that has just been made."""

Ask = Callable[[str, Json], Awaitable[Json]]


def filled(form: Json, places: dict[str, str]) -> Json:
    """The form, with whom and what it is about."""

    def fill(value: object) -> object:
        if isinstance(value, dict):
            return {fill(name): fill(each) for name, each in value.items()}
        if isinstance(value, list):
            return [fill(each) for each in value]
        return places.get(value, value) if isinstance(value, str) else value

    return {name: fill(value) for name, value in form.items()}


async def take_every_step(ask: Ask, ann: Person, bob: Person, eve: Person, but: Collection[str] = ()) -> set[str]:
    """Make a group and do everything once; the names of what was done."""
    made = await ask("createGroup", {"title": "Book club", "members": [bob.id]})
    places = {"@place": made["conversation"]["_id"], "@ann": ann.id, "@bob": bob.id, "@eve": eve.id}
    steps = [(name, filled(form, places)) for name, form in STEPS if name not in but]
    for name, form in steps:
        await ask(name, form)
    return {"createGroup", *(name for name, _ in steps)}


async def operations(house: House, action: str) -> dict[str, Json]:
    """What the server says of itself: what it takes (`receive`), or tells (`send`)."""
    document: Json = (await house.http.get("/asyncapi.json")).json()
    return {name: each for name, each in document["operations"].items() if each["action"] == action}


async def test_every_event_is_answered_and_everything_is_told_as_documented(
    house: House, ann: Person, bob: Person, eve: Person
) -> None:
    # Who is told that the server stops hears nothing more: `test_start_and_stop`.
    told = set(await operations(house, "send")) - {"serverStopping"}
    async with bob.device() as bobs:
        note = await bobs.send(ann, "There is a conversation, and I look at it.")
        theirs = {"conversation": note["conversation"]}
        await bobs.call("openConversation", theirs)
        async with ann.device() as phone, ann.device() as laptop:

            async def ask(name: str, form: Json) -> Json:
                answer = await phone.call(name, form)
                assert answer["ok"] is True, (name, answer)
                return answer

            done = await take_every_step(ask, ann, bob, eve)
            assert done == set(await operations(house, "receive")) - {"connect"}
            await ask("setTyping", theirs)
            await phone.client.emit("sendLove", {})
            async with asyncio.timeout(PATIENCE_S):
                while {*phone.client.has_heard, *laptop.client.has_heard, *bobs.client.has_heard} != told:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)  # some of it takes its time


async def test_every_route_answers_as_documented(house: House, ann: Person, bob: Person, eve: Person) -> None:
    routes = {name: each["x-rest"] for name, each in (await operations(house, "receive")).items() if "x-rest" in each}

    async def ask(name: str, form: Json) -> Json:
        route = routes[name][-1]
        path = route["path"].format(**form)
        rest = {field: value for field, value in form.items() if f"{{{field}}}" not in route["path"]}
        if route["method"] in ("GET", "DELETE"):
            query = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in rest.items()}
            answer = await house.http.request(route["method"], path, params=query, headers=ann.headers)
        else:
            answer = await house.http.request(route["method"], path, json=rest, headers=ann.headers)
        assert answer.status_code in (200, 201), (name, answer.text)
        found: Json = answer.json()
        return found

    done = await take_every_step(ask, ann, bob, eve, but={"openConversation", "closeConversation", "join"})
    assert done == set(routes)
