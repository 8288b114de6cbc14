"""The features, wired: what clients can do, and what goes on behind it, on one engine's stores.

Reading `Features.__init__` from top to bottom is reading how a message goes. A new feature adds its adapter to `Stores`
(see `engines`) and a few lines here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from fireside.core.clock import Clock
from fireside.core.events import Command, Event, Publisher
from fireside.core.peers import Peers
from fireside.engines import Stores
from fireside.features.accounts.known import KnownUsers
from fireside.features.accounts.names import Names, SharedLookUps
from fireside.features.accounts.privacy import Privacy
from fireside.features.changes.endpoints import ChangeEndpoints
from fireside.features.changes.log import ChangeLog
from fireside.features.changes.reading import FrozenLens, Reading
from fireside.features.changes.service import Windows
from fireside.features.conversations.keeper import Keeper
from fireside.features.conversations.service import Conversations
from fireside.features.conversations.talks import Talks
from fireside.features.groups.endpoints import GroupEndpoints
from fireside.features.groups.service import Groups
from fireside.features.inbox.endpoints import InboxEndpoints
from fireside.features.inbox.heads import Heads
from fireside.features.inbox.items import Items
from fireside.features.inbox.missed import Missed
from fireside.features.inbox.syncing import Syncing
from fireside.features.messages.endpoints import MessageEndpoints
from fireside.features.messages.going import GoingLens
from fireside.features.messages.lanes import Lanes
from fireside.features.messages.log import MessageLog
from fireside.features.messages.mentions import Mentions
from fireside.features.messages.news import News
from fireside.features.messages.posting import Posting
from fireside.features.messages.service import Lenses, Messages
from fireside.features.personal.endpoints import PersonalEndpoints
from fireside.features.personal.hiding import Hiding, HidingLens
from fireside.features.personal.log import PersonalLog
from fireside.features.presence.endpoints import PresenceEndpoints
from fireside.features.presence.service import Presence
from fireside.features.receipts.book import Book
from fireside.features.receipts.endpoints import ReceiptEndpoints
from fireside.features.receipts.telling import Telling


class Features:
    """All of them but accounts; commands are given between `start()` and `stop()`."""

    def __init__(
        self,
        stores: Stores,
        known: KnownUsers,
        publisher: Publisher,
        clock: Clock,
        *,
        windows: Windows,
        max_members: int,
        peers: Peers,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        # Conversations, and the two logs of each: what is said, and what is done to it.
        users = SharedLookUps(stores.accounts)
        names = Names(users)
        self.privacy = privacy = Privacy(users, monotonic, peers)
        self.conversations = conversations = Conversations(stores.conversations, known, clock, monotonic)
        peers.to_return(conversations.distrust)
        self.talks = talks = Talks(conversations, stores.activity, stores.conversations, stores.messages, monotonic)
        self.keeper = Keeper(talks, stores.activity, conversations, monotonic)
        self.log = Lanes(
            [
                MessageLog(stores.messages, talks, max_members=max_members, monotonic=monotonic, sleep=sleep)
                for _ in range(stores.batches_at_once)
            ]
        )
        self.change_log = ChangeLog(
            stores.changes, stores.messages, talks, clock, windows=windows, monotonic=monotonic, sleep=sleep
        )
        talks.show_changes_with(self.change_log.shown)
        hiding = Hiding(stores.personal, monotonic)
        lens = Lenses(GoingLens(), FrozenLens(stores.changes), HidingLens(hiding))
        messages = Messages(self.log, stores.messages, lens, clock)
        reading = Reading(stores.changes, stores.messages, lens)

        # How far everybody has got, what is one's own, who is there.
        telling = Telling(privacy, conversations, publisher)
        self.book = Book(stores.receipts, stores.messages, conversations, talks, privacy, telling.tell, sleep)
        self.keeper.before_sleep(self.book.settle)
        self.personal = PersonalLog(stores.personal, hiding, clock)
        self.presence = Presence(stores.presence, publisher, clock, peers, monotonic, sleep)
        conversations.to_turn(self.presence.turned)
        news = News(talks, peers)
        self.keeper.to_adopt(news.adopted)
        posting = Posting(messages, publisher, [self.book, news])
        groups = Groups(posting, conversations, known, clock, max_members=max_members)

        # All of it together.
        items = Items(
            conversations,
            talks,
            stores.messages,
            stores.changes,
            self.change_log,
            reading,
            self.book,
            telling,
            stores.personal,
            hiding,
            lens,
        )
        syncing = Syncing(stores.inbox, stores.activity, stores.personal, items)
        self.heads = Heads(talks, self.book, telling, self.personal, publisher, monotonic)
        self.keeper.before_sleep(self.heads.tell)
        self.missed = Missed(
            stores.inbox,
            stores.activity,
            stores.personal,
            items,
            conversations,
            self.book,
            telling,
            privacy,
            publisher,
            peers,
            sleep,
        )

        # What clients can do: over both wires, over the socket alone, and over REST alone.
        said = MessageEndpoints(messages, conversations, Mentions(stores.accounts), posting)
        presence = PresenceEndpoints(self.presence, conversations)
        self.commands: dict[str, tuple[Command, ...]] = {
            "messages": said.commands(),
            "conversations": (
                *InboxEndpoints(syncing, stores.inbox, items, names, privacy).commands(),
                *GroupEndpoints(groups, conversations, names).commands(),
            ),
            "changes": ChangeEndpoints(self.change_log, reading, conversations, publisher).commands(),
            "receipts": ReceiptEndpoints(self.book, telling, conversations, messages, talks).commands(),
            "own": PersonalEndpoints(self.personal, stores.personal, conversations, messages, publisher).commands(),
            "presence": presence.commands(),
        }
        self.events: dict[str, tuple[Event, ...]] = {"messages": said.events(), "presence": presence.events()}
        self.routes = said.routes

    async def start(self) -> None:
        """Begin to work. The stores are open."""
        for each in (self.keeper, self.log, self.change_log, self.book, self.presence, self.heads, self.missed):
            await each.start()

    async def settle(self) -> None:
        """Write nothing more but what was accepted; return when that is done."""
        await asyncio.gather(self.log.stop(), self.change_log.stop())

    async def stop(self) -> None:
        """Settle what was accepted, and end."""
        for each in (self.missed, self.heads, self.presence, self.log, self.change_log, self.book, self.keeper):
            await each.stop()
