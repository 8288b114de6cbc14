"""The wire of changes: commands, what others hear of them, and catching up."""

import asyncio

from fireside.core.clock import iso
from fireside.core.errors import ChatError, Conflict, Forbidden, NotFound
from fireside.core.events import Caller, Command, Publisher, Route
from fireside.core.text import require_text
from fireside.features.changes.log import Changed, ChangeLog
from fireside.features.changes.reading import Reading
from fireside.features.changes.service import (
    ChangeKind,
    Deletion,
    Edit,
    Pin,
    Reaction,
    require_emoji,
)
from fireside.features.changes.wire import (
    EVENTS,
    ChangedMessage,
    Changes,
    Done,
    EditMessage,
    GetChanges,
    PinMessage,
    ReactToMessage,
    VersionForm,
    Versions,
)
from fireside.features.conversations.service import Conversations
from fireside.features.messages import wire
from fireside.features.messages.service import require_acceptable
from fireside.features.messages.wire import OneMessage


class ChangeEndpoints:
    """Commands of changes. `publisher` takes what was done to everybody's devices."""

    def __init__(self, log: ChangeLog, reading: Reading, conversations: Conversations, publisher: Publisher) -> None:
        self._log = log
        self._reading = reading
        self._conversations = conversations
        self._publisher = publisher

    def commands(self) -> tuple[Command, ...]:
        """What clients can do over both wires."""
        one = "/api/conversations/{conversation}/messages/{seq}"
        refusals = (NotFound, Forbidden, Conflict)
        return (
            Command("editMessage", Route("PATCH", one), EditMessage, self._edit, Done, refusals),
            Command("deleteMessage", Route("DELETE", one), OneMessage, self._delete, Done, refusals),
            Command("reactToMessage", Route("PUT", one + "/reaction"), ReactToMessage, self._react, Done, refusals),
            Command("pinMessage", Route("PUT", one + "/pin"), PinMessage, self._pin, Done, refusals),
            Command("getEdits", Route("GET", one + "/edits"), OneMessage, self._versions, Versions, (NotFound,)),
            Command(
                "getChanges",
                Route("GET", "/api/conversations/{conversation}/changes"),
                GetChanges,
                self._changes,
                Changes,
                (NotFound,),
            ),
        )

    async def _edit(self, caller: Caller, form: EditMessage) -> Done:
        """Edit a message of yours.

        For 15 minutes after it was sent, unless the server is set up otherwise. What it said before can be read.
        """
        require_acceptable(form.content, None)
        return await self._change(caller, form.conversation, form.seq, Edit(form.content))

    async def _delete(self, caller: Caller, form: OneMessage) -> Done:
        """Delete a message for everyone.

        Yours, for two days after it was sent unless the server is set up otherwise; in a group the owner and admins may
        delete anybody's. Its place stays, and nothing of what it said. To delete it for yourself alone: `markMessage`.
        """
        return await self._change(caller, form.conversation, form.seq, Deletion())

    async def _react(self, caller: Caller, form: ReactToMessage) -> Done:
        """React to a message with an emoji, or take yours back.

        One a person: another one takes its place.
        """
        emoji = require_emoji(require_text("emoji", form.emoji, max_bytes=64)) if form.emoji is not None else None
        return await self._change(caller, form.conversation, form.seq, Reaction(emoji))

    async def _pin(self, caller: Caller, form: PinMessage) -> Done:
        """Pin a message in its conversation, for everybody, or take the pin away.

        In a group the owner and admins may.
        """
        return await self._change(caller, form.conversation, form.seq, Pin(form.pinned))

    async def _versions(self, caller: Caller, form: OneMessage) -> Versions:
        """Read what a message has said before it was edited."""
        view = await self._conversations.require_reader(caller.user_id, form.conversation)
        versions = await self._reading.versions(view, form.seq)
        return Versions(versions=[VersionForm(content=each.content, timestamp=iso(each.at)) for each in versions])

    async def _changes(self, caller: Caller, form: GetChanges) -> Changes:
        """Catch up on what has changed in a conversation.

        Each message that has changed above `after` once, up to date, whatever happened to it.
        """
        view = await self._conversations.require_reader(caller.user_id, form.conversation)
        caught = await self._reading.after(view, form.after, form.limit)
        return Changes(messages=wire.forms(caught.messages, view.conversation), rev=caught.rev, more=caught.more)

    async def _change(self, caller: Caller, conversation_id: str, seq: int, what: ChangeKind) -> Done:
        conversation = await self._conversations.require_member(caller.user_id, conversation_id)
        answer: asyncio.Future[Changed] = asyncio.get_running_loop().create_future()

        def settled(outcome: Changed | ChatError) -> None:
            # Who has hung up is not answered, but the others hear of it.
            is_awaited = not answer.done()
            if isinstance(outcome, Changed):
                if is_awaited:
                    answer.set_result(outcome)
                self._announce(outcome, caller.origin)
            elif is_awaited:
                answer.set_exception(outcome)

        self._log.append(conversation, seq, caller.user_id, what, settled)
        changed = await answer
        rev = changed.change.rev if changed.change is not None else changed.message.rev
        return Done(rev=rev, message=wire.message_form(changed.message, changed.conversation))

    def _announce(self, changed: Changed, origin: object | None) -> None:
        change, message, conversation = changed.change, changed.message, changed.conversation
        if change is None:
            return
        form = wire.message_form(message, conversation)
        told = ChangedMessage(conversation=conversation.id, rev=change.rev, message=form)
        event = EVENTS[type(change.what)]
        self._publisher.publish(_who_saw(changed, True), event, told, origin=origin)
        newcomers = _who_saw(changed, False)
        if newcomers:
            # They were not there when it was said; but the number is one of theirs, too.
            bare = ChangedMessage(conversation=conversation.id, rev=change.rev)
            self._publisher.publish(newcomers, event, bare)


def _who_saw(changed: Changed, saw: bool) -> list[str]:
    seq = changed.message.seq
    return [each for each, member in changed.conversation.members.items() if (member.since < seq) is saw]
