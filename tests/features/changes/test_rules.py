"""Who may do what to a message, and until when."""

from typing import Any

import pytest

from fireside.core.errors import ChatError, Conflict, Forbidden, InvalidInput, NotFound
from tests.features.whole import ANN, BOB, CAT, DAN, EVE, NOBODY, WINDOWS, Node, World

LEFT, OUT = "7" * 24, "8" * 24
OWNER, ADMIN, SENDER, MEMBER, NEWCOMER = ANN, CAT, BOB, DAN, EVE
EVERYBODY = (OWNER, ADMIN, SENDER, MEMBER, NEWCOMER, LEFT, OUT)

COMMANDS: dict[str, dict[str, Any]] = {
    "editMessage": {"content": "otherwise"},
    "deleteMessage": {},
    "reactToMessage": {"emoji": "👍"},
    "pinMessage": {"pinned": True},
}
MAY = {
    "editMessage": {SENDER},
    "deleteMessage": {OWNER, ADMIN, SENDER},
    "reactToMessage": {OWNER, ADMIN, SENDER, MEMBER},
    "pinMessage": {OWNER, ADMIN},
}
"""To a message of the sender's, a plain member."""
SEQ = 3


@pytest.fixture
async def group(world: World, node: Node) -> str:
    """One with people of all kinds; the message stands at `SEQ`."""
    await world.join(LEFT, OUT)
    here = await node.group(OWNER, ADMIN, SENDER, MEMBER, LEFT)
    await node.do(OWNER, "setRole", conversation=here, user=ADMIN, role="admin")
    assert await node.say(SENDER, here) == SEQ
    await node.do(OWNER, "addMembers", conversation=here, members=[NEWCOMER])
    await node.do(LEFT, "leaveGroup", conversation=here)
    return here


async def attempt(node: Node, who: str, command: str, conversation: str, seq: int = SEQ) -> type[ChatError] | None:
    """Why it is refused."""
    try:
        await node.do(who, command, conversation=conversation, seq=seq, **COMMANDS[command])
    except ChatError as refusal:
        return type(refusal)
    return None


@pytest.mark.parametrize("who", EVERYBODY)
@pytest.mark.parametrize("command", COMMANDS)
async def test_in_a_group_it_depends_on_who_one_is(node: Node, group: str, who: str, command: str) -> None:
    expected = None if who in MAY[command] else Forbidden if who in (OWNER, ADMIN, SENDER, MEMBER) else NotFound
    assert await attempt(node, who, command, group) is expected
    message = (await node.do(MEMBER, "getMessage", conversation=group, seq=SEQ))["message"]
    assert message.get("rev", 0) == (1 if expected is None else 0)


@pytest.mark.parametrize("who", [ANN, BOB, EVE])
@pytest.mark.parametrize("command", COMMANDS)
async def test_in_a_direct_conversation_both_may_pin_and_each_edits_and_deletes_what_they_said(
    node: Node, who: str, command: str
) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    may = {ANN} if command in ("editMessage", "deleteMessage") else {ANN, BOB}
    expected = None if who in may else NotFound if who == EVE else Forbidden
    assert await attempt(node, who, command, here, 1) is expected


@pytest.mark.parametrize("command", COMMANDS)
async def test_what_happened_to_a_group_cannot_be_changed_by_anybody(node: Node, group: str, command: str) -> None:
    for who in (OWNER, ADMIN, MEMBER):
        assert await attempt(node, who, command, group, 1) is Forbidden


@pytest.mark.parametrize("command", [*COMMANDS, "getEdits"])
async def test_there_is_nothing_to_change_where_there_is_no_message(node: Node, group: str, command: str) -> None:
    fields = COMMANDS.get(command, {})
    for conversation, seq in ((group, 99), (NOBODY, 1), ("me", 1)):
        refused = await node.refused(OWNER, command, conversation=conversation, seq=seq, **fields)
        assert isinstance(refused, NotFound)


async def test_who_has_left_has_lost_the_right_to_what_they_said(node: Node, group: str) -> None:
    await node.do(SENDER, "leaveGroup", conversation=group)
    for command in COMMANDS:
        assert await attempt(node, SENDER, command, group) is NotFound


# ── until when ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("command", "within_s"), [("editMessage", WINDOWS.edit_s), ("deleteMessage", WINDOWS.delete_s)]
)
async def test_ones_own_message_can_be_changed_for_so_long_to_the_second(
    node: Node, command: str, within_s: int
) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    await node.say(ANN, here)
    node.time.go_on(within_s)
    assert await attempt(node, ANN, command, here, 1) is None
    node.time.go_on(0.001)
    refused = await node.refused(ANN, command, conversation=here, seq=2, **COMMANDS[command])
    assert isinstance(refused, Forbidden)
    assert refused.details == {"withinS": within_s}


async def test_what_is_no_matter_of_time_can_be_done_ever_after(node: Node, group: str) -> None:
    node.time.go_on(10 * WINDOWS.delete_s)
    for who, command in ((MEMBER, "reactToMessage"), (ADMIN, "pinMessage"), (OWNER, "deleteMessage")):
        assert await attempt(node, who, command, group) is None


async def test_what_is_so_already_is_answered_however_late(node: Node) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here, "one")
    await node.say(ANN, here, "two")
    await node.do(ANN, "deleteMessage", conversation=here, seq=1)
    node.time.go_on(10 * WINDOWS.delete_s)
    assert (await node.do(ANN, "deleteMessage", conversation=here, seq=1))["rev"] == 1
    assert (await node.do(ANN, "editMessage", conversation=here, seq=2, content="two"))["rev"] == 0


# ── what was deleted ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", COMMANDS)
async def test_what_was_deleted_is_changed_no_more(node: Node, group: str, command: str) -> None:
    await node.do(OWNER, "deleteMessage", conversation=group, seq=SEQ)
    expected = None if command == "deleteMessage" else Conflict
    for who in MAY[command]:
        assert await attempt(node, who, command, group) is expected
    assert (await node.do(MEMBER, "getChanges", conversation=group))["rev"] == 1


# ── what may be said ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("content", ["", "a\x00b", "\ud800", "x" * 16_385], ids=lambda text: ascii(text)[:12])
async def test_an_edit_must_be_text_as_a_message_must(node: Node, content: str) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    refused = await node.refused(ANN, "editMessage", conversation=here, seq=1, content=content)
    assert isinstance(refused, InvalidInput)
    assert refused.details is not None
    assert refused.details["field"] == "content"
    assert (await node.do(ANN, "editMessage", conversation=here, seq=1, content="x" * 16_384))["rev"] == 1


@pytest.mark.parametrize("emoji", ["👍", "👨\u200d👩\u200d👧", "🇫🇷", "👍🏽", "❤️", "é", "漢"])
async def test_an_emoji_is_whatever_looks_like_one(node: Node, emoji: str) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    done = await node.do(BOB, "reactToMessage", conversation=here, seq=1, emoji=emoji)
    assert done["message"]["reactions"] == {BOB: emoji}


@pytest.mark.parametrize("emoji", ["", "a", "<b>", "👍 👍", "👍\n", "\ud83d", "👍\x00", "👍" * 17, "\u3000"], ids=ascii)
async def test_and_not_what_does_not(node: Node, emoji: str) -> None:
    here = await node.direct(ANN, BOB)
    await node.say(ANN, here)
    refused = await node.refused(BOB, "reactToMessage", conversation=here, seq=1, emoji=emoji)
    assert isinstance(refused, InvalidInput)
    assert refused.details is not None
    assert refused.details["field"] == "emoji"
