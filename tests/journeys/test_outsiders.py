"""Nobody reads or changes what is not theirs. Who is outside is told `not_found`, as if there were nothing there."""

from tests.journeys.people import House, Json, Person

NOWHERE = "f" * 24


async def verbs_of_a_conversation(house: House) -> list[tuple[str, str]]:
    """What can be done to a conversation by its id, by what the server says of itself: method and path."""
    paths: Json = (await house.http.get("/openapi.json")).json()["paths"]
    return [
        (method.upper(), path)
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/api/conversations/{conversation}")
    ]


ANYTHING = {
    "content": "let me in",
    "title": "mine now",
    "role": "owner",
    "emoji": "👍",
    "seq": 1,
    "typing": True,
    "starred": True,
    "pinned": True,
}
"""Enough for every form: what is refused is the conversation."""


async def test_an_outsider_gets_not_found_for_every_verb(house: House, ann: Person, bob: Person, eve: Person) -> None:
    async with ann.device() as anns:
        sent = await anns.send(bob, "between us")
    verbs = await verbs_of_a_conversation(house)
    assert {method for method, _ in verbs} >= {"GET", "POST", "PUT", "PATCH", "DELETE"}
    for method, path in verbs:
        answers = []
        for conversation in (sent["conversation"], NOWHERE):
            body = ANYTHING | {"members": [eve.id], "recipient": eve.id} if method not in ("GET", "DELETE") else None
            place = path.replace("{conversation}", conversation).replace("{seq}", "1").replace("{user}", ann.id)
            answer = await house.http.request(method, place, json=body, headers=eve.headers)
            assert answer.status_code == 404, (method, path)
            answers.append({**answer.json(), "requestId": "…"})
        # A conversation of others and none at all are answered alike.
        assert answers[0] == answers[1]
        assert answers[0]["code"] == "not_found"
    assert await ann.history(bob) == [sent]


async def test_an_outsider_cannot_read_the_history_of_others(ann: Person, bob: Person, eve: Person) -> None:
    async with ann.device() as anns:
        await anns.send(bob, "between us")
    for sender, recipient in ((ann, bob), (bob, ann), (ann, ann)):
        answer = await eve.get("/api/chat/messages", sender=sender.id, recipient=recipient.id)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert await eve.history(ann) == []


async def test_nobody_writes_in_anothers_name(house: House, ann: Person, bob: Person, eve: Person) -> None:
    before = house.store.counts()
    form = {"sender": ann.id, "recipient": bob.id, "content": "I am Ann"}
    async with eve.device() as eves, bob.device() as bobs:
        refused = await eves.call("sendMessage", form)
        assert (refused["ok"], refused["code"]) == (False, "forbidden")
        posted = await eve.post("/api/chat/messages", form)
        assert (posted.status_code, posted.json()["code"]) == (403, "forbidden")
        assert house.store.counts() == before
        sent = await eves.send(bob, "I am Eve")
        assert await bobs.heard() == sent
    assert sent["sender"] == eve.id


async def test_an_outsider_hears_nothing(ann: Person, bob: Person, eve: Person) -> None:
    async with ann.device() as anns, eve.device() as eves:
        await eves.call("join", {"userId": ann.id})
        await anns.send(bob, "between us")
        to_eve = await anns.send(eve, "to Eve")
        assert await eves.heard() == to_eve
