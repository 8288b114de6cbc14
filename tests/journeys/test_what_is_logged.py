"""What a server logs, with debugging on, while people use it well and badly: every line says whose it is, and none has
anything in it that was said in confidence."""

import json
from collections.abc import Mapping

import pytest

from tests.journeys.people import House, Person
from tests.journeys.wire import poll, wire
from tests.serving import PASSWORD, SECRET

TEXT = "nobody-else-may-read-this"
WRONG = "a-wrong-password"
FORGED = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6ImZvcmdlZCJ9.bm90LXNpZ25lZA"
MONITOR = "a-token-of-monitors"


@pytest.fixture
def settings() -> Mapping[str, str]:
    return {"FIRESIDE_LOG_LEVEL": "debug", "FIRESIDE_LOG_FORMAT": "json", "FIRESIDE_METRICS_TOKEN": MONITOR}


async def log_in_well_and_badly(house: House, ann: Person) -> None:
    for name, password in ((ann.username, PASSWORD), (ann.username, WRONG), ("nobody-at-all", WRONG)):
        await house.http.post("/api/users/login", json={"username": name, "password": password})
    for body in (f'{{"password":"{WRONG}"', f'{{"password":{{"is":"{WRONG}"}}}}', f'["{WRONG}"]'):
        headers = {"Content-Type": "application/json"}
        for path in ("/api/users/login", "/api/users/register"):
            assert (await house.http.post(path, content=body, headers=headers)).status_code in (400, 422)
    for headers in (
        {"Authorization": f"Bearer {FORGED}"},
        {"Authorization": f"Basic {FORGED}"},
        {"X-Request-ID": f"{TEXT} and more"},
    ):
        assert (await house.http.get(f"/api/users/me?token={FORGED}", headers=headers)).status_code == 401
    for token in (MONITOR, FORGED):
        await house.http.get("/metrics", headers={"Authorization": f"Bearer {token}"})


async def talk_over(mode: str, ann: Person, bob: Person) -> str:
    """Everything that has text in it; the sid with which it was sent."""
    async with ann.device(mode) as device:
        sid: str = device.client.eio.sid
        message = await device.send(bob, f"{TEXT} @{bob.username}", clientId=f"{TEXT}-{mode}")
        again = {"recipient": bob.id, "content": f"other {TEXT}", "clientId": f"{TEXT}-{mode}"}
        assert (await device.call("sendMessage", again))["code"] == "conflict"
        place = {"conversation": message["conversation"], "seq": message["seq"]}
        assert (await device.call("editMessage", {**place, "content": f"{TEXT} again"}))["ok"]
        await device.call("deleteMessage", {**place, "for": TEXT})
        for form in (
            {"recipient": bob.id, "content": [TEXT]},
            {"recipient": TEXT, "content": TEXT},
            TEXT,
            [TEXT],
            None,
        ):
            assert not (await device.call("sendMessage", form))["ok"]
        await device.client.emit("sendMessage", {"recipient": bob.id, "content": {"no": TEXT}})
        assert (await device.call(TEXT, {"content": TEXT}))["code"] == "unknown_event"
    return sid


async def talk_over_rest(ann: Person, bob: Person) -> None:
    for body in ({"content": TEXT}, {"content": [TEXT]}, {"content": TEXT, "sender": TEXT}):
        await ann.post("/api/chat/messages", {"recipient": bob.id, **body})
    await ann.post("/api/chat/messages", {"recipient": TEXT, "content": TEXT})
    await ann.get("/api/users", search=TEXT)
    await ann.history(bob)


async def break_off(house: House, ann: Person) -> None:
    """Connections that end in the middle of something, and some that never begin."""
    auth = json.dumps({"token": ann.token})
    for packet in (f'42["sendMessage",{{"content":"{TEXT}', f"4{TEXT}", TEXT):
        async with wire(house) as socket:
            await socket.connect(auth)
            await socket.socket.send(packet)
            assert await socket.close_code() == 1002
    async with wire(house) as socket:
        assert "unauthorized" in await socket.connect(json.dumps({"token": FORGED}))


async def test_no_line_has_a_word_or_a_key_of_anybody_in_it(own_house: House) -> None:
    ann, bob = await own_house.person("ann"), await own_house.person("bob")
    await log_in_well_and_badly(own_house, ann)
    sids = [await talk_over(mode, ann, bob) for mode in ("websocket", "polling", "default")]
    await talk_over_rest(ann, bob)
    await break_off(own_house, ann)
    address = await poll(own_house.http, ann)
    sids.append(address.rpartition("sid=")[2])
    await own_house.http.post(address, content=f'42["sendMessage",{{"content":"{TEXT}')
    assert await own_house.server.stop() == 0

    log = own_house.server.log.read_text()
    secrets = {"text": TEXT, "password": PASSWORD, "wrong": WRONG, "forged": FORGED, "monitor": MONITOR, "key": SECRET}
    secrets |= {"ann": ann.token, "bob": bob.token} | {f"sid {number}": sid for number, sid in enumerate(sids)}
    assert [name for name, secret in secrets.items() if secret in log] == []

    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["event"] == "request"]
    assert len(requests) > 20
    assert all(line["request_id"] and line["method"] and line["status"] for line in requests)
    ended = [line for line in lines if "has left" in line["event"]]
    assert len(ended) >= 6
    assert not any("connection_id" in line for line in requests)
