"""The house: what the make targets do, and what is written about the code is so."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from fireside import cli
from fireside.config import every_setting
from tests.serving import bare_environment

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS = [contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]]


def test_the_settings_page_is_what_the_code_says() -> None:
    assert (ROOT / "docs/settings.md").read_text() == cli.reference(), "fireside config --markdown > docs/settings.md"


def test_the_example_of_a_dotenv_names_settings_only() -> None:
    named = re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert named
    assert set(named) <= {setting.name for setting in every_setting()}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0] for requirement in requirements}


def declared() -> set[str]:
    """Every package that pyproject.toml asks for."""
    groups = PROJECT["dependency-groups"].values()
    extras = PROJECT["project"]["optional-dependencies"].values()
    asked = [PROJECT["project"]["dependencies"], PROJECT["build-system"]["requires"], *extras, *groups]
    return set().union(*map(names, asked))


def of_npm() -> set[str]:
    """Every package that the web client and its library ask for."""
    asked: set[str] = set()
    for folder in ("web", "web/packages/client"):
        package = json.loads((ROOT / folder / "package.json").read_text())
        asked |= {*package.get("dependencies", {}), *package.get("devDependencies", {})}
    return asked


def test_every_dependency_has_its_reason_and_no_reason_is_left_behind() -> None:
    reasons = re.findall(
        r"^\| `([^`]+)` \| [^|]+ \| [^|]+ \|$", (ROOT / "docs/dependencies.md").read_text(), re.MULTILINE
    )
    assert set(reasons) - of_npm() == declared() | {"uv"}


def test_the_lock_knows_every_dependency() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    (own,) = (package for package in lock["package"] if package["name"] == "fireside")
    locked = own["metadata"]["requires-dist"], *own["metadata"]["requires-dev"].values()
    # What builds is asked for by the build, whether or not the tests ask for it too.
    built_with = names(PROJECT["build-system"]["requires"])
    assert {entry["name"] for entries in locked for entry in entries} | built_with == declared()


TRESPASSES = {
    "client/pauses.py": "import fireside.auth.tokens",
    "core/clock.py": "import fireside.auth.tokens, starlette, typer, pydantic, aiohttp, redis, prometheus_client",
    "auth/tokens.py": "import pymongo, fireside.socketio",
    "features/accounts/service.py": "import fireside.features.messages.service, uvicorn",
    "http/errors.py": "import apsw",
    "store/sqlite/engine.py": "import fireside.store.mongo.engine",
    "torture/report.py": "import fireside.store.errors",
}


def test_every_contract_between_the_rooms_notices_who_breaks_it(tmp_path: Path) -> None:
    """A contract that names a module which is not there keeps quiet for ever, so each is broken once."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for place, trespass in TRESPASSES.items():
        with (tmp_path / "src/fireside" / place).open("a") as file:
            file.write(f"\n{trespass}\n")
    linter = Path(sys.executable).with_name("lint-imports")
    ended = subprocess.run(
        [linter, "--no-cache", "--no-logo", "--config", ROOT / "pyproject.toml"],
        cwd=tmp_path / "src",
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ended.returncode == 1, ended.stdout
    assert re.findall(r"^(.+) BROKEN$", ended.stdout, re.MULTILINE) == CONTRACTS


LOADED = """
import sys
from fireside.app import Fireside
from fireside.config import load
from fireside.engines import stores_for
settings = load({"FIRESIDE_DATA_DIR": "."} | dict(each.split("=") for each in sys.argv[1:]))
Fireside(settings, "a secret of tests", stores_for(settings))
print(*sorted({"apsw", "pymongo", "redis"} & sys.modules.keys()))
"""


@pytest.mark.parametrize(
    ("given", "drivers"),
    [
        ((), "apsw"),
        (("MONGO_URI=mongodb://db.example/chat",), "pymongo"),
        (("MONGO_URI=mongodb://db.example/chat", "VALKEY_URL=redis://bus.example"), "pymongo redis"),
    ],
)
def test_no_driver_is_loaded_that_is_not_used(tmp_path: Path, given: tuple[str, ...], drivers: str) -> None:
    """They are half of what starting costs."""
    ended = subprocess.run(
        [sys.executable, "-c", LOADED, *given],
        cwd=tmp_path,
        env=bare_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.stdout.strip(), ended.returncode) == (drivers, 0), ended.stderr


SOURCES = ("web/package-lock.json", "web/src/main.tsx", "web/src/old.tsx")
INSTALLED = "uv sync --frozen --inexact --no-dev"
FETCHED = "node npm-cli.js --prefix web ci --ignore-scripts --no-audit --no-fund"
BUILT = ["node npm-cli.js --prefix web run build", "node web/pack.mjs web/dist src/fireside/http/webclient"]
SERVED = "python -m fireside serve"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with the Makefile, and tools that do nothing but note down what they were asked."""
    (tmp_path / ".git").mkdir()
    for file in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / file, tmp_path)
    for source in SOURCES:
        (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / source).touch()
    tool(
        tmp_path / "bin/uv",
        'case "$*" in sync*) mkdir -p .venv/bin; cp bin/python .venv/bin; echo "uv $*" >> asked;; esac',
    )
    tool(tmp_path / "bin/python", 'case "$1" in -c) pwd;; *) echo "python $*" >> asked;; esac')
    node(tmp_path)
    return tmp_path


def node(clone: Path, building: str = "true") -> None:
    """Node, with npm: what it installs and packs is there then. `building`: what its build does."""
    steps = f"*ci*) mkdir -p web/node_modules;; *build) {building};; *) mkdir -p $3 && touch $3/index.html;;"
    tool(clone / "bin/node", f'echo "node ${{*#*/npm/bin/}}" >> asked; case "$*" in {steps} esac')


def tool(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def make(clone: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make as from a shell, whatever make this test itself runs under."""
    outer = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "PYTHON", "ARGS"}
    env = {name: value for name, value in os.environ.items() if name not in outer}
    env["PATH"] = f"{clone / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin"
    command = [shutil.which("make") or "make", *words]
    return subprocess.run(
        command, cwd=clone, env=env | environment, capture_output=True, text=True, check=False, timeout=60
    )


