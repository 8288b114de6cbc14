"""A run that an honest deployment would make, told in a few lines, and ways to bend it: they check the checker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from fireside.torture.check import Rule, check
from fireside.torture.record import (
    Acked,
    Answered,
    Asked,
    Changing,
    Handed,
    Heard,
    Held,
    History,
    Line,
    Marked,
    Opened,
    Refused,
    Row,
    Sent,
    Talk,
    Told,
)

ANN, BOB, CEM, EVE = "ann", "bob", "cem", "eve"
GROUP, DIRECT = "group", "direct"
DEVICES = {"a1": ANN, "a2": ANN, "b1": BOB, "c1": CEM}
HANDING = "b1", "c1"

L = TypeVar("L", bound=Line)


class Story:
    """Ann and Bob are in a group all the time, Cem comes and goes; Ann and Bob talk alone; Eve is in nothing."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.rows: dict[str, list[Row]] = {GROUP: [], DIRECT: []}
        self.inside: set[str] = {ANN, BOB}
        self._numbers = 0
        self._attempts: dict[str, list[int]] = {}
        self.add(Talk(conversation=GROUP, kind="group", members=(ANN, BOB), stay=False))
        self.add(Talk(conversation=DIRECT, kind="direct", members=(ANN, BOB)))
        for connection, (device, user) in enumerate(DEVICES.items()):
            self.add(Opened(connection=connection, device=device, user=user, transport="websocket"))
        self._store(GROUP, ANN, "created", "groupCreated", (BOB,), tell=False)

    def add(self, line: Line) -> None:
        self.lines.append(replace(line, at=float(len(self.lines))))

    def sent(self, device: str, where: str, name: str, *, bad: bool = False) -> int:
        """A message leaves."""
        user = DEVICES[device]
        place = {ANN: BOB, BOB: ANN}[user] if where == DIRECT else where
        self._numbers += 1
        self.add(
            Sent(
                attempt=self._numbers,
                device=device,
                user=user,
                place=place,
                client_id=name,
                digest=f"#{name}",
                bad=bad,
            )
        )
        self._attempts.setdefault(name, []).append(self._numbers)
        return self._numbers

    def stored(self, where: str, user: str, name: str) -> Row:
        """The server stores it, and everybody hears."""
        return self._store(where, user, name)

    def acked(self, attempt: int, row: Row) -> None:
        self.add(Acked(attempt=attempt, row=row))

    def refused(self, attempt: int, code: str) -> None:
        self.add(Refused(attempt=attempt, code=code))

    def said(self, device: str, where: str, name: str) -> Row:
        """All goes well."""
        attempt = self.sent(device, where, name)
        row = self.stored(where, DEVICES[device], name)
        self.acked(attempt, row)
        return row

    def change(self, kind: str, who: tuple[str, ...], *, heard: bool = True) -> Row:
        """Ann adds somebody to the group, or puts them out."""
        self._numbers += 1
        number = self._numbers
        self.add(Changing(attempt=number, device="a1", user=ANN, conversation=GROUP, kind=kind, who=who))
        if kind == "membersAdded":
            self.inside.update(who)
        row = self._store(GROUP, ANN, f"system {number}", kind, who)
        if kind == "memberRemoved":
            self.inside.difference_update(who)
        if heard:
            self.acked(number, row)
        return row

    def read(self, user: str, where: str) -> None:
        """Somebody reads the newest page."""
        self._numbers += 1
        self.add(Asked(question=self._numbers, user=user, conversation=where))
        if user in self._people(where):
            self.add(Answered(question=self._numbers, rows=tuple(self.rows[where][-3:])))
        else:
            self.add(Answered(question=self._numbers, code="not_found"))

    def end(self) -> "Run":
        """Fresh clients read what there is, and devices have it."""
        spans: dict[tuple[str, str], tuple[int, int | None]] = {
            (where, user): (0, None) for where in (GROUP, DIRECT) for user in (ANN, BOB)
        }
        spans |= self._span_of_cem()
        for (where, user), (since, until) in spans.items():
            rows = tuple(row for row in self.rows[where] if since < row.seq <= (until or row.seq))
            receipts = ((BOB, 8, 8),) if until is None and where == GROUP and len(self.rows[where]) >= 8 else ()
            self.add(
                History(
                    user=user,
                    how="story",
                    asked_at=float(len(self.lines)),
                    conversation=where,
                    since=since,
                    until=until,
                    rows=rows,
                    receipts=receipts,
                )
            )
            for device, owner in DEVICES.items():
                if owner == user:
                    self.add(Held(device=device, user=user, conversation=where, rows=rows))
        return Run(self.lines)

    def _span_of_cem(self) -> dict[tuple[str, str], tuple[int, int | None]]:
        came = [row.seq for row in self.rows[GROUP] if row.kind == "membersAdded"]
        went = [row.seq for row in self.rows[GROUP] if row.kind == "memberRemoved"]
        until = went[-1] if went and len(went) == len(came) else None
        return {(GROUP, CEM): (came[-1] - 1, until)} if came else {}

    def _people(self, where: str) -> set[str]:
        return {ANN, BOB} if where == DIRECT else self.inside

    def _store(
        self, where: str, user: str, name: str, kind: str = "", who: tuple[str, ...] = (), *, tell: bool = True
    ) -> Row:
        seq = len(self.rows[where]) + 1
        row = Row(where, seq, f"{where} {seq}", user, name, "#" if kind else f"#{name}", kind, who)
        self.rows[where].append(row)
        for connection, (device, owner) in enumerate(DEVICES.items()):
            if tell and owner in self._people(where) and (owner != user or device == "a2"):
                self.add(Heard(connection=connection, user=owner, row=row))
                if device in HANDING and not kind:
                    self.add(Handed(device=device, user=owner, row=row))
        return row


