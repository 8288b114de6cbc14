"""What changes make of a message: its numbers, its edits, and what the others hear."""

from typing import Any

import pytest

from fireside.core.errors import NotFound
from tests.features.whole import ANN, BOB, CAT, DAN, EVE, NOW, Device, Node, seqs

LATER = "2023-11-14T22:13:30.123Z"
"""Ten seconds after `NOW`."""


@pytest.fixture
async def here(node: Node) -> str:
    """Ann has said something to Bob."""
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here, "one", clientId="mine")
    return here


def message(here: str, **changed: Any) -> dict[str, Any]:
    """It, as it is by now."""
    said = {
        "_id": f"{here}000000000001",
        "conversation": here,
        "seq": 1,
        "sender": ANN,
        "content": "one",
        "timestamp": NOW,
        "clientId": "mine",
        "recipient": BOB,
    }
    return said | changed


async def read(node: Node, who: str, here: str, seq: int = 1) -> Any:
    return (await node.do(who, "getMessage", conversation=here, seq=seq))["message"]


# ── what it shows ────────────────────────────────────────────────────────────────────────────────────────────────────

CHANGES = [
    (ANN, "editMessage", {"content": "two"}, {"content": "two", "editedAt": LATER}, "messageEdited"),
    (
        ANN,
        "deleteMessage",
        {},
        {"content": "", "deletedAt": LATER, "deletedBy": ANN},
        "messageDeleted",
    ),
    (BOB, "reactToMessage", {"emoji": "👍"}, {"reactions": {BOB: "👍"}}, "messageReacted"),
    (BOB, "pinMessage", {"pinned": True}, {"pinned": {"by": BOB, "at": LATER}}, "messagePinned"),
]
CHANGE_IDS = ["edit", "deletion", "reaction", "pin"]


@pytest.mark.parametrize(("who", "command", "fields", "shown", "event"), CHANGES, ids=CHANGE_IDS)
async def test_whoever_reads_the_message_sees_it_and_every_other_device_hears_it(
    node: Node, here: str, who: str, command: str, fields: dict[str, Any], shown: dict[str, Any], event: str
) -> None:
    node.time.go_on(10)
    node.publisher.told.clear()
    device = Device(who)
    after = message(here, rev=1, **shown)
    assert await node.do(device, command, conversation=here, seq=1, **fields) == {
        "ok": True,
        "rev": 1,
        "message": after,
    }
    (told,) = node.publisher.told
    assert told == ([ANN, BOB], event, {"conversation": here, "rev": 1, "message": after}, device)
    for reader in (ANN, BOB):
        assert await read(node, reader, here) == after
        assert (await node.do(reader, "getMessages", conversation=here))["messages"] == [after]


@pytest.mark.parametrize(("who", "command", "fields", "shown", "event"), CHANGES, ids=CHANGE_IDS)
async def test_repeating_it_changes_nothing_tells_nobody_and_is_answered_with_how_things_are(
    node: Node, here: str, who: str, command: str, fields: dict[str, Any], shown: dict[str, Any], event: str
) -> None:
    first = await node.do(who, command, conversation=here, seq=1, **fields)
    node.publisher.told.clear()
    node.time.go_on(1)
    assert await node.do(who, command, conversation=here, seq=1, **fields) == first
    assert node.publisher.told == []
    assert (await node.do(ANN, "getChanges", conversation=here))["rev"] == 1


async def test_each_has_one_reaction_and_may_take_it_back(node: Node, here: str) -> None:
    steps: list[tuple[str, str | None, dict[str, str]]] = [
        (ANN, "👍", {ANN: "👍"}),
        (BOB, "🎉", {ANN: "👍", BOB: "🎉"}),
        (ANN, "🎉", {ANN: "🎉", BOB: "🎉"}),
        (BOB, None, {ANN: "🎉"}),
        (ANN, None, {}),
    ]
    for rev, (who, emoji, reactions) in enumerate(steps, 1):
        done = await node.do(who, "reactToMessage", conversation=here, seq=1, emoji=emoji)
        assert (done["rev"], done["message"].get("reactions", {})) == (rev, reactions)
    assert (await node.do(ANN, "reactToMessage", conversation=here, seq=1))["rev"] == 5, "there is none to take back"


async def test_a_pin_is_taken_away_by_whoever_may_set_it(node: Node, here: str) -> None:
    await node.do(ANN, "pinMessage", conversation=here, seq=1)
    again = await node.do(BOB, "pinMessage", conversation=here, seq=1)
    assert (again["rev"], again["message"]["pinned"]["by"]) == (1, ANN)
    assert "pinned" not in (await node.do(BOB, "pinMessage", conversation=here, seq=1, pinned=False))["message"]


