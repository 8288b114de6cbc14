"""The references that people read: pages of our own, whole, and an OpenAPI document in which nothing is unsaid."""

import re
from html import unescape
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator

from fireside.http import reference
from tests.reference import Json

PAGES = {
    "/docs": {"docs/events", "docs/postman.json"},
    "/docs/events": {"../docs", "../asyncapi.json", "../docs/postman.json"},
}
"""And where each must lead to."""


# ── the pages ────────────────────────────────────────────────────────────────────────────────────────────────────


def links(page: str) -> list[str]:
    """Everything that a page loads or leads to, but its own places."""
    found = [unescape(each) for each in re.findall(r'(?:src|href)="([^"]*)"', page)]
    return [each for each in found if not each.startswith("#")]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(http: httpx2.AsyncClient, path: str) -> None:
    page = await http.get(path)
    loaded = re.findall(r'<(?:link|script|img)[^>]* (?:src|href)="([^"]*)"', page.text)
    assert len(loaded) >= 4
    for each in loaded:
        assert re.fullmatch(r"(\.\./)?(docs/)?assets/[\w.-]+", each)
        assert (await http.get(str(page.url.join(each)))).status_code == 200
    assert not re.search(r"<script(?! src)|<style| on\w+=|style=|javascript:", page.text)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize("path", PAGES)
async def test_every_link_leads_somewhere_here(http: httpx2.AsyncClient, path: str) -> None:
    page = await http.get(path)
    found = links(page.text)
    assert PAGES[path] <= set(found)
    for each in {str(page.url.join(link)).partition("#")[0] for link in found}:
        assert each.startswith("http://chat.example.org/")
        assert (await http.get(each)).status_code == 200, each


async def test_swagger_may_run_its_own_script_and_the_page_of_the_events_none(http: httpx2.AsyncClient) -> None:
    policies = [(await http.get(path)).headers["content-security-policy"] for path in ("/docs", "/docs/events")]
    assert "script-src 'self'" in policies[0]
    assert "script-src" not in policies[1]
    assert "unsafe" not in policies[1]


async def test_every_event_is_on_the_page_with_its_fields_its_codes_and_its_route(
    http: httpx2.AsyncClient, asyncapi: Json
) -> None:
    page = (await http.get("/docs/events")).text
    articles = {found[1]: found[2] for found in re.finditer(r'<article id="(\w+)">(.*?)</article>', page, re.DOTALL)}
    messages, schemas = asyncapi["channels"]["main"]["messages"], asyncapi["components"]["schemas"]
    for name, operation in asyncapi["operations"].items():
        if name == "connect":
            continue
        article = re.sub("<[^>]+>", "", articles[name])
        for field in schemas[messages[name]["payload"]["$ref"].rpartition("/")[2]]["properties"]:
            assert field in article, (name, field)
        if operation["action"] == "receive":
            codes = messages[f"{name}.refused"]["payload"]["allOf"][1]["properties"]["code"]["enum"]
            assert all(f'href="#code-{code}"' in articles[name] for code in codes)
        for route in operation.get("x-rest", ()):
            assert f"{route['method']} {route['path']}" in article


async def test_places_on_the_page_are_there_once_and_whatever_points_to_one_finds_it(http: httpx2.AsyncClient) -> None:
    page = (await http.get("/docs/events")).text
    places = re.findall(r' id="([^"]+)"', page)
    assert len(set(places)) == len(places)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(places)


async def test_what_leads_to_rest_names_operations_of_it(http: httpx2.AsyncClient, openapi: Json) -> None:
    page = (await http.get("/docs/events")).text
    known = {
        f"../docs#/{operation['tags'][0]}/{operation['operationId']}"
        for methods in openapi["paths"].values()
        for operation in methods.values()
    }
    found = {each for each in links(page) if each.startswith("../docs#")}
    assert len(found) > 30
    assert found <= known


def test_what_the_document_says_is_shown_and_not_run(asyncapi: Json, openapi: Json) -> None:
    info = asyncapi["info"] | {"title": "<script>1</script>", "description": "`<b>` & <script>2</script>"}
    page = reference.page(asyncapi | {"info": info}, openapi)
    assert "<script" not in page
    assert "<code>&lt;b&gt;</code> &amp; &lt;script&gt;2" in page


# ── the OpenAPI document ─────────────────────────────────────────────────────────────────────────────────────────


def operations(openapi: Json) -> list[tuple[str, Json]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in openapi["paths"].items()
        for method, operation in methods.items()
    ]


def unsaid(schema: Any, where: str) -> set[str]:
    """Fields, in it and below it, of which nothing is said."""
    found = set()
    if isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            if "description" not in field and not field.get("$ref", "").endswith("/MessageForm"):
                found.add(f"{where}.{name}")
        for name, inside in schema.items():
            found |= unsaid(inside, f"{where}.{name}")
    return found


def test_every_operation_has_words_and_every_parameter_and_field_too(openapi: Json) -> None:
    for where, operation in operations(openapi):
        assert operation["summary"], where
        assert all(each["description"] for each in operation.get("parameters", ())), where
        assert unsaid(operation, where) == set()
    assert unsaid(openapi["components"]["schemas"], "forms") == set()


def test_a_field_of_which_nothing_is_said_is_found_out() -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"description": "It."}}}
    outer = {"properties": {"list": {"description": "They.", "items": inner}}}
    assert unsaid(outer, "form") == {"form.properties.list.items.a"}


def test_what_must_be_in_an_address_has_an_example(openapi: Json) -> None:
    for where, operation in operations(openapi):
        for parameter in operation.get("parameters", ()):
            assert not parameter["required"] or parameter["schema"]["examples"], (where, parameter["name"])


def test_bodies_and_answers_have_examples_that_fit(openapi: Json) -> None:
    shown = 0
    for where, operation in operations(openapi):
        done = [answer for status, answer in operation["responses"].items() if status < "400"]
        for part in (*done, operation.get("requestBody", {})):
            for content in part.get("content", {}).values():
                validator = Draft202012Validator({**content["schema"], "components": openapi["components"]})
                assert validator.is_valid(content["example"]), where
                shown += 1
    assert shown > 50


def test_every_refusal_says_its_codes(openapi: Json) -> None:
    for where, operation in operations(openapi):
        refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert {"400", "429", "500", "503"} <= set(refusals), where
        for answer in refusals.values():
            assert re.match(r"`[a-z_]+`: \S", answer["description"]), where
            assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
