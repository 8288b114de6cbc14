"""People who talk over a bad network, and note what they see.

Everyone keeps a few messages in flight, loses the connection every so often in the middle of sending, comes back, and
sends everything that was not acknowledged again, in order, with the client ids it had. Some messages go out twice at
once, on two sockets where a person has two; some may not be taken at all. All choices come from one seed; what the
network and the server make of them does not.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import msgspec

from tests.durability.accounts import Account
from tests.durability.journal import Acked, Delivered, Drained, Event, Message, Opened, Refused, Sent
from tests.durability.wire import Connection, dial

STALLED_S = 5.0
"""Without an answer for so long, a client takes the connection for dead."""
AWAY_S = 0.03
NOBODY_THERE_S = 0.5

SNIPPETS = (
    "hello",
    "ça va ?",
    "\U0001f525\U0001f469‍\U0001f4bb",
    '"quoted" \\ \\n',
    "שלום",
    "a\nb\tc",
    "e\u0301 é \ufeff",
    " \u2028 ",
)
LONGEST = 16_000
"""Bytes, and a little less than the server takes."""


@dataclass(frozen=True)
class Habits:
    """How people behave. Chances are per message."""

    in_flight: int = 8
    sends_between_drops: float | None = 150
    """On average; None: they hold on to their connections."""
    twice: float = 0.02
    unacceptable: float = 0.005
    long: float = 0.005
    second_socket: float = 0.25
    """How many of them have two."""


QUIET = Habits(sends_between_drops=None, twice=0, unacceptable=0, long=0, second_socket=0)


NEWS = ("heads", "receiptUpdated")
"""What the server tells of its own accord, whenever it likes."""


class Draft(msgspec.Struct, frozen=True, eq=False):
    """What somebody wants to send. `refusal`: the code it must be refused with, where it must be."""

    recipient: str
    client_id: str
    content: str
    sender: str | None = None
    refusal: str | None = None

    def argument(self) -> dict[str, str]:
        """As it goes over the wire."""
        given = {"recipient": self.recipient, "content": self.content, "clientId": self.client_id}
        return given if self.sender is None else {**given, "sender": self.sender}


class Answer(msgspec.Struct):
    """An acknowledgement of either kind."""

    ok: bool
    message: Message | None = None
    code: str = ""


_answer = msgspec.json.Decoder(Answer).decode
_event = msgspec.json.Decoder(tuple[str, msgspec.Raw]).decode
_message = msgspec.json.Decoder(Message).decode


@dataclass
class Notes:
    """What a run has seen, shared by all who take part."""

    events: list[Event] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    surprises: list[str] = field(default_factory=list)
    """What must not happen and the checker could not see: the run ends with it."""
    connections: int = 0


class Device:
    """One socket of a person: opened again whenever it ends."""

    def __init__(self, person: "Person") -> None:
        self._person = person
        self._notes = person.notes
        self._connection: Connection | None = None
        self._ended = asyncio.Event()
        self._asked: dict[int, Draft | None] = {}
        self._asked_times = 0
        self._drained = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return self._connection is not None and self._connection.is_open

    async def stay_connected(self, port: int) -> None:
        """Until it is cancelled."""
        random = self._person.random
        while True:
            self._notes.connections += 1
            self._ended.clear()
            self._asked.clear()
            self._connection = Connection(self._notes.connections, self._person.account.token, self, random)
            try:
                await dial(self._connection, port)
            except OSError:
                self._notes.counts["calls nobody answered"] += 1
                await asyncio.sleep(NOBODY_THERE_S * (0.5 + random.random()))
                continue
            await self._ended.wait()
            await asyncio.sleep(AWAY_S * random.random())

    def send(self, draft: Draft) -> None:
        """Queue it; `flush` lets it go."""
        assert self._connection is not None
        sender = self._person.account.id
        sent = Sent(self._connection.number, sender, draft.recipient, draft.client_id, draft.content)
        self._notes.events.append(sent)
        self._notes.counts["sends"] += 1
        self._asked_times += 1
        self._asked[self._asked_times] = draft
        self._connection.emit("sendMessage", draft.argument(), self._asked_times)

    def flush(self) -> None:
        """Let go what is queued."""
        if self._connection is not None:
            self._connection.flush()

    def drop(self, how: str) -> None:
        """Lose the connection."""
        if self._connection is not None:
            {"reset": Connection.reset, "cut": Connection.cut, "leave": Connection.leave}[how](self._connection)

    async def drain(self) -> None:
        """Ask something once everything has been said: the answer comes behind all that was on its way."""
        assert self._connection is not None
        self._asked_times += 1
        self._asked[self._asked_times] = None
        self._connection.emit("join", {"userId": self._person.account.id}, self._asked_times)
        self._connection.flush()
        await self._drained.wait()

    # ── Listener ─────────────────────────────────────────────────────────────────────────────────────────────────

    def on_open(self, connection: Connection) -> None:
        self._notes.events.append(Opened(connection.number, self._person.account.id))
        self._person.opened(self)

    def on_ack(self, connection: Connection, ack_id: int, body: memoryview) -> None:
        draft, answer = self._asked.pop(ack_id), _answer(body)
        if draft is None:
            assert answer.ok
            self._notes.events.append(Drained(connection.number))
            self._drained.set()
        elif answer.ok:
            assert answer.message is not None
            self._notes.events.append(Acked(connection.number, draft.client_id, answer.message))
            self._person.acknowledged(draft)
        else:
            refused = Refused(connection.number, draft.client_id, draft.content, answer.code)
            self._notes.events.append(refused)
            self._person.refused(draft, refused, self)

    def on_event(self, connection: Connection, body: memoryview) -> None:
        name, argument = _event(body)
        if name in NEWS:
            return
        if name != "messageReceived":
            return self.on_surprise(f"event {name}: {bytes(argument)[:300]!r}")
        self._notes.counts["deliveries"] += 1
        self._notes.events.append(Delivered(connection.number, _message(argument)))

    def on_end(self, connection: Connection, reason: str) -> None:
        self._notes.counts[f"connections {reason}"] += 1
        self._ended.set()

    def on_surprise(self, what: str) -> None:
        self._notes.surprises.append(what)


class Person:
    """Somebody with messages to send to another, and one or two devices."""

    def __init__(
        self, account: Account, other: Account, messages: int, habits: Habits, notes: Notes, seed: str
    ) -> None:
        self.account = account
        self.notes = notes
        self.random = Random(seed)
        self.heard_at = 0.0
        self._other = other
        self._left = messages
        self._habits = habits
        self._made = 0
        self._unsettled: dict[str, Draft] = {}
        self._last: Draft | None = None
        """The last that was acknowledged."""
        self._until_drop = self._next_drop()
        self.main = Device(self)
        self.devices = [self.main]
        if self.random.random() < habits.second_socket:
            self.devices.append(Device(self))

    @property
    def is_done(self) -> bool:
        """Whether all was sent and settled."""
        return not self._left and not self._unsettled

    @property
    def settled(self) -> int:
        """How many of the messages are acknowledged (or, where they must be, refused)."""
        return self._made - len(self._unsettled)

    def say(self, messages: int) -> None:
        """So many more."""
        if not self._unsettled:
            # Nobody owed them an answer until now.
            self.heard_at = asyncio.get_running_loop().time()
        self._left += messages
        self._go_on()
        self.main.flush()

    def look(self, now: float) -> None:
        """Give up a connection that does not answer."""
        if self._unsettled and self.main.is_open and now - self.heard_at > STALLED_S:
            self.notes.counts["stalls"] += 1
            self.heard_at = now
            self.main.drop("reset")

    def opened(self, device: Device) -> None:
        """Send again what was not settled, then go on."""
        self.heard_at = asyncio.get_running_loop().time()
        if device is not self.main:
            return
        for draft in self._unsettled.values():
            self.notes.counts["resends"] += 1
            device.send(draft)
        self._go_on()

    def acknowledged(self, draft: Draft) -> None:
        self.heard_at = asyncio.get_running_loop().time()
        if draft.refusal is not None:
            self.notes.surprises.append(f"{draft} was acknowledged")
        self._last = draft
        self._settle(draft)

    def refused(self, draft: Draft, refused: Refused, device: Device) -> None:
        self.notes.counts[f"refused: {refused.code}"] += 1
        if not refused.for_good:
            # It may have been stored. Away for a moment, then all is sent again.
            return device.drop("reset")
        if refused.code != draft.refusal:
            self.notes.surprises.append(f"{draft} was refused: {refused.code}")
        self._settle(draft)

    def _settle(self, draft: Draft) -> None:
        if self._unsettled.get(draft.client_id) is draft:
            del self._unsettled[draft.client_id]
            self.notes.counts["settled"] += 1
        self._go_on()

    def _go_on(self) -> None:
        """Send as much as may be in flight, unless the connection is lost on the way."""
        while self._left and self.main.is_open and len(self._unsettled) < self._habits.in_flight:
            if self.random.random() < self._habits.unacceptable:
                self._send(self._unacceptable())
            self._left -= 1
            self._made += 1
            self._send(Draft(self._other.id, f"{self._made}", self._content()))
            self._until_drop -= 1
            if self._until_drop <= 0:
                self._until_drop = self._next_drop()
                if self.random.random() < 0.5:
                    self.main.flush()
                self.main.drop(self.random.choice(("reset", "reset", "cut", "leave")))

    def _send(self, draft: Draft) -> None:
        self._unsettled[draft.client_id] = draft
        self.notes.counts["messages" if draft.refusal is None else "unacceptable"] += 1
        devices = [self.main]
        if self.random.random() < self._habits.twice:
            self.notes.counts["sent twice at once"] += 1
            devices.append(next((each for each in self.devices[1:] if each.is_open), self.main))
            self.random.shuffle(devices)
        for device in devices:
            device.send(draft)
            if device is not self.main:
                device.flush()

    def _content(self) -> str:
        """Another one for every message, and nothing that a tidy server would leave alone."""
        random = self.random
        text = " ".join(random.choice(SNIPPETS) for _ in range(random.randrange(1, 6)))
        if random.random() < self._habits.long:
            text *= LONGEST // len(text)
        text = f"{self.account.name} {self._made} {text}".encode()[:LONGEST].decode(errors="ignore")
        return text + random.choice(("", " ", "\n"))

    def _unacceptable(self) -> Draft:
        """What may not be stored."""
        name = f"bad {self._made}"
        drafts = [
            Draft(self._other.id, name, "", refusal="invalid_input"),
            Draft(self._other.id, name, "a NUL \0", refusal="invalid_input"),
            Draft(self._other.id, name, "x" * 17_000, refusal="invalid_input"),
            Draft(self._other.id, name, "in the other's name", sender=self._other.id, refusal="forbidden"),
            Draft("f" * 24, name, "to nobody", refusal="not_found"),
        ]
        if self._last is not None and self._last.client_id not in self._unsettled:
            drafts.append(Draft(self._other.id, self._last.client_id, "something else", refusal="conflict"))
        return self.random.choice(drafts)

    def _next_drop(self) -> float:
        mean = self._habits.sends_between_drops
        return float("inf") if mean is None else 1 + self.random.expovariate(1 / mean)
