"""The TypeScript client's types are those of the server's models."""

from tests.client import wire
from tests.client.javascript import PACKAGE


async def test_the_types_of_the_javascript_client_are_up_to_date() -> None:
    schema = await wire.schema()
    made = (PACKAGE / "src/wire.ts").read_text()
    assert f"digest: {schema['x-digest']}" in made, "make them again: python -m tests.client.wire says how"
