"""What the README tells people to type works as written: only the address is another here."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.conftest import on_sqlite_alone
from tests.journeys.people import House, Person
from tests.journeys.programs import NODE, node_modules, running
from tests.journeys.test_examples import masked

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The blocks of code in this language."""
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return found


def the_block(language: str, holds: str) -> str:
    """The one block that has this in it."""
    (found,) = (block for block in blocks(language) if holds in block)
    return found


SHELL = {"make run\n", "make test\n", "examples/walkthrough.sh\n"}
"""Blocks that are one command: what they do is tried where `make` and the examples are."""


def test_every_block_of_commands_is_tried() -> None:
    longer = {the_block("sh", "curl"), the_block("sh", "MONGO_URI")}
    assert set(blocks("sh")) == SHELL | longer
    assert len(blocks("js")) == 1


@pytest.fixture
def here(house: House) -> Callable[[str], str]:
    """Text of the README with this server's address in place of the default one."""

    def placed(text: str) -> str:
        assert "localhost:5000" in text
        return text.replace("localhost:5000", f"127.0.0.1:{house.server.port}")

    return placed


@on_sqlite_alone
async def test_registering_by_hand_answers_as_the_readme_says(house: House, here: Callable[[str], str]) -> None:
    command = the_block("sh", "curl").replace('"ann"', f'"readme.{house.server.port}"')
    async with running("bash", "-c", here(command).replace("curl ", "curl -sS ")) as shell:
        answer = json.loads("".join(await shell.finish()))
    assert set(answer) == {"user", "token"}
    assert '`{"user": {"_id", …}, "token"}`' in README
    me = await house.http.get("/api/users/me", headers={"Authorization": f"Bearer {answer['token']}"})
    assert me.json() == answer["user"] | {"readReceipts": True}


@on_sqlite_alone
async def test_the_walk_through_prints_what_the_readme_shows(house: House) -> None:
    shown = the_block("", "ann is").splitlines()
    async with running(
        "bash", "-c", the_block("sh", "walkthrough").strip() + f" {house.server.url}", folder=ROOT
    ) as walk:
        assert masked(await walk.finish()) == masked(shown)


@on_sqlite_alone
async def test_the_javascript_of_the_readme_runs(
    ann: Person, bob: Person, here: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(node_modules())
    known = f"const token = {json.dumps(ann.token)}, bobId = {json.dumps(bob.id)};\n"
    end = "\nconsole.log(JSON.stringify(answer));\nsocket.disconnect();\n"
    script = tmp_path / "readme.mjs"
    script.write_text(known + here(the_block("js", "socket.io-client")) + end)
    async with running(NODE, script) as node:
        (line,) = await node.finish()
    answer = json.loads(line)
    shown = re.search(r"// \{ok: true, message: \{(.*)\}\}", README)
    assert shown is not None
    assert list(answer["message"]) == shown[1].split(", ")
    assert await ann.history(bob) == [answer["message"]]


@pytest.mark.skipif(shutil.which("openssl") is None and "CI" not in os.environ, reason="there is no openssl here")
async def test_the_command_for_mongodb_sets_a_database_and_a_good_secret(tmp_path: Path) -> None:
    """Run with a `make` that only says what it was given."""
    make = tmp_path / "make"
    make.write_text('#!/bin/sh\necho "$@"\nprintenv MONGO_URI JWT_SECRET\n')
    make.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    async with running("bash", "-c", the_block("sh", "MONGO_URI"), environment={"PATH": path}) as shell:
        asked, uri, secret = await shell.finish()
    assert (asked, uri) == ("run", "mongodb://localhost:27017/fireside")
    assert len(secret) >= 32
