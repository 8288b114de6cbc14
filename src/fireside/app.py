"""The composition root: settings → engine → features → HTTP and sockets. With `wiring` the only place that knows
everybody. Reading `Fireside.__init__` from top to bottom is reading the architecture.
"""

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING

import uvloop
from uvicorn.middleware.proxy_headers import _TrustedHosts

from fireside.auth.address import network_of
from fireside.auth.authenticator import Authenticator
from fireside.auth.passwords import BcryptHasher
from fireside.auth.tokens import Tokens
from fireside.cluster.links import BusLinks
from fireside.config import Settings, StartupError
from fireside.core.clock import Clock, now_ms
from fireside.core.limits import RateLimiter
from fireside.core.origins import OriginPolicy
from fireside.core.peers import NoPeers
from fireside.engines import Stores, stores_for
from fireside.features.accounts import endpoints as accounts_endpoints
from fireside.features.accounts.known import KnownUsers
from fireside.features.accounts.service import Accounts, LoginFailures
from fireside.features.accounts.settings import SettingsEndpoints
from fireside.features.accounts.wire import ME_UPDATED
from fireside.features.changes.service import Windows
from fireside.features.changes.wire import ANNOUNCEMENTS as CHANGED
from fireside.features.inbox.wire import HEADS
from fireside.features.messages.wire import RECEIVED
from fireside.features.personal.wire import NOTED
from fireside.features.presence.wire import PRESENCE, TYPING
from fireside.features.receipts.wire import MOVED
from fireside.http import app as http
from fireside.http import health, web
from fireside.http.middleware import Traffic
from fireside.realtime.delivery import Delivery, Devices
from fireside.realtime.edge import Edge
from fireside.realtime.gateway import JOIN, REFUSED, STOPPING, ChatGateway
from fireside.realtime.options import Options
from fireside.realtime.server import EngineServer
from fireside.realtime.serving import EdgeServer, PlainServer, listen_from
from fireside.realtime.serving import bind as bind_to
from fireside.realtime.sockets import SocketServer
from fireside.store.errors import StoreError
from fireside.telemetry.exposition import MEDIA_TYPE, Exposition
from fireside.telemetry.metrics import Parts
from fireside.telemetry.pulse import Pulse
from fireside.telemetry.traces import Traces
from fireside.wiring import Features
from fireside.workers import Line

if TYPE_CHECKING:
    from fireside.cluster.bus import Bus

logger = logging.getLogger(__name__)

BURST_S = 2
"""How many seconds' worth of events or requests may come at once."""

REGISTRATIONS_AT_ONCE = 100
"""From one address, then one in ten seconds: a class joins from behind one router."""

SETTLE_S = 5.0
"""How long clients wait at the end for what they have sent to be stored. It is stored later all the same."""

ANNOUNCEMENTS = (RECEIVED, *CHANGED, MOVED, NOTED, HEADS, PRESENCE, TYPING, ME_UPDATED, REFUSED, STOPPING)
"""What the server tells of its own accord."""


