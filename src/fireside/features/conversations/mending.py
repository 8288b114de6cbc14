"""Mending: a group is brought up to what its log says has happened to it.

Who is in a group is what its system messages say. What is kept of it follows from them, and may be behind where a node
died, or could not keep it, after the message was there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from fireside.features.conversations.groups import GroupChange, applied
from fireside.features.conversations.service import Conversation, Conversations, ConversationStore


class SystemRow(NamedTuple):
    """A system message: what somebody did to a group."""

    seq: int
    actor: str
    sent_at: int
    change: GroupChange


class Sent(Protocol):
    """A message, as far as it matters here."""

    @property
    def conversation(self) -> str: ...
    @property
    def sent_at(self) -> int: ...


class MessageHeads(Protocol):
    """Port: what is to be known of the message log. The messages feature's store has it."""

    async def heads(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        """The last seq of each; absent where there is none."""

    async def at(self, places: Sequence[tuple[str, int]]) -> Sequence[Sent]:
        """The messages at these places that there are, in no order."""

    async def system(self, after: Mapping[str, int]) -> dict[str, list[SystemRow]]:
        """The system messages of each conversation above a seq, oldest first; absent where there is none."""


class Mending:
    """Reads what is missing, and keeps what comes of it."""

    def __init__(self, messages: MessageHeads, conversations: Conversations, store: ConversationStore) -> None:
        self._messages = messages
        self._conversations = conversations
        self._store = store

    async def brought_up(self, groups: Mapping[str, Conversation]) -> dict[str, Conversation]:
        """These groups, as they are kept, with what their logs say has happened since: another node may be about to
        keep it."""
        rows = await self._messages.system({each: group.as_of for each, group in groups.items()})
        return dict(groups) | await self._catch_up(groups, rows)

    async def rebuild(self, conversation_ids: Sequence[str]) -> None:
        """Keep groups whose first message is there and of which nothing else was kept."""
        rows = await self._messages.system(dict.fromkeys(conversation_ids, 0))
        await self._catch_up({each: newborn(each, found[0].sent_at) for each, found in rows.items()}, rows)

    async def mended(self, conversations: Iterable[Conversation]) -> dict[str, Conversation]:
        """The groups among these, brought up to their system messages; as such they are kept."""
        groups = {each.id: each for each in conversations if each.kind == "group"}
        return await self.brought_up(groups | await self._conversations.refresh(list(groups))) if groups else {}

    async def _catch_up(
        self, groups: Mapping[str, Conversation], missed: Mapping[str, list[SystemRow]]
    ) -> dict[str, Conversation]:
        """The groups of which something was missed, with it; as such they are kept."""
        found = {}
        for each, rows in missed.items():
            before = after = groups[each]
            for row in rows:
                after = applied(row.change, after, row.actor, row.seq)
            await self._store.keep(after, who_changed(before, after))
            found[each] = self._conversations.remember(after)
        return found


def newborn(conversation_id: str, created_at: int) -> Conversation:
    """A group before its first message, which makes it."""
    return Conversation(conversation_id, "group", {}, created_at)


def who_changed(before: Conversation, after: Conversation) -> list[str]:
    """Who came, went, or sees another part of the history."""
    people = {*before.members, *after.members, *before.gone, *after.gone}
    return sorted(each for each in people if _span(before, each) != _span(after, each))


def _span(conversation: Conversation, user_id: str) -> tuple[int, int | None] | None:
    if user_id in conversation.members:
        return conversation.members[user_id].since, None
    gone = conversation.gone.get(user_id)
    return (gone.since, gone.until) if gone is not None else None
