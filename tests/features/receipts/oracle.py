"""What unread counts and receipts must be, by brute force: every message is looked at, every time it is asked.

It knows nothing of numbers that are kept, coalesced, woken or put to sleep: only what people have done.
"""

from dataclasses import dataclass, field

from tests.features.whole import WINDOWS


@dataclass
class Said:
    """A message."""

    sender: str
    sent_at: int
    is_system: bool = False
    is_deleted: bool = False
    hidden_by: set[str] = field(default_factory=set)


@dataclass
class Mark:
    """How far somebody has got."""

    delivered: int = 0
    read: int = 0
    shown: int = 0


@dataclass
class Talk:
    """A conversation. `owner`: None in a direct one."""

    id: str
    owner: str | None
    is_open: bool
    members: dict[str, int]
    """And above which seq they see it."""
    log: list[Said] = field(default_factory=list)
    gone: dict[str, tuple[int, int]] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)

    def sees(self, who: str, seq: int) -> bool:
        if who in self.members:
            return self.members[who] < seq <= len(self.log)
        since, until = self.gone.get(who, (0, 0))
        return since < seq <= until


class Oracle:
    """Is told what people do, and says what they must see."""

    def __init__(self) -> None:
        self.secretive: set[str] = set()
        """Who keep their reading to themselves."""
        self.once_secretive: set[str] = set()

    # ── what people do; whether they may ─────────────────────────────────────────────────────────────────────────

    def turn(self, who: str) -> None:
        """They keep their reading to themselves from now on, or do no more."""
        self.secretive ^= {who}
        self.once_secretive.add(who)

    def send(self, talk: Talk, who: str, at: int, *, is_system: bool = False) -> bool:
        if who not in talk.members:
            return False
        talk.log.append(Said(who, at, is_system))
        self._move(talk, who, len(talk.log), read=True)
        return True

    def mark(self, talk: Talk, who: str, seq: int, *, read: bool) -> bool:
        if who not in talk.members or seq > len(talk.log):
            return False
        self._move(talk, who, seq, read=read)
        return True

    def delete(self, talk: Talk, who: str, seq: int, at: int) -> bool:
        if who not in talk.members or not talk.sees(who, seq) or talk.log[seq - 1].is_system:
            return False
        said = talk.log[seq - 1]
        is_in_time = at - said.sent_at <= 1000 * WINDOWS.delete_s
        may = is_in_time if said.sender == who else talk.owner == who
        said.is_deleted |= may
        return may or said.is_deleted

    def hide(self, talk: Talk, who: str, seq: int, hidden: bool) -> bool:
        if not talk.sees(who, seq):
            return False
        (talk.log[seq - 1].hidden_by.add if hidden else talk.log[seq - 1].hidden_by.discard)(who)
        return True

    def leave(self, talk: Talk, who: str, by: str, at: int) -> bool:
        """Somebody leaves, or is put out by the owner."""
        if talk.owner is None or by not in talk.members or who not in talk.members or (who != by != talk.owner):
            return False
        self.send(talk, by, at, is_system=True)
        talk.gone[who] = talk.members.pop(who), len(talk.log)
        return True

    def add(self, talk: Talk, who: str, by: str, at: int) -> bool:
        if talk.owner is None or by != talk.owner or who in talk.members:
            return False
        self.send(talk, by, at, is_system=True)
        talk.members[who] = 0 if talk.is_open else len(talk.log) - 1
        talk.gone.pop(who, None)
        return True

    def _move(self, talk: Talk, who: str, seq: int, *, read: bool) -> None:
        mark = talk.marks.setdefault(who, Mark())
        mark.delivered = max(mark.delivered, seq)
        if read:
            mark.read = max(mark.read, seq)
            if who not in self.secretive:
                mark.shown = max(mark.shown, seq)

    # ── what they see ────────────────────────────────────────────────────────────────────────────────────────────

    def unread(self, talk: Talk, who: str) -> int:
        """How many messages they have not read."""
        if who not in talk.members:
            return 0
        read = talk.marks.get(who, Mark()).read
        return sum(
            seq > read
            and talk.sees(who, seq)
            and said.sender != who
            and not said.is_system
            and not said.is_deleted
            and who not in said.hidden_by
            for seq, said in enumerate(talk.log, 1)
        )

    def receipts(self, talk: Talk, who: str) -> dict[str, tuple[int, int]]:
        """Delivered and read of each, as this one sees it."""
        if who not in talk.members:
            return {}
        found = {}
        for each in talk.members:
            mark = talk.marks.get(each, Mark())
            read = mark.read if each == who else 0 if who in self.secretive else mark.shown
            if mark.delivered:
                found[each] = mark.delivered, read
        return found

    def learn(self, talk: Talk, who: str, shown: dict[str, tuple[int, int]]) -> None:
        """Where somebody was secretive once, what they sent then may be shown as read since, or not: whoever mends a
        conversation does that. It is no secret that they have read what they wrote."""
        for each, (_, read) in shown.items():
            mark = talk.marks.get(each, Mark())
            is_theirs = 0 < read <= len(talk.log) and talk.log[read - 1].sender == each
            if each in self.once_secretive and each != who and is_theirs:
                mark.shown = max(mark.shown, read)

    def seen_by(self, talk: Talk, who: str, seq: int) -> tuple[set[str], set[str]]:
        """To whom a message was delivered, and who has read it, as this one sees it."""
        others = {
            each: marks
            for each, marks in self.receipts(talk, who).items()
            if each != talk.log[seq - 1].sender and talk.sees(each, seq)
        }
        return (
            {each for each, (delivered, _) in others.items() if delivered >= seq},
            {each for each, (_, read) in others.items() if read >= seq},
        )
