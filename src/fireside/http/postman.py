"""A Postman collection, made from the OpenAPI document: a folder a tag, a request an operation, bodies that fit.

Logging in stores the token, and every other request sends it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from fireside.http.schemas import example

Json = dict[str, Any]

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
SCRIPT = ["const { token } = pm.response.json();", "if (token) pm.collectionVariables.set('token', token);"]
"""Keeps the token that it was answered."""
HOW = """

Set `baseUrl` to where your server is, then register or log in: both store the token that the other requests send.
"""


def collection(openapi: Json, base_url: str) -> Json:
    """The collection of a server that is reached at `base_url`."""
    info = openapi["info"]
    folders: dict[str, list[Json]] = {}
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            folders.setdefault(operation["tags"][0], []).append(_item(method.upper(), path, operation, openapi))
    return {
        "info": {"name": info["title"], "description": info["description"].strip() + HOW.rstrip(), "schema": SCHEMA},
        "item": [{"name": tag, "item": items} for tag, items in folders.items()],
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
        "variable": [
            {"key": "baseUrl", "value": base_url.rstrip("/"), "type": "string"},
            {"key": "token", "value": "", "type": "string"},
        ],
    }


def _item(method: str, path: str, operation: Json, openapi: Json) -> Json:
    schemas = openapi["components"]["schemas"]
    request: Json = {
        "method": method,
        "header": [{"key": "Accept", "value": "application/json"}],
        "url": _url(path, operation.get("parameters", []), schemas),
        "description": operation.get("description", ""),
    }
    if "requestBody" in operation:
        (media_type,) = operation["requestBody"]["content"]
        body = operation["requestBody"]["content"][media_type]["example"]
        request["header"].append({"key": "Content-Type", "value": media_type})
        request["body"] = {
            "mode": "raw",
            "raw": json.dumps(body, indent=2, ensure_ascii=False),
            "options": {"raw": {"language": "json"}},
        }
    if "security" not in operation:
        request["auth"] = {"type": "noauth"}
    item: Json = {"name": operation["summary"], "request": request, "response": []}
    if any("token" in answer for answer in _answers(operation)):
        item["event"] = [{"listen": "test", "script": {"type": "text/javascript", "exec": SCRIPT}}]
    return item


def _url(path: str, parameters: list[Json], schemas: Json) -> Json:
    variables = [_parameter(each, schemas) for each in parameters if each["in"] == "path"]
    # What need not be given is there to be switched on.
    queries = [
        _parameter(each, schemas) | {"disabled": not each["required"]} for each in parameters if each["in"] == "query"
    ]
    place = re.sub(r"{(\w+)}", r":\1", path)
    given = "&".join(f"{each['key']}={each['value']}" for each in queries if not each["disabled"])
    url: Json = {
        "raw": f"{{{{baseUrl}}}}{place}" + (f"?{given}" if given else ""),
        "host": ["{{baseUrl}}"],
        "path": place.strip("/").split("/"),
    }
    return url | {name: some for name, some in {"variable": variables, "query": queries}.items() if some}


def _parameter(parameter: Json, schemas: Json) -> Json:
    """Its name, what it means, and an example."""
    schema = parameter["schema"] if "schema" in parameter else parameter["content"]["application/json"]["schema"]
    value = example(schema, schemas)
    text = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return {"key": parameter["name"], "value": text, "description": parameter["description"]}


def _answers(operation: Json) -> Iterator[Json]:
    """Examples of what it answers when all is well."""
    for status, answer in operation["responses"].items():
        if status < "300":
            for content in answer.get("content", {}).values():
                yield content["example"]
