"""What the OpenAPI document promises, tried on a whole server with generated requests, good and bad (schemathesis)."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.http.conftest import get_json, whole
from tests.serving import FiresideProcess

Case = schemathesis.Case[Any]

schema = schemathesis.openapi.from_dict(asyncio.run(get_json(whole(Path("nowhere")), "/openapi.json")))
# What no text of ours may have in it, JSON Schema has no good words for.
schema.config.generation.update(allow_x00=False)
some = settings(max_examples=100 if os.environ.get("FIRESIDE_TEST_LONG") else 15, derandomize=True, deadline=None)

UNSAYABLE = {
    # JSON Schema counts characters and a password counts bytes.
    "/api/users/register",
    # Only what the server has answered before is taken.
    "/api/sync",
    "/api/conversations",
    # Which texts are one emoji.
    "/api/conversations/{conversation}/messages/{seq}/reaction",
}
"""Paths of which no schema can say what will be accepted."""


@schema.hook
def filter_body(_context: schemathesis.HookContext, body: object) -> bool:
    """To JSON Schema 42.0 is an integer. It is no number of a message, and no client writes it so."""
    return not isinstance(body, dict) or not any(isinstance(each, float) for each in body.values())


@schema.auth()
class Token:
    """Anna's, for whatever asks for one."""

    anna = ""

    def get(self, _case: Case, _context: schemathesis.AuthContext) -> str:
        return self.anna

    def set(self, case: Case, data: str, _context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FiresideProcess]:
    process = FiresideProcess(tmp_path_factory.mktemp("conformance"))
    asyncio.run(process.start())
    try:
        Token.anna = asyncio.run(process.register("anna"))["token"]
        yield process
    finally:
        status = asyncio.run(process.stop())
    assert status == 0
    assert "Traceback" not in process.log.read_text()


@schema.parametrize()
@some
def test_every_answer_is_as_documented(case: Case, server: FiresideProcess) -> None:
    excluded: list[schemathesis.CheckFunction] = [positive_data_acceptance] if case.operation.path in UNSAYABLE else []
    case.call_and_validate(base_url=server.url, excluded_checks=excluded)


@pytest.fixture(scope="module")
def group(server: FiresideProcess) -> str:
    """A conversation that Anna has made, with Ben and some messages in it."""
    ben = asyncio.run(server.register("ben"))["user"]["_id"]
    with httpx2.Client(base_url=server.url, headers={"Authorization": f"Bearer {Token.anna}"}) as http:
        made = http.post("/api/conversations", json={"title": "Book club", "members": [ben]})
        place = str(made.raise_for_status().json()["conversation"]["_id"])
        for content in ("Hello", "Hello again"):
            http.post(f"/api/conversations/{place}/messages", json={"content": content}).raise_for_status()
    return place


@schema.include(path_regex="{conversation}").parametrize()
@some
def test_so_is_every_answer_about_a_conversation_that_is_there(case: Case, server: FiresideProcess, group: str) -> None:
    """What becomes of a request is then no matter of its form alone."""
    case.path_parameters["conversation"] = group
    case.call_and_validate(base_url=server.url, excluded_checks=[positive_data_acceptance, negative_data_rejection])
