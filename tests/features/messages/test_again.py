"""Sending again with the same client id, where what a message is made of is otherwise by then."""

from typing import Any

import httpx2
import pytest

from fireside.core.origins import OriginPolicy
from fireside.http.app import build
from fireside.http.health import Readiness
from tests.features.messages.chat import FakeAuthenticator
from tests.features.whole import ANN, BOB, CAT, DAN, Device, Node


class Rest:
    """Ann's HTTP client."""

    def __init__(self, node: Node) -> None:
        self._app = build(
            [node.routes()],
            {"messages": node.commands["messages"]},
            authenticator=FakeAuthenticator(),
            readiness=Readiness({}),
            origins=OriginPolicy(),
        )

    async def post(self, path: str, **body: Any) -> tuple[int, Any]:
        """Status and body of the answer."""
        transport = httpx2.ASGITransport(self._app)
        headers = {"Authorization": f"Bearer {ANN}"}
        async with httpx2.AsyncClient(transport=transport, base_url="http://chat", headers=headers) as client:
            answer = await client.post(f"/api/conversations/{path}", json=body)
        return answer.status_code, answer.json()


# ── who is named ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["leave", "come"])
async def test_it_is_the_same_message_whoever_of_those_it_names_has_come_or_gone(node: Node, what: str) -> None:
    here = await node.group(ANN, CAT, *([BOB] if what == "leave" else []))
    said = {"content": "@bob and @cat: hello", "clientId": "mine"}
    first = (await node.do(ANN, "sendMessage", conversation=here, **said))["message"]
    assert first["mentions"] == ([BOB, CAT] if what == "leave" else [CAT])
    if what == "leave":
        await node.do(BOB, "leaveGroup", conversation=here)
    else:
        await node.do(ANN, "addMembers", conversation=here, members=[BOB])
    node.publisher.told.clear()
    assert (await node.do(Device(ANN), "sendMessage", conversation=here, **said))["message"] == first
    assert await Rest(node).post(f"{here}/messages", **said) == (200, {"message": first})
    assert node.publisher.told == [], "nobody hears of it again"
    for other in ({"content": "@bob: hello"}, {"replyTo": 1}):
        refused = await node.refused(ANN, "sendMessage", conversation=here, **said | other)
        assert (refused.code, refused.details) == ("conflict", {"field": "clientId"})
        assert (await Rest(node).post(f"{here}/messages", **said | other))[0] == 409


# ── what was forwarded ───────────────────────────────────────────────────────────────────────────────────────────────


async def change(node: Node, here: str, copy: dict[str, Any], how: str) -> None:
    """Something happens to what Ann has forwarded, or to the copy."""
    if how == "edited":
        await node.do(ANN, "editMessage", conversation=here, seq=2, content="otherwise")
    if "hidden" in how:
        await node.do(ANN, "markMessage", conversation=here, seq=2, hidden=True)
    if "deleted" in how:
        await node.do(ANN, "deleteMessage", conversation=here, seq=2)
    if "the copy too" in how:
        await node.do(ANN, "deleteMessage", conversation=copy["conversation"], seq=copy["seq"])
    if how == "not hers to see":
        await node.do(ANN, "leaveGroup", conversation=here)
        await node.do(BOB, "addMembers", conversation=here, members=[ANN])


@pytest.mark.parametrize("how", ["edited", "deleted", "hidden", "not hers to see", "deleted, the copy too"])
async def test_it_is_the_same_message_whatever_became_of_what_it_forwards(node: Node, how: str) -> None:
    here = await node.group(ANN, BOB)
    await node.say(ANN, here, "original")
    place = {"conversation": here, "seq": 2}
    to = {"recipient": CAT, "clientId": "mine"}
    first = (await node.do(ANN, "forwardMessage", **place, **to))["message"]
    assert (first["content"], first["forwarded"]) == ("original", True)
    await change(node, here, first, how)
    node.publisher.told.clear()
    copy = (await node.do(ANN, "getMessage", conversation=first["conversation"], seq=1))["message"]
    assert (await node.do(Device(ANN), "forwardMessage", **place, **to))["message"] == copy
    assert (await Rest(node).post(f"{here}/messages/2/forward", **to))[1] == {"message": copy}
    assert node.publisher.told == [], "nobody hears of it again"


@pytest.mark.parametrize("how", ["", "deleted", "hidden", "not hers to see"])
async def test_a_client_id_used_for_another_message_is_not_one_that_was_forwarded(node: Node, how: str) -> None:
    here, there = await node.group(ANN, BOB), await node.direct(ANN, CAT)
    await node.say(ANN, here, "original")
    place = {"conversation": here, "seq": 2}
    copy = (await node.do(ANN, "forwardMessage", **place, recipient=CAT, clientId="forwarded"))["message"]
    await node.say(ANN, there, "original", clientId="said")
    await change(node, here, copy, how)
    node.publisher.told.clear()
    code = "not_found" if how == "not hers to see" else "conflict"
    for other in ({"recipient": CAT, "clientId": "said"}, {"recipient": DAN, "clientId": "forwarded"}):
        assert (await node.refused(ANN, "forwardMessage", **place, **other)).code == code
        assert (await Rest(node).post(f"{here}/messages/2/forward", **other))[1]["code"] == code
    refused = await node.refused(ANN, "sendMessage", conversation=there, content="original", clientId="forwarded")
    assert refused.code == "conflict"
    assert node.publisher.told == []


@pytest.mark.parametrize("client_id", ["", "a\x00", "\ud800", "a" * 129], ids=ascii)
async def test_a_client_id_must_be_one_also_where_there_is_nothing_to_forward(node: Node, client_id: str) -> None:
    here = await node.group(ANN, BOB)
    refused = await node.refused(ANN, "forwardMessage", conversation=here, seq=1, recipient=BOB, clientId=client_id)
    assert refused.code == "invalid_input"
