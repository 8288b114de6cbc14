"""Three mongods with a key become one replica set, which lets in Fireside and nobody else."""

import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest
from pymongo.errors import OperationFailure, PyMongoError

from fireside.store.mongo import MongoAccounts, MongoEngine
from tests.contract.samples import user
from tests.engines import free_port, mongod_binary, running

SCRIPT = Path(__file__).parents[2] / "deploy" / "mongo_set.py"
ATTEMPTS = 60


@pytest.fixture
def members(tmp_path: Path) -> Iterator[list[str]]:
    """The addresses of three that know each other by a key, and nobody else."""
    key = tmp_path / "key"
    key.write_text("6b6579" * 8)
    key.chmod(0o600)
    ports = [free_port() for _ in range(3)]
    running = [start(tmp_path / str(port), port, key) for port in ports]
    try:
        for port in ports:
            wait(port)
        yield [f"127.0.0.1:{port}" for port in ports]
    finally:
        for process in running:
            process.kill()
            process.wait(30)


def start(folder: Path, port: int, key: Path) -> subprocess.Popen[bytes]:
    folder.mkdir()
    where = ["--dbpath", str(folder), "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
    small = ["--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64", "--logpath", str(folder / "log")]
    command = [str(mongod_binary()), "--replSet", "fireside", "--keyFile", str(key), *where, *small]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def wait(port: int) -> None:
    with pymongo.MongoClient[dict[str, object]]("127.0.0.1", port, directConnection=True) as client:
        for _ in range(ATTEMPTS):
            try:
                client.admin.command("ping")
            except PyMongoError:
                continue
            return
    raise AssertionError("mongod does not start")


def make_set(monkeypatch: pytest.MonkeyPatch, members: list[str], password: str) -> None:
    settings = {"MEMBERS": ",".join(members), "MONGO_ADMIN_PASSWORD": "admin's", "MONGO_PASSWORD": password}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    runpy.run_path(str(SCRIPT), run_name="__main__")


async def test_three_become_one_as_often_as_one_likes(members: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    ada = user("ada")
    for attempt, password in enumerate(("first", "first", "second")):
        make_set(monkeypatch, members, password)
        uri = f"mongodb://fireside:{password}@{','.join(members)}/fireside?replicaSet=fireside"
        # Its user may do all that the server does to a database, from the first table to today's.
        async with running(MongoEngine(uri)) as engine:
            accounts = MongoAccounts(engine)
            if attempt == 0:
                await accounts.add(ada)
            assert await accounts.by_id(ada.id) == ada
            with pytest.raises(OperationFailure, match="not authorized"):
                await engine.database.client["other"]["notes"].insert_one({})
    with (
        pymongo.MongoClient[dict[str, object]](members, replicaSet="fireside") as stranger,
        pytest.raises(OperationFailure, match="requires authentication"),
    ):
        stranger["fireside"]["users"].find_one()