class Fireside:
    """A whole server but for its listening socket: `edge` is what uvicorn serves."""

    def __init__(self, settings: Settings, secret: str, stores: Stores, clock: Clock = now_ms) -> None:
        self.stores = stores
        self.bus = _bus(settings)
        devices = Devices(self.bus)
        publisher = Delivery(devices, self.bus)
        self._links = BusLinks(self.bus) if self.bus is not None else None

        known = KnownUsers(stores.accounts)
        tokens = Tokens(secret, settings.token_ttl_s, clock)
        authenticator = Authenticator(tokens, known)
        self._hasher = BcryptHasher(settings.bcrypt_rounds)
        accounts = Accounts(
            stores.accounts,
            self._hasher,
            LoginFailures(settings.rate_limits),
            clock,
            registrations=RateLimiter(1 / 10, REGISTRATIONS_AT_ONCE) if settings.rate_limits else None,
        )
        self.features = features = Features(
            stores,
            known,
            publisher,
            clock,
            windows=Windows(settings.edit_window_s, settings.delete_window_s),
            max_members=settings.max_group_members,
            peers=self.bus or NoPeers(),
        )
        own = SettingsEndpoints(accounts, features.privacy, publisher)
        commands = {**features.commands, "accounts": own.commands()}
        events = {tag: [command.event() for command in some] for tag, some in commands.items()}
        for tag, some in features.events.items():
            events[tag] = [*some, *events[tag]]
        events["messages"].append(JOIN)
        gateway = ChatGateway(
            chain.from_iterable(events.values()), authenticator, devices, clock, (features.presence, features.heads)
        )
        endpoint = settings.otel_exporter_otlp_endpoint
        self._traces = traces = Traces(endpoint.get_secret_value()) if endpoint else None
        self._sockets = SocketServer({"/": traces.around(gateway) if traces else gateway})
        self.engine_io = EngineServer(_edge_options(settings), self._sockets.open, self.bus.node if self.bus else None)
        self._pulse = Pulse()
        traffic = Traffic()
        self.watched = Parts(
            stores.engine, features, accounts, self._hasher, devices, self.engine_io, traffic, self._pulse, self.bus
        )
        token = settings.metrics_token
        checks: dict[str, health.Check] = {"database": stores.engine.ping}
        if (bus := self.bus) is not None:
            checks["bus"] = health.standing(lambda: bus.is_up)
        self.readiness = health.Readiness(checks, lambda: self.edge.draining)
        self.metrics = health.Metrics(
            Exposition(self.watched).text,
            MEDIA_TYPE,
            settings.metrics,
            token.get_secret_value() if token else None,
        )
        rest = http.build(
            [accounts_endpoints.routes(accounts, tokens), features.routes()],
            commands,
            authenticator=authenticator,
            readiness=self.readiness,
            origins=_origins(settings),
            per_address=_per_second(settings, 10 * settings.requests_per_second),
            per_user=_per_second(settings, settings.requests_per_second),
            max_body_bytes=settings.max_payload,
            events=events,
            announcements=ANNOUNCEMENTS,
            traffic=traffic,
            metrics=self.metrics if settings.metrics_port is None else None,
            tracer_provider=traces.provider if traces else None,
            client=web.BUILT if settings.web else None,
        )
        self.edge = Edge(rest, self.engine_io, links=self._links)

    async def start(self) -> None:
        """Open the database and begin to work.

        Raises:
            StoreError: the database cannot be used.
        """
        await self.stores.engine.start()
        if self.bus is not None:
            await self.bus.start()
        await self.features.start()
        if self._links is not None:
            await self._links.start()
        self._pulse.start()

    async def settle(self) -> None:
        """Accept nothing more, and bring to disk what was accepted, as far as that takes no longer than `SETTLE_S`."""
        await asyncio.wait([asyncio.create_task(self.features.settle())], timeout=SETTLE_S)

    async def stop(self) -> None:
        """Settle what was accepted, then close. The edge has been stopped by then."""
        if self._links is not None:
            await self._links.stop()
        await self._sockets.stop()
        await self.features.stop()
        if self.bus is not None:
            await self.bus.stop()
        self._hasher.close()
        self._pulse.stop()
        await self.stores.engine.stop()
        if self._traces is not None:
            await asyncio.to_thread(self._traces.stop)


def bind(settings: Settings) -> socket.socket:
    """The socket to listen on, once there is somebody to serve.

    Raises:
        StartupError: the port is taken.
    """
    return _open("PORT", bind_to, settings.host, settings.port)


def listen_beside(settings: Settings) -> list[socket.socket]:
    """The sockets for health and metrics, one for each worker; none where these have no port of their own.

    Raises:
        StartupError: there are not so many ports.
    """
    found: list[socket.socket] = []
    port = settings.metrics_port
    while port is not None and len(found) < settings.workers:
        found.append(_open("FIRESIDE_METRICS_PORT", listen_from, settings.host, port))
        port = found[-1].getsockname()[1] + 1
    return found


