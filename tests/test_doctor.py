"""The doctor: what it finds on both engines, in what words, and that it leaves everything as it was."""

import os
import re
import resource
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from fireside import doctor
from fireside.config import CONTRACT, setting_name
from fireside.core.clock import now_ms
from fireside.doctor import Finding, examine
from tests.engines import Mongod
from tests.journeys.stores import MongoStore, SqliteStore, Store
from tests.serving import SECRET
from tests.valkey import Valkey

Flags = dict[str, str]
DEAD = "127.0.0.1:1"
"""Nobody listens there."""


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    contract = {setting_name(field) for field in CONTRACT}
    for name in list(os.environ):
        if name.startswith("FIRESIDE_") or name in contract:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(params=["sqlite", "mongo"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Flags, Store]:
    """The settings of a database on each engine, and what is behind them. Nothing is there yet."""
    if request.param == "sqlite":
        return {"FIRESIDE_DATA_DIR": str(tmp_path)}, SqliteStore(tmp_path / "fireside.db")
    mongod: Mongod = request.getfixturevalue("mongo_standalone")
    uri = mongod.fresh_uri()
    return {"MONGO_URI": uri, "JWT_SECRET": SECRET}, MongoStore(uri)


async def findings(flags: Mapping[str, str], check: str) -> list[Finding]:
    """What is found there; whatever is not well comes with advice."""
    found = await examine(flags)
    assert all(bool(each.advice) == (each.status != "ok") for each in found), found
    assert not any(SECRET in line for each in found for line in each)
    return [each for each in found if each.check == check]


async def one(flags: Mapping[str, str], check: str) -> Finding:
    (found,) = await findings(flags, check)
    return found


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def make(store: Store) -> None:
    async with store.backend.open():
        """Makes the tables."""


# ── the database ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_before_the_first_start_all_is_well_and_nothing_is_made(
    place: tuple[Flags, Store], tmp_path: Path
) -> None:
    flags, store = place
    found = await examine(flags)
    assert [each for each in found if each.check != "open files" and each.status != "ok"] == []
    assert "empty; the first start makes it" in (await one(flags, "database")).found
    assert names_in(tmp_path) == []
    if isinstance(store, MongoStore):
        with store._open() as database:
            assert database.list_collection_names() == []


async def test_a_database_of_today_is_well_also_while_a_server_has_it_open(place: tuple[Flags, Store]) -> None:
    flags, store = place
    async with store.backend.open():
        database = await one(flags, "database")
        assert (database.status, (await one(flags, "indexes")).status) == ("ok", "ok")
        assert "schema 2" in database.found
    assert (await one(flags, "database")).status == "ok"


async def test_looking_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "fireside.db")
    await make(store)
    before = names_in(tmp_path)
    assert (await one({"FIRESIDE_DATA_DIR": str(tmp_path)}, "indexes")).status == "ok"
    assert names_in(tmp_path) == before


async def test_a_database_of_a_newer_version_fails(place: tuple[Flags, Store]) -> None:
    flags, store = place
    await make(store)
    store.make_newer()
    database = await one(flags, "database")
    assert database.status == "fail"
    assert "schema 1000000" in database.found
    assert "upgrade Fireside" in database.advice
    assert await findings(flags, "indexes") == []


async def test_one_of_an_older_version_asks_for_a_backup(place: tuple[Flags, Store]) -> None:
    flags, store = place
    await make(store)
    if isinstance(store, SqliteStore):
        with store._open() as connection:
            connection.pragma("user_version", 1)
    elif isinstance(store, MongoStore):
        with store._open() as database:
            database["_meta"].update_one({"_id": "schema"}, {"$set": {"version": 1}})
    found = await one(flags, "database")
    assert found.status == "warn"
    assert "backup" in found.advice


async def test_an_index_that_is_missing_fails_and_what_is_advised_mends_it(place: tuple[Flags, Store]) -> None:
    flags, store = place
    await make(store)
    if isinstance(store, SqliteStore):
        with store._open() as connection:
            connection.execute("DROP INDEX messages_sent")
        found = await one(flags, "indexes")
        assert found[:3] == ("indexes", "fail", "messages_sent is missing")
        with store._open() as connection:
            connection.execute(found.advice)
    elif isinstance(store, MongoStore):
        with store._open() as database:
            database["messages"].drop_index("sent")
        found = await one(flags, "indexes")
        assert found[:3] == ("indexes", "fail", "messages.sent is missing")
        assert "Start Fireside" in found.advice
        await make(store)
    assert (await one(flags, "indexes")).status == "ok"


async def test_a_database_that_cannot_be_reached_or_read_fails_without_its_password(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silence = f"127.0.0.1:{silent.getsockname()[1]}"
        flags = {"MONGO_URI": f"mongodb://me:hunter2@{silence}/chat", "JWT_SECRET": SECRET}
        _, _, found, *others = await examine(flags)
    assert found[:2] == ("database", "fail")
    assert silence in found.found
    assert "MONGO_URI" in found.advice
    assert "hunter2" not in "".join(found)
    assert [each.check for each in others] == ["bus", "open files"]
    (tmp_path / "fireside.db").write_bytes(b"no database at all" * 100)
    assert (await one({"FIRESIDE_DATA_DIR": str(tmp_path)}, "database")).status == "fail"


async def test_production_wants_a_second_copy(mongo_standalone: Mongod, mongo_replica_set: Mongod) -> None:
    flags = {"JWT_SECRET": SECRET, "FIRESIDE_ENV": "production"}
    alone = await findings({**flags, "MONGO_URI": mongo_standalone.fresh_uri()}, "copies")
    assert [each.status for each in alone] == ["warn"]
    assert await findings({**flags, "MONGO_URI": mongo_replica_set.fresh_uri()}, "copies") == []


# ── the clock ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ahead_s", "status", "said"),
    [(0, "ok", ""), (10, "warn", "behind"), (-10, "warn", "ahead"), (3600, "fail", "behind")],
)
async def test_a_clock_that_is_not_that_of_the_database_is_found(
    monkeypatch: pytest.MonkeyPatch, mongo_standalone: Mongod, ahead_s: int, status: str, said: str
) -> None:
    monkeypatch.setattr("fireside.store.mongo.engine.now_ms", lambda: now_ms() + 1000 * ahead_s)
    found = await one({"MONGO_URI": mongo_standalone.fresh_uri(), "JWT_SECRET": SECRET}, "clock")
    assert found.status == status
    assert said in found.found


