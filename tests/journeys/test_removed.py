"""Who is removed from a group while they are connected: they hear of it, and of nothing after it.

They keep what they could see by then, as it was, but for what has been deleted since; and nothing that they do there
is done.
"""

from collections.abc import AsyncIterator

import pytest

from tests.journeys.people import MODES, House, Json
from tests.journeys.scene import OF_ANN, OF_BOB, OF_CEM, OF_DAN, WIRES, Scene, WireName, scene_in

NOT_THERE = (404, "not_found")
GROUP = {"conversation": "@group"}
REMOVAL = OF_DAN + 1
"""The message that says so."""
AFTER = REMOVAL + 1

OF_MEMBERS: dict[str, Json] = {
    "sendMessage": {"content": "I am still here"},
    "editMessage": {"seq": OF_CEM, "content": "otherwise"},
    "deleteMessage": {"seq": OF_CEM},
    "reactToMessage": {"seq": OF_ANN, "emoji": "👎"},
    "pinMessage": {"seq": OF_ANN},
    "markRead": {"seq": REMOVAL},
    "markDelivered": {"seq": REMOVAL},
    "setTyping": {},
    "updateGroup": {"title": "Without me"},
    "addMembers": {"members": ["@cem"]},
    "removeMember": {"user": "@ann"},
    "setRole": {"user": "@cem", "role": "admin"},
    "leaveGroup": {},
    "openConversation": {},
    "getPresence": {},
    "getMembers": {},
}
"""What members do."""
BEYOND: dict[str, Json] = {
    "getMessage": {"seq": AFTER},
    "getEdits": {"seq": AFTER},
    "getSeenBy": {"seq": AFTER},
    "markMessage": {"seq": AFTER, "starred": True},
    "forwardMessage": {"seq": AFTER, "to": "@group"},
}
"""Of a message that they could not see."""


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    """Cem is about to be removed."""
    async with scene_in(house) as scene:
        yield scene


async def go_on_without_him(scene: Scene) -> None:
    """Everything that can be told of a group, once; the last of it is said to Cem alone."""
    said = await scene.do("ann", "sendMessage", **GROUP, content="between us")
    assert said["message"]["seq"] == AFTER
    await scene.do("ann", "editMessage", **GROUP, seq=OF_ANN, content="what he shall not see")
    await scene.do("ann", "reactToMessage", **GROUP, seq=OF_BOB, emoji="🎉")
    await scene.do("ann", "pinMessage", **GROUP, seq=OF_BOB)
    await scene.do("bob", "deleteMessage", **GROUP, seq=OF_DAN)
    await scene.do("dan", "setTyping", **GROUP)
    await scene.do("dan", "markRead", **GROUP, seq=AFTER)
    await scene.do("ann", "updateGroup", **GROUP, title="Without Cem")
    await scene.do("ann", "setRole", **GROUP, user="@dan", role="admin")
    await scene.do("ann", "addMembers", **GROUP, members=["@eve"])


@pytest.mark.parametrize("mode", MODES)
async def test_they_hear_that_they_are_gone_and_nothing_of_what_comes_after(scene: Scene, mode: str) -> None:
    cem = scene.people["cem"]
    async with cem.device(mode) as device, cem.device() as other:
        for each in (device, other):
            assert (await each.call("openConversation", scene.filled(GROUP)))["ok"]
            each.waiting()
        removed = await scene.do("bob", "removeMember", **GROUP, user="@cem")
        assert await device.heard() == await other.heard() == removed["message"]
        assert removed["message"]["system"]["member"] == cem.id
        await go_on_without_him(scene)
        last = await scene.do("ann", "sendMessage", recipient="@cem", content="to you alone")
        assert await device.heard() == await other.heard() == last["message"]
        async with cem.device() as late:
            heads = (await late.heard("heads"))["heads"]
            assert [each["conversation"] for each in heads] == [last["message"]["conversation"]]


@pytest.mark.parametrize("wire", WIRES)
async def test_nothing_that_they_do_there_is_done(scene: Scene, wire: WireName, subtests: pytest.Subtests) -> None:
    await scene.do("bob", "removeMember", **GROUP, user="@cem")
    await go_on_without_him(scene)
    await scene.rest()
    for event, form in (OF_MEMBERS | BEYOND).items():
        if scene.is_on(wire, event):
            with subtests.test(event):
                async with scene.unchanged():
                    (await scene.ask(wire, "cem", event, GROUP | form)).assert_refused(NOT_THERE)


@pytest.mark.parametrize("wire", WIRES)
async def test_what_they_sent_before_may_be_sent_again_and_is_what_it_was(scene: Scene, wire: WireName) -> None:
    form = GROUP | {"content": "in time", "clientId": "c-1"}
    first = (await scene.ask(wire, "cem", "sendMessage", form)).assert_done()["message"]
    await scene.do("bob", "removeMember", **GROUP, user="@cem")
    await scene.rest()
    async with scene.unchanged():
        again = await scene.ask(wire, "cem", "sendMessage", form)
        assert again.assert_done()["message"] == first
        (await scene.ask(wire, "cem", "sendMessage", form | {"clientId": "c-2"})).assert_refused(NOT_THERE)


@pytest.mark.parametrize("wire", WIRES)
async def test_they_read_what_they_could_see_and_nothing_newer(scene: Scene, wire: WireName) -> None:
    async def read(event: str, **form: object) -> Json:
        return (await scene.ask(wire, "cem", event, form)).assert_done()

    cursor = (await read("sync"))["cursor"]
    removed = await scene.do("bob", "removeMember", **GROUP, user="@cem")
    messages = (await read("getMessages", **GROUP))["messages"]
    assert [each["seq"] for each in messages] == list(range(1, REMOVAL + 1))
    assert messages[-1] == removed["message"]
    changes = await read("getChanges", **GROUP)
    await go_on_without_him(scene)
    # What has been deleted is gone for everyone, and nothing else has changed.
    (deleted,) = [each for each in messages if each["seq"] == OF_DAN]
    kept = (await read("getMessages", **GROUP))["messages"]
    assert [each for each in kept if each["seq"] != OF_DAN] == [each for each in messages if each != deleted]
    (gone,) = [each for each in kept if each["seq"] == OF_DAN]
    assert (gone["content"], "deletedAt" in gone) == ("", True)
    assert (await read("getMessages", **GROUP, after=REMOVAL))["messages"] == []
    assert (await read("getMessage", **GROUP, seq=OF_ANN))["message"]["content"] == "by ann"
    assert [each["content"] for each in (await read("getEdits", **GROUP, seq=OF_ANN))["versions"]] == ["by ann"]
    assert await read("getChanges", **GROUP) == changes
    assert (await read("getReceipts", **GROUP))["receipts"] == []
    known = {"@group": {"seq": OF_DAN, "rev": changes["rev"]}}
    for caught in (await read("sync", cursor=cursor, known=known), await read("sync", known=known)):
        (item,) = [each for each in caught["conversations"] if each["conversation"]["_id"] == scene.ids["@group"]]
        assert (item["seq"], item["rev"], item["changed"]) == (REMOVAL, changes["rev"], [])
        assert [each["seq"] for each in item["messages"]] == [REMOVAL]
