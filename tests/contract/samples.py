"""Users, conversations and messages to try a store with."""

from itertools import count

from fireside.core.ids import direct_conversation_id, new_id
from fireside.features.accounts.service import User
from fireside.features.conversations.service import Conversation
from fireside.features.messages.service import Message

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


def user(username: str, *, created_at: int = 1_700_000_000_000) -> User:
    return User(new_id(), username, "name@example.org", "$2b$04$hash", created_at)


def direct(one: str, other: str, *, created_at: int = 1_700_000_000_000) -> Conversation:
    return Conversation(direct_conversation_id(one, other), "direct", tuple(sorted({one, other})), created_at)


def message(
    conversation: str, seq: int, *, sender: str = "a" * 24, client_id: str | None = None, content: str = "hello"
) -> Message:
    """A message; without a `client_id` it gets one that no other has."""
    number = next(_numbers)
    return Message(conversation, seq, sender, client_id or f"client-{number}", content, 1_700_000_000_000 + number)


def run(conversation: str, first: int, last: int) -> list[Message]:
    """Messages with the numbers from first to last."""
    return [message(conversation, seq) for seq in range(first, last + 1)]