def asked(clone: Path) -> list[str]:
    """What the tools were asked since the last time; from then on, that is a while ago."""
    for path in clone.rglob("*"):
        then = path.stat().st_mtime_ns - 10**9
        os.utime(path, ns=(then, then))
    noted = clone / "asked"
    lines = noted.read_text().splitlines() if noted.exists() else []
    noted.unlink(missing_ok=True)
    return lines


def test_make_run_installs_and_builds_what_the_locks_say_once_and_serves(clone: Path) -> None:
    assert make(clone, "run").returncode == 0
    assert asked(clone) == [INSTALLED, FETCHED, *BUILT, SERVED]
    assert make(clone, "run", "ARGS=--port 5001").returncode == 0
    assert asked(clone) == [f"{SERVED} --port 5001"]
    os.utime(clone / "uv.lock")
    assert make(clone, "run").returncode == 0
    assert asked(clone) == [INSTALLED, SERVED]


def test_the_web_client_is_built_again_when_anything_of_it_has_changed(clone: Path) -> None:
    assert make(clone, "web").returncode == 0
    assert asked(clone) == [INSTALLED, FETCHED, *BUILT]
    os.utime(clone / "web/src/main.tsx")
    assert make(clone, "run").returncode == 0
    assert asked(clone) == [*BUILT, SERVED]
    (clone / "web/src/old.tsx").unlink()
    assert make(clone, "web").returncode == 0
    assert asked(clone) == BUILT
    os.utime(clone / "web/package-lock.json")
    assert make(clone, "web").returncode == 0
    assert asked(clone) == [FETCHED, *BUILT]
    for made in ("web/dist/index.html", "web/node_modules/.vite/deps.js"):
        (clone / made).parent.mkdir(parents=True, exist_ok=True)
        (clone / made).touch()
    assert make(clone, "web").returncode == 0
    assert asked(clone) == []


def test_a_web_client_that_cannot_be_built_ends_it_and_is_tried_again(clone: Path) -> None:
    node(clone, building="exit 1")
    for first in ([INSTALLED, FETCHED], []):
        assert make(clone, "run").returncode != 0
        assert asked(clone) == [*first, BUILT[0]]


def test_make_run_after_the_tests_installs_nothing_and_takes_nothing_away(clone: Path) -> None:
    assert make(clone, ".venv/.ready-dev", "web").returncode == 0
    assert asked(clone)[0] == "uv sync --frozen --inexact --all-extras"
    assert make(clone, "run").returncode == 0
    assert asked(clone) == [SERVED]


def test_a_python_that_is_too_old_is_refused_in_a_line_that_says_what_to_do(clone: Path) -> None:
    tool(clone / "bin/old", "exit 1")
    ended = make(clone, "run", "PYTHON=old")
    assert ended.returncode != 0
    assert ended.stderr.splitlines()[0] == (
        "Fireside needs Python 3.11 or newer, and old is not. Name one: make PYTHON=/path/to/python3.11"
    )
    assert asked(clone) == []


def test_make_alone_lists_every_target(clone: Path) -> None:
    listed = re.findall(r"^make (\w+)", make(clone).stdout, re.MULTILINE)
    assert listed == ["help", "run", "web", "test", "check", "fmt", "bench", "torture"]


def test_make_check_holds_everyone_to_format_types_and_rooms(clone: Path) -> None:
    steps = make(clone, "--dry-run", "check").stdout
    for step in ("ruff format --check", "ruff check", "mypy", "lint-imports"):
        assert f".venv/bin/{step}" in steps
    assert "--prefix web run lint" in steps


def test_the_browser_of_the_tests_is_installed_where_there_is_none(clone: Path) -> None:
    bare = {"PATH": str(clone / "bin"), "FIRESIDE_CHROMIUM": ""}
    tool(clone / "bin/id", "echo 0")
    tool(clone / "bin/apt-get", 'echo "apt-get $1" >> asked')
    assert make(clone, "chromium", **bare).returncode == 0
    assert asked(clone) == ["apt-get update", "apt-get install"]
    assert make(clone, "chromium", **bare | {"FIRESIDE_CHROMIUM": "/opt/chromium"}).returncode == 0
    tool(clone / "bin/id", "echo 1000")
    ended = make(clone, "chromium", **bare)
    assert (ended.returncode, asked(clone)) == (2, [])
    assert ended.stderr.startswith("The tests need a Chromium. Install it (apt-get install chromium)")
    tool(clone / "bin/chromium", "")
    assert make(clone, "chromium", **bare).returncode == 0
