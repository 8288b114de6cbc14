"""What a server is set up to refuse: editing and deleting too late, and groups that are too large.

Here both windows are shut from the millisecond after a message was sent on, and four people fill a group.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio

from tests.journeys.bystanders import bystanding
from tests.journeys.conftest import ENGINES, Running, assert_nothing_broke, open_http, to_start
from tests.journeys.people import House, Json
from tests.journeys.scene import (
    ALONE_OF_ANN,
    OF_ANN,
    OF_BOB,
    OF_CEM,
    OF_DAN,
    WIRES,
    Refusal,
    Scene,
    WireName,
    scene_in,
)

STRICT = {"FIRESIDE_EDIT_WINDOW_S": "0", "FIRESIDE_DELETE_WINDOW_S": "0", "FIRESIDE_MAX_GROUP_MEMBERS": "4"}

INVALID, MAY_NOT, IS_SO = (422, "invalid_input"), (403, "forbidden"), (409, "conflict")


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=ENGINES)
async def strict(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Shared: others' people are there too."""
    server, store = to_start(request, tmp_path_factory.mktemp("strict"), STRICT)
    async with server:
        yield server, store
    assert_nothing_broke(server)


@pytest.fixture
async def scene(strict: Running) -> AsyncIterator[Scene]:
    server, store = strict
    async with open_http(server) as http, scene_in(House(server, store, http), delete=False) as scene:
        yield scene


class Row(NamedTuple):
    """Who asks for what, how that is refused, and what more is said of it."""

    who: str
    event: str
    form: Json
    refusal: Refusal
    details: Json


def late(who: str, event: str, place: str, seq: int, **more: object) -> Row:
    """What could have been done while the window was open."""
    return Row(who, event, {"conversation": place, "seq": seq, **more}, MAY_NOT, {"withinS": 0})


TOO_LATE = {
    "a member edits": late("cem", "editMessage", "@group", OF_CEM, content="too late"),
    "an admin edits": late("bob", "editMessage", "@group", OF_BOB, content="too late"),
    "the owner edits": late("ann", "editMessage", "@group", OF_ANN, content="too late"),
    "one of two edits": late("ann", "editMessage", "@alone", ALONE_OF_ANN, content="too late"),
    "a member deletes": late("cem", "deleteMessage", "@group", OF_CEM),
    "one of two deletes": late("ann", "deleteMessage", "@alone", ALONE_OF_ANN),
}
FOUR = ["@bob", "@cem", "@dan", "@eve"]
TOO_MANY = {
    "a fifth is added": Row(
        "ann", "addMembers", {"conversation": "@group", "members": ["@eve"]}, IS_SO, {"maxMembers": 4}
    ),
    "a fifth comes with one who is there": Row(
        "bob", "addMembers", {"conversation": "@group", "members": ["@cem", "@eve"]}, IS_SO, {"maxMembers": 4}
    ),
    "more than four are added at once": Row(
        "ann", "addMembers", {"conversation": "@group", "members": [*FOUR, "@ann"]}, INVALID, {"field": "members"}
    ),
    "a group of five is made": Row("ann", "createGroup", {"title": "Five", "members": FOUR}, IS_SO, {"maxMembers": 4}),
    "a group of six is made": Row(
        "ann", "createGroup", {"title": "Six", "members": [*FOUR, "@ann"]}, INVALID, {"field": "members"}
    ),
}


@pytest.mark.parametrize("wire", WIRES)
async def test_what_is_too_late_or_too_many_is_refused(scene: Scene, wire: WireName, subtests: pytest.Subtests) -> None:
    async with bystanding(scene.house) as bystanders, bystanders.unharmed():
        for what, row in (TOO_LATE | TOO_MANY).items():
            with subtests.test(what):
                async with scene.unchanged():
                    answer = await scene.ask(wire, row.who, row.event, row.form)
                    answer.assert_refused(row.refusal)
                    assert answer.body["details"] == row.details


@pytest.mark.parametrize("wire", WIRES)
async def test_what_has_no_window_is_never_too_late(scene: Scene, wire: WireName) -> None:
    group = {"conversation": "@group"}
    # It says so already, so nothing is edited.
    async with scene.unchanged():
        same = await scene.ask(wire, "cem", "editMessage", {**group, "seq": OF_CEM, "content": "by cem"})
        assert same.assert_done()["message"].get("editedAt") is None
    reacted = await scene.ask(wire, "cem", "reactToMessage", {**group, "seq": OF_ANN, "emoji": "👍"})
    assert reacted.assert_done()["message"]["reactions"] == {scene.people["cem"].id: "👍"}
    # Who looks after a group may delete what others have said, whenever that was.
    deleted = await scene.ask(wire, "bob", "deleteMessage", {**group, "seq": OF_DAN})
    assert deleted.assert_done()["message"]["deletedBy"] == scene.people["bob"].id


async def test_of_several_who_are_added_to_the_last_place_at_once_one_comes(scene: Scene) -> None:
    await scene.do("ann", "removeMember", conversation="@group", user="@dan")
    others = [await scene.house.person("new") for _ in range(4)]
    answers = await asyncio.gather(
        *(
            scene.ask(WIRES[number % 2], who, "addMembers", {"conversation": "@group", "members": [other.id]})
            for number, other in enumerate(others)
            for who in ("ann", "bob")
        )
    )
    done = [each for each in answers if "message" in each.body]
    assert len(done) == 1
    for each in answers:
        if each not in done:
            each.assert_refused(IS_SO)
    members = (await scene.do("ann", "getMembers", conversation="@group"))["members"]
    assert len(members) == 4
    (newcomer,) = done[0].body["message"]["system"]["members"]
    assert members[-1]["user"] == newcomer
