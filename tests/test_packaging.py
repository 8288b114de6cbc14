"""What is shipped: a wheel that has all it needs and nothing else, and an sdist from which one can go on."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin
from zipfile import ZipFile

import hatch_build
import httpx2
import pytest

import fireside
from fireside.config import every_setting
from tests.serving import FiresideProcess, bare_environment

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
BUILD = """
import sys
import hatchling.build
hatchling.build.build_wheel(sys.argv[1])
if len(sys.argv) > 2:
    hatchling.build.build_sdist(sys.argv[2])
"""
BUILD_ONE = """
import sys
import hatchling.build
getattr(hatchling.build, f"build_{sys.argv[1]}")(sys.argv[2])
"""
FOLDERS = (".ci", "bench", "deploy", "docs", "examples", "src", "tests", "web")
FILES = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "hatch_build.py",
    "pyproject.toml",
    "uv.lock",
    ".env.example",
    "Dockerfile",
    ".dockerignore",
    "compose.yaml",
)
MADE = {"node_modules", "__pycache__", "dist"}


class Built(NamedTuple):
    wheel: Path
    sdist: Path


def run(*command: str | Path, folder: Path = ROOT, **environment: str) -> str:
    """What it says; fails where it fails."""
    ended = subprocess.run(
        command,
        cwd=folder,
        env=bare_environment() | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def built_in(folder: Path, *outputs: Path) -> None:
    """Build the project in this folder with what is installed here: nothing is fetched, and there is no Node."""
    run(sys.executable, "-c", BUILD, *outputs, folder=folder, PATH="")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both, of this tree."""
    output = tmp_path_factory.mktemp("built")
    built_in(ROOT, output, output)
    (wheel,), (sdist,) = output.glob("*.whl"), output.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="module")
def unpacked(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, as somebody has it who got no clone."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built.sdist) as archive:
        archive.extractall(folder, filter="data")
    (top,) = folder.iterdir()
    return top


@pytest.fixture(scope="module")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment with the wheel; what it depends on is lent from here."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", folder)
    python = folder / "bin" / "python"
    run(
        python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", built.wheel
    )
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    # The paths that are named in there, such as that of our source, are not followed.
    (own / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def contents(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def metadata(wheel: Path) -> Message:
    (text,) = (content for name, content in contents(wheel).items() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(text.decode())


def test_the_wheel_has_every_file_of_the_package_and_no_other(built: Built) -> None:
    files = [path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    ours = {path.relative_to(SOURCE).as_posix(): path.read_bytes() for path in files}
    page = "fireside/http/webclient/index.html"
    assert {"fireside/py.typed", "fireside/http/assets/swagger-ui-bundle.js", page} <= set(ours), "make web"
    told = {name: content for name, content in contents(built.wheel).items() if ".dist-info/" not in name}
    assert told == ours


def test_the_wheel_says_what_it_is(built: Built) -> None:
    said = metadata(built.wheel)
    assert (said["Name"], said["Version"], said["Requires-Python"]) == ("fireside", fireside.__version__, ">=3.11")
    assert said["Description-Content-Type"] == "text/markdown"
    assert said.get_payload() == (ROOT / "README.md").read_text()
    assert said["License-Expression"] == "MIT AND Apache-2.0"
    licences = {"LICENSE", "src/fireside/http/assets/LICENSE", "src/fireside/http/assets/NOTICE"}
    assert set(said.get_all("License-File", [])) == licences
    assert set(said.get_all("Provides-Extra", [])) == {"client", "otel"}
    assert "Typing :: Typed" in said.get_all("Classifier", [])
    told = {name.partition(".dist-info/licenses/")[2] for name in contents(built.wheel)}
    assert licences <= told


def test_the_sdist_builds_the_same_wheel(built: Built, unpacked: Path, tmp_path: Path) -> None:
    built_in(unpacked, tmp_path)
    (again,) = tmp_path.glob("*.whl")
    assert contents(again) == contents(built.wheel)


def test_whoever_has_the_sdist_need_not_build_the_web_client(unpacked: Path) -> None:
    steps = run("make", "--dry-run", "web", folder=unpacked)
    assert "npm" not in steps
    (unpacked / "web/more.ts").touch()
    assert "npm" in run("make", "--dry-run", "web", folder=unpacked)
    (unpacked / "web/more.ts").unlink()


@pytest.fixture
def without_client(unpacked: Path, tmp_path: Path) -> Path:
    """The tree, before anybody has built the web client."""
    folder = tmp_path / "tree"
    shutil.copytree(unpacked, folder, ignore=shutil.ignore_patterns("webclient"))
    return folder


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_nothing_is_shipped_without_the_web_client(without_client: Path, tmp_path: Path, kind: str) -> None:
    with pytest.raises(AssertionError, match=hatch_build.MISSING):
        run(sys.executable, "-c", BUILD_ONE, kind, tmp_path, folder=without_client)
    assert not list(tmp_path.glob("*.*"))


def test_installed_in_place_it_needs_no_web_client(without_client: Path, tmp_path: Path) -> None:
    run(sys.executable, "-c", BUILD_ONE, "editable", tmp_path, folder=without_client)
    assert len(list(tmp_path.glob("*.whl"))) == 1


def test_the_sdist_has_what_the_tests_need(unpacked: Path) -> None:
    kept = {path.relative_to(unpacked) for path in unpacked.rglob("*")}
    wanted = {path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*")}
    assert {path for path in wanted if not MADE & set(path.parts) and path.suffix != ".pyc"} <= kept
    assert set(map(Path, FILES)) <= kept
    paths = os.pathsep.join([str(unpacked / "src"), str(unpacked)])
    run(sys.executable, "-m", "pytest", "-q", "tests/test_docs.py", folder=unpacked, PYTHONPATH=paths)


def test_installed_it_says_its_version_and_shows_its_settings(installed: Path, tmp_path: Path) -> None:
    python, command = installed / "python", installed / "fireside"
    place = run(python, "-c", "import fireside; print(fireside.__file__)", folder=tmp_path, PYTHONPATH="")
    assert Path(place).is_relative_to(installed.parent)
    said = run(command, "--version", folder=tmp_path, PYTHONPATH="")
    assert said == f"fireside {fireside.__version__}\n"
    shown = run(command, "config", folder=tmp_path, PYTHONPATH="")
    assert [name for name in (setting.name for setting in every_setting()) if name not in shown] == []


async def test_installed_it_serves_with_all_its_pages(installed: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [installed / "fireside", "serve"]
    async with (
        FiresideProcess(tmp_path, {"PYTHONPATH": ""}, command) as server,
        httpx2.AsyncClient(base_url=server.url) as http,
    ):
        assert (await http.get("/healthz")).status_code == 200
        for page in ("/", "/docs", "/docs/events"):
            shown = await http.get(page)
            assert shown.status_code == 200
            assets = re.findall(r'(?:src|href)="([^"#]+\.(?:js|css|svg))"', shown.text)
            assert assets, page
            for asset in assets:
                assert (await http.get(urljoin(page, asset))).status_code == 200, asset
