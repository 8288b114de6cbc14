"""The page of the events: the AsyncAPI document as people read it. Static HTML, without a script.

What must stay true: everything on it comes from the document, and whatever comes from there is escaped.
"""

import json
import re
from collections.abc import Iterable
from html import escape
from typing import Any

from fireside.core.forms import HIGHEST
from fireside.http.bar import bar
from fireside.http.schemas import NULL, Schema, choices, named

Json = dict[str, Any]

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="assets/fireside.svg">
<link rel="stylesheet" href="assets/bar.css">
<link rel="stylesheet" href="assets/reference.css">
</head>
<body>
{bar}
<details class="menu"><summary>Contents</summary>{contents}</details>
<nav class="side" aria-label="Contents">{contents}</nav>
<main>
{body}
</main>
</body>
</html>
"""

CONNECTING = """import {{ io }} from "socket.io-client";

const socket = io("http://{host}", {{
  auth: {{ token }},
}});

socket.on("connect_error", (error) => {{
  console.log(error.message, error.data?.code);
}});"""

TOKENS = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null|-?\d+(?:\.\d+)?)\b')


def page(asyncapi: Json, openapi: Json) -> str:
    """The page. `openapi` tells what the same is called over REST."""
    return _Page(asyncapi, openapi).render()


class _Page:
    def __init__(self, asyncapi: Json, openapi: Json) -> None:
        self._info = asyncapi["info"]
        self._host = asyncapi["servers"]["here"]["host"]
        self._channel = asyncapi["channels"]["main"]
        self._operations: dict[str, Json] = asyncapi["operations"]
        self._schemas: dict[str, Json] = asyncapi["components"]["schemas"]
        self._paths = openapi["paths"]

    def render(self) -> str:
        asked = {tag["name"]: self._tagged(tag["name"]) for tag in self._info["tags"]}
        told = [name for name, operation in self._operations.items() if operation["action"] == "send"]
        forms = self._shared_forms()
        body = [
            self._intro(),
            self._connecting(),
            *(self._section(tag, tag.capitalize(), map(self._asked, names)) for tag, names in asked.items() if names),
            self._section("told", "What the server tells", map(self._told, told)),
            self._section("forms", "Forms", map(self._form, forms)),
            self._refusals(),
        ]
        groups = [
            ("Basics", {"connecting": "Connecting", "refusals": "Refusals"}),
            *((tag.capitalize(), dict(zip(names, names, strict=True))) for tag, names in asked.items() if names),
            ("What the server tells", dict(zip(told, told, strict=True))),
            ("Forms", {f"form-{name}": name for name in forms}),
        ]
        return PAGE.format(
            title=escape(self._info["title"]),
            bar=bar("Events", root="../"),
            contents=_contents(groups),
            body="\n".join(body),
        )

    def _intro(self) -> str:
        title, version = escape(self._info["title"]), escape(self._info["version"])
        about = self._prose(self._info["description"])
        return f'<section class="intro"><h1>{title}</h1><p class="version">Version {version}</p>{about}</section>'

    def _tagged(self, tag: str) -> list[str]:
        return [name for name, each in self._operations.items() if {"name": tag} in each.get("tags", ())]

    def _section(self, anchor: str, title: str, articles: Iterable[str]) -> str:
        return f'<section id="{escape(anchor)}"><h2>{escape(title)}</h2>{"".join(articles)}</section>'

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _connecting(self) -> str:
        operation = self._operations["connect"]
        _, refused = self._answers(operation)
        words = [
            self._prose(operation["description"]),
            self._prose(self._channel["description"]),
            f"<h4>connect_error</h4>{self._prose(refused['summary'])}",
            self._codes(refused["payload"]["properties"]["data"]),
        ]
        code = [_code(CONNECTING.format(host=self._host)), _titled("connect_error", _json(_example(refused)))]
        return f'<section id="connecting"><h2>Connecting</h2>{_article("", words, code)}</section>'

    def _asked(self, name: str) -> str:
        operation = self._operations[name]
        (message,) = map(self._message, operation["messages"])
        done, refused = self._answers(operation)
        answer = {each: field for each, field in self._fields_of(done["payload"]).items() if each != "ok"}
        required = self._object(message["payload"]).get("required", ())
        words = [
            self._prose(operation.get("description", "")),
            self._rest(operation),
            f"<h4>What you send</h4>{self._list(self._fields_of(message['payload']), required=required)}",
            "<h4>What you are answered</h4>",
            self._prose(done["summary"]),
            self._list(answer) if answer else "",
            f"<h4>What it may be refused with</h4>{self._codes(refused['payload'])}",
        ]
        call = f"await socket.emitWithAck({_json(name)}, {_json(_example(message))});"
        code = [_titled("You send", call), _titled("You are answered", _json(_example(done)))]
        return _article(self._heading(name, operation["summary"]), words, code, name)

    def _told(self, name: str) -> str:
        operation = self._operations[name]
        (message,) = map(self._message, operation["messages"])
        form = self._object(message["payload"])
        words = [
            self._prose(operation.get("description", "")),
            f"<h4>What it carries</h4>{self._prose(message['summary'])}",
            self._list(form["properties"], optional_of=form),
        ]
        code = [
            _titled("You hear", f"socket.on({_json(name)}, (body) => …);"),
            _titled("body", _json(_example(message))),
        ]
        return _article(self._heading(name, operation["summary"]), words, code, name)

    def _heading(self, name: str, summary: str) -> str:
        return f'{_anchored(name, name)}<p class="summary">{self._inline(summary)}.</p>'

    def _rest(self, operation: Json) -> str:
        links = []
        for each in operation.get("x-rest", ()):
            same = self._paths[each["path"]][each["method"].lower()]
            link = escape(f"../docs#/{same['tags'][0]}/{same['operationId']}")
            path = escape(each["path"]).replace("/", "/<wbr>")
            links.append(f'<li><a href="{link}"><b>{each["method"]}</b> <code>{path}</code></a></li>')
        return f'<h4>Over REST</h4><ul class="rest">{"".join(links)}</ul>' if links else ""

    def _message(self, ref: Json) -> Json:
        found: Json = self._channel["messages"][ref["$ref"].rpartition("/")[2]]
        return found

    def _answers(self, operation: Json) -> tuple[Json, Json]:
        done, refused = map(self._message, operation["reply"]["messages"])
        return done, refused

    # ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _codes(self, payload: Json) -> str:
        codes = payload["allOf"][1]["properties"]["code"]["enum"]
        links = [f'<li><a href="#code-{escape(code)}"><code>{escape(code)}</code></a></li>' for code in codes]
        return f'<ul class="codes">{"".join(links)}</ul>'

    def _refusals(self) -> str:
        rows = [
            f'<li id="code-{escape(each["const"])}"><p class="head"><code>{escape(each["const"])}</code></p>'
            f"{self._prose(each['description'])}</li>"
            for each in self._schemas["Code"]["oneOf"]
        ]
        form = self._schemas["Refusal"]
        words = [
            self._prose(form["description"]),
            self._list(form["properties"], optional_of=form),
            f'<h4 id="codes">Codes</h4><ul class="fields">{"".join(rows)}</ul>',
        ]
        code = [_titled("A refusal", _json(form["examples"][0]))]
        return f'<section id="refusals"><h2>Refusals</h2>{_article("", words, code)}</section>'

    # ── forms ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _shared_forms(self) -> list[str]:
        """Those that others have in them, by name."""
        inside = re.findall(r'"#/components/schemas/(\w+)"', json.dumps(self._schemas))
        return sorted(set(inside) - {"Code", "Error", "Refusal"})

    def _form(self, name: str) -> str:
        form = self._schemas[name]
        words = [self._prose(form["description"]), self._list(form["properties"], optional_of=form)]
        return _article(_anchored(name, f"form-{name}"), words, [], f"form-{name}")

    def _object(self, payload: Schema) -> Schema:
        return named(payload, self._schemas) if "$ref" in payload else payload

    def _fields_of(self, payload: Schema) -> Json:
        fields: Json = self._object(payload)["properties"]
        return fields

    def _list(self, fields: Json, *, required: Iterable[str] = (), optional_of: Schema | None = None) -> str:
        """Fields. Of what clients send is said which must be there, of what they hear which may be absent."""
        rows = []
        for name, field in fields.items():
            note = ' <span class="must">required</span>' if name in required else ""
            if optional_of is not None and name not in optional_of.get("required", ()):
                note = ' <span class="may">may be absent</span>'
            head = f'<code>{escape(name)}</code> <span class="kind">{self._kind(field)}</span>{note}'
            rows.append(f'<li><p class="head">{head}</p>{self._prose(field.get("description", ""))}</li>')
        return f'<ul class="fields">{"".join(rows)}</ul>'

    def _kind(self, schema: Schema) -> str:
        """What a value is, in a few words."""
        if "anyOf" in schema:
            return " or ".join(self._kind(each) for each in choices(schema))
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return f'<a href="#{"codes" if name == "Code" else f"form-{name}"}">{escape(name)}</a>'
        if "enum" in schema:
            return " or ".join(f"<code>{escape(_json(each))}</code>" for each in schema["enum"])
        if schema.get("type") == "array":
            return f"list of {self._kind(schema['items'])}"
        inner = schema.get("additionalProperties")
        if isinstance(inner, dict):
            return f"map to {self._kind(inner)}"
        return escape(f"{schema.get('type', 'anything')}{_range(schema)}{_default(schema)}")

    # ── words ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _prose(self, text: str) -> str:
        return "".join(f"<p>{self._inline(each)}</p>" for each in text.split("\n\n") if each.strip())

    def _inline(self, text: str) -> str:
        """Text in which what stands in backticks is code, with a link where it names an event or a code."""
        return re.sub("`([^`]+)`", self._quoted, escape(text.strip(), quote=False))

    def _quoted(self, found: re.Match[str]) -> str:
        word = found[1]
        return f'<a href="#{word}"><code>{word}</code></a>' if word in self._operations else f"<code>{word}</code>"


def _contents(groups: Iterable[tuple[str, dict[str, str]]]) -> str:
    return "".join(
        f"<p>{escape(title)}</p><ul>"
        + "".join(f'<li><a href="#{escape(anchor)}">{escape(name)}</a></li>' for anchor, name in links.items())
        + "</ul>"
        for title, links in groups
    )


def _anchored(name: str, anchor: str) -> str:
    return f'<h3><a class="anchor" href="#{escape(anchor)}">{escape(name)}</a></h3>'


def _article(heading: str, words: Iterable[str], code: Iterable[str], anchor: str = "") -> str:
    named_so = f' id="{escape(anchor)}"' if anchor else ""
    return (
        f'<article{named_so}>{heading}<div class="words">{"".join(words)}</div>'
        f'<div class="code">{"".join(code)}</div></article>'
    )


def _titled(title: str, code: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption>{_code(code)}</figure>"


def _code(code: str) -> str:
    return f'<pre tabindex="0"><code>{TOKENS.sub(_coloured, escape(code, quote=False))}</code></pre>'


def _coloured(found: re.Match[str]) -> str:
    text, colon, other = found[1], found[2], found[3]
    if other is not None:
        return f'<span class="v">{other}</span>'
    return f'<span class="{"k" if colon else "s"}">{text}</span>{colon or ""}'


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _example(message: Json) -> Any:
    return message["examples"][0]["payload"]


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high not in (None, HIGHEST):
        return f" from {low} to {high}"
    return "" if low is None else f", {low} or more"


def _default(schema: Schema) -> str:
    default = schema.get("default")
    return "" if default in (None, "", False, NULL) or default == [] else f", by default {_json(default)}"
