"""What may not be done in a conversation: each is refused with its code on both wires, changes nothing, and nobody else
hears of it.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest

from tests.journeys.bystanders import bystanding
from tests.journeys.people import House, Json, Person
from tests.journeys.scene import (
    ALONE_DELETED,
    ALONE_OF_ANN,
    CREATED,
    DELETED,
    MISSING,
    OF_ANN,
    OF_BOB,
    OF_CEM,
    OF_DAN,
    PROMOTED,
    WIRES,
    Refusal,
    Scene,
    WireName,
    routes_of,
    scene_in,
)

INVALID, NOT_THERE = (422, "invalid_input"), (404, "not_found")
MAY_NOT, IS_SO = (403, "forbidden"), (409, "conflict")
NOBODY, NOWHERE = "f" * 24, "e" * 24


class Row(NamedTuple):
    """Who asks for what, and how that is refused."""

    who: str
    event: str
    form: Json
    refusal: Refusal


def group(who: str, event: str, refusal: Refusal, **form: object) -> Row:
    """In the group."""
    return Row(who, event, {"conversation": "@group", **form}, refusal)


def alone(who: str, event: str, refusal: Refusal, **form: object) -> Row:
    """Where Ann and Bob talk alone."""
    return Row(who, event, {"conversation": "@alone", **form}, refusal)


NOT_AN_ADMIN = {
    "a member gives the group a title": group("cem", "updateGroup", MAY_NOT, title="Mine"),
    "a member opens the history": group("cem", "updateGroup", MAY_NOT, openHistory=True),
    "a member adds somebody": group("cem", "addMembers", MAY_NOT, members=["@eve"]),
    "a member removes a member": group("cem", "removeMember", MAY_NOT, user="@dan"),
    "a member removes an admin": group("cem", "removeMember", MAY_NOT, user="@bob"),
    "a member removes the owner": group("cem", "removeMember", MAY_NOT, user="@ann"),
    "a member removes themselves": group("cem", "removeMember", MAY_NOT, user="@cem"),
    "a member gives somebody a role": group("cem", "setRole", MAY_NOT, user="@dan", role="admin"),
    "a member makes themselves the owner": group("cem", "setRole", MAY_NOT, user="@cem", role="owner"),
    "a member pins a message of theirs": group("cem", "pinMessage", MAY_NOT, seq=OF_CEM),
    "a member takes a pin away": group("cem", "pinMessage", MAY_NOT, seq=OF_CEM, pinned=False),
    "a member deletes another's": group("cem", "deleteMessage", MAY_NOT, seq=OF_DAN),
    "a member deletes the owner's": group("cem", "deleteMessage", MAY_NOT, seq=OF_ANN),
}
NOT_THE_OWNER = {
    "an admin removes the owner": group("bob", "removeMember", MAY_NOT, user="@ann"),
    "an admin removes himself": group("bob", "removeMember", IS_SO, user="@bob"),
    "an admin gives somebody a role": group("bob", "setRole", MAY_NOT, user="@cem", role="admin"),
    "an admin makes himself the owner": group("bob", "setRole", MAY_NOT, user="@bob", role="owner"),
    "an admin makes the owner a member": group("bob", "setRole", MAY_NOT, user="@ann", role="member"),
}
MESSAGES = {
    "a member edits another's": group("cem", "editMessage", MAY_NOT, seq=OF_DAN, content="I said"),
    "an admin edits another's": group("bob", "editMessage", MAY_NOT, seq=OF_CEM, content="I said"),
    "the owner edits another's": group("ann", "editMessage", MAY_NOT, seq=OF_BOB, content="I said"),
    "the other one edits": alone("bob", "editMessage", MAY_NOT, seq=ALONE_OF_ANN, content="I said"),
    "the other one deletes": alone("bob", "deleteMessage", MAY_NOT, seq=ALONE_OF_ANN),
    "editing to nothing": group("cem", "editMessage", INVALID, seq=OF_CEM, content=""),
    "editing to too much": group("cem", "editMessage", INVALID, seq=OF_CEM, content="x" * (16 * 1024 + 1)),
    "editing to what is no text": group("cem", "editMessage", INVALID, seq=OF_CEM, content="a\0b"),
    **{
        f"{who} edits what is deleted": group(who, "editMessage", IS_SO, seq=DELETED, content="back")
        for who in ("dan", "cem", "ann")
    },
    "reacting to what is deleted": group("cem", "reactToMessage", IS_SO, seq=DELETED, emoji="👍"),
    "taking back a reaction to what is deleted": group("cem", "reactToMessage", IS_SO, seq=DELETED, emoji=None),
    "pinning what is deleted": group("ann", "pinMessage", IS_SO, seq=DELETED),
    "forwarding what is deleted": group("dan", "forwardMessage", IS_SO, seq=DELETED, recipient="@eve"),
    "forwarding what is deleted to where it was": alone("ann", "forwardMessage", IS_SO, seq=ALONE_DELETED, to="@alone"),
    "editing what happened": group("ann", "editMessage", MAY_NOT, seq=CREATED, content="Not I"),
    "deleting what happened": group("ann", "deleteMessage", MAY_NOT, seq=PROMOTED),
    "reacting to what happened": group("cem", "reactToMessage", MAY_NOT, seq=CREATED, emoji="👍"),
    "pinning what happened": group("ann", "pinMessage", MAY_NOT, seq=CREATED),
    "forwarding what happened": group("cem", "forwardMessage", IS_SO, seq=CREATED, to="@group"),
    "forwarding to two places": group("ann", "forwardMessage", INVALID, seq=OF_ANN, to="@alone", recipient="@bob"),
    "forwarding to no place": group("ann", "forwardMessage", INVALID, seq=OF_ANN),
    "forwarding to where one is not": group("cem", "forwardMessage", NOT_THERE, seq=OF_CEM, to="@alone"),
    "forwarding to nowhere": group("cem", "forwardMessage", NOT_THERE, seq=OF_CEM, to=NOWHERE),
    "forwarding to nobody": group("cem", "forwardMessage", NOT_THERE, seq=OF_CEM, recipient=NOBODY),
    "answering what is not there": group("cem", "sendMessage", INVALID, content="No!", replyTo=MISSING),
    "answering itself": group("cem", "sendMessage", INVALID, content="No!", replyTo=OF_DAN + 1),
    "answering what is before everything": group("cem", "sendMessage", INVALID, content="No!", replyTo=0),
}
OF_A_MESSAGE: dict[str, Json] = {
    "getMessage": {},
    "getEdits": {},
    "getSeenBy": {},
    "editMessage": {"content": "x"},
    "deleteMessage": {},
    "reactToMessage": {"emoji": "👍"},
    "pinMessage": {},
    "markMessage": {"starred": True},
    "forwardMessage": {"recipient": "@bob"},
}
NO_SUCH_MESSAGE = {
    f"{event} of no message": group("ann", event, NOT_THERE, seq=MISSING, **form)
    for event, form in OF_A_MESSAGE.items()
}
MARKS = {
    f"{event} {what}": group("cem", event, INVALID, seq=seq)
    for event in ("markRead", "markDelivered")
    for what, seq in {"beyond the last": OF_DAN + 1, "far beyond": 1 << 46, "nothing": 0, "below": -1}.items()
}
EMOJI: dict[str, object] = {
    "nothing": "",
    "a letter": "a",
    "a smiley of letters": ":-)",
    "an emoji and a space": "👍 ",
    "two with a space between": "👍 👍",
    "too long": "👍" * 17,
    "cut by NUL": "👍\0",
    "a number": 5,
    "a list": ["👍"],
    "an operator": {"$gt": ""},
}
EMOJIS = {
    f"{what} for an emoji": group("cem", "reactToMessage", INVALID, seq=OF_ANN, emoji=emoji)
    for what, emoji in EMOJI.items()
}
GROUPS = {
    "adding who is there": group("ann", "addMembers", IS_SO, members=["@cem", "@bob"]),
    "adding nobody": group("ann", "addMembers", IS_SO, members=[]),
    "adding who is no user": group("ann", "addMembers", NOT_THERE, members=["@eve", NOBODY]),
    "adding a name": group("ann", "addMembers", NOT_THERE, members=["eve"]),
    "removing who is not there": group("ann", "removeMember", NOT_THERE, user="@eve"),
    "removing who is no user": group("ann", "removeMember", NOT_THERE, user=NOBODY),
    "the owner removes herself": group("ann", "removeMember", IS_SO, user="@ann"),
    "a role for who is not there": group("ann", "setRole", NOT_THERE, user="@eve", role="admin"),
    "a role that they have": group("ann", "setRole", IS_SO, user="@bob", role="admin"),
    "the owner gives herself a role": group("ann", "setRole", IS_SO, user="@ann", role="admin"),
    "a role that there is not": group("ann", "setRole", INVALID, user="@bob", role="king"),
    "the title that it has": group("ann", "updateGroup", IS_SO, title="Book club"),
    "changing nothing": group("ann", "updateGroup", IS_SO),
    "no title": group("ann", "updateGroup", INVALID, title=" "),
    "a title too long": group("ann", "updateGroup", INVALID, title="x" * 257),
    "a description too long": group("ann", "updateGroup", INVALID, description="x" * 4097),
    "a picture too long": group("ann", "updateGroup", INVALID, picture="x" * 1025),
    "a group without a title": Row("ann", "createGroup", {"title": ""}, INVALID),
    "a group with who is no user": Row("ann", "createGroup", {"title": "x", "members": ["@bob", NOBODY]}, NOT_THERE),
    "a group with a client id too long": Row("ann", "createGroup", {"title": "x", "clientId": "c" * 129}, INVALID),
    "a direct conversation gets a title": alone("ann", "updateGroup", INVALID, title="Us"),
    "a direct conversation gets a third": alone("ann", "addMembers", INVALID, members=["@cem"]),
    "a direct conversation loses one": alone("ann", "removeMember", INVALID, user="@bob"),
    "a direct conversation gets an owner": alone("ann", "setRole", INVALID, user="@bob", role="owner"),
    "leaving a direct conversation": alone("ann", "leaveGroup", INVALID),
}
CURSORS = ("x", "1", "1.", ".1", "-1.0", "1.0.0", "1.0.-2.x", "1.0.0." + "g" * 24, "1.0 ", "9" * 19 + ".0", "1.0\0")
PLACES = {
    **{f"the cursor {cursor!r}": Row("cem", "sync", {"cursor": cursor}, INVALID) for cursor in CURSORS},
    "knowing something else": Row("cem", "sync", {"known": {"@group": {"seq": "all"}}}, INVALID),
    "knowing less than nothing": Row("cem", "sync", {"known": {"@group": {"seq": -1}}}, INVALID),
    **{
        f"the list before {before!r}": Row("cem", "getConversations", {"before": before}, INVALID)
        for before in ("x", "1", "1." + "g" * 24, "1.@group")
    },
    **{
        f"{event} with the limit {limit}": group("cem", event, INVALID, limit=limit)
        for event in ("getMessages", "getChanges", "getMembers")
        for limit in (0, -1, 101)
    },
    "a page that begins at both ends": group("cem", "getMessages", INVALID, before=3, after=1),
    "changes before there were any": group("cem", "getChanges", INVALID, after=-1),
}
TABLE = NOT_AN_ADMIN | NOT_THE_OWNER | MESSAGES | NO_SUCH_MESSAGE | MARKS | EMOJIS | GROUPS | PLACES


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    async with scene_in(house) as scene:
        yield scene


MAY = {
    "what everybody sees": group("cem", "reactToMessage", IS_SO, seq=OF_ANN, emoji="👍"),
    "what one has alone": group("cem", "markMessage", IS_SO, seq=OF_ANN, starred=True),
    "what is only heard": group("cem", "setTyping", IS_SO),
}


@pytest.mark.parametrize("what", MAY)
async def test_what_may_be_is_noticed_by_those_who_watch(scene: Scene, what: str) -> None:
    row = MAY[what]
    answer = None
    with pytest.raises(AssertionError):
        async with scene.unchanged():
            answer = await scene.ask("http", row.who, row.event, row.form)
    assert answer is not None
    answer.assert_done()


@pytest.mark.parametrize("wire", WIRES)
async def test_what_may_not_be_is_refused(scene: Scene, wire: WireName, subtests: pytest.Subtests) -> None:
    async with bystanding(scene.house) as bystanders, bystanders.unharmed():
        for what, row in TABLE.items():
            with subtests.test(what):
                async with scene.unchanged():
                    (await scene.ask(wire, row.who, row.event, row.form)).assert_refused(row.refusal)
    # On the same connections, after all this:
    edited = await scene.ask(wire, "cem", "editMessage", {"conversation": "@group", "seq": OF_CEM, "content": "by Cem"})
    assert edited.assert_done()["message"]["content"] == "by Cem"


@pytest.mark.parametrize("wire", WIRES)
async def test_an_admin_does_not_remove_another(scene: Scene, wire: WireName) -> None:
    await scene.do("ann", "setRole", conversation="@group", user="@dan", role="admin")
    await scene.rest()
    async with scene.unchanged():
        answer = await scene.ask(wire, "bob", "removeMember", {"conversation": "@group", "user": "@dan"})
        answer.assert_refused(MAY_NOT)


@pytest.mark.parametrize("wire", WIRES)
async def test_knowing_too_much_at_once_is_refused(scene: Scene, wire: WireName) -> None:
    known = {f"{number:024x}": {"seq": 1} for number in range(501)}
    # An address that holds so much is too long before anybody counts.
    refusal = INVALID if wire == "socket" else (414, "too_large")
    async with scene.unchanged():
        (await scene.ask(wire, "cem", "sync", {"known": known})).assert_refused(refusal)


async def test_a_body_has_room_for_all_that_one_may_know(house: House, ann: Person) -> None:
    note = (await ann.post("/api/chat/messages", {"recipient": ann.id, "content": "to myself"})).json()["message"]
    everything = (await ann.get("/api/sync")).json()
    assert (await ann.post("/api/sync", {})).json() == everything
    assert everything["conversations"][0]["messages"] == [note]
    known = {note["conversation"]: {"seq": 1}, **{f"{number:024x}": {"seq": 1} for number in range(499)}}
    caught = (await ann.post("/api/sync", {"known": known})).json()
    assert caught["conversations"][0]["messages"] == []
    refused = await ann.post("/api/sync", {"known": known | {NOWHERE: {"seq": 1}}})
    assert (refused.status_code, refused.json()["details"]) == (422, {"field": "known"})


NAMING: dict[str, Json] = {
    "getConversation": {},
    "getMessages": {},
    "getChanges": {},
    "getMembers": {},
    "getReceipts": {},
    "getPresence": {},
    "getMessage": {"seq": 1},
    "getEdits": {"seq": 1},
    "getSeenBy": {"seq": 1},
    "sendMessage": {"content": "let me in"},
    "forwardMessage": {"seq": 1, "recipient": "@eve"},
    "editMessage": {"seq": 1, "content": "mine now"},
    "deleteMessage": {"seq": 1},
    "reactToMessage": {"seq": 1, "emoji": "👍"},
    "pinMessage": {"seq": 1},
    "markMessage": {"seq": 1, "starred": True},
    "markRead": {"seq": 1},
    "markDelivered": {"seq": 1},
    "setFlags": {"pinned": True},
    "setTyping": {},
    "updateGroup": {"title": "mine now"},
    "addMembers": {"members": ["@eve"]},
    "removeMember": {"user": "@ann"},
    "setRole": {"user": "@eve", "role": "owner"},
    "leaveGroup": {},
    "openConversation": {},
}
"""Every command that names a conversation."""
HARMLESS = {"closeConversation"}
"""Whatever is named, a device looks at it no more."""


async def test_the_table_has_every_command_that_names_a_conversation(house: House) -> None:
    document: Json = (await house.http.get("/asyncapi.json")).json()
    messages, schemas = document["channels"]["main"]["messages"], document["components"]["schemas"]
    naming = {
        event
        for event in await routes_of(house)
        if "conversation" in schemas[messages[event]["payload"]["$ref"].rpartition("/")[2]]["properties"]
    }
    assert naming - HARMLESS == set(NAMING)


@pytest.mark.parametrize("wire", WIRES)
async def test_an_outsider_is_told_of_nothing(scene: Scene, wire: WireName, subtests: pytest.Subtests) -> None:
    async with bystanding(scene.house) as bystanders, bystanders.unharmed():
        for event, form in NAMING.items():
            if not scene.is_on(wire, event):
                continue
            with subtests.test(event):
                async with scene.unchanged():
                    said = set()
                    for place in ("@group", "@alone", NOWHERE, "@eve", "Book club", "\0"):
                        answer = await scene.ask(wire, "eve", event, form | {"conversation": place})
                        answer.assert_refused(NOT_THERE)
                        said.add(answer.body["error"])
                    # What is others' and what is not there at all are answered alike.
                    assert len(said) == 1


@pytest.mark.parametrize("wire", WIRES)
async def test_who_is_in_one_conversation_of_somebody_is_outside_the_others(scene: Scene, wire: WireName) -> None:
    async with scene.unchanged():
        for event, form in NAMING.items():
            if scene.is_on(wire, event):
                answer = await scene.ask(wire, "cem", event, form | {"conversation": "@alone"})
                answer.assert_refused(NOT_THERE)
