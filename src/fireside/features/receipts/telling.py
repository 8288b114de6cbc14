"""Telling of receipts: what others hear of marks that have moved, and what each may see of them.

Who keeps their reading to themselves sees nobody else's either. Receipts of large groups are not told as they come:
they are there for whoever asks.
"""

from collections.abc import Collection, Mapping

from fireside.core.events import Publisher
from fireside.features.accounts.privacy import Privacy
from fireside.features.conversations.service import Conversation, Conversations, View
from fireside.features.receipts.service import NOTHING, Mark
from fireside.features.receipts.wire import MOVED, TOLD_UP_TO, ReceiptForm, ReceiptsMoved


class Telling:
    """Tells the others, by `publisher`."""

    def __init__(self, privacy: Privacy, conversations: Conversations, publisher: Publisher) -> None:
        self._privacy = privacy
        self._conversations = conversations
        self._publisher = publisher

    async def tell(self, conversation: Conversation, marks: Mapping[str, Mark]) -> None:
        """Marks have moved: their owners' devices hear it, and the others', where they are not too many."""
        sees = await self._privacy.open(conversation.members)
        # Who has left by now is not told of, or the others would have them back.
        conversation = self._conversations.recall(conversation.id) or conversation
        marks = {user: mark for user, mark in marks.items() if user in conversation.members}
        is_small = len(conversation.members) <= TOLD_UP_TO
        for user, mark in marks.items():
            if not is_small or mark.read != mark.shown:
                self._publish([user], conversation, [own_form(user, mark)])
        for sees_reading in (True, False) if is_small and marks else ():
            readers = [each for each in conversation.members if (each in sees) is sees_reading]
            self._publish(readers, conversation, [form_of(user, mark, sees_reading) for user, mark in marks.items()])

    async def shown(self, view: View, marks: Mapping[str, Mark]) -> list[ReceiptForm]:
        """The marks of the others as the reader may see them, and the reader's own; of who has left, nothing."""
        if view.until is not None:
            return []
        sees_reading = bool(await self._privacy.open([view.reader]))
        members = {each: marks.get(each, NOTHING) for each in view.conversation.members}
        return [
            own_form(user, mark) if user == view.reader else form_of(user, mark, sees_reading)
            for user, mark in members.items()
            if mark.delivered
        ]

    def _publish(self, user_ids: Collection[str], conversation: Conversation, forms: list[ReceiptForm]) -> None:
        moved = ReceiptsMoved(conversation=conversation.id, receipts=forms)
        self._publisher.publish(user_ids, MOVED.name, moved)


def own_form(user: str, mark: Mark) -> ReceiptForm:
    """One's own mark."""
    return ReceiptForm(user=user, delivered=mark.delivered, read=mark.read)


def form_of(user: str, mark: Mark, sees_reading: bool) -> ReceiptForm:
    """Somebody else's mark."""
    return ReceiptForm(user=user, delivered=mark.delivered, read=mark.shown if sees_reading else 0)
