"""Users, conversations, messages and what happens to them, to try a store with."""

from itertools import count

from fireside.core.ids import new_id
from fireside.features.accounts.service import User
from fireside.features.changes.service import Change, ChangeKind, Reaction
from fireside.features.conversations import service
from fireside.features.conversations.groups import GroupChange, applied
from fireside.features.conversations.mending import newborn
from fireside.features.conversations.service import Conversation
from fireside.features.messages.service import Extra, Message
from fireside.features.personal.service import Entry, Own

NOW = 1_700_000_000_000

_numbers = count(1)

ODD_TEXTS = (
    "plain",
    " leading, trailing and  double spaces ",
    "two\nlines\r\n\tand a tab",
    "quotes ' \" ` and \\ backslash; DROP TABLE messages; --",
    '{"$gt": ""}',
    "$where",
    "a.b.c",
    "% and _ and * and ? and [a-z]",
    "caf\u00e9 in one, cafe\u0301 in two",
    "\ufb00 \u0130 \u0131 \u1e9e \u03c2 change their length with their case",
    "a family \U0001f468\u200d\U0001f469\u200d\U0001f467, a flag \U0001f1eb\U0001f1f7, a hand \U0001f44d\U0001f3fd",
    "\u202eright to left\u202c \u05e9\u05dc\u05d5\u05dd \u2066\u0645\u0631\u062d\u0628\u0627\u2069",
    "\ufeff byte order mark, \u200b zero width, \u2028 line separator",
    "\ufffd \uffff \U0001ffff \U0010ffff stand for no character",
    "\x01\x1b[31m control characters \x7f\x85",
    "\ud55c\uae00 \u6f22\u5b57 \u304b\u306a \u0e44\u0e17\u0e22 \u0939\u093f\u0928\u094d\u0926\u0940",
    "\U0001f600" * 4096,
)
"""Valid text, as `core.text` lets it in, that something somewhere has mangled before."""


def user(username: str, *, created_at: int = NOW) -> User:
    return User(new_id(), username, "name@example.org", "$2b$04$hash", created_at)


def direct(one: str, other: str, *, created_at: int = NOW) -> Conversation:
    return service.direct(one, other, created_at)


def history(*steps: tuple[str, GroupChange]) -> list[Conversation]:
    """A group as of each of these, who did what; the first makes it, at seq 1."""
    states = [newborn(new_id(), NOW)]
    for seq, (actor, what) in enumerate(steps, 1):
        states.append(applied(what, states[-1], actor, seq))
    return states[1:]


def message(
    conversation: str,
    seq: int,
    *,
    sender: str = "a" * 24,
    client_id: str | None = None,
    content: str = "hello",
    extra: Extra | None = None,
) -> Message:
    """A message; without a `client_id` it gets one that no other has."""
    number = next(_numbers)
    return Message(conversation, seq, sender, client_id or f"client-{number}", content, NOW + number, extra)


def run(conversation: str, first: int, last: int) -> list[Message]:
    """Messages with the numbers from first to last."""
    return [message(conversation, seq) for seq in range(first, last + 1)]


def change(conversation: str, rev: int, *, seq: int = 1, what: ChangeKind | None = None) -> Change:
    """A change, a reaction unless told otherwise, with a token that no other has."""
    number = next(_numbers)
    emoji = Reaction("\U0001f44d")
    return Change(conversation, rev, seq, "b" * 24, NOW + number, f"token-{number}", what or emoji)


def entry(user_id: str, n: int, conversation: str, seq: int = 0, **said: bool | int | None) -> Entry:
    """A line of somebody's own log that says so."""
    return Entry(user_id, n, conversation, seq, Own(**said), NOW + next(_numbers))  # type: ignore[arg-type]
