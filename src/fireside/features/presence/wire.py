"""What goes out about presence: to clients, and, the same, to other processes."""

from typing import Annotated

import msgspec

from fireside.core.events import Announcement
from fireside.core.forms import ConversationId, Form, UserId, meant

SAID_OF_SOMEBODY, SAID_OF_TYPING = "p", "t"
"""The kinds of what peers are sent."""


class Present(Form, frozen=True):
    """Whether somebody is there."""

    user: UserId
    online: Annotated[bool, meant("They have a device connected.")]
    last_seen: Annotated[str | None, meant("When they were last there; absent if never.")] = None


class Typing(Form, frozen=True):
    """Whether somebody is typing."""

    conversation: ConversationId
    user: UserId
    typing: Annotated[bool, meant("False when they have stopped, or said nothing of it for some seconds.")]


PRESENCE = Announcement("presenceChanged", Present, "Somebody in a conversation that you have open has come or gone.")
TYPING = Announcement("typing", Typing, "Somebody in a conversation that you have open is typing, or is no more.")

encode = msgspec.json.Encoder().encode
present_of = msgspec.json.Decoder(Present).decode
typing_of = msgspec.json.Decoder(Typing).decode


def seen_of(user_id: str) -> str:
    """The topic of where somebody is looked at."""
    return f"seen:{user_id}"


def open_in(conversation_id: str) -> str:
    """The topic of where a conversation is open."""
    return f"open:{conversation_id}"
