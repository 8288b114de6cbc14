"""The wire of receipts: moving one's marks, and who has seen what."""

from collections.abc import Mapping

from fireside.core.errors import InvalidInput, NotFound
from fireside.core.events import Caller, Command, Route
from fireside.core.forms import Reply
from fireside.features.conversations.service import Conversation, Conversations
from fireside.features.conversations.talks import Talks
from fireside.features.conversations.wire import OneConversation
from fireside.features.messages.service import Messages
from fireside.features.messages.wire import OneMessage
from fireside.features.receipts.book import Book
from fireside.features.receipts.service import NOTHING, Mark
from fireside.features.receipts.telling import Telling
from fireside.features.receipts.wire import AllReceipts, MarkSeq, SeenBy


class ReceiptEndpoints:
    """Commands of receipts."""

    def __init__(
        self, book: Book, telling: Telling, conversations: Conversations, messages: Messages, talks: Talks
    ) -> None:
        self._book = book
        self._telling = telling
        self._conversations = conversations
        self._messages = messages
        self._talks = talks

    def commands(self) -> tuple[Command, ...]:
        """What clients can do over both wires."""
        one = "/api/conversations/{conversation}"
        # A mark waits for its group to be written; what is sent meanwhile does not wait for that.
        seen_by = one + "/messages/{seq}/receipts"
        return (
            Command(
                "markDelivered", Route("PUT", one + "/delivered"), MarkSeq, self._delivered, Reply, (NotFound,), False
            ),
            Command("markRead", Route("PUT", one + "/read"), MarkSeq, self._read, Reply, (NotFound,), False),
            Command(
                "getReceipts", Route("GET", one + "/receipts"), OneConversation, self._all, AllReceipts, (NotFound,)
            ),
            Command("getSeenBy", Route("GET", seen_by), OneMessage, self._seen_by, SeenBy, (NotFound,)),
        )

    async def _delivered(self, caller: Caller, form: MarkSeq) -> Reply:
        """Say that you have a conversation up to a seq.

        A mark only moves forward: one that is not further is done already.
        """
        return await self._move(caller, form, Mark(form.seq, 0))

    async def _read(self, caller: Caller, form: MarkSeq) -> Reply:
        """Say that you have read a conversation up to a seq.

        What you have read you have; what you have sent you have read.
        """
        return await self._move(caller, form, Mark(form.seq, form.seq))

    async def _all(self, caller: Caller, form: OneConversation) -> AllReceipts:
        """Read how far everybody has got in a conversation."""
        view = await self._conversations.require_reader(caller.user_id, form.conversation)
        return AllReceipts(receipts=await self._telling.shown(view, await self._marks(view.conversation, view.reader)))

    async def _seen_by(self, caller: Caller, form: OneMessage) -> SeenBy:
        """Read who has seen a message."""
        view = await self._conversations.require_reader(caller.user_id, form.conversation)
        message = await self._messages.get(view, form.seq)
        shown = await self._telling.shown(view, await self._marks(view.conversation, view.reader))
        # A mark says how far somebody has got, not that they could see all that was before.
        members = view.conversation.members
        others = [each for each in shown if each.user != message.sender and members[each.user].since < message.seq]
        return SeenBy(
            delivered_to=[each.user for each in others if each.delivered >= message.seq],
            seen_by=[each.user for each in others if each.read >= message.seq],
        )

    async def _move(self, caller: Caller, form: MarkSeq, mark: Mark) -> Reply:
        conversation = await self._conversations.require_member(caller.user_id, form.conversation)
        await self._talks.wake([conversation])
        if form.seq > self._talks[conversation.id].seq:
            # Another node may have stored it.
            await self._talks.recount([conversation.id])
        talk = self._talks.get(conversation.id)
        if talk is None or form.seq > talk.seq:
            raise InvalidInput("There is no message with this seq yet.", details={"field": "seq"})
        await self._book.move(conversation.id, caller.user_id, mark)
        return Reply()

    async def _marks(self, conversation: Conversation, reader: str) -> Mapping[str, Mark]:
        marks = (await self._book.marks([conversation.id])).get(conversation.id, {})
        return marks | {reader: marks.get(reader, NOTHING).raised(self._book.unwritten(conversation.id, reader))}
