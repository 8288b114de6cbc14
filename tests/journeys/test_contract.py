"""The contract that existing clients rely on (written for the common Node chat back end): only the token is added."""

import re
from typing import Any

import pytest

from tests.journeys.people import PATIENCE_S, Device, House, Person, new_name, open_client
from tests.serving import PASSWORD

ID = re.compile(r"[0-9a-f]{24}\Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
MESSAGE = {"_id", "conversation", "seq", "sender", "recipient", "content", "timestamp", "clientId"}

# bcryptjs.hashSync(PASSWORD, 10) of bcryptjs 3.0.3, and the prefix that its 2.x wrote for the same hash.
BCRYPTJS = "$2b$10$Yp7dtbftRtLlWWWo3QciMe.WeqX3X98oL8n6o0pFfSFeYlvWnA6gC"


async def test_a_tutorial_client_works_with_the_token_added(house: House) -> None:
    """Register, log in, connect, join, send without acknowledgement, hear, read the history."""
    people = []
    for name in ("tom", "una"):
        credentials = {"username": (await house.person(name)).username, "password": PASSWORD}
        answer = await house.http.post("/api/users/login", json=credentials)
        assert answer.status_code == 200
        people.append(house.known(credentials["username"], answer.json()))
    tom, una = people

    async with tom.device("default") as toms, una.device("default") as unas:
        await toms.client.emit("join", {"userId": tom.id})
        await unas.client.emit("join", {"userId": una.id})
        await toms.client.emit("sendMessage", {"sender": tom.id, "recipient": una.id, "content": "Hi Una"})
        heard = await unas.heard()
        await unas.client.emit("sendMessage", {"sender": una.id, "recipient": tom.id, "content": "Hi Tom"})
        answered = await toms.heard()

    assert set(heard) == MESSAGE
    assert (heard["sender"], heard["recipient"], heard["content"]) == (tom.id, una.id, "Hi Una")
    assert TIME.match(heard["timestamp"])
    assert (answered["sender"], answered["recipient"], answered["content"]) == (una.id, tom.id, "Hi Tom")
    assert [heard["seq"], answered["seq"]] == [1, 2]
    history = await tom.get("/api/chat/messages", sender=tom.id, recipient=una.id)
    assert history.json() == [heard, answered]
    assert (await una.get("/api/chat/messages", sender=tom.id, recipient=una.id)).json() == [heard, answered]


async def test_registering_answers_with_the_user_and_a_token_and_never_with_the_password(house: House) -> None:
    form = {"username": new_name("Vic"), "password": PASSWORD, "email": "vic@example.org"}
    answer = await house.http.post("/api/users/register", json=form)
    assert answer.status_code == 201
    assert set(answer.json()) == {"user", "token"}
    user = answer.json()["user"]
    assert set(user) == {"_id", "username", "email", "createdAt"}
    assert (user["username"], user["email"]) == (form["username"], form["email"])
    assert ID.match(user["_id"])
    assert TIME.match(user["createdAt"])
    again = await house.http.post("/api/users/register", json={**form, "username": form["username"].upper()})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    welcome = await house.http.post("/api/users/login", json={"username": form["username"], "password": PASSWORD})
    assert welcome.json()["user"] == user
    assert "$2" not in answer.text + welcome.text


async def test_a_wrong_password_and_an_unknown_name_are_answered_alike(house: House, ann: Person) -> None:
    wrong = await house.http.post("/api/users/login", json={"username": ann.username, "password": "wrong password"})
    unknown = await house.http.post("/api/users/login", json={"username": "nobody", "password": PASSWORD})
    for answer in (wrong, unknown):
        assert answer.status_code == 401
        assert answer.json()["error"] == "Invalid credentials"
        assert answer.json()["code"] == "invalid_credentials"


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$"])
async def test_somebody_whose_hash_bcryptjs_wrote_logs_in(house: House, prefix: str) -> None:
    username = new_name("old")
    user_id = house.store.add_user(username, prefix + BCRYPTJS[4:])
    answer = await house.http.post("/api/users/login", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"]["_id"] == user_id
    async with house.known(username, answer.json()).device() as device:
        assert (await device.send(user_id, "still here"))["sender"] == user_id
    wrong = await house.http.post("/api/users/login", json={"username": username, "password": PASSWORD + "r"})
    assert wrong.status_code == 401


async def test_fields_that_are_not_ours_are_ignored(house: House, ann: Person, bob: Person) -> None:
    """Existing clients send more than is read: avatars, rooms, their own idea of the time."""
    extra: dict[str, Any] = {"avatar": "x.png", "timestamp": "1999-01-01", "_id": "mine", "room": {"a": []}}
    form = {"username": new_name("xena"), "password": PASSWORD, "email": "x@example.org"}
    assert (await house.http.post("/api/users/register", json={**form, **extra})).status_code == 201
    assert (await house.http.post("/api/users/login", json={**form, **extra})).status_code == 200
    async with ann.device() as anns, bob.device() as bobs:
        assert await anns.call("join", {"userId": ann.id, **extra}) == {"ok": True}
        sent = await anns.send(bob, "over the socket", **extra)
        posted = await ann.post("/api/chat/messages", {"recipient": bob.id, "content": "over HTTP", **extra})
        assert posted.status_code == 201
        heard = [await bobs.heard(), await bobs.heard()]
    assert heard == [sent, posted.json()["message"]]
    assert all(set(message) == MESSAGE for message in heard)
    query = {"sender": ann.id, "recipient": bob.id, "userId": "somebody", "page": "2"}
    assert (await bob.get("/api/chat/messages", **query)).json() == heard


async def test_the_token_may_come_in_the_header_instead(ann: Person) -> None:
    async with open_client() as client:
        device = Device(client)
        await client.connect(ann.url, headers=ann.headers, transports=["websocket"], wait_timeout=PATIENCE_S)
        assert (await device.send(ann, "by header"))["sender"] == ann.id


async def test_join_is_for_oneself(ann: Person, bob: Person) -> None:
    async with ann.device() as anns:
        assert await anns.call("join", {"userId": ann.id}) == {"ok": True}
        refused = await anns.call("join", {"userId": bob.id})
        assert (refused["ok"], refused["code"]) == (False, "forbidden")


async def test_who_asked_for_no_acknowledgement_is_told_of_a_refusal_by_event(ann: Person) -> None:
    async with ann.device() as anns:
        await anns.client.emit("sendMessage", {"recipient": ann.id})
        refused = await anns.heard("eventRefused")
    assert set(refused) >= {"event", "error", "code", "requestId"}
    assert (refused["event"], refused["code"]) == ("sendMessage", "invalid_input")


async def test_the_senders_other_devices_hear_it_and_the_sending_one_gets_only_its_answer(
    ann: Person, bob: Person
) -> None:
    async with ann.device() as phone, ann.device("polling") as laptop, bob.device() as bobs:
        sent = await phone.send(bob, "from the phone")
        assert await laptop.heard() == sent
        assert await bobs.heard() == sent
        # Had the phone heard its own message, it would stand before this one.
        answer = await laptop.send(bob, "from the laptop")
        assert await phone.heard() == answer


async def test_a_message_sent_by_rest_reaches_everybodys_devices(ann: Person, bob: Person) -> None:
    async with ann.device() as phone, ann.device() as laptop, bob.device() as bobs:
        posted = await ann.post("/api/chat/messages", {"recipient": bob.id, "content": "by REST"})
        message = posted.json()["message"]
        assert posted.status_code == 201
        for device in (phone, laptop, bobs):
            assert await device.heard() == message
        path = f"/api/conversations/{message['conversation']}/messages"
        answered = await bob.post(path, {"content": "by REST, by its id"})
        assert answered.status_code == 201
        for device in (phone, laptop, bobs):
            assert await device.heard() == answered.json()["message"]
    assert (await ann.get(path)).json()["messages"] == await ann.history(bob)


async def test_one_may_write_notes_to_oneself(ann: Person, bob: Person) -> None:
    async with ann.device() as phone, ann.device() as laptop:
        note = await phone.send(ann, "milk")
        assert (note["sender"], note["recipient"], note["seq"]) == (ann.id, ann.id, 1)
        assert await laptop.heard() == note
        posted = await ann.post("/api/chat/messages", {"recipient": ann.id, "content": "bread"})
        assert [(await phone.heard())["seq"], (await laptop.heard())["seq"]] == [2, 2]
    assert await ann.history(ann) == [note, posted.json()["message"]]
    hidden = await bob.get(f"/api/conversations/{note['conversation']}/messages")
    assert (hidden.status_code, hidden.json()["code"]) == (404, "not_found")


async def test_content_is_kept_as_it_came(ann: Person, bob: Person) -> None:
    family = "\U0001f469\u200d\U0001f467"
    texts = [
        "<b onclick=x>&amp;</b>",
        " spaces \n\t ",
        "{{7*7}} $where '; --",
        "e\u0301 \u202eabc",
        family,
        "x" * 16384,
    ]
    async with ann.device() as anns, bob.device() as bobs:
        for text in texts:
            assert (await anns.send(bob, text))["content"] == text
            assert (await bobs.heard())["content"] == text
    assert [message["content"] for message in await bob.history(ann)] == texts