async def test_what_is_deleted_keeps_its_place_and_nothing_of_what_it_was(node: Node, here: str) -> None:
    await node.say(BOB, here, "an answer", replyTo=1)
    await node.do(BOB, "editMessage", conversation=here, seq=2, content="a secret")
    await node.do(ANN, "reactToMessage", conversation=here, seq=2, emoji="👍")
    await node.do(ANN, "pinMessage", conversation=here, seq=2)
    await node.do(BOB, "deleteMessage", conversation=here, seq=2)
    deleted = await read(node, ANN, here, 2)
    assert deleted.keys() == {
        *("_id", "conversation", "seq", "sender", "content", "timestamp", "clientId", "recipient"),
        *("rev", "deletedAt", "deletedBy"),
    }
    assert deleted["content"] == ""
    assert (await node.do(ANN, "getEdits", conversation=here, seq=2))["versions"] == []
    kept = await node.stores.changes.after(here, 0, 10)
    assert [each.rev for each in kept] == [1, 2, 3, 4]
    assert b"secret" not in b"".join(str(each).encode() for each in kept), "nor is it on disk"
    assert b"an answer" not in b"".join(str(each).encode() for each in kept)


async def test_sending_again_what_was_edited_since_returns_the_message_as_it_is(node: Node, here: str) -> None:
    await node.do(ANN, "editMessage", conversation=here, seq=1, content="two")
    node.publisher.told.clear()
    again = await node.do(ANN, "sendMessage", conversation=here, content="one", clientId="mine")
    assert (again["message"]["seq"], again["message"]["content"], again["message"]["rev"]) == (1, "two", 1)
    assert node.publisher.told == []


# ── what it said before ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_versions_of_a_message_are_what_it_has_said_and_when(node: Node, here: str) -> None:
    async def versions(who: str) -> list[tuple[str, str]]:
        found = (await node.do(who, "getEdits", conversation=here, seq=1))["versions"]
        return [(each["content"], each["timestamp"]) for each in found]

    assert await versions(BOB) == [("one", NOW)]
    node.time.go_on(10)
    await node.do(ANN, "editMessage", conversation=here, seq=1, content="two")
    await node.do(BOB, "reactToMessage", conversation=here, seq=1, emoji="👍")
    await node.do(ANN, "editMessage", conversation=here, seq=1, content="one")
    for who in (ANN, BOB):
        assert await versions(who) == [("one", NOW), ("two", LATER), ("one", LATER)]
    assert isinstance(await node.refused(EVE, "getEdits", conversation=here, seq=1), NotFound)


# ── who hears what ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_newcomer_hears_the_number_and_not_the_message_they_cannot_see(node: Node) -> None:
    here = await node.group(ANN, BOB)
    await node.say(ANN, here, "before")
    await node.do(ANN, "addMembers", conversation=here, members=[CAT, DAN])
    await node.say(ANN, here, "after")
    node.publisher.told.clear()
    for seq in (2, 4):
        await node.do(ANN, "editMessage", conversation=here, seq=seq, content="otherwise")
    whole, _ = node.publisher.heard(BOB, "messageEdited")
    assert whole["message"]["content"] == "otherwise"
    for newcomer in (CAT, DAN):
        bare, other = node.publisher.heard(newcomer, "messageEdited")
        assert bare == {"conversation": here, "rev": 1}
        assert (other["rev"], other["message"]["seq"]) == (2, 4)
        answer = await node.do(newcomer, "getChanges", conversation=here)
        assert (seqs(answer["messages"]), answer["rev"]) == ([4], 2), "nor when they catch up"
        for command in ("getMessage", "getEdits"):
            assert isinstance(await node.refused(newcomer, command, conversation=here, seq=2), NotFound)


async def test_in_an_open_group_newcomers_hear_it_all(node: Node) -> None:
    here = await node.group(ANN, BOB, openHistory=True)
    await node.say(ANN, here, "before")
    await node.do(ANN, "addMembers", conversation=here, members=[CAT])
    await node.do(ANN, "editMessage", conversation=here, seq=2, content="otherwise")
    (told,) = node.publisher.heard(CAT, "messageEdited")
    assert told["message"]["content"] == "otherwise"


async def test_who_has_left_hears_nothing_more(node: Node) -> None:
    here = await node.group(ANN, BOB, CAT)
    await node.say(ANN, here)
    await node.do(CAT, "leaveGroup", conversation=here)
    node.publisher.told.clear()
    await node.do(ANN, "editMessage", conversation=here, seq=2, content="otherwise")
    assert node.publisher.heard(CAT) == []
    assert len(node.publisher.heard(BOB)) == 1
