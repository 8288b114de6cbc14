"""Traces: what a collector is sent of requests and events, and what never."""

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from fireside.config import StartupError
from fireside.telemetry.traces import TracedNamespace, Traces
from tests.journeys.conftest import on_sqlite, open_http
from tests.journeys.people import House
from tests.realtime.chat import Chat, ann, ask
from tests.realtime.served import serving
from tests.serving import PASSWORD

TEXT, INVENTED = "what only the two of them know", "anEventThatNobodyHas"


class Collector:
    """An OpenTelemetry collector that keeps everything."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.path == "/v1/traces"
                bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called there
                """Says nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def services(self) -> set[str]:
        return {
            attribute.value.string_value
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for attribute in resource.resource.attributes
            if attribute.key == "service.name"
        }

    def spans(self, name: str) -> list[Span]:
        return [
            span
            for body in self.bodies
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            if span.name == name
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def attributes(span: Span) -> dict[str, str]:
    return {each.key: each.value.string_value for each in span.attributes}


async def test_requests_and_events_are_traced_and_nothing_that_people_say(collector: Collector, tmp_path: Path) -> None:
    server, store = on_sqlite(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
    async with server, open_http(server) as http:
        house = House(server, store, http)
        ann, bob = await house.person("ann"), await house.person("bob")
        async with ann.device() as device:
            await device.send(bob, TEXT)
            await device.send(bob, f"@{bob.username} {TEXT}")  # looks somebody up first
            assert (await device.call("getMessage", {"conversation": ann.id, "seq": 1}))["code"] == "not_found"
            assert (await device.call(INVENTED, {"content": TEXT}))["code"] == "unknown_event"
        assert (await ann.get("/api/users", search=bob.username)).status_code == 200
        assert await server.stop() == 0
    assert collector.services() == {"fireside"}
    assert len(collector.spans("POST /api/users/register")) == 2
    sent = collector.spans("sendMessage")
    assert len(sent) == 2
    assert all(span.end_time_unix_nano > span.start_time_unix_nano for span in sent)
    assert len({attributes(span)["fireside.connection"] for span in sent}) == 1
    assert [attributes(span)["fireside.code"] for span in collector.spans("getMessage")] == ["not_found"]
    assert [attributes(span)["fireside.code"] for span in collector.spans("unknown event")] == ["unknown_event"]
    [search] = collector.spans("GET /api/users")
    assert attributes(search)["url.query"] == "***"
    assert not collector.spans("GET /readyz")
    for secret in (TEXT, INVENTED, PASSWORD, ann.token, bob.token, bob.username):
        assert not any(secret.encode() in body for body in collector.bodies)


EXPECTED = {
    "say": (StatusCode.UNSET, None),
    "sayLater": (StatusCode.UNSET, None),
    "refuse": (StatusCode.UNSET, "not_found"),
    "refuseLater": (StatusCode.UNSET, "not_found"),
    "fail": (StatusCode.ERROR, "internal"),
    "failLater": (StatusCode.ERROR, "internal"),
}


@pytest.mark.parametrize("acknowledged", [True, False])
async def test_every_event_ends_its_span_and_a_bug_is_an_error(acknowledged: bool) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    chat = Chat()
    async with serving(TracedNamespace(chat.gateway, provider.get_tracer("test"))) as served:
        client = await ann(served)
        for event in EXPECTED:
            if acknowledged:
                await ask(client, event, {"text": TEXT})
            else:
                await client.send(f'42["{event}",{{"text":"{TEXT}"}}]')
        if not acknowledged:
            told = [await client.text() for _ in range(4)]
            assert all(each.startswith('42["eventRefused"') for each in told)
        # Another is handled when those before it have been.
        await ask(client, "say", {"text": TEXT})
        assert len(served.errors) == 2
        served.errors.clear()
    found = {span.name: span for span in spans.get_finished_spans()}
    assert found.keys() == EXPECTED.keys()
    # Who asks for no acknowledgement is answered by an event, of which the span does not know.
    expected = EXPECTED if acknowledged else dict.fromkeys(EXPECTED, (StatusCode.UNSET, None))
    assert {
        name: (span.status.status_code, (span.attributes or {}).get("fireside.code")) for name, span in found.items()
    } == expected
    assert TEXT not in "".join(span.to_json() for span in found.values())


def test_where_the_packages_are_not_installed_it_is_said_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(StartupError) as refused:
        Traces("http://localhost:4318")
    assert str(refused.value) == (
        "OTEL_EXPORTER_OTLP_ENDPOINT is set, and what it needs is not there: pip install 'fireside[otel]'"
    )
