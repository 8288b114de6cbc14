"""Sending again with the same `clientId` is safe, whichever way and whenever: the first message comes back."""

import pytest

from tests.journeys.people import MODES, SOON, House, Person


async def test_a_retry_over_any_transport_returns_the_first_message_and_is_heard_once(ann: Person, bob: Person) -> None:
    async with (
        bob.device() as bobs,
        ann.device("polling") as polling,
        ann.device("websocket") as websocket,
        ann.device("default") as default,
    ):
        first = await polling.send(bob, "once", clientId="c-1")
        for device in (websocket, default, polling):
            assert await device.send(bob, "once", clientId="c-1") == first
        repeated = {"recipient": bob.id, "content": "once", "clientId": "c-1"}
        by_person = await ann.post("/api/chat/messages", repeated)
        by_place = await ann.post(f"/api/conversations/{first['conversation']}/messages", repeated)
        for answer in (by_person, by_place):
            assert (answer.status_code, answer.json()) == (200, {"message": first})
        last = await websocket.send(bob, "and now something else")
        assert last["seq"] == 2
        assert [await bobs.heard(), await bobs.heard()] == [first, last]
        assert [await polling.heard()] == [last]
        assert [await default.heard(), await default.heard()] == [first, last]
    assert await bob.history(ann) == [first, last]


async def test_what_rest_has_sent_may_be_repeated_over_the_socket(ann: Person, bob: Person) -> None:
    posted = await ann.post("/api/chat/messages", {"recipient": bob.id, "content": "once", "clientId": "c-1"})
    async with ann.device() as anns:
        assert await anns.send(bob, "once", clientId="c-1") == posted.json()["message"]
    assert await ann.history(bob) == [posted.json()["message"]]


async def test_a_client_id_is_the_senders_own(ann: Person, bob: Person) -> None:
    async with ann.device() as anns, bob.device() as bobs:
        hers = await anns.send(bob, "mine", clientId="1")
        his = await bobs.send(ann, "no, mine", clientId="1")
    assert await ann.history(bob) == [hers, his]


@pytest.mark.parametrize("other", ["content", "person"])
async def test_a_client_id_that_is_used_for_something_else_is_a_conflict(
    house: House, ann: Person, bob: Person, eve: Person, other: str
) -> None:
    async with ann.device() as anns, bob.device() as bobs, eve.device() as eves:
        first = await anns.send(bob, "first", clientId="c-1")
        await eves.send(ann, "so that their conversation is there")
        before = house.store.counts()
        form = {"recipient": bob.id, "content": "second", "clientId": "c-1"}
        if other == "person":
            form |= {"recipient": eve.id, "content": "first"}
        refused = await anns.call("sendMessage", form)
        assert (refused["ok"], refused["code"]) == (False, "conflict")
        posted = await ann.post("/api/chat/messages", form)
        assert (posted.status_code, posted.json()["code"]) == (409, "conflict")
        assert house.store.counts() == before
        next_one = await anns.send(bob, "second", clientId="c-2")
        assert next_one["seq"] == 2
        assert [await bobs.heard(), await bobs.heard()] == [first, next_one]


async def test_after_the_server_was_killed_clients_return_and_retries_find_the_first_message(own_house: House) -> None:
    ann, bob = await own_house.person("ann"), await own_house.person("bob")
    async with (
        ann.device("polling", **SOON) as polling,
        ann.device("websocket", **SOON) as websocket,
        bob.device("default", **SOON) as bobs,
    ):
        devices = {"polling": polling, "websocket": websocket, "default": bobs}
        assert set(devices) == set(MODES)
        first = await websocket.send(bob, "before", clientId="c-1")
        assert await bobs.heard() == await polling.heard() == first
        own_house.server.kill()
        await own_house.server.start()
        for device in devices.values():
            await device.returned()
        for device in (polling, websocket):
            assert await device.send(bob, "before", clientId="c-1") == first
        repeated = {"recipient": bob.id, "content": "before", "clientId": "c-1"}
        posted = await ann.post("/api/chat/messages", repeated)
        assert (posted.status_code, posted.json()) == (200, {"message": first})
        refused = await polling.call("sendMessage", repeated | {"content": "after"})
        assert refused["code"] == "conflict"
        second = await polling.send(bob, "after")
        assert await bobs.heard() == await websocket.heard() == second
        assert second["seq"] == 2
    assert await bob.history(ann) == [first, second]