async def test_a_file_that_was_written_in_the_future_is_found(tmp_path: Path) -> None:
    await make(SqliteStore(tmp_path / "fireside.db"))
    os.utime(tmp_path / "fireside.db", (4_000_000_000, 4_000_000_000))
    found = await one({"FIRESIDE_DATA_DIR": str(tmp_path)}, "clock")
    assert (found.status, "ahead" in found.found) == ("fail", True)


# ── the bus ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_bus_is_asked_what_it_is(mongo_standalone: Mongod, own_valkey: Valkey) -> None:
    flags = {"MONGO_URI": mongo_standalone.fresh_uri(), "JWT_SECRET": SECRET, "VALKEY_URL": own_valkey.url}
    found = await one(flags, "bus")
    assert found.status == "ok"
    assert found.found.startswith("Valkey 9.")
    with own_valkey.hanging():
        assert (await one(flags, "bus")).status == "fail"
    own_valkey.kill()
    assert (await one(flags, "bus")).status == "fail"


async def test_a_bus_that_is_not_there_fails_without_its_password(mongo_standalone: Mongod) -> None:
    url = f"valkey://me:hunter2@{DEAD}/0"
    found = await one({"MONGO_URI": mongo_standalone.fresh_uri(), "JWT_SECRET": SECRET, "VALKEY_URL": url}, "bus")
    assert found.status == "fail"
    assert DEAD in found.found
    assert "hunter2" not in "".join(found)


# ── settings and the key ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_settings_that_are_wrong_are_all_that_is_looked_at() -> None:
    found = await examine({"PORT": "x", "FIRESIDE_ENV": "y"})
    assert [(each.check, each.status) for each in found] == [("settings", "fail")] * 2
    assert found[0].found.startswith("PORT must be")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"FIRESIDE_HOST": "0.0.0.0"}, "development, and listening on 0.0.0.0"),
        ({"FIRESIDE_ENV": "production", "FIRESIDE_RATE_LIMITS": "off"}, "production without rate limits"),
        ({"FIRESIDE_TRUSTED_PROXIES": "*"}, "everybody's word on where they call from is taken"),
        ({"FIRESIDE_METRICS": "on"}, "everybody may read the metrics"),
    ],
)
async def test_what_is_allowed_and_hardly_meant_is_pointed_out(flags: Flags, said: str) -> None:
    found = await one({"JWT_SECRET": SECRET, **flags}, "settings")
    assert (found.status, found.found) == ("warn", said)


async def test_a_misspelt_setting_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESIDE_DATADIR", "x")
    assert "did you mean FIRESIDE_DATA_DIR?" in (await one({}, "settings")).found


async def test_a_key_that_others_can_read_is_pointed_out(tmp_path: Path) -> None:
    kept, given = tmp_path / "data" / "jwt-secret", tmp_path / "given"
    kept.parent.mkdir()
    flags = {"FIRESIDE_DATA_DIR": str(kept.parent)}, {"JWT_SECRET_FILE": str(given)}
    for file, how in ((kept, flags[0]), (given, flags[1])):
        file.write_text(SECRET)
        file.chmod(0o644)
        found = await one(how, "signing key")
        assert (found.status, "chmod" in found.advice) == ("warn", True)
        file.chmod(0o600)
        assert (await one(how, "signing key")).status == "ok"


@pytest.mark.parametrize("key", [{}, {"JWT_SECRET": "short"}])
async def test_production_without_a_good_key_fails(key: Flags) -> None:
    found = await one({"FIRESIDE_ENV": "production", **key}, "signing key")
    assert (found.status, "openssl rand" in found.found) == ("fail", True)


# ── the machine ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("limit", "status"), [(65_536, "ok"), (resource.RLIM_INFINITY, "ok"), (1024, "warn"), (64, "fail")]
)
async def test_too_few_open_files_are_found(monkeypatch: pytest.MonkeyPatch, limit: int, status: str) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    assert (await one({}, "open files")).status == status


@pytest.mark.parametrize(("free", "status"), [(50 * 1024**3, "ok"), (500 * 1024**2, "warn"), (1024**2, "fail")])
async def test_a_disk_that_is_nearly_full_is_found(monkeypatch: pytest.MonkeyPatch, free: int, status: str) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free, total=100 * 1024**3))
    found = await one({}, "disk")
    assert found.status == status
    assert "of 100 GiB free" in found.found


async def test_of_mongodb_the_disk_is_its_own(mongo_standalone: Mongod) -> None:
    uri = mongo_standalone.fresh_uri()
    await make(MongoStore(uri))
    found = await one({"MONGO_URI": uri, "JWT_SECRET": SECRET}, "disk")
    assert re.fullmatch(r"of the database: [\d.]+ \w+ of [\d.]+ \w+ free", found.found)


async def test_traces_that_cannot_be_sent_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    flags = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}
    assert (await one(flags, "traces")).status == "ok"
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    assert (await one(flags, "traces")).status == "fail"
    assert await findings({}, "traces") == []
