"""How the socket edge behaves, and what it counts."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from fireside.core.measures import Histogram
from fireside.core.origins import OriginPolicy


def _as_it_is(peer: str, _forwarded_for: str | None) -> str:
    return peer


@dataclass(frozen=True, slots=True)
class Options:
    """Seconds are exact to the millisecond on the wire. None is no limit."""

    path: str = "/socket.io/"
    ping_interval_s: float = 25.0
    ping_timeout_s: float = 20.0
    connect_timeout_s: float = 10.0
    max_payload: int = 128 * 1024
    """Bytes: of a WebSocket message, and of a polling body."""
    backlog: int = 256 << 20
    """Bytes that may wait for clients that are behind, all of them together."""
    packets_per_second: float | None = None
    burst: int = 100
    handshakes_per_second: float | None = None
    connections_per_address: int | None = None
    connections_per_user: int | None = None
    origins: OriginPolicy = field(default_factory=OriginPolicy)
    client_address: Callable[[str, str | None], str] = _as_it_is
    """The client's address, of the peer's and of what proxies say in `X-Forwarded-For`."""


@dataclass(slots=True)
class Metrics:
    """Counts since the start."""

    opened: int = 0
    refused: int = 0
    slow_consumers: int = 0
    protocol_errors: int = 0
    closed: Counter[str] = field(default_factory=Counter)
    """Sessions, by the reason of their end."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Events and log-ins that were refused, by code."""
    turns: Histogram = field(default_factory=Histogram, repr=False)
    """Seconds from the first frame that was queued to the last that left, of what was told in one go."""


@dataclass(slots=True)
class Census:
    """Sessions by what carries them, and what waits to be sent to all of them."""

    polling: int = 0
    websocket: int = 0
    pending_bytes: int = 0
