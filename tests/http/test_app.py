"""The application: docs, and the OpenAPI document."""

import pytest

from fireside import __version__
from fireside.http.docs import ASSETS
from tests.http.rest import Rest, refusal


@pytest.fixture
def rest() -> Rest:
    return Rest()


# ── docs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_assets_are_kept_and_revalidated(rest: Rest) -> None:
    async with rest.client() as client:
        first = await client.get("/docs/assets/swagger-ui.css")
        assert first.headers["cache-control"] == "public, max-age=86400"
        again = await client.get("/docs/assets/swagger-ui.css", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path", ["", "/", "/nope.js", "/../docs.py", "/%2e%2e/docs.py", "/..%2fdocs.py", "/%00", "//etc/passwd"]
)
async def test_nothing_but_the_assets_is_served(rest: Rest, path: str) -> None:
    async with rest.client() as client:
        assert refusal(await client.get(f"/docs/assets{path}")) == (404, "not_found")


def test_what_we_ship_of_others_comes_with_their_licence() -> None:
    assert "Apache License" in (ASSETS / "LICENSE").read_text()
    assert (ASSETS / "NOTICE").exists()


# ── the OpenAPI document ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_document_says_what_it_is_of(rest: Rest) -> None:
    async with rest.client() as client:
        document = (await client.get("/openapi.json")).json()
    assert document["info"]["title"] == "Fireside"
    assert document["info"]["version"] == __version__


def test_every_operation_names_its_refusals_in_the_one_shape(rest: Rest) -> None:
    document = rest.app.openapi()
    for path in document["paths"].values():
        for operation in path.values():
            refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert {"400", "429", "500", "503"} <= refusals.keys()
            assert ("401" in refusals) == ("security" in operation or operation["operationId"] == "accounts_log_in")
            assert ({"413", "415", "422"} <= refusals.keys()) == ("requestBody" in operation)
            for answer in refusals.values():
                assert answer["description"]
                assert answer["content"] == {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_what_a_route_says_of_its_refusals_is_kept(rest: Rest) -> None:
    responses = rest.app.openapi()["paths"]["/api/users/login"]["post"]["responses"]
    assert responses["401"]["description"].startswith("`invalid_credentials`")


def test_every_operation_has_an_id_and_words(rest: Rest) -> None:
    operations = [operation for path in rest.app.openapi()["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] and operation["description"] for operation in operations)


def test_the_document_is_made_once(rest: Rest) -> None:
    assert rest.app.openapi() is rest.app.openapi()
