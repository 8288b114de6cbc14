"""What a host does while people talk: a backup that can be restored, a new password for somebody who forgot theirs."""

import asyncio
import shutil
from pathlib import Path

import httpx2
import pytest

from tests.journeys.conftest import on_sqlite, open_http
from tests.journeys.people import PATIENCE_S, Device, House, Json, Person
from tests.serving import PASSWORD

DEVICES = 4
NEW_PASSWORD = "another horse, and a longer one"


class Talk:
    """Devices of one person that send on and on, and what was acknowledged."""

    def __init__(self, devices: list[Device], to: Person) -> None:
        self.acknowledged: list[Json] = []
        self._to = to
        self._over = False
        self._moved = asyncio.Event()
        self._sending = [asyncio.create_task(self._send(device, number)) for number, device in enumerate(devices)]

    async def go_on(self, messages: int) -> int:
        """Wait for so many more; how many there are then."""
        enough = len(self.acknowledged) + messages
        async with asyncio.timeout(PATIENCE_S):
            while len(self.acknowledged) < enough:
                self._moved.clear()
                await self._moved.wait()
        return len(self.acknowledged)

    async def end(self) -> None:
        self._over = True
        await asyncio.gather(*self._sending)

    async def _send(self, device: Device, number: int) -> None:
        sent = 0
        while not self._over:
            sent += 1
            client_id = f"{number}-{sent}"
            self.acknowledged.append(await device.send(self._to, f"word {client_id}", clientId=client_id))
            self._moved.set()


@pytest.mark.parametrize("startable", ["sqlite"], indirect=True)
async def test_a_backup_of_a_server_under_load_is_all_that_was_said_by_then(own_house: House, tmp_path: Path) -> None:
    ann, bob = await own_house.person("ann"), await own_house.person("bob")
    copy = tmp_path / "copy.db"
    async with ann.device() as one, ann.device() as two, ann.device("polling") as three, ann.device() as four:
        talk = Talk([one, two, three, four], bob)
        before = await talk.go_on(200)
        await own_house.server.command("backup", copy)
        await talk.go_on(50)
        await talk.end()
    whole = await bob.history(ann)
    assert await own_house.server.stop() == 0

    restored, _ = on_sqlite(tmp_path / "restored")
    (tmp_path / "restored" / "data").mkdir(parents=True)
    shutil.copy(copy, tmp_path / "restored" / "data" / "fireside.db")
    async with restored, open_http(restored) as http:
        bob, ann = (Person(restored.url, http, each.id, each.username, each.token) for each in (bob, ann))
        kept = await bob.history(ann)
        assert before <= len(kept) < len(whole)
        assert kept == whole[: len(kept)], "a beginning of it, without a gap"
        assert {each["_id"] for each in talk.acknowledged[:before]} <= {each["_id"] for each in kept}
        async with ann.device() as anns:
            assert await anns.send(bob, kept[0]["content"], clientId=kept[0]["clientId"]) == kept[0]
            assert (await anns.send(bob, "and on"))["seq"] == len(kept) + 1


async def log_in(http: httpx2.AsyncClient, person: Person, password: str) -> int:
    answer = await http.post("/api/users/login", json={"username": person.username, "password": password})
    return answer.status_code


async def test_a_new_password_counts_at_once(house: House) -> None:
    ann = await house.person("ann")
    assert await log_in(house.http, ann, PASSWORD) == 200
    said = await house.server.command("user", "set-password", ann.username.upper(), typed=f"{NEW_PASSWORD}\n")
    assert said == f"{ann.username} has a new password. Tokens from before are good until they expire.\n"
    assert await log_in(house.http, ann, PASSWORD) == 401
    assert await log_in(house.http, ann, NEW_PASSWORD) == 200
    assert (await ann.get("/api/users/me")).status_code == 200, "her token is as good as it was"
