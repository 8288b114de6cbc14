"""What a server says of itself, as a measure of what it says: the AsyncAPI and OpenAPI documents of a running server.

A document lets clients ignore what they do not know. Here whatever is not in it is a misfit, so that nothing goes out
undocumented.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import httpx2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

Json = dict[str, Any]

BEFORE_ANY_ROUTE = (405, 414, 431)
"""Refusals that are of no operation: the method is none of the address's, or what is asked is too long to be read."""


class Reference:
    """Each question is answered with what does not fit, in words; with nothing if all is well."""

    def __init__(self, asyncapi: Json, openapi: Json) -> None:
        self._messages: Json = asyncapi["channels"]["main"]["messages"]
        self._asked = {
            name for name, operation in asyncapi["operations"].items() if operation["action"] == "receive"
        } - {"connect"}
        self._told = {name for name, operation in asyncapi["operations"].items() if operation["action"] == "send"}
        self._schemas = closed(asyncapi["components"]["schemas"])
        self._openapi = openapi
        self._validators: dict[str, Draft202012Validator] = {}

    def misfit_of_event(self, name: str, body: object) -> str | None:
        """An event that the server has told."""
        if name not in self._told:
            return f"{name} is no event that the server tells"
        return self.misfit_of_message(name, body)

    def misfit_of_answer(self, event: object, answer: object) -> str | None:
        """An acknowledgement of this client event, which there may be none of this name."""
        if event not in self._asked:
            return _misfit(f"refusal of {event}", self._validator({"$ref": "#/components/schemas/Refusal"}), answer)
        is_done = isinstance(answer, Mapping) and answer.get("ok") is True
        return self.misfit_of_message(f"{event}.{'ok' if is_done else 'refused'}", answer)

    def misfit_of_message(self, name: str, body: object) -> str | None:
        """A message of the document, by its name there."""
        if name not in self._validators:
            self._validators[name] = self._validator(closed(self._messages[name]["payload"]))
        return _misfit(name, self._validators[name], body)

    def misfit_of_response(self, response: httpx2.Response) -> str | None:
        """An answer over HTTP, which has been read. What is asked of no route of the document is not looked at."""
        request = response.request
        operations = next((these for path, these in self._paths if path.fullmatch(request.url.path)), None)
        if operations is None or request.method in ("HEAD", "OPTIONS") or response.status_code in BEFORE_ANY_ROUTE:
            return None
        where = f"{response.status_code} of {request.method} {request.url.path}"
        found = operations[request.method.lower()]["responses"].get(str(response.status_code))
        if found is None:
            return f"{where} is not documented"
        (content,) = found["content"].values()
        schema = closed(content["schema"]) | {"components": {"schemas": self._rest_schemas}}
        return _misfit(where, Draft202012Validator(schema), response.json())

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], Json]]:
        """Those that are all letters first."""
        paths = sorted(self._openapi["paths"].items(), key=lambda item: item[0].count("{"))
        return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), operations) for path, operations in paths]

    @cached_property
    def _rest_schemas(self) -> Any:
        return closed(self._openapi["components"]["schemas"])

    def _validator(self, schema: Json) -> Draft202012Validator:
        return Draft202012Validator(schema | {"components": {"schemas": self._schemas}})


def closed(schema: Any) -> Any:
    """The schema, without room for fields that it does not name."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {name: closed(each) for name, each in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        inside.setdefault("additionalProperties", False)
    return inside


def _misfit(what: str, validator: Draft202012Validator, body: object) -> str | None:
    error = best_match(validator.iter_errors(body))
    return None if error is None else f"{what} does not fit its document: {error.json_path}: {error.message}"


_references: dict[str, Reference] = {}


async def reference_of(url: str) -> Reference:
    """The reference of the server at this address, asked for once."""
    if url not in _references:
        async with httpx2.AsyncClient(base_url=url, timeout=30) as http:
            documents = [await http.get(path) for path in ("/asyncapi.json", "/openapi.json")]
        _references[url] = Reference(*(each.raise_for_status().json() for each in documents))
    return _references[url]


async def hold_to_reference(response: httpx2.Response) -> None:
    """A hook for an HTTP client: an answer that is not as documented fails whoever asked."""
    await response.aread()
    url = response.request.url
    reference = await reference_of(f"{url.scheme}://{url.netloc.decode()}")
    misfit = reference.misfit_of_response(response)
    assert misfit is None, misfit
