"""Schemas of forms, and examples of what they describe, put together from the examples of their fields.

What a form must have is in its example, and of what it may have whatever says how it looks.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

REF = "#/components/schemas/{name}"
NULL = {"type": "null"}

Schema = Mapping[str, Any]
Schemas = dict[str, dict[str, Any]]


def components(types: Iterable[type]) -> tuple[list[dict[str, Any]], Schemas]:
    """The schemas of these, and the components that they refer to."""
    # Examples may be forms.
    found, schemas = msgspec.to_builtins(msgspec.json.schema_components(types, ref_template=REF))
    for schema in schemas.values():
        for field in schema["properties"].values():
            if field.keys() == {"enum"}:
                field["description"] = "Always this: it says which of several forms this is."
    return found, schemas


def example(schema: Schema, schemas: Mapping[str, Any]) -> Any:
    """A value that fits; `schemas` are the components that it may refer to.

    Raises:
        ValueError: nothing says how it looks.
    """
    for each in (schema, *choices(schema)):
        if "examples" in each:
            return each["examples"][0]
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    if "$ref" in schema:
        return example(named(schema, schemas), schemas)
    if "anyOf" in schema:
        return None if NULL in schema["anyOf"] else example(choices(schema)[0], schemas)
    match schema.get("type"):
        case "object":
            return _object(schema, schemas)
        case "array":
            return [example(schema["items"], schemas)]
        case "boolean":
            return True
    raise ValueError(f"nothing says how this looks: {schema}")


def named(schema: Schema, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The component that a reference is to."""
    found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
    return found


def choices(schema: Schema) -> list[Schema]:
    """What a value may be one of, but for null; the schema itself if that gives no choice."""
    if "anyOf" not in schema:
        return [schema]
    return [each for one in schema["anyOf"] if one != NULL for each in choices(one)]


def _object(schema: Schema, schemas: Mapping[str, Any]) -> dict[str, Any]:
    required = schema.get("required", ())
    return {
        name: example(field, schemas)
        for name, field in schema.get("properties", {}).items()
        if name in required or any("examples" in each for each in (field, *choices(field)))
    }
