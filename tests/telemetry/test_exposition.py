"""The exposition: what a whole server tells of itself, and of what is not there nothing."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from fireside import __version__
from fireside.app import Fireside
from fireside.core.errors import Unavailable
from fireside.realtime.session import Handshake
from fireside.telemetry.exposition import Exposition
from fireside.telemetry.metrics import METRICS, Parts, reference
from tests.fakes import FakeEngine
from tests.serving import PASSWORD
from tests.telemetry.conftest import http

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "fireside.json"
OF_THE_BUS = {metric.name for metric in METRICS if metric.name.startswith("fireside_bus_")}

Samples = dict[str, dict[tuple[str, ...], float]]
"""The values of each sample by those of its labels, in the order of their names."""


async def samples(parts: Parts) -> Samples:
    found: Samples = {}
    for family in text_string_to_metric_families((await Exposition(parts).text()).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


def families(found: Samples) -> set[str]:
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found if name.startswith("fireside_")}


async def person(client: httpx2.AsyncClient, name: str) -> dict[str, Any]:
    body = {"username": name, "password": PASSWORD, "email": "a@example.org"}
    found: dict[str, Any] = (await client.post("/api/users/register", json=body)).raise_for_status().json()
    return found


async def test_every_metric_is_told_from_the_start_but_those_of_a_bus_that_is_not_there(fireside: Fireside) -> None:
    found = await samples(fireside.watched)
    quiet = {metric.name for metric in METRICS if metric.labels and metric.kind == "counter"}
    assert families(found) >= {metric.name for metric in METRICS} - OF_THE_BUS - quiet
    assert not families(found) & OF_THE_BUS
    assert found["fireside_info"] == {(__version__,): 1}
    assert found["fireside_database_up"] == {(): 1}
    assert found["process_resident_memory_bytes"][()] > 0


async def test_what_people_do_is_counted(fireside: Fireside) -> None:
    async with http(fireside) as client:
        ann, bob = await person(client, "ann"), await person(client, "bob")
        auth = {"Authorization": f"Bearer {ann['token']}"}
        for _ in range(2):  # the second time it has been sent before
            form = {"recipient": bob["user"]["_id"], "content": "hello", "clientId": "one"}
            sent = await client.post("/api/chat/messages", json=form, headers=auth)
        conversation = sent.json()["message"]["conversation"]
        edited = await client.patch(
            f"/api/conversations/{conversation}/messages/1", json={"content": "hello!"}, headers=auth
        )
        assert edited.status_code == 200
        for password in (PASSWORD, "wrong password", "wrong again"):
            await client.post("/api/users/login", json={"username": "ann", "password": password})
        found = await samples(fireside.watched)
        scraped = await client.get("/metrics")
    assert found["fireside_messages_stored_total"] == {(): 1}
    assert found["fireside_changes_stored_total"] == {(): 1}
    assert found["fireside_batch_items_count"] == {("messages",): 2, ("changes",): 1}
    assert found["fireside_batch_items_sum"] == {("messages",): 2, ("changes",): 1}
    assert found["fireside_commit_seconds_count"] == {("messages",): 2, ("changes",): 1}
    assert found["fireside_commit_seconds_sum"]["messages",] > 0
    assert found["fireside_registrations_total"] == {("ok",): 2}
    assert found["fireside_log_ins_total"] == {("ok",): 1, ("invalid_credentials",): 2}
    assert found["fireside_refusals_total"] == {("invalid_credentials", "http"): 2}
    assert found["fireside_http_requests_total"]["POST", "/api/users/login", "401"] == 2
    assert found["fireside_waiting"] == {("messages",): 0, ("changes",): 0, ("passwords",): 0}
    assert found["fireside_conversations_in_memory"] == {(): 1}
    assert scraped.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"fireside_messages_stored_total 1.0" in scraped.content


async def test_connections_are_counted_by_what_carries_them_and_why_they_ended(fireside: Fireside) -> None:
    sessions = [
        fireside.engine_io.open(Handshake({}, {}, "192.0.2.1"), polling=polling) for polling in (True, True, False)
    ]
    waiting = sum(session.pending_bytes for session in sessions)
    found = await samples(fireside.watched)
    assert found["fireside_connections"] == {("polling",): 2, ("websocket",): 1}
    assert found["fireside_outgoing_bytes"] == {(): waiting}
    assert waiting > 0
    for session in sessions:
        session.close("ping timeout")
    found = await samples(fireside.watched)
    assert found["fireside_connections"] == {("polling",): 0, ("websocket",): 0}
    assert found["fireside_connections_opened_total"] == {(): 3}
    assert found["fireside_connections_closed_total"] == {("ping timeout",): 3}


async def test_a_server_that_is_about_to_go_is_not_ready(fireside: Fireside) -> None:
    async with http(fireside) as client:
        assert (await client.get("/readyz")).status_code == 200
        fireside.edge.drain()
        response = await client.get("/readyz")
    assert (response.status_code, response.json()["details"]["notReady"]) == (503, ["draining"])


class Away(FakeEngine):
    async def ping(self) -> None:
        raise Unavailable("It is away.")


async def test_a_database_that_is_away_is_told(fireside: Fireside) -> None:
    found = await samples(replace(fireside.watched, engine=Away()))
    assert found["fireside_database_up"] == {(): 0}
    assert "fireside_database_ping_seconds" not in found


@dataclass
class FakeBus:
    is_up: bool = False
    sent: int = 3
    received: int = 2
    dropped: int = 1


async def test_a_bus_is_told_where_there_is_one(fireside: Fireside) -> None:
    found = await samples(replace(fireside.watched, bus=FakeBus()))
    assert families(found) >= OF_THE_BUS
    assert [found[f"fireside_bus_{name}"][()] for name in ("up", "sent_total", "received_total", "dropped_total")] == [
        0,
        3,
        2,
        1,
    ]


# ── what is written of it ────────────────────────────────────────────────────────────────────────────────────────────


def test_names_are_as_prometheus_has_them() -> None:
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"fireside_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert not re.search(r"_(ms|milliseconds|kib|mb|percent)\b", metric.name)
        assert metric.meaning.endswith(".")


def test_the_operating_guide_has_the_table() -> None:
    assert reference() in (ROOT / "docs" / "operating.md").read_text(), reference()


async def test_the_dashboard_asks_for_metrics_that_there_are(fireside: Fireside) -> None:
    there = {*(await samples(replace(fireside.watched, bus=FakeBus()))), *(metric.name for metric in METRICS)}
    panels = [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]
    asked = {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in panels}
    assert len(asked) == len(panels) > 10
    for title, queries in asked.items():
        names = {name for query in queries for name in re.findall(r"\b(?:fireside|process|python)_\w+", query)}
        assert names, title
        assert names <= there, title
