"""The forms of the wire as one JSON Schema, from which the TypeScript client has its types.

    python -m tests.client.wire | npm run wire --workspace @fireside/client

`Events` has what the server tells, `Commands` what it can be asked and what it answers.
"""

import asyncio
import contextlib
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.http.conftest import get_json, whole
from tests.reference import Json

REST = ("Person", "Me", "Myself", "Welcome", "People")
"""What is on the REST wire alone, and wanted."""
NOISE = ("examples", "example", "title")


async def schema() -> Json:
    """The schema. What does not change a type or what is said of it is left out."""
    with tempfile.TemporaryDirectory() as folder:
        fireside = whole(Path(folder))
        asyncapi, openapi = await get_json(fireside, "/asyncapi.json"), await get_json(fireside, "/openapi.json")
    forms = asyncapi["components"]["schemas"]
    # It is for those who are not let in, and has the name of what every program has.
    del forms["Error"]
    forms |= {name: openapi["components"]["schemas"][name] for name in REST}
    operations, messages = asyncapi["operations"], asyncapi["channels"]["main"]["messages"]
    told = {name: messages[name]["payload"] for name, each in operations.items() if each["action"] == "send"}
    asked = {
        name: _object({"form": messages[name]["payload"], "answer": messages[f"{name}.ok"]["payload"]})
        for name, each in operations.items()
        if each["action"] == "receive" and name != "connect"
    }
    forms |= {
        "Events": _object(told) | {"description": "What the server tells of its own accord."},
        "Commands": _object(asked) | {"description": "What it can be asked, and what it answers."},
    }
    plain = _plain(dict(sorted(forms.items())))
    return {"$defs": plain, "x-digest": hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()}


def _object(fields: Json) -> Json:
    return {"type": "object", "properties": dict(sorted(fields.items())), "required": sorted(fields)}


def _plain(schema: Any, *, names: bool = False) -> Any:
    """`names`: what is in it are names of fields, none of which is noise."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _plain(each, names=key == "properties") for key, each in schema.items() if names or key not in NOISE}
    reference = plain.get("$ref")
    if isinstance(reference, str):
        plain["$ref"] = "#/$defs/" + reference.rpartition("/")[2]
    return plain


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        # The log is not the schema.
        found = asyncio.run(schema())
    print(json.dumps(found))
