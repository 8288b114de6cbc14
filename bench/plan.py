"""How long and how much: the whole benchmark, and a quick one that only tries whether it works."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Plan:
    """Warm is who has worked this long and handled this many messages (a compiler that learns while it runs counts
    calls, not seconds), or has run out of patience. `capacity` is messages/s by system, from the durable rounds."""

    warm_s: float = 5.0
    warm_messages: int = 40_000
    warm_patience_s: float = 25.0
    run_s: float = 10.0
    pairs: int = 64
    in_flight: int = 8
    idle: int = 5_000
    reference_history: tuple[int, ...] = (50, 1_000)
    history: tuple[int, ...] = (50, 1_000, 10_000, 100_000)
    members: int = 1_000
    """Of the group, all connected."""
    conversations: int = 1_000
    """Of the one who catches up."""
    elsewhere: int = 10_000
    """Conversations of others, in each of which ten things have changed."""
    lengths: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    """Messages of the conversations that are written into."""
    connected: tuple[int, ...] = (50, 500, 5_000)
    memberships: tuple[int, ...] = (10, 100, 1_000)
    """Of the one who speaks."""
    stored: tuple[int, ...] = (500, 5_000, 50_000)
    """Conversations of others, of `filling.EACH` messages and as many changes each."""
    capacity: dict[str, float] = field(default_factory=dict)


QUICK = replace(
    Plan(),
    warm_s=1.0,
    warm_patience_s=2.0,
    run_s=3.0,
    idle=500,
    history=(50, 100, 1_000),
    reference_history=(50,),
    members=100,
    conversations=100,
    elsewhere=100,
    lengths=(100, 1_000, 10_000),
    connected=(5, 50, 500),
    memberships=(1, 10, 100),
    stored=(10, 100, 1_000),
)
