"""Conversations: who talks with whom, and who may see what.

A direct one belongs to two people (or to one, as notes to self) for ever; its id is derived from theirs, so opening it
finds or makes the same one, on any node, without a look-up. A group has an id of its own; whatever happens to it is a
system message in its log (see `features.conversations.groups`), and the `Conversation` is what these add up to.

Permission is obtained, not checked beside: what lets you act on a conversation is the `Conversation` that
`open_direct`, `require_member` or `require_reader` gave you.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from fireside.core.clock import Clock
from fireside.core.errors import NotFound
from fireside.core.ids import direct_conversation_id, is_id

CACHED = 100_000
GROUPS_TRUSTED_S = 5.0
"""How long a group is taken from memory without asking whether another node has changed it, and could not say so."""

Role = Literal["owner", "admin", "member"]


class Member(msgspec.Struct, frozen=True, gc=False):
    """Somebody who is in. They see the messages above `since`."""

    role: Role = "member"
    since: int = 0


class Gone(msgspec.Struct, frozen=True, gc=False):
    """Somebody who was in. They see what was above `since` up to `until`, as it was at `rev`, and what the group was
    called by then."""

    since: int
    until: int
    rev: int
    title: str = ""


class Info(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a group says of itself. `open_history`: newcomers see what was before them."""

    title: str
    description: str = ""
    picture: str = ""
    open_history: bool = False


PLAIN = Member()


class Conversation(msgspec.Struct, frozen=True):
    """A conversation as of a message of its log."""

    id: str
    kind: Literal["direct", "group"]
    members: dict[str, Member]
    """In the order in which they came; of a direct conversation sorted; one for notes to self."""
    created_at: int
    """UTC milliseconds."""
    as_of: int = 0
    """The seq of the last system message in this; 0 in a direct conversation."""
    info: Info | None = None
    gone: dict[str, Gone] = {}

    def recipient_of(self, sender: str) -> str | None:
        """The other person of a direct conversation, oneself in notes to self; a group has none."""
        if self.kind == "group":
            return None
        for member in self.members:
            if member != sender:
                return member
        return sender


def direct(one: str, other: str, created_at: int) -> Conversation:
    """The conversation of these two."""
    members = dict.fromkeys(sorted({one, other}), PLAIN)
    return Conversation(direct_conversation_id(one, other), "direct", members, created_at)


class View(msgspec.Struct, frozen=True):
    """A conversation as one of its people may read it: messages above `since`, up to `until`."""

    conversation: Conversation
    reader: str
    since: int
    until: int | None
    """None for a member: all there is and will be."""
    rev: int | None
    """The changes they see are those up to this; None for a member."""


class ConversationStore(Protocol):
    """Port: where conversations are kept. Every call may raise `Unavailable`."""

    async def ensure(self, conversation: Conversation) -> Conversation:
        """Keep it and that its members are in it, durably, unless there is one with this id; the one that is kept.

        Not atomic, but in an order that lets it be done again: a conversation that is there has its members.
        """

    async def keep(self, conversation: Conversation, changed: Sequence[str]) -> None:
        """Bring what is kept of a group up to this state, durably, unless it is further (`as_of`).

        `changed`: who came, went or got another `since` on the way here. What is kept of each says as much as the
        conversation does, and no more can be undone: doing it again, late or in another order changes nothing.
        """

    async def by_ids(self, conversation_ids: Sequence[str]) -> dict[str, Conversation]:
        """Those of them that there are."""


class Users(Protocol):
    """Port: whether somebody is there to talk to."""

    async def exists(self, user_id: str) -> bool: ...


