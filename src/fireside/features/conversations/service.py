"""Conversations: a direct one belongs to two people (or to one, as notes to self) for ever.

Its id is derived from theirs, so opening it finds or makes the same one, on any node, without a look-up.
Permission is obtained, not checked beside: what lets you act on a conversation is the `Conversation` that
`open_direct` or `require_member` gave you.
"""

from collections import OrderedDict
from typing import Literal, Protocol

import msgspec

from fireside.core.clock import Clock
from fireside.core.errors import NotFound
from fireside.core.ids import direct_conversation_id, is_id

CACHED = 100_000


class Conversation(msgspec.Struct, frozen=True):
    """Who talks here. `members` of a direct conversation: its people, sorted; one id for notes to self."""

    id: str
    kind: Literal["direct"]
    members: tuple[str, ...]
    created_at: int
    """UTC milliseconds."""

    def recipient_of(self, sender: str) -> str:
        """The other person of a direct conversation; oneself in notes to self."""
        return self.members[0] if self.members[0] != sender else self.members[-1]


class ConversationStore(Protocol):
    """Port: where conversations are kept. Every call may raise `Unavailable`."""

    async def ensure(self, conversation: Conversation) -> Conversation:
        """Keep it, durably, unless there is one with this id already; the one that is kept. Atomic."""

    async def by_id(self, conversation_id: str) -> Conversation | None: ...


class Users(Protocol):
    """Port: whether somebody is there to talk to."""

    async def exists(self, user_id: str) -> bool: ...


class Conversations:
    """Finds, opens and guards conversations. The active ones are in memory, shared by all who talk in them."""

    def __init__(self, store: ConversationStore, users: Users, clock: Clock) -> None:
        self._store = store
        self._users = users
        self._clock = clock
        self._cache: OrderedDict[str, Conversation] = OrderedDict()
        self._direct: dict[tuple[str, str], Conversation] = {}

    def recall_direct(self, me: str, other: str) -> Conversation | None:
        """The conversation of these two if it is in memory: the hot path, no await."""
        known = self._direct.get((me, other))
        if known is not None:
            self._cache.move_to_end(known.id)
        return known

    async def direct_of(self, me: str, other: str) -> Conversation:
        """The conversation of these two, whether or not they have ever written; nothing is stored.

        Raises:
            NotFound: the other is not a user.
        """
        known = self._direct.get((me, other))
        if known is not None:
            return known
        if not is_id(other) or not await self._users.exists(other):
            raise NotFound("There is no such user.")
        members = tuple(sorted({me, other}))
        return Conversation(direct_conversation_id(me, other), "direct", members, self._clock())

    async def open_direct(self, me: str, other: str) -> Conversation:
        """The conversation of these two, made if it is their first.

        Raises:
            NotFound: the other is not a user.
        """
        known = self._direct.get((me, other))
        if known is not None:
            return known
        return self._remember(await self._store.ensure(await self.direct_of(me, other)))

    async def require_member(self, user_id: str, conversation_id: str) -> Conversation:
        """The conversation, if it is theirs.

        Raises:
            NotFound: it is not, or there is none; an outsider cannot tell.
        """
        conversation = self._cache.get(conversation_id)
        if conversation is None and is_id(conversation_id):
            conversation = await self._store.by_id(conversation_id)
        if conversation is None or user_id not in conversation.members:
            raise NotFound("There is no such conversation.")
        return self._remember(conversation)

    def _remember(self, conversation: Conversation) -> Conversation:
        known = self._cache.setdefault(conversation.id, conversation)
        self._cache.move_to_end(known.id)
        one, other = known.members[0], known.members[-1]
        self._direct[one, other] = self._direct[other, one] = known
        if len(self._cache) > CACHED:
            _, oldest = self._cache.popitem(last=False)
            one, other = oldest.members[0], oldest.members[-1]
            self._direct.pop((one, other), None)
            self._direct.pop((other, one), None)
        return known
