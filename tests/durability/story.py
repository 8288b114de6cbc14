"""A run that an honest server would make, told in a few lines, and ways to bend it: they check the checker."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec.structs import replace

from tests.durability.checker import Rule, check
from tests.durability.journal import Acked, Delivered, Drained, Event, Message, Opened, Reading, Refused, Sent

ANN, BOB, EVE = "a" * 24, "b" * 24, "e" * 24
HERE = "c" * 24


class Story:
    """Ann and Bob, and a server that keeps every promise."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.rows: list[Message] = []
        self._connected: dict[int, str] = {}
        self._connections = 0

    def open(self, person: str) -> int:
        """A new connection."""
        self._connections += 1
        self._connected[self._connections] = person
        self.events.append(Opened(self._connections, person))
        return self._connections

    def sent(self, connection: int, *client_ids: str) -> None:
        """Messages leave."""
        sender = self._connected[connection]
        for client_id in client_ids:
            self.events.append(Sent(connection, sender, other(sender), client_id, f"{client_id} of {sender}"))

    def stored(self, connection: int, *client_ids: str, sender: str = "") -> None:
        """The server stores them, tells everybody, and answers if there still is somebody to answer."""
        sender = sender or self._connected[connection]
        for client_id in client_ids:
            seq = len(self.rows) + 1
            content = f"{client_id} of {sender}"
            message = Message(f"{HERE}{seq:012x}", HERE, seq, sender, other(sender), content, "now", client_id)
            self.rows.append(message)
            self.events += [Delivered(each, message) for each in self._connected if each != connection]
            if connection in self._connected:
                self.events.append(Acked(connection, client_id, message))

    def said(self, connection: int, *client_ids: str) -> None:
        """Messages leave one after the other, and all goes well."""
        for client_id in client_ids:
            self.sent(connection, client_id)
            self.stored(connection, client_id)

    def repeated(self, connection: int, *client_ids: str) -> None:
        """The server answers with what it has stored before."""
        key = self._connected[connection]
        for client_id in client_ids:
            first = next(row for row in self.rows if row.key == (key, client_id))
            self.events.append(Acked(connection, client_id, first))

    def refused(self, connection: int, client_id: str, code: str) -> None:
        """The server does not take it."""
        content = f"{client_id} of {self._connected[connection]}"
        self.events.append(Refused(connection, client_id, content, code))

    def lost(self, connection: int) -> None:
        """The connection is gone."""
        del self._connected[connection]

    def end(self) -> "Run":
        """All that is on its way arrives, and both read what there is."""
        self.events += [Drained(each) for each in self._connected]
        readings = [Reading(ANN, BOB, "whole", self.rows), Reading(BOB, ANN, "upward", list(self.rows))]
        return Run(self.events, readings)


@dataclass(frozen=True)
class Run:
    events: list[Event]
    readings: list[Reading]

    def broken(self) -> set[Rule]:
        return {each.rule for each in check(self.events, self.readings)}

    def rewritten(self, change: Callable[[Message], Message], *kinds: type) -> "Run":
        """The messages in acknowledgements, deliveries and readings (or in those of these kinds) are others."""
        kinds = kinds or (Acked, Delivered, Reading)
        events: list[Event] = [
            replace(each, message=change(each.message))
            if isinstance(each, Acked | Delivered) and isinstance(each, kinds)
            else each
            for each in self.events
        ]
        if Reading not in kinds:
            return Run(events, self.readings)
        return Run(events, [replace(each, rows=[change(row) for row in each.rows]) for each in self.readings])

    def without(self, *seqs: int) -> "Run":
        """These are not in the history."""
        return self.with_rows(lambda rows: [row for row in rows if row.seq not in seqs])

    def with_rows(self, change: Callable[[list[Message]], list[Message]]) -> "Run":
        """The history is another."""
        return Run(self.events, [replace(each, rows=change(each.rows)) for each in self.readings])

    def after(self, *events: Event) -> "Run":
        """These happened besides, before the end."""
        place = next(place for place, each in enumerate(self.events) if isinstance(each, Drained))
        return Run([*self.events[:place], *events, *self.events[place:]], self.readings)

    def but(self, unwanted: Callable[[Event], bool]) -> "Run":
        """These have not happened."""
        return Run([each for each in self.events if not unwanted(each)], self.readings)


def other(person: str) -> str:
    return BOB if person == ANN else ANN


def story() -> Story:
    """Everything that may happen, once: connections 1 and 2, and 3 in place of 1."""
    told = Story()
    ann, bob = told.open(ANN), told.open(BOB)
    told.said(ann, "1", "2")
    told.said(bob, "1", "2")
    told.sent(ann, "3", "4", "5")
    told.stored(ann, "3")
    told.lost(ann)
    told.stored(ann, "4", sender=ANN)
    ann = told.open(ANN)
    told.sent(ann, "4", "5", "6")
    told.repeated(ann, "4")
    told.stored(ann, "5", "6")
    told.sent(ann, "bad")
    told.refused(ann, "bad", "invalid_input")
    told.said(bob, "3")
    told.sent(bob, "4", "4")
    told.stored(bob, "4")
    told.repeated(bob, "4")
    told.said(ann, "7")
    return told


LAST = 11
"""The number of Ann's 7, the last of the story. Her 3 to 6 have 5 to 8, Bob's 3 and 4 have 9 and 10."""
