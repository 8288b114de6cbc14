"""Reading what has changed: catching up on it, the edits of a message, and messages as somebody who left knew them."""

from collections.abc import Sequence

import msgspec

from fireside.core.paging import require_limit
from fireside.features.changes.service import Change, ChangeStore, Edit, as_of, folded, not_there
from fireside.features.conversations.service import View
from fireside.features.messages.service import Lens, Message, MessageStore


class Caught(msgspec.Struct, frozen=True, gc=False):
    """Messages that have changed, each once, and up to which rev that is. `more`: there is more above it."""

    messages: list[Message]
    rev: int
    more: bool


class Version(msgspec.Struct, frozen=True, gc=False):
    """What a message said from a time on."""

    content: str
    at: int


class Reading:
    """The use cases of reading."""

    def __init__(self, store: ChangeStore, messages: MessageStore, lens: Lens) -> None:
        self._store = store
        self._messages = messages
        self._lens = lens

    async def after(self, view: View, rev: int, limit: int) -> Caught:
        """What has changed above `rev`, as the reader sees it: each message once, up to date.

        Raises:
            InvalidInput: the limit is out of range.
        """
        changes = await self._store.after(view.conversation.id, rev, require_limit(limit) + 1)
        return await self.caught(view, rev, changes[:limit], more=len(changes) > limit)

    async def caught(self, view: View, rev: int, changes: Sequence[Change], *, more: bool) -> Caught:
        """The messages of these changes, which are those above `rev`, as the reader sees them."""
        if view.rev is not None:
            more = more and changes[-1].rev < view.rev
            changes = [each for each in changes if each.rev <= (view.rev or 0)]
        seqs = sorted({each.seq for each in changes if _is_seen(view, each.seq)})
        found = await self._messages.at([(view.conversation.id, seq) for seq in seqs]) if seqs else []
        messages = sorted((folded(message, changes) for message in found), key=lambda message: message.seq)
        return Caught(await self._lens.show(view, messages), changes[-1].rev if changes else rev, more)

    async def versions(self, view: View, seq: int) -> list[Version]:
        """What a message has said, oldest first; only what it says now where it was never edited, nothing if deleted.

        Raises:
            NotFound: there is no such message for the reader.
        """
        place = (view.conversation.id, seq)
        found = await self._messages.at([place]) if _is_seen(view, seq) else []
        if not found:
            raise not_there()
        message = found[0]
        if message.is_deleted:
            return []
        changes = (await self._store.of([place])).get(place, [])
        edits = [(each.what, each) for each in changes if isinstance(each.what, Edit)]
        # The first edit knows it, also where the reader does not see that one.
        was = next((edit.was for edit, _ in edits), None)
        first = Version(message.content if was is None else was, message.sent_at)
        seen = [Version(edit.content, each.at) for edit, each in edits if view.rev is None or each.rev <= view.rev]
        return [first, *seen]


class FrozenLens:
    """Who has left sees messages as they were by then, but for what was deleted since: that is gone for everyone."""

    def __init__(self, store: ChangeStore) -> None:
        self._store = store

    async def show(self, view: View, messages: list[Message]) -> list[Message]:
        rev = view.rev
        if rev is None:
            return messages
        later = [(each.conversation, each.seq) for each in messages if each.rev > rev and not each.is_deleted]
        if not later:
            return messages
        changes = await self._store.of(later)
        return [as_of(each, changes.get((each.conversation, each.seq), ()), rev) for each in messages]


def _is_seen(view: View, seq: int) -> bool:
    return view.since < seq and (view.until is None or seq <= view.until)
