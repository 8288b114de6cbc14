"""Groups: making them and looking after them. What may happen to one, and who may do it, is in
`features.conversations.groups`; whatever happens is a system message, and everybody hears of it as such.
"""

import asyncio
import hashlib
from collections.abc import Sequence

from fireside.core.clock import Clock
from fireside.core.errors import InvalidInput, NotFound
from fireside.core.events import Caller
from fireside.core.ids import ID_LENGTH, is_id, new_id
from fireside.features.conversations.groups import (
    MAX_MEMBERS,
    GroupChange,
    GroupCreated,
    MembersAdded,
    require_info,
)
from fireside.features.conversations.mending import newborn
from fireside.features.conversations.service import Conversation, Conversations, Users
from fireside.features.messages.posting import Posting
from fireside.features.messages.service import Stored, require_client_id


class Groups:
    """The use cases of groups."""

    def __init__(
        self,
        posting: Posting,
        conversations: Conversations,
        users: Users,
        clock: Clock,
        *,
        max_members: int = MAX_MEMBERS,
    ) -> None:
        self._posting = posting
        self._conversations = conversations
        self._users = users
        self._clock = clock
        self._max_members = max_members

    async def create(self, caller: Caller, group: GroupCreated, client_id: str | None) -> Conversation:
        """Make a group with the caller as its owner. With the same `client_id` again it is the same group.

        Raises:
            InvalidInput: it cannot say this of itself, or have so many members.
            NotFound: a member is not a user.
        """
        require_info(group.title, group.description, group.picture)
        client_id = require_client_id(client_id) or new_id()
        await self._require_users(group.members)
        conversation = newborn(_group_id(caller.user_id, client_id), self._clock())
        return (await self._posting.note(caller, conversation, group, client_id)).conversation

    async def change(self, caller: Caller, conversation_id: str, change: GroupChange) -> Stored:
        """Let something happen to a group.

        Raises:
            NotFound: there is no such group for the caller, or a user who is named is none.
            InvalidInput: it is a direct conversation.
            Forbidden: the caller's role may not do this.
            Conflict: it is so already.
        """
        conversation = await self._conversations.require_member(caller.user_id, conversation_id)
        if conversation.kind == "direct":
            raise InvalidInput("A direct conversation stays as it is.", details={"field": "conversation"})
        if isinstance(change, MembersAdded):
            await self._require_users(change.members)
        return await self._posting.note(caller, conversation, change)

    async def _require_users(self, user_ids: Sequence[str]) -> None:
        if len(user_ids) > self._max_members:
            raise InvalidInput(f"A group has at most {self._max_members} members.", details={"field": "members"})
        known = await asyncio.gather(*(self._is_user(each) for each in user_ids))
        missing = [each for each, there in zip(user_ids, known, strict=True) if not there]
        if missing:
            raise NotFound("There is no such user.", details={"field": "members", "users": missing[:10]})

    async def _is_user(self, user_id: str) -> bool:
        return is_id(user_id) and await self._users.exists(user_id)


def _group_id(creator: str, client_id: str) -> str:
    """Derived, so that making a group again with the same client id, on any node, finds the first."""
    return hashlib.sha256(f"group:{creator}:{client_id}".encode()).hexdigest()[:ID_LENGTH]
