"""Traces: spans of requests and events, sent to an OpenTelemetry collector where the settings name one.

FastAPI makes the spans of requests; here are those of events, from their arrival until they are acknowledged. What must
stay true: without a collector nothing of this is in anybody's way, and no span carries a query, a form or an answer.
"""

import os
from collections.abc import Awaitable, Sequence
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer, use_span

from fireside import __version__
from fireside.config import StartupError
from fireside.realtime.gateway import ChatGateway
from fireside.realtime.sockets import Ack, Namespace, Socket

HOW = "pip install 'fireside[otel]'"


class Traces:
    """Sends spans to the collector at `endpoint`, a URL; `stop()` at the end.

    Headers, sampling and the name of the service come from the standard `OTEL_…` variables.

    Raises:
        StartupError: the packages for it are not installed.
    """

    def __init__(self, endpoint: str) -> None:
        try:
            # Late: an extra.
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError:
            raise StartupError(f"OTEL_EXPORTER_OTLP_ENDPOINT is set, and what it needs is not there: {HOW}") from None

        class WithoutQuery(SpanProcessor):
            """A query may say whom somebody looks for."""

            def on_start(self, span: Any, parent_context: Any = None) -> None:
                if "url.query" in (span.attributes or ()):
                    span.set_attribute("url.query", "***")

        named = os.environ.get("OTEL_SERVICE_NAME") or "fireside"
        resource = Resource.create({"service.name": named, "service.version": __version__})
        self.provider = TracerProvider(resource=resource)
        self.provider.add_span_processor(WithoutQuery())
        self.provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")))

    def around(self, gateway: ChatGateway) -> Namespace:
        """The gateway, with a span around every event."""
        return TracedNamespace(gateway, self.provider.get_tracer("fireside", __version__))

    def stop(self) -> None:
        """Send what is left. May take seconds where the collector does not answer."""
        self.provider.shutdown()


class TracedAck(Ack):
    """An acknowledgement that ends the span of its event."""

    __slots__ = ("_span",)

    def __init__(self, ack: Ack, span: Span) -> None:
        self._socket, self._id = ack._socket, ack._id
        self._span = span

    def __call__(self, *args: object) -> None:
        refused = args and isinstance(args[0], dict) and args[0].get("code")
        if refused:
            self._span.set_attribute("fireside.code", str(refused))
            if refused == "internal":
                self._span.set_status(StatusCode.ERROR)
        super().__call__(*args)
        self._end()

    def json(self, body: bytes) -> None:
        super().json(body)
        self._end()

    def _end(self) -> None:
        if self._span.is_recording():
            self._span.end()


class TracedNamespace:
    """Implements `Namespace` around a gateway."""

    def __init__(self, gateway: ChatGateway, tracer: Tracer) -> None:
        self._gateway = gateway
        self._tracer = tracer
        self.connecting = gateway.connecting
        self.connected = gateway.connected
        self.heartbeat = gateway.heartbeat
        self.leaving = gateway.leaving
        self.disconnected = gateway.disconnected

    def event(self, socket: Socket, name: str, args: Sequence[Any], ack: Ack | None) -> Awaitable[None] | None:
        # Another name is the client's own invention.
        shown = name if self._gateway.knows(name) else "unknown event"
        attributes = {"fireside.connection": socket.id}
        span = self._tracer.start_span(shown, kind=SpanKind.SERVER, attributes=attributes)
        with use_span(span):
            waiting = self._gateway.event(socket, name, args, TracedAck(ack, span) if ack else None)
        if waiting is not None:
            return self._awaited(waiting, span, ack)
        if ack is None:
            span.end()
        return None

    @staticmethod
    async def _awaited(waiting: Awaitable[None], span: Span, ack: Ack | None) -> None:
        with use_span(span):
            await waiting
        if ack is None:
            span.end()