def serve(
    settings: Settings,
    secret: str,
    listener: socket.socket,
    line: Line | None = None,
    beside: socket.socket | None = None,
) -> None:
    """Serve until told to stop (SIGTERM, SIGINT), or until a supervisor at the other end of the line is gone.

    Health and metrics are served on `beside`, where they have a port of their own; without it that is looked for.

    Raises:
        StartupError: the database cannot be used.
    """
    uvloop.run(_serve(settings, secret, listener, line, beside))


async def _serve(
    settings: Settings, secret: str, listener: socket.socket, line: Line | None, watched: socket.socket | None
) -> None:
    fireside = Fireside(settings, secret, stores_for(settings))
    beside = _beside(fireside, settings, watched)
    try:
        await fireside.start()
    except StoreError as error:
        listener.close()
        raise StartupError(str(error)) from None
    # What lives as long as the process need not be looked at by each collection; and a collection of the oldest
    # generation, which walks every idle connection, is worth waiting for.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    host, port = listener.getsockname()[:2]
    logger.info("listening on %s port %d", host, port)
    server = EdgeServer(
        fireside.edge,
        log_config=None,
        proxy_headers=bool(settings.trusted_proxies),
        settle=fireside.settle,
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=10,
    )
    if beside is not None:
        beside.start()
    attending = asyncio.create_task(_attend(server, line)) if line is not None else None
    try:
        await server.serve(sockets=[listener])
    finally:
        if attending is not None:
            attending.cancel()
        await fireside.stop()
        if beside is not None:
            await beside.stop()


def _open(setting: str, how: Callable[[str, int], socket.socket], host: str, port: int) -> socket.socket:
    try:
        return how(host, port)
    except OSError as error:
        raise StartupError(f"{setting} {port} on {host} cannot be had: {os.strerror(error.errno or 0)}") from None


def _beside(fireside: Fireside, settings: Settings, listener: socket.socket | None) -> PlainServer | None:
    """What serves health and metrics on a port of their own, where there is to be one."""
    if settings.metrics_port is None:
        return None
    if listener is None:
        listener = _open("FIRESIDE_METRICS_PORT", listen_from, settings.host, settings.metrics_port)
    logger.info("health and metrics on %s port %d", *listener.getsockname()[:2])
    return PlainServer(health.application(fireside.readiness, fireside.metrics), listener)


def _bus(settings: Settings) -> "Bus | None":
    """What goes between processes; None where there is but one.

    Raises:
        StartupError: its address has options that mean nothing.
    """
    if settings.valkey_url is None:
        return None
    # Late: one process alone loads no driver of Valkey.
    from fireside.cluster.bus import Bus

    try:
        return Bus(settings.valkey_url.get_secret_value())
    except (ValueError, TypeError) as error:
        raise StartupError(f"VALKEY_URL cannot be used: {error}") from None


async def _attend(server: EdgeServer, line: Line) -> None:
    await server.serving.wait()
    await line.attend(lambda: server.handle_exit(signal.SIGTERM, None))


def _edge_options(settings: Settings) -> Options:
    proxies = _TrustedHosts(list(settings.trusted_proxies))

    def client_address(peer: str, forwarded_for: str | None) -> str:
        if forwarded_for and peer in proxies:
            peer = proxies.get_trusted_client_address(forwarded_for)[0]
        return network_of(peer)

    limited = settings.rate_limits
    return Options(
        ping_interval_s=settings.ping_interval_s,
        ping_timeout_s=settings.ping_timeout_s,
        connect_timeout_s=settings.connect_timeout_s,
        max_payload=settings.max_payload,
        backlog=settings.backlog_mib << 20,
        packets_per_second=settings.events_per_second if limited else None,
        burst=BURST_S * settings.events_per_second,
        handshakes_per_second=settings.handshakes_per_second if limited else None,
        connections_per_address=settings.connections_per_address if limited else None,
        connections_per_user=settings.connections_per_user if limited else None,
        origins=_origins(settings),
        client_address=client_address,
    )


def _origins(settings: Settings) -> OriginPolicy:
    return OriginPolicy(settings.allowed_origins, local=not settings.production)


def _per_second(settings: Settings, rate: int) -> RateLimiter | None:
    return RateLimiter(rate, BURST_S * rate) if settings.rate_limits else None
