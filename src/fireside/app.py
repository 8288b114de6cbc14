"""The composition root: settings → engine → features → HTTP and sockets. The only place that knows everybody.

Reading `Fireside.__init__` from top to bottom is reading the architecture. A new feature adds its adapter to `Stores`
and a few lines there.
"""

import gc
import logging
import os
from dataclasses import dataclass
from typing import Protocol

import uvloop
from uvicorn.middleware.proxy_headers import _TrustedHosts

from fireside.auth.address import network_of
from fireside.auth.authenticator import Authenticator
from fireside.auth.passwords import BcryptHasher
from fireside.auth.tokens import Tokens
from fireside.config import Settings, StartupError
from fireside.core.clock import Clock, now_ms
from fireside.core.limits import RateLimiter
from fireside.core.origins import OriginPolicy
from fireside.features.accounts import endpoints as accounts_endpoints
from fireside.features.accounts.known import KnownUsers
from fireside.features.accounts.service import Accounts, AccountStore, LoginFailures
from fireside.features.conversations.service import Conversations, ConversationStore
from fireside.features.messages.endpoints import MessageEndpoints
from fireside.features.messages.lanes import Lanes
from fireside.features.messages.log import MessageLog
from fireside.features.messages.service import Messages, MessageStore
from fireside.http import app as http
from fireside.realtime.delivery import Delivery, Devices
from fireside.realtime.edge import Edge
from fireside.realtime.gateway import ChatGateway
from fireside.realtime.options import Options
from fireside.realtime.server import EngineServer
from fireside.realtime.serving import EdgeServer, listen
from fireside.realtime.sockets import SocketServer
from fireside.store.errors import StoreError
from fireside.store.mongo import MongoAccounts, MongoConversations, MongoEngine, MongoMessages
from fireside.store.sqlite import SqliteAccounts, SqliteConversations, SqliteEngine, SqliteMessages

logger = logging.getLogger(__name__)

BURST_S = 2
"""How many seconds' worth of events or requests may come at once."""

REGISTRATIONS_AT_ONCE = 100
"""From one address, then one in ten seconds: a class joins from behind one router."""


class Engine(Protocol):
    """A database: opened, asked whether it is there, closed."""

    async def start(self) -> None: ...

    async def ping(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Stores:
    """One engine's adapters, a port each."""

    engine: Engine
    accounts: AccountStore
    conversations: ConversationStore
    messages: MessageStore
    batches_at_once: int = 1
    """How many batches of messages it is given at a time."""


def stores_for(settings: Settings) -> Stores:
    """The engine that the settings choose: MongoDB where there is a URI, else SQLite."""
    if settings.mongo_uri is not None:
        mongo = MongoEngine(settings.mongo_uri.get_secret_value())
        return Stores(mongo, MongoAccounts(mongo), MongoConversations(mongo), MongoMessages(mongo), 2)
    sqlite = SqliteEngine(settings.sqlite_path)
    return Stores(sqlite, SqliteAccounts(sqlite), SqliteConversations(sqlite), SqliteMessages(sqlite))


class Fireside:
    """A whole server but for its listening socket: `edge` is what uvicorn serves."""

    def __init__(self, settings: Settings, secret: str, stores: Stores, clock: Clock = now_ms) -> None:
        self.stores = stores
        known = KnownUsers(stores.accounts)
        tokens = Tokens(secret, settings.token_ttl_s, clock)
        authenticator = Authenticator(tokens, known)
        self._hasher = BcryptHasher(settings.bcrypt_rounds)
        self._log = Lanes([MessageLog(stores.messages) for _ in range(stores.batches_at_once)])

        accounts = Accounts(
            stores.accounts,
            self._hasher,
            LoginFailures(settings.rate_limits),
            clock,
            registrations=RateLimiter(1 / 10, REGISTRATIONS_AT_ONCE) if settings.rate_limits else None,
        )
        conversations = Conversations(stores.conversations, known, clock)
        messages = Messages(self._log, stores.messages, clock)

        devices = Devices()
        message_endpoints = MessageEndpoints(messages, conversations, Delivery(devices))
        gateway = ChatGateway(message_endpoints.events(), authenticator, devices, clock)
        self._sockets = SocketServer({"/": gateway})
        self.engine_io = EngineServer(_edge_options(settings), self._sockets.open)

        rest = http.build(
            [accounts_endpoints.routes(accounts, tokens), message_endpoints.routes()],
            authenticator=authenticator,
            readiness=stores.engine.ping,
            origins=_origins(settings),
            per_address=_per_second(settings, 10 * settings.requests_per_second),
            per_user=_per_second(settings, settings.requests_per_second),
            max_body_bytes=settings.max_payload,
        )
        self.edge = Edge(rest, self.engine_io)

    async def start(self) -> None:
        """Open the database and begin to write.

        Raises:
            StoreError: the database cannot be used.
        """
        await self.stores.engine.start()
        await self._log.start()

    async def stop(self) -> None:
        """Settle what was accepted, then close. The edge has been stopped by then."""
        await self._sockets.stop()
        await self._log.stop()
        self._hasher.close()
        await self.stores.engine.stop()


def serve(settings: Settings, secret: str) -> None:
    """Serve until told to stop (SIGTERM, SIGINT).

    Raises:
        StartupError: the port is taken or the database cannot be used.
    """
    uvloop.run(_serve(settings, secret))


async def _serve(settings: Settings, secret: str) -> None:
    fireside = Fireside(settings, secret, stores_for(settings))
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        raise StartupError(
            f"PORT {settings.port} on {settings.host} cannot be had: {os.strerror(error.errno or 0)}"
        ) from None
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
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=10,
    )
    try:
        await server.serve(sockets=[listener])
    finally:
        await fireside.stop()


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
        packets_per_second=settings.events_per_second if limited else None,
        burst=BURST_S * settings.events_per_second,
        connections_per_address=settings.connections_per_address if limited else None,
        connections_per_user=settings.connections_per_user if limited else None,
        origins=_origins(settings),
        client_address=client_address,
    )


def _origins(settings: Settings) -> OriginPolicy:
    return OriginPolicy(settings.allowed_origins, local=not settings.production)


def _per_second(settings: Settings, rate: int) -> RateLimiter | None:
    return RateLimiter(rate, BURST_S * rate) if settings.rate_limits else None
