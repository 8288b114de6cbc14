"""The Postman collection: of the form that Postman reads, with every operation, and bodies that the API takes."""

import json
import re
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from fireside.http.postman import SCHEMA, collection
from tests.reference import Json

BASE = "https://chat.example.org"


@pytest.fixture
def made(openapi: Json) -> Json:
    return collection(openapi, f"{BASE}/")


def requests(made: Json) -> list[tuple[str, Json]]:
    """Every request with the folder it is in."""
    return [(folder["name"], item) for folder in made["item"] for item in folder["item"]]


def address(item: Json) -> tuple[str, str]:
    """Method and path, as OpenAPI writes it."""
    request = item["request"]
    return request["method"].lower(), "/" + re.sub(r":(\w+)", r"{\1}", "/".join(request["url"]["path"]))


def operations(openapi: Json) -> dict[tuple[str, str], Json]:
    return {(method, path): one for path, methods in openapi["paths"].items() for method, one in methods.items()}


async def test_it_is_a_file_to_download_that_knows_where_its_server_is(http: httpx2.AsyncClient) -> None:
    answer = await http.get("/docs/postman.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="fireside.postman_collection.json"'
    (base,) = (each["value"] for each in answer.json()["variable"] if each["key"] == "baseUrl")
    assert base == "http://chat.example.org"


def test_it_is_what_the_format_asks_for(made: Json) -> None:
    """https://schema.postman.com/collection/json/v2.1.0/draft-07/docs/index.html"""
    assert set(made) == {"info", "item", "auth", "variable"}
    assert made["info"]["schema"] == SCHEMA
    assert made["info"]["name"]
    assert made["auth"] == {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]}
    assert {each["key"]: each["value"] for each in made["variable"]} == {"baseUrl": BASE, "token": ""}
    for _, item in requests(made):
        assert set(item) <= {"name", "request", "response", "event"}
        assert set(item["request"]) <= {"method", "header", "url", "body", "auth", "description"}
        assert all(set(each) == {"key", "value"} for each in item["request"]["header"])
        url = item["request"]["url"]
        assert set(url) <= {"raw", "host", "path", "variable", "query"}
        given = "&".join(f"{each['key']}={each['value']}" for each in url.get("query", ()) if not each["disabled"])
        assert url["raw"] == "/".join([*url["host"], *url["path"]]) + (f"?{given}" if given else "")
        variables = [each["key"] for each in url.get("variable", ())]
        assert variables == [part[1:] for part in url["path"] if part.startswith(":")]
        assert all(each["description"] for each in (*url.get("variable", ()), *url.get("query", ())))


def test_every_operation_is_in_the_folder_of_its_tag(made: Json, openapi: Json) -> None:
    there = {address(item): folder for folder, item in requests(made)}
    assert there == {place: operation["tags"][0] for place, operation in operations(openapi).items()}
    folders = [folder["name"] for folder in made["item"]]
    assert len(set(folders)) == len(folders) > 5


def test_bodies_are_what_the_api_takes(made: Json, openapi: Json) -> None:
    for _, item in requests(made):
        operation = operations(openapi)[address(item)]
        assert ("body" in item["request"]) == ("requestBody" in operation)
        if "body" in item["request"]:
            schema: dict[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
            body = json.loads(item["request"]["body"]["raw"])
            Draft202012Validator({**schema, "components": openapi["components"]}).validate(body)
            assert {"key": "Content-Type", "value": "application/json"} in item["request"]["header"]


def test_logging_in_keeps_the_token_and_needs_none(made: Json) -> None:
    entrances = {"/api/users/register", "/api/users/login"}
    assert {address(item)[1] for _, item in requests(made) if "event" in item} == entrances
    assert {address(item)[1] for _, item in requests(made) if item["request"].get("auth")} == entrances
    (log_in,) = (item for _, item in requests(made) if address(item)[1] == "/api/users/login")
    (event,) = log_in["event"]
    assert event["listen"] == "test"
    assert "pm.collectionVariables.set('token', token)" in "\n".join(event["script"]["exec"])
