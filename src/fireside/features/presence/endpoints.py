"""The wire of presence: opening and closing conversations, and typing."""

from collections.abc import Awaitable
from typing import Annotated

from fireside.core.errors import NotFound
from fireside.core.events import Call, Caller, Command, Event, Route
from fireside.core.forms import ConversationId, Form, Reply, meant
from fireside.features.conversations.service import Conversations
from fireside.features.presence.service import PEOPLE_AT_MOST, Presence
from fireside.features.presence.wire import Present


class LookAt(Form, frozen=True):
    """Which conversation."""

    conversation: ConversationId


class SetTyping(Form, frozen=True):
    """Whether you are typing."""

    conversation: ConversationId
    typing: Annotated[bool, meant("Say so every few seconds while you type; false when you stop.", True)] = True


class Presences(Reply, frozen=True, kw_only=True):
    """Who is there."""

    people: Annotated[list[Present], meant(f"The first {PEOPLE_AT_MOST} members.")]


class PresenceEndpoints:
    """Events and commands of presence."""

    def __init__(self, presence: Presence, conversations: Conversations) -> None:
        self._presence = presence
        self._conversations = conversations

    def events(self) -> tuple[Event, ...]:
        """What clients can do over the socket alone: it is about the device."""
        return (
            Event("openConversation", LookAt, self._look_at, Presences, (NotFound,)),
            Event("closeConversation", LookAt, self._look_away),
        )

    def commands(self) -> tuple[Command, ...]:
        """What clients can do over both wires."""
        one = "/api/conversations/{conversation}"
        return (
            Command("getPresence", Route("GET", one + "/presence"), LookAt, self._of, Presences, (NotFound,)),
            Command("setTyping", Route("PUT", one + "/typing"), SetTyping, self._types, Reply, (NotFound,)),
        )

    async def _look_at(self, call: Call, form: LookAt) -> None:
        """Hear who comes, goes and types in a conversation, on this device, until you close it.

        A device has a handful open at once; opening one more closes the first.
        """
        conversation = await self._conversations.require_member(call.user_id, form.conversation)
        if call.origin is not None:
            self._presence.look_at(call.origin, call.user_id, conversation)
        call.reply(Presences(people=await self._presence.of(conversation.members, call.origin)))

    def _look_away(self, call: Call, form: LookAt) -> Awaitable[None] | None:
        """Hear no more who comes, goes and types in a conversation, on this device."""
        if call.origin is not None:
            self._presence.look_away(call.origin, form.conversation)
        call.reply(Reply())
        return None

    async def _of(self, caller: Caller, form: LookAt) -> Presences:
        """Read who of a conversation is there."""
        conversation = await self._conversations.require_member(caller.user_id, form.conversation)
        return Presences(people=await self._presence.of(conversation.members, caller.origin))

    async def _types(self, caller: Caller, form: SetTyping) -> Reply:
        """Say that you are typing.

        Those who have the conversation open hear it. It ends by itself.
        """
        conversation = await self._conversations.require_member(caller.user_id, form.conversation)
        self._presence.types(caller.user_id, conversation, form.typing)
        return Reply()
