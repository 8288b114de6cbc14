"""Who may do what to a group: a table of every command and everybody."""

from typing import Any

import pytest

from fireside.core.errors import ChatError, Conflict, Forbidden, InvalidInput, NotFound
from tests.features.whole import ANN, BOB, CAT, DAN, EVE, Node, World

OWNER, ADMIN, MEMBER, LEFT, OUT = ANN, BOB, CAT, DAN, EVE
OTHER_ADMIN, OTHER_MEMBER, FRIEND = "5" * 24, "6" * 24, "7" * 24
"""Whom it is done to."""

Expected = type[ChatError] | None
DONE, NO, NONE = None, Forbidden, NotFound

TABLE: list[tuple[str, dict[str, Any], dict[str, Expected]]] = [
    ("updateGroup", {"title": "Others"}, {OWNER: DONE, ADMIN: DONE, MEMBER: NO}),
    ("updateGroup", {"description": "We read."}, {OWNER: DONE, ADMIN: DONE, MEMBER: NO}),
    ("updateGroup", {"picture": "media/1"}, {OWNER: DONE, ADMIN: DONE, MEMBER: NO}),
    ("updateGroup", {"openHistory": True}, {OWNER: DONE, ADMIN: DONE, MEMBER: NO}),
    ("addMembers", {"members": [FRIEND]}, {OWNER: DONE, ADMIN: DONE, MEMBER: NO}),
    ("addMembers", {"members": [LEFT]}, {OWNER: DONE, ADMIN: DONE, MEMBER: NO}),
    ("removeMember", {"user": OTHER_MEMBER}, {OWNER: DONE, ADMIN: DONE, MEMBER: NO}),
    ("removeMember", {"user": OTHER_ADMIN}, {OWNER: DONE, ADMIN: NO, MEMBER: NO}),
    ("removeMember", {"user": OWNER}, {OWNER: Conflict, ADMIN: NO, MEMBER: NO}),
    ("removeMember", {"user": ADMIN}, {OWNER: DONE, ADMIN: Conflict, MEMBER: NO}),
    ("removeMember", {"user": MEMBER}, {OWNER: DONE, ADMIN: DONE, MEMBER: NO}),
    ("removeMember", {"user": LEFT}, {OWNER: NONE, ADMIN: NONE, MEMBER: NO}),
    ("setRole", {"user": OTHER_MEMBER, "role": "admin"}, {OWNER: DONE, ADMIN: NO, MEMBER: NO}),
    ("setRole", {"user": OTHER_MEMBER, "role": "owner"}, {OWNER: DONE, ADMIN: NO, MEMBER: NO}),
    ("setRole", {"user": OTHER_ADMIN, "role": "member"}, {OWNER: DONE, ADMIN: NO, MEMBER: NO}),
    ("setRole", {"user": OTHER_ADMIN, "role": "admin"}, {OWNER: Conflict, ADMIN: NO, MEMBER: NO}),
    ("setRole", {"user": MEMBER, "role": "owner"}, {OWNER: DONE, ADMIN: NO, MEMBER: NO}),
    ("setRole", {"user": OWNER, "role": "member"}, {OWNER: Conflict, ADMIN: NO, MEMBER: NO}),
    ("setRole", {"user": LEFT, "role": "admin"}, {OWNER: NONE, ADMIN: NO, MEMBER: NO}),
    ("leaveGroup", {}, {OWNER: DONE, ADMIN: DONE, MEMBER: DONE}),
    ("getMembers", {}, {OWNER: DONE, ADMIN: DONE, MEMBER: DONE}),
    ("sendMessage", {"content": "hello"}, {OWNER: DONE, ADMIN: DONE, MEMBER: DONE}),
]
"""Of whom nothing is said, they are told that there is no such group."""
CASES = [
    pytest.param(command, fields, who, row.get(who, NONE), id=f"{command}-{'-'.join(map(str, fields.values()))}-{name}")
    for command, fields, row in TABLE
    for name, who in {"owner": OWNER, "admin": ADMIN, "member": MEMBER, "left": LEFT, "outsider": OUT}.items()
]


@pytest.fixture
async def group(world: World, node: Node) -> str:
    await world.join(OTHER_ADMIN, OTHER_MEMBER, FRIEND)
    here = await node.group(OWNER, ADMIN, MEMBER, LEFT, OTHER_ADMIN, OTHER_MEMBER)
    for each in (ADMIN, OTHER_ADMIN):
        await node.do(OWNER, "setRole", conversation=here, user=each, role="admin")
    await node.do(LEFT, "leaveGroup", conversation=here)
    return here


@pytest.mark.parametrize(("command", "fields", "who", "expected"), CASES)
async def test_what_somebody_may_do_depends_on_their_role(
    node: Node, group: str, command: str, fields: dict[str, Any], who: str, expected: Expected
) -> None:
    before = await node.do(OWNER, "getConversation", conversation=group)
    refusal: ChatError | None = None
    try:
        await node.do(who, command, conversation=group, **fields)
    except ChatError as error:
        refusal = error
    assert (None if refusal is None else type(refusal)) is expected
    if refusal is not None:
        assert await node.do(OWNER, "getConversation", conversation=group) == before, "nothing has happened"
    if who == OUT:
        assert refusal is not None
        assert refusal.message == "There is no such conversation."


@pytest.mark.parametrize(
    ("command", "fields"),
    [
        ("updateGroup", {"title": "Others"}),
        ("addMembers", {"members": [CAT]}),
        ("removeMember", {"user": BOB}),
        ("setRole", {"user": BOB, "role": "admin"}),
        ("leaveGroup", {}),
    ],
)
async def test_a_direct_conversation_stays_as_it_is(node: Node, command: str, fields: dict[str, Any]) -> None:
    here = await node.direct(ANN, BOB)
    assert isinstance(await node.refused(ANN, command, conversation=here, **fields), InvalidInput)
    assert isinstance(await node.refused(CAT, command, conversation=here, **fields), NotFound)
