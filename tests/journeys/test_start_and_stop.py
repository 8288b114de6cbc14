"""A server that is told to stop keeps its word, and one that cannot start says so in a line."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.engines import Mongod
from tests.journeys.conftest import Running, on_sqlite_alone
from tests.journeys.people import MODES, PATIENCE_S, SOON, Device, House, Json
from tests.serving import FiresideProcess

ENOUGH = 50
IN_FLIGHT = 20


class Writer:
    """Sends on and on, and keeps what was acknowledged."""

    def __init__(self, device: Device, recipient: str) -> None:
        self.acknowledged: list[Json] = []
        self.enough = asyncio.Event()
        self._device = device
        self._recipient = recipient
        self._room = asyncio.Semaphore(IN_FLIGHT)

    async def write(self) -> None:
        """Until the connection is lost."""
        while self._device.client.connected:
            form = {"recipient": self._recipient, "content": "on and on"}
            await self._device.client.emit("sendMessage", form, callback=self._settled)
            await self._room.acquire()

    def stop(self) -> None:
        """There is nothing more to wait for."""
        self._room.release()

    def _settled(self, answer: Json) -> None:
        self._room.release()
        if answer["ok"]:
            self.acknowledged.append(answer["message"])
        if len(self.acknowledged) == ENOUGH:
            self.enough.set()


async def test_told_to_stop_it_cuts_everybody_off_ends_with_0_and_has_kept_its_word(own_house: House) -> None:
    ann, bob = await own_house.person("ann"), await own_house.person("bob")
    async with (
        ann.device("websocket", reconnection=False) as websocket,
        ann.device("polling", reconnection=False) as polling,
        bob.device("default", reconnection=False) as default,
    ):
        writer = Writer(websocket, bob.id)
        writing = asyncio.create_task(writer.write())
        await asyncio.wait_for(writer.enough.wait(), PATIENCE_S)
        assert await own_house.server.stop() == 0
        for device in (websocket, polling, default):
            await device.cut_off()
        writer.stop()
        await writing
    await own_house.server.start()
    history = await bob.history(ann)
    assert [message["seq"] for message in history] == list(range(1, len(history) + 1))
    kept = {message["_id"]: message for message in history}
    assert len(kept) == len(history)
    assert [kept[message["_id"]] for message in writer.acknowledged] == writer.acknowledged


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("startable", ["sqlite"], indirect=True)
async def test_who_was_connected_comes_back_after_a_restart(own_house: House, mode: str) -> None:
    ann, bob = await own_house.person("ann"), await own_house.person("bob")
    async with ann.device(mode, **SOON) as anns, bob.device(mode, **SOON) as bobs:
        assert await own_house.server.stop() == 0
        for device in (anns, bobs):
            assert (await device.heard("serverStopping"))["retryAfterMs"] >= 0
        await own_house.server.start()
        await anns.returned()
        await bobs.returned()
        assert await anns.send(bob, "good morning") == await bobs.heard()


async def refused_in_a_line(server: FiresideProcess) -> tuple[int, str]:
    """The status and the one line with which it refuses to start."""
    status, said = await server.refuse_to_start()
    (line,) = said.splitlines()
    assert line.startswith("fireside: ")
    return status, line


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, line = await refused_in_a_line(FiresideProcess(tmp_path, {"PORT": port}))
    assert status == 1
    assert f"PORT {port}" in line


async def test_a_database_of_a_newer_fireside_is_refused_and_left_alone(startable: Running) -> None:
    server, store = startable
    async with store.backend.open():
        """Makes the tables."""
    store.add_user("ann", "hash")
    store.make_newer()
    status, line = await refused_in_a_line(server)
    assert status == 1
    assert "newer Fireside" in line
    assert store.counts() == {"users": 1, "conversations": 0, "messages": 0}


@on_sqlite_alone
async def test_a_folder_that_another_server_has_open_is_refused(running: Running) -> None:
    server, store = running
    before = store.counts()
    status, line = await refused_in_a_line(FiresideProcess(server.log.parent))
    assert status == 1
    assert "another Fireside" in line
    assert store.counts() == before


@pytest.mark.parametrize("secret", ["", "shorter than 32 bytes"])
async def test_mongodb_without_a_good_secret_is_refused(tmp_path: Path, mongo_standalone: Mongod, secret: str) -> None:
    settings = {"MONGO_URI": mongo_standalone.fresh_uri(), "JWT_SECRET": secret}
    status, line = await refused_in_a_line(FiresideProcess(tmp_path, settings))
    assert status == 2
    assert "JWT_SECRET" in line
    assert not secret or secret not in line