class Conversations:
    """Finds, opens and guards conversations. The active ones are in memory, shared by all who talk in them."""

    def __init__(
        self, store: ConversationStore, users: Users, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._users = users
        self._clock = clock
        self._monotonic = monotonic
        self._cache: OrderedDict[str, Conversation] = OrderedDict()
        self._direct: dict[tuple[str, str], Conversation] = {}
        self._trusted_until: dict[str, float] = {}
        self._callbacks: list[Callable[[Conversation], None]] = []

    def to_turn(self, callback: Callable[[Conversation], None]) -> None:
        """Have this called with what a group has become, by whichever way that is found out, and with what comes into
        memory: it may have been another before."""
        self._callbacks.append(callback)

    def recall_direct(self, me: str, other: str) -> Conversation | None:
        """The conversation of these two if it is in memory: the hot path, no await."""
        known = self._direct.get((me, other))
        if known is not None:
            self._cache.move_to_end(known.id)
        return known

    def recall(self, conversation_id: str) -> Conversation | None:
        """The conversation if it is in memory and can be trusted: the hot path, no await."""
        known = self._cache.get(conversation_id)
        if known is None or (known.kind == "group" and self._trusted_until.get(known.id, 0) < self._monotonic()):
            return None
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
        return direct(me, other, self._clock())

    async def open_direct(self, me: str, other: str) -> Conversation:
        """The conversation of these two, made if it is their first.

        Raises:
            NotFound: the other is not a user.
        """
        known = self._direct.get((me, other))
        if known is not None:
            return known
        return self.remember(await self._store.ensure(await self.direct_of(me, other)))

    async def require_member(self, user_id: str, conversation_id: str) -> Conversation:
        """The conversation, if they are in it.

        Raises:
            NotFound: they are not, or there is none; an outsider cannot tell.
        """
        view = await self._find(user_id, conversation_id)
        if view is None or view.until is not None:
            raise NotFound("There is no such conversation.")
        return view.conversation

    async def require_reader(self, user_id: str, conversation_id: str) -> View:
        """What they may read of the conversation: who was in it once keeps what they could see by then.

        Raises:
            NotFound: nothing, or there is no such conversation.
        """
        view = await self._find(user_id, conversation_id)
        if view is None:
            raise NotFound("There is no such conversation.")
        return view

    async def get(self, conversation_ids: Sequence[str]) -> dict[str, Conversation]:
        """Those of these conversations that there are."""
        found: dict[str, Conversation] = {}
        missing = []
        for each in conversation_ids:
            known = self.recall(each)
            if known is None:
                missing.append(each)
            else:
                found[each] = known
        if missing:
            stored = await self._store.by_ids(missing)
            found |= {each: self.remember(conversation) for each, conversation in stored.items()}
        return found

    async def refresh(self, conversation_ids: Sequence[str]) -> dict[str, Conversation]:
        """Read them again, because another node may have changed them."""
        stored = await self._store.by_ids(conversation_ids)
        return {each: self.remember(conversation) for each, conversation in stored.items()}

    def remember(self, conversation: Conversation) -> Conversation:
        """Keep it in memory, unless what is there is newer; the newer of the two."""
        known = self._cache.get(conversation.id)
        if known is None or known.as_of < conversation.as_of:
            self._cache[conversation.id] = known = conversation
            self._turn(known)
        self._cache.move_to_end(known.id)
        if known.kind == "group":
            self._trusted_until[known.id] = self._monotonic() + GROUPS_TRUSTED_S
        else:
            for pair in _pairs(known):
                self._direct[pair] = known
        if len(self._cache) > CACHED:
            self.forget(next(iter(self._cache.values())))
        return known

    def distrust(self) -> None:
        """Any group may have been changed by another node."""
        self._trusted_until.clear()

    def learn(self, conversation: Conversation) -> None:
        """Another node has brought it to this state; it is kept if it is in memory."""
        if conversation.id in self._cache:
            self.remember(conversation)
        else:
            self._turn(conversation)

    def _turn(self, conversation: Conversation) -> None:
        for callback in self._callbacks:
            callback(conversation)

    async def _find(self, user_id: str, conversation_id: str) -> View | None:
        """What they may read of it. An outsider's question leaves no trace."""
        known = self.recall(conversation_id)
        if known is not None or not is_id(conversation_id):
            return view_of(known, user_id) if known is not None else None
        found = (await self._store.by_ids([conversation_id])).get(conversation_id)
        if found is None or view_of(found, user_id) is None:
            return None
        return view_of(self.remember(found), user_id)

    def forget(self, conversation: Conversation) -> None:
        """What is in memory of it does not count."""
        self._cache.pop(conversation.id, None)
        self._trusted_until.pop(conversation.id, None)
        if conversation.kind == "direct":
            for pair in _pairs(conversation):
                self._direct.pop(pair, None)


def view_of(conversation: Conversation, user_id: str) -> View | None:
    """What this user may read of it; None if nothing."""
    member = conversation.members.get(user_id)
    if member is not None:
        return View(conversation, user_id, member.since, None, None)
    gone = conversation.gone.get(user_id)
    if gone is not None:
        return View(conversation, user_id, gone.since, gone.until, gone.rev)
    return None


def _pairs(conversation: Conversation) -> tuple[tuple[str, str], tuple[str, str]]:
    one, *rest = conversation.members
    other = rest[0] if rest else one
    return (one, other), (other, one)
