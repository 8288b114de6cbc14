"""What one can do, a method each. What an answer says is taken into the state at once: who did it need not hear it."""

from typing import Any, TypeVar

from fireside.client.outbox import Outgoing
from fireside.client.state import State
from fireside.core.forms import Reply
from fireside.features.accounts.wire import Updated
from fireside.features.changes.wire import ChangedMessage, Done
from fireside.features.conversations.wire import ConversationForm
from fireside.features.groups.wire import Talk
from fireside.features.messages.wire import MessageForm, Sent
from fireside.features.personal.wire import Flags, Noted, OwnEntry

R = TypeVar("R", bound=Reply)


class Commands:
    """Base of the client. A refusal is raised as `Refused`; where the connection is lost before the answer, `Lost`:
    it may have been done, or not, and the state will tell."""

    state: State

    async def call(self, event: str, reply: type[R], **fields: Any) -> R:
        """Give a command by its name on the wire, with its fields by theirs; the answer as `reply`.

        Raises:
            Refused: the server says no.
            Lost: no answer came.
        """
        raise NotImplementedError

    # ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def edit(self, message: MessageForm, content: str) -> MessageForm:
        """Edit a message of one's own."""
        return await self._change("editMessage", message, content=content)

    async def delete(self, message: MessageForm) -> MessageForm:
        """Delete a message for everyone."""
        return await self._change("deleteMessage", message)

    async def react(self, message: MessageForm, emoji: str | None) -> MessageForm:
        """React with an emoji; with None take it back."""
        return await self._change("reactToMessage", message, emoji=emoji)

    async def pin(self, message: MessageForm, pinned: bool = True) -> MessageForm:
        """Pin a message in its conversation, or take the pin away."""
        return await self._change("pinMessage", message, pinned=pinned)

    async def forward(self, message: MessageForm, place: Outgoing) -> MessageForm:
        """Send what a message says to where `place` goes, as a message of one's own with its `client_id`."""
        to = {"recipient": place.recipient} if place.recipient else {"to": place.conversation}
        named = {"conversation": message.conversation, "seq": message.seq, "clientId": place.client_id, **to}
        return self._heard(await self.call("forwardMessage", Sent, **named))

    # ── what is one's own ────────────────────────────────────────────────────────────────────────────────────────

    async def star(self, message: MessageForm, starred: bool = True) -> OwnEntry:
        """Star a message, or no more."""
        return await self._note("markMessage", conversation=message.conversation, seq=message.seq, starred=starred)

    async def hide(self, message: MessageForm, hidden: bool = True) -> OwnEntry:
        """Delete a message for oneself alone, or no more."""
        return await self._note("markMessage", conversation=message.conversation, seq=message.seq, hidden=hidden)

    async def set_flags(self, conversation: str, **flags: Any) -> Flags:
        """Set `pinned`, `archived`, `mutedUntil` or `unread` of a conversation; what is not named stays."""
        entry = await self._note("setFlags", conversation=conversation, **flags)
        return entry.flags or Flags()

    async def show_reading(self, shown: bool) -> None:
        """Show others how far one has read, and see it of them; or neither."""
        self.state.take_settings((await self.call("updateMe", Updated, readReceipts=shown)).settings)

    # ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def create_group(self, title: str, members: list[str], **more: Any) -> ConversationForm:
        """Make a group with these users in it; `more` is the rest of `createGroup`."""
        talk = await self.call("createGroup", Talk, title=title, members=members, **more)
        return talk.conversation

    async def update_group(self, conversation: str, **said: Any) -> MessageForm:
        """Change `title`, `description`, `picture` or `openHistory` of a group."""
        return self._heard(await self.call("updateGroup", Sent, conversation=conversation, **said))

    async def add_members(self, conversation: str, members: list[str]) -> MessageForm:
        """Add users to a group."""
        return self._heard(await self.call("addMembers", Sent, conversation=conversation, members=members))

    async def remove_member(self, conversation: str, user: str) -> MessageForm:
        """Put somebody out of a group."""
        return self._heard(await self.call("removeMember", Sent, conversation=conversation, user=user))

    async def set_role(self, conversation: str, user: str, role: str) -> MessageForm:
        """Make somebody `member`, `admin` or `owner`."""
        return self._heard(await self.call("setRole", Sent, conversation=conversation, user=user, role=role))

    async def leave(self, conversation: str) -> MessageForm:
        """Leave a group."""
        return self._heard(await self.call("leaveGroup", Sent, conversation=conversation))

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _change(self, event: str, message: MessageForm, **fields: Any) -> MessageForm:
        done = await self.call(event, Done, conversation=message.conversation, seq=message.seq, **fields)
        self.state.take_change(ChangedMessage(conversation=message.conversation, rev=done.rev, message=done.message))
        return done.message

    async def _note(self, event: str, **fields: Any) -> OwnEntry:
        noted = await self.call(event, Noted, **fields)
        self.state.take_entry(noted.entry)
        return noted.entry

    def _heard(self, sent: Sent) -> MessageForm:
        self.state.take_message(sent.message)
        return sent.message
