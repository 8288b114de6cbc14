"""Commands over REST: each becomes a route, with its documentation made from the forms it is read with.

What must stay true:

- A command is read alike on both wires: the same form, the same refusal that names the field and never repeats what was
  sent.
- What an answer has over the socket it has here, but for `ok`, which the status says.
"""

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from fireside.auth.bearer import Caller, caller_of
from fireside.core.errors import BadRequest, ChatError, InvalidInput
from fireside.core.events import Command, Route, WithoutDevice
from fireside.core.forms import Form, Reply
from fireside.http.schemas import components

JSON = "application/json"
UNREADABLE = msgspec.DecodeError, UnicodeError, RecursionError
IN_QUERY = ("GET", "DELETE")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_OK = _encode(Reply())[:-1]
"""How every reply begins: `{"ok":true`."""


class CommandRoute(APIRoute):
    """Is called as it is: to solve dependencies that come to nothing but the caller takes longer than most commands."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def handle(request: Request) -> Response:
            response: Response = await self.endpoint(request, await caller_of(request))
            return response

        return handle


def routes(commands: Iterable[Command], tag: str) -> APIRouter:
    """The routes of these commands."""
    router = APIRouter(tags=[tag], route_class=CommandRoute)
    for command in commands:
        for route in command.routes:
            router.add_api_route(
                route.path,
                _endpoint(command, route),
                methods=[route.method],
                name=command.name if route is command.route else f"{command.name}_{route.method.lower()}",
                status_code=route.status,
                summary=about(command.do)[0],
                description=about(command.do)[1],
                responses=_refusals(command),
                response_class=Response,
                openapi_extra=_documented(command, route),
            )
    return router


def _endpoint(command: Command, route: Route) -> Callable[..., Awaitable[Response]]:
    types = {each.encode_name: each.type for each in msgspec.structs.fields(command.form)}

    async def endpoint(request: Request, caller: Caller) -> Response:
        form = await _read(command.form, types, request, is_query=route.method in IN_QUERY)
        reply = await command.do(WithoutDevice(caller.user_id), form)
        return Response(_without_ok(reply), route.status, media_type=JSON)

    return endpoint


async def _read(kind: type[Form], types: Mapping[str, Any], request: Request, *, is_query: bool) -> Form:
    """A form of this kind, which has fields of these types, from the path and the query or body.

    Raises:
        BadRequest: the body is no JSON object.
        InvalidInput: a field is missing or wrong.
    """
    given = {} if is_query else _object(await request.body())
    in_address = {**(request.query_params if is_query else {}), **request.path_params}
    given |= {name: _read_text(name, value, types[name]) for name, value in in_address.items() if name in types}
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None


def _read_text(name: str, text: str, kind: Any) -> Any:
    """What stands in an address is text; what it stands for, the form says.

    Raises:
        InvalidInput: it stands for nothing of this kind.
    """
    readings: list[Any] = [text]
    if _WHOLE.fullmatch(text):
        readings.insert(0, int(text))
    elif text in ("true", "false"):
        readings.insert(0, text == "true")
    elif text.startswith(("{", "[")):
        with suppress(*UNREADABLE):
            readings.insert(0, _decode(text))
    refusal = ""
    for reading in readings:
        try:
            return msgspec.convert(reading, kind)
        except msgspec.ValidationError as error:
            refusal = refusal or str(error)
    raise InvalidInput(f"{name}: {refusal}.", details={"field": name})


def invalid(said: str) -> InvalidInput:
    """What msgspec says of a form, for whoever sent it: which field and what was expected."""
    message, _, path = said.partition(" - at `$")
    field = path.rstrip("`").lstrip(".") or next(iter(re.findall(r"field `(\w+)`", message)), "")
    details = {"field": field} if field else None
    return InvalidInput(f"{field or 'The body'}: {message}.", details=details)


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = _decode(body) if body else {}
    except UNREADABLE:
        raise BadRequest("The body is not valid JSON.") from None
    if not isinstance(given, dict):
        raise InvalidInput("The body must be a JSON object.")
    return given


def _without_ok(reply: Reply) -> bytes:
    return b"{" + _encode(reply)[len(_OK) :].removeprefix(b",")


# ── documentation ────────────────────────────────────────────────────────────────────────────────────────────────


def schemas(commands: Iterable[Command]) -> dict[str, Any]:
    """The schemas that the routes of these commands refer to; what they are read with and answer is part of them."""
    types = {kind for command in commands for kind in (command.form, command.reply)}
    _, found = components(types)
    return {name: schema for name, schema in found.items() if name not in {kind.__name__ for kind in types}}


def about(function: Callable[..., Any]) -> tuple[str, str]:
    """The first line of what is said of a function, and the rest."""
    first, _, rest = (function.__doc__ or "").strip().partition("\n")
    return first.rstrip("."), "\n".join(line.strip() for line in rest.strip().splitlines())


def _refusals(command: Command) -> dict[int | str, dict[str, Any]]:
    said: dict[int | str, list[type[ChatError]]] = {}
    for kind in command.refusals:
        said.setdefault(kind.status, []).append(kind)
    return {
        status: {"description": "\n\n".join(f"`{kind.code}`: {kind.__doc__}" for kind in kinds)}
        for status, kinds in said.items()
    }


def _documented(command: Command, route: Route) -> dict[str, Any]:
    """Parameters, body and answer, as OpenAPI has them."""
    fields, required = _fields(command.form)
    in_path = set(re.findall(r"{(\w+)}", route.path))
    is_query = route.method in IN_QUERY
    documented: dict[str, Any] = {
        "parameters": [
            _parameter(name, schema, "path" if name in in_path else "query", name in required)
            for name, schema in fields.items()
            if name in in_path or is_query
        ]
    }
    rest = {name: schema for name, schema in fields.items() if name not in in_path}
    if not is_query and rest:
        body = {"type": "object", "properties": rest, "required": [name for name in required if name in rest]}
        documented["requestBody"] = {"required": bool(body["required"]), "content": {JSON: {"schema": body}}}
    answers, _ = _fields(command.reply)
    answers.pop("ok")
    answer = {"type": "object", "properties": answers, "required": list(answers)}
    documented["responses"] = {str(route.status): {"description": "Done.", "content": {JSON: {"schema": answer}}}}
    return documented


def _fields(form: type[Form] | type[Reply]) -> tuple[dict[str, Any], list[str]]:
    """The schemas of a form's fields, and which must be there."""
    _, found = components([form])
    schema = found[form.__name__]
    return dict(schema["properties"]), list(schema.get("required", ()))


def _parameter(name: str, schema: dict[str, Any], place: str, required: bool) -> dict[str, Any]:
    schema = dict(schema)
    about = schema.pop("description", "")
    # What is more than one value is JSON in an address, too.
    how = {"content": {JSON: {"schema": schema}}} if schema.get("type") in ("object", "array") else {"schema": schema}
    return {"name": name, "in": place, "required": required or place == "path", "description": about, **how}
