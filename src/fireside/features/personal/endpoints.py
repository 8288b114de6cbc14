"""The wire of what is one's own: flags, stars, hiding messages, and what one's other devices hear of it."""

import msgspec
from msgspec import UNSET

from fireside.core.errors import NotFound
from fireside.core.events import Caller, Command, Publisher, Route
from fireside.core.text import require_time
from fireside.features.conversations.service import Conversations
from fireside.features.messages.service import NEWEST, Messages
from fireside.features.personal.log import PersonalLog
from fireside.features.personal.service import Own, PersonalStore
from fireside.features.personal.wire import NOTED, GetOwn, GetStarred, MarkMessage, Noted, OwnPage, SetFlags, entry_form


class PersonalEndpoints:
    """Commands of what is one's own."""

    def __init__(
        self,
        log: PersonalLog,
        store: PersonalStore,
        conversations: Conversations,
        messages: Messages,
        publisher: Publisher,
    ) -> None:
        self._log = log
        self._store = store
        self._conversations = conversations
        self._messages = messages
        self._publisher = publisher

    def commands(self) -> tuple[Command, ...]:
        """What clients can do over both wires."""
        one = "/api/conversations/{conversation}"
        return (
            Command("setFlags", Route("PATCH", one + "/flags"), SetFlags, self._set_flags, Noted, (NotFound,)),
            Command(
                "markMessage", Route("PATCH", one + "/messages/{seq}/mine"), MarkMessage, self._mark, Noted, (NotFound,)
            ),
            Command("getOwn", Route("GET", "/api/own"), GetOwn, self._page, OwnPage),
            Command("getStarred", Route("GET", "/api/starred"), GetStarred, self._starred, OwnPage),
        )

    async def _set_flags(self, caller: Caller, form: SetFlags) -> Noted:
        """Pin, archive or mute a conversation, or mark it unread, for yourself."""
        view = await self._conversations.require_reader(caller.user_id, form.conversation)
        return await self._note(caller, view.conversation.id, 0, _said(form))

    async def _mark(self, caller: Caller, form: MarkMessage) -> Noted:
        """Star a message, or delete it for yourself alone.

        What is deleted so is left out of what the server shows you, and counts as read.
        """
        view = await self._conversations.require_reader(caller.user_id, form.conversation)
        await self._messages.get(view, form.seq)
        return await self._note(caller, view.conversation.id, form.seq, _said(form))

    async def _page(self, caller: Caller, form: GetOwn) -> OwnPage:
        """Catch up on your own flags, stars and hidden messages.

        The last line of a place is how things are there.
        """
        entries = await self._store.after(caller.user_id, form.after, form.limit + 1)
        return OwnPage(entries=[entry_form(each) for each in entries[: form.limit]], more=len(entries) > form.limit)

    async def _starred(self, caller: Caller, form: GetStarred) -> OwnPage:
        """Read what you have starred, the newest star first."""
        below = NEWEST if form.before is None else form.before
        entries = await self._store.starred(caller.user_id, below, form.limit + 1)
        return OwnPage(entries=[entry_form(each) for each in entries[: form.limit]], more=len(entries) > form.limit)

    async def _note(self, caller: Caller, conversation_id: str, seq: int, said: dict[str, object]) -> Noted:
        entry, is_new = await self._log.note(caller.user_id, conversation_id, seq, said)
        form = entry_form(entry)
        if is_new:
            self._publisher.publish([caller.user_id], NOTED.name, form, origin=caller.origin)
        return Noted(entry=form)


def _said(form: SetFlags | MarkMessage) -> dict[str, object]:
    """What is to be so, by the names of `Own`."""
    names = {field.name for field in msgspec.structs.fields(Own)}
    given = msgspec.structs.asdict(form)
    if isinstance(given.get("muted_until"), str):
        given["muted_until"] = require_time("mutedUntil", given["muted_until"])
    return {name: value for name, value in given.items() if name in names and value is not UNSET}