@dataclass(frozen=True)
class Run:
    """The record of one."""

    lines: list[Line]

    def broken(self) -> set[Rule]:
        return {each.rule for each in check(self.lines)}

    def but(self, unwanted: Callable[[Line], bool]) -> "Run":
        """These are not there."""
        return Run([each for each in self.lines if not unwanted(each)])

    def after(self, *lines: Line) -> "Run":
        """These happened besides, before the end."""
        place = next(place for place, each in enumerate(self.lines) if isinstance(each, History))
        return Run([*self.lines[:place], *lines, *self.lines[place:]])

    def rows(self, change: Callable[[Row], Row], *kinds: type[Line]) -> "Run":
        """The messages that lines of these kinds tell of are others."""
        return Run([_with_rows(each, change) if isinstance(each, kinds) else each for each in self.lines])

    def history(self, change: Callable[[list[Row]], list[Row]], where: str = GROUP) -> "Run":
        """What was read at the end, and what devices have, is another, for everybody."""

        def changed(line: Line) -> Line:
            if isinstance(line, History | Held) and line.conversation == where and line.user != CEM:
                return replace(line, rows=tuple(change(list(line.rows))))
            return line

        return Run([changed(each) for each in self.lines])

    def one(self, kind: type[L], is_it: Callable[[L], bool], change: Callable[[L], Line]) -> "Run":
        """The first such line is another."""
        place = next(place for place, each in enumerate(self.lines) if isinstance(each, kind) and is_it(each))
        line = self.lines[place]
        assert isinstance(line, kind)
        return Run([*self.lines[:place], change(line), *self.lines[place + 1 :]])


def _with_rows(line: Line, change: Callable[[Row], Row]) -> Line:
    if isinstance(line, Acked | Heard | Handed):
        return replace(line, row=change(line.row))
    if isinstance(line, History | Held | Answered):
        return replace(line, rows=tuple(change(row) for row in line.rows))
    return line


def story() -> Story:
    """Everything that may happen, once."""
    told = Story()
    told.said("a1", GROUP, "one")  # 2
    told.said("b1", GROUP, "two")  # 3
    told.said("a1", DIRECT, "alone")
    told.change("membersAdded", (CEM,))  # 4
    told.said("c1", GROUP, "three")  # 5
    lost = told.sent("a1", GROUP, "four")
    row = told.stored(GROUP, ANN, "four")  # 6: nobody hears of the acknowledgement
    again = told.sent("a1", GROUP, "four")
    told.acked(again, row)
    assert lost != again
    twice = [told.sent(device, GROUP, "five") for device in ("a1", "a2")]
    row = told.stored(GROUP, ANN, "five")  # 7
    for each in twice:
        told.acked(each, row)
    told.read(BOB, GROUP)
    told.read(EVE, GROUP)
    told.refused(told.sent("b1", GROUP, "bad", bad=True), "invalid_input")
    busy = told.sent("b1", GROUP, "six")
    told.refused(busy, "unavailable")
    told.said("b1", GROUP, "six")  # 8
    told.add(Marked(user=BOB, conversation=GROUP, delivered=8, read=7))
    told.add(Told(user=BOB, conversation=GROUP, delivered=8, read=8))
    told.change("memberRemoved", (CEM,), heard=False)  # 9
    told.said("a1", GROUP, "seven")  # 10
    return told


LAST = 10
"""The number of `seven`, the last of the group."""


def row_named(name: str) -> Row:
    """A message of the group."""
    return next(row for row in _rows() if row.client_id == name)


def _rows() -> Iterator[Row]:
    yield from story().rows[GROUP]
