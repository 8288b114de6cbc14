"""Reading what has changed: catching up on it, the edits of a message, and messages as somebody who left knew them."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from fireside.core.paging import require_limit
from fireside.features.changes.service import Change, ChangeStore, Edit, as_of, folded, not_there
from fireside.features.conversations.service import View
from fireside.features.messages.service import Lens, Message, MessageStore, Shown


class Caught(msgspec.Struct, frozen=True, gc=False):
    """Messages that have changed, each once, and up to which rev that is. `more`: there is more above it."""

    messages: list[Message]
    rev: int
    more: bool


class Tailed(NamedTuple):
    """The changes of a conversation above `rev`, and whether there are more above them; and what its reader may see."""

    view: View
    rev: int
    changes: Sequence[Change]
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
        (caught,) = await self.caught([Tailed(view, rev, changes[:limit], len(changes) > limit)])
        return caught

    async def caught(self, tails: Sequence[Tailed]) -> list[Caught]:
        """The messages of these changes, as one reader sees them."""
        cut = [_within(*each) for each in tails]
        places = [
            (view.conversation.id, seq)
            for view, _, changes, _ in cut
            for seq in sorted({each.seq for each in changes if _is_seen(view, each.seq)})
        ]
        found: dict[str, list[Message]] = {}
        for message in await self._messages.at(places) if places else ():
            found.setdefault(message.conversation, []).append(message)
        pages = [
            (view, sorted((folded(each, changes) for each in found.get(view.conversation.id, ())), key=_seq))
            for view, _, changes, _ in cut
        ]
        return [
            Caught(shown, changes[-1].rev if changes else rev, more)
            for (_, rev, changes, more), shown in zip(cut, await self._lens.show(pages), strict=True)
        ]

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

    async def show(self, pages: Sequence[Shown]) -> list[list[Message]]:
        later = [
            (each.conversation, each.seq)
            for view, messages in pages
            if view.rev is not None
            for each in messages
            if each.rev > view.rev and not each.is_deleted
        ]
        changes = await self._store.of(later) if later else {}
        return [
            [as_of(each, changes.get((each.conversation, each.seq), ()), view.rev) for each in messages]
            if view.rev is not None and later
            else messages
            for view, messages in pages
        ]


def _within(view: View, rev: int, changes: Sequence[Change], more: bool) -> Tailed:
    """What of it the reader may see."""
    if view.rev is None:
        return Tailed(view, rev, changes, more)
    seen = [each for each in changes if each.rev <= view.rev]
    return Tailed(view, rev, seen, more and changes[-1].rev < view.rev)


def _seq(message: Message) -> int:
    return message.seq


def _is_seen(view: View, seq: int) -> bool:
    return view.since < seq and (view.until is None or seq <= view.until)
