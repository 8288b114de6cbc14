"""Those who watch a running server: health and metrics, on the port of everybody or on one of their own."""

import asyncio
import os
import re
import signal
import socket
from pathlib import Path

import httpx2
import pytest

from tests.engines import Mongod
from tests.journeys.people import PATIENCE_S, House
from tests.journeys.workers import COUNT, Workers
from tests.serving import FiresideProcess, metric
from tests.valkey import Valkey


async def test_whoever_is_connected_and_what_they_say_is_in_the_metrics(own_house: House) -> None:
    ann, bob = await own_house.person("ann"), await own_house.person("bob")
    async with ann.device("websocket") as anns, bob.device("polling") as bobs:
        await anns.send(bob, "hello")
        await bobs.heard()
        http = own_house.http
        assert await metric(http, 'fireside_connections{transport="websocket"}') == 1
        assert await metric(http, 'fireside_connections{transport="polling"}') == 1
        assert await metric(http, "fireside_people_connected") == 2
        assert await metric(http, "fireside_messages_stored_total") == 1
        assert await metric(http, "fireside_delivery_seconds_count") > 0
        assert await metric(http, "fireside_database_up") == 1
        await anns.call("sendMessage", {"recipient": ann.id, "conversation": ann.id, "content": "two places"})
        assert await metric(http, 'fireside_refusals_total{code="invalid_input",wire="socket"}') == 1


async def test_a_node_that_has_lost_the_bus_says_so_and_serves_on(
    tmp_path: Path, mongo_standalone: Mongod, own_valkey: Valkey
) -> None:
    settings = {"MONGO_URI": mongo_standalone.fresh_uri(), "VALKEY_URL": own_valkey.url}
    async with FiresideProcess(tmp_path, settings) as server, httpx2.AsyncClient(base_url=server.url) as http:
        await becomes(http, True)
        own_valkey.kill()
        await becomes(http, False)
        assert (await http.get("/readyz")).json()["details"]["notReady"] == ["bus"]
        assert (await http.get("/readyz?exclude=bus")).status_code == 200
        await server.register("ann")
        own_valkey.start()
        await becomes(http, True)


async def becomes(http: httpx2.AsyncClient, connected: bool) -> None:
    """Wait until the bus is so, and everybody says the same of it."""
    async with asyncio.timeout(PATIENCE_S):
        while await metric(http, "fireside_bus_up") != connected:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    assert (await http.get("/readyz")).is_success == connected


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def watched_ports(server: FiresideProcess) -> list[int]:
    """Where its processes say that those who watch may ask, in order."""
    return [int(port) for port in re.findall(r"health and metrics on \S+ port (\d+)", server.log.read_text())]


async def test_each_of_several_processes_has_a_port_for_those_who_watch(tmp_path: Path) -> None:
    first = free_port()
    settings = {"FIRESIDE_METRICS_PORT": str(first), "FIRESIDE_LOG_LEVEL": "info"}
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    async with FiresideProcess(folders[0], settings) as one, FiresideProcess(folders[1], settings) as two:
        await one.register("ann")
        ports = [*watched_ports(one), *watched_ports(two)]
        assert first <= ports[0] < ports[1]
        for server, port, registered in ((one, ports[0], 1), (two, ports[1], 0)):
            async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                assert (await http.get("/readyz")).status_code == 200
                assert (await http.get("/api/users/me")).status_code == 404
                assert await metric(http, "fireside_database_up") == 1
                text = (await http.get("/metrics")).text
                assert ('fireside_registrations_total{outcome="ok"} 1.0' in text) == bool(registered)
            async with httpx2.AsyncClient(base_url=server.url) as http:
                assert (await http.get("/metrics")).status_code == 404
        assert (await one.stop(), await two.stop()) == (0, 0)


@pytest.mark.parametrize("settings", [{"FIRESIDE_METRICS_PORT": str(free_port())}])
async def test_whoever_takes_the_place_of_a_worker_is_watched_where_that_was(workers: Workers) -> None:
    ports = watched_ports(workers.server)
    assert len(set(ports)) == COUNT
    workers.server.tell(signal.SIGHUP)
    await workers.said("the workers have been replaced")
    *_, killed = workers.started
    os.kill(killed, signal.SIGKILL)
    await workers.all_serve(2 * COUNT + 1)
    assert watched_ports(workers.server) == [*ports, *ports, ports[-1]]
    for port in ports:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/readyz")).status_code == 200
    assert await workers.server.stop() == 0
