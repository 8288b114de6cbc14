"""The wire of the inbox: the list of conversations, and catching up."""

import re

from fireside.core.errors import InvalidInput, NotFound
from fireside.core.events import Caller, Command, Route
from fireside.core.ids import is_id
from fireside.features.accounts.names import Names
from fireside.features.accounts.privacy import Privacy
from fireside.features.conversations.wire import OneConversation, shown
from fireside.features.inbox.items import Ends, Item, Items, Known
from fireside.features.inbox.service import InboxRow, InboxStore
from fireside.features.inbox.syncing import Syncing
from fireside.features.inbox.wire import (
    MAX_KNOWN,
    Caught,
    GetConversations,
    Listed,
    OneItem,
    Sync,
    item_form,
)
from fireside.features.personal.wire import entry_form

LAST_ONE = Ends(messages=1, changes=0)


class InboxEndpoints:
    """Commands of the inbox."""

    def __init__(self, syncing: Syncing, store: InboxStore, items: Items, names: Names, privacy: Privacy) -> None:
        self._syncing = syncing
        self._store = store
        self._items = items
        self._names = names
        self._privacy = privacy

    def commands(self) -> tuple[Command, ...]:
        """What clients can do over both wires."""
        return (
            Command("sync", Route("GET", "/api/sync"), Sync, self._sync, Caught, also=Route("POST", "/api/sync")),
            Command("getConversations", Route("GET", "/api/conversations"), GetConversations, self._list, Listed),
            Command(
                "getConversation",
                Route("GET", "/api/conversations/{conversation}"),
                OneConversation,
                self._one,
                OneItem,
                (NotFound,),
            ),
        )

    async def _sync(self, caller: Caller, form: Sync) -> Caught:
        """Catch up on everything that has changed since you last did.

        Messages, changes, receipts, members, and what is your own, at the cost of what has changed, however long you
        were away. Your device hears events before it can ask this, so between the two nothing is missed. Over REST use
        POST where `known` is long: an address has room for some fifty conversations.
        """
        if len(form.known) > MAX_KNOWN:
            raise InvalidInput(f"known has at most {MAX_KNOWN} conversations.", details={"field": "known"})
        known = {each: Known(one.seq, one.rev) for each, one in form.known.items()}
        synced = await self._syncing.sync(caller.user_id, form.cursor, known)
        names = await self._named(synced.items)
        return Caught(
            conversations=[item_form(item, names) for item in synced.items],
            own=[entry_form(entry) for entry in synced.own],
            people=names,
            read_receipts=bool(await self._privacy.open([caller.user_id])),
            cursor=synced.cursor,
            more=synced.more,
        )

    async def _list(self, caller: Caller, form: GetConversations) -> Listed:
        """Read your conversations, the last active one first.

        A direct conversation is in it from its first message on.
        """
        rows = await self._store.all(caller.user_id)
        active_at = await self._items.active_at(rows)

        def place(row: InboxRow) -> tuple[int, str]:
            """Where it stands in the list."""
            return active_at[row.activity.conversation], row.activity.conversation

        rows.sort(key=place, reverse=True)
        if form.before:
            found = re.fullmatch(r"(\d{1,15})\.([0-9a-f]{24})", form.before)
            if found is None:
                raise InvalidInput("before must be the `next` of the page before.", details={"field": "before"})
            below = int(found[1]), found[2]
            rows = [row for row in rows if place(row) < below]
        page, following = rows[: form.limit], None
        if len(rows) > form.limit:
            at, conversation_id = place(page[-1])
            following = f"{at}.{conversation_id}"
        items = [each for each in await self._items.of(caller.user_id, page, LAST_ONE) if each.seq]
        names = await self._named(items)
        return Listed(conversations=[item_form(item, names) for item in items], people=names, next=following)

    async def _one(self, caller: Caller, form: OneConversation) -> OneItem:
        """Read what there is to know of one of your conversations.

        Also of a direct one that has no message yet.
        """
        row = await self._store.one(caller.user_id, form.conversation) if is_id(form.conversation) else None
        items = await self._items.of(caller.user_id, [row], LAST_ONE) if row is not None else []
        if not items:
            raise NotFound("There is no such conversation.")
        names = await self._named(items)
        return OneItem(item=item_form(items[0], names), people=names)

    async def _named(self, items: list[Item]) -> dict[str, str]:
        people = {each for item in items for each in shown(item.view.conversation)}
        people |= {message.sender for item in items for message in (*item.messages, *item.changed.messages)}
        return await self._names.of(sorted(people))
