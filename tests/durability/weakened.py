"""Weaknesses: each breaks a promise, to see that a run on such a server turns red.

One replaces a function or two of Fireside, and does on purpose what could happen by mistake: every one of them has been
somebody's bug. A test puts them into its own process, and takes them back; a server that is to be killed is a program,
`python -m tests.durability.weakened <weakness>`, and serves as always otherwise.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import count

from fireside import cli
from fireside.core.errors import ChatError
from fireside.core.events import Body
from fireside.features.conversations.service import Conversation
from fireside.features.inbox.heads import Heads
from fireside.features.messages.log import MessageLog
from fireside.features.messages.service import Done, Draft, Extra, Message, Messages
from fireside.features.messages.wire import RECEIVED
from fireside.realtime import session
from fireside.realtime.delivery import Delivery
from fireside.store.mongo import engine as mongo_engine
from fireside.store.sqlite import SqliteMessages, schema

EVERY = 25
"""Every so manyth goes wrong, where not all do."""
LATE_S = 0.3
COUNTED_S = 0.1
"""How long a number is taken before its row is written. Most of what a batch takes, for a kill to hit it."""

Replace = Callable[[object, str, object], None]
"""`setattr`, or one that will be undone."""

append, before = SqliteMessages.append, SqliteMessages.before
publish, send, accept = Delivery.publish, Messages.send, MessageLog.append


def acknowledges_before_the_write(replace: Replace) -> None:
    """What is acknowledged reaches the disk a moment later, or not at all."""

    async def append_later(self: SqliteMessages, messages: Sequence[Message]) -> int:
        loop = asyncio.get_running_loop()
        loop.call_later(LATE_S, lambda: running.add(loop.create_task(append(self, messages))))
        return len(messages)

    running: set[asyncio.Task[int]] = set()
    replace(SqliteMessages, "append", append_later)


def acknowledges_before_the_journal(replace: Replace) -> None:
    """MongoDB has it in memory, and that is called stored."""
    assert vars(mongo_engine)["WRITE_CONCERN"]["j"]
    replace(mongo_engine, "WRITE_CONCERN", {"w": 1, "j": False})


def forgets_client_ids(replace: Replace) -> None:
    """The store does not mind a client id that it has seen."""
    unique, any_number = "CREATE UNIQUE INDEX messages_sent", "CREATE INDEX messages_sent"
    assert any(unique in script for script in schema.MIGRATIONS)
    replace(schema, "MIGRATIONS", tuple(script.replace(unique, any_number) for script in schema.MIGRATIONS))


def drops_some(replace: Replace) -> None:
    """A message is left out, though it is said to be stored."""
    numbers = count(1)

    async def append_most(self: SqliteMessages, messages: Sequence[Message]) -> int:
        await append(self, [message for message in messages if next(numbers) % EVERY])
        return len(messages)

    replace(SqliteMessages, "append", append_most)


def drops_some_and_closes_the_hole(replace: Replace) -> None:
    """A message is left out, and those after it move up: no number is missing."""
    numbers, missing = count(1), Counter[str]()

    async def append_most(self: SqliteMessages, messages: Sequence[Message]) -> int:
        kept = []
        for message in messages:
            if next(numbers) % EVERY == 0:
                missing[message.conversation] += 1
            else:
                kept.append(moved(message, -missing[message.conversation]))
        await append(self, kept)
        return len(messages)

    replace(SqliteMessages, "append", append_most)


def counts_before_it_writes(replace: Replace) -> None:
    """Numbers come from a counter that is raised first, and the row is written afterwards."""

    async def append_after_counting(self: SqliteMessages, messages: Sequence[Message]) -> int:
        numbers = [(message.conversation, message.seq) for message in messages]
        await self._engine.write(
            lambda database: (
                database.execute("CREATE TABLE IF NOT EXISTS counters (conversation TEXT PRIMARY KEY, seq INTEGER)"),
                database.executemany("INSERT OR REPLACE INTO counters VALUES (?, ?)", numbers),
            )
        )
        await asyncio.sleep(COUNTED_S)
        return await append(self, messages)

    async def counted(self: SqliteMessages, conversation_ids: Sequence[str]) -> dict[str, int]:
        if not await self._engine.read(lambda database: database.table_exists(None, "counters")):
            return {}
        counters = await self._engine.read(lambda database: dict(database.execute("SELECT * FROM counters")))
        return {each: counters[each] for each in conversation_ids if each in counters}

    replace(SqliteMessages, "append", append_after_counting)
    replace(SqliteMessages, "heads", counted)


def lets_messages_overtake(replace: Replace) -> None:
    """What arrives together is accepted in another order."""
    held: list[tuple[MessageLog, Draft, Done]] = []

    def accept_together(self: MessageLog, draft: Draft, done: Done) -> None:
        if not held:
            asyncio.get_running_loop().call_later(0.002, release)
        held.append((self, draft, done))

    def release() -> None:
        together = held[::-1]
        held.clear()
        for each in together:
            accept(*each)

    replace(MessageLog, "append", accept_together)


def tidies_up(replace: Replace) -> None:
    """White space at the end is taken off."""

    def send_tidied(
        self: Messages,
        sender: str,
        conversation: Conversation,
        content: str,
        client_id: str | None,
        done: Done,
        extra: Extra | None = None,
    ) -> None:
        send(self, sender, conversation, content.strip(), client_id, done, extra)

    replace(Messages, "send", send_tidied)


def stores_what_it_refuses(replace: Replace) -> None:
    """The refusal comes after the write."""

    def send_first(
        self: Messages,
        sender: str,
        conversation: Conversation,
        content: str,
        client_id: str | None,
        done: Done,
        extra: Extra | None = None,
    ) -> None:
        try:
            send(self, sender, conversation, content, client_id, done, extra)
        except ChatError:
            self._log.append(Draft(conversation, sender, client_id or "", content, 0), lambda outcome: None)
            raise

    replace(Messages, "send", send_first)


def shows_an_old_page(replace: Replace) -> None:
    """The newest page leaves out what has just been written."""

    async def older(
        self: SqliteMessages, conversation_id: str, seq: int, limit: int, *, above: int = 0
    ) -> list[Message]:
        return (await before(self, conversation_id, seq, limit, above=above))[:-1]

    replace(SqliteMessages, "before", older)


class Announcement:
    """What `publish` is asked to do."""

    def __init__(self, delivery: Delivery, people: list[str], event: str, body: Body, origin: object | None) -> None:
        self.delivery = delivery
        self._people = people
        self._rest = event, body
        self._origin = origin

    def make(self, people: Collection[str] | None = None) -> None:
        """Do it."""
        publish(self.delivery, people or self._people, *self._rest, origin=self._origin)


def announce(replace: Replace, differently: Callable[[Announcement], None], *, every: int = EVERY) -> None:
    """Every so manyth announcement is made differently."""
    numbers = count(1)

    def publish_most(
        self: Delivery, user_ids: Collection[str], event: str, body: Body, *, origin: object | None = None
    ) -> None:
        announcement = Announcement(self, list(user_ids), event, body, origin)
        if next(numbers) % every:
            announcement.make()
        else:
            differently(announcement)

    replace(Delivery, "publish", publish_most)


def announces_some_twice(replace: Replace) -> None:
    """A message comes twice."""

    def twice(announcement: Announcement) -> None:
        announcement.make()
        announcement.make()

    announce(replace, twice)


def announces_most(replace: Replace) -> None:
    """A message does not come."""

    def never(announcement: Announcement) -> None:
        """Do nothing."""

    announce(replace, never)


def announces_some_late(replace: Replace) -> None:
    """A message comes after the next ones."""

    def late(announcement: Announcement) -> None:
        asyncio.get_running_loop().call_later(0.01, announcement.make)

    announce(replace, late)


def announces_some_to_everybody(replace: Replace) -> None:
    """A message comes to people whom it is not for."""

    def to_all(announcement: Announcement) -> None:
        announcement.make(announcement.delivery._devices._sockets)

    # Often, for there may be few announcements in a short run, and some of them are everybody's business.
    announce(replace, to_all, every=5)


def loses_frames(replace: Replace) -> None:
    """Two of three new messages are announced to nobody: what no later one shows to be missing is among them."""
    numbers = count(1)

    def publish_most(
        self: Delivery, user_ids: Collection[str], event: str, body: Body, *, origin: object | None = None
    ) -> None:
        if event != RECEIVED.name or next(numbers) % 3 == 0:
            publish(self, user_ids, event, body, origin=origin)

    replace(Delivery, "publish", publish_most)


def loses_frames_and_tells_no_heads(replace: Replace) -> None:
    """Nor is anybody told how far their conversations have got."""

    async def greet_nobody(self: Heads) -> None:
        self._newcomers.clear()

    loses_frames(replace)
    replace(Heads, "_publish", lambda *_: None)
    replace(Heads, "greet", greet_nobody)


def never_gives_up_on_slow_readers(replace: Replace) -> None:
    """What waits for a client has no bound."""
    for bound in ("QUEUE_LIMIT", "QUEUE_FRAMES"):
        assert getattr(session, bound)
        replace(session, bound, sys.maxsize)


def moved(message: Message, places: int) -> Message:
    """The message at another place."""
    return Message(
        message.conversation, message.seq + places, message.sender, message.client_id, message.content, message.sent_at
    )


if __name__ == "__main__":
    globals()[sys.argv[1]](setattr)
    sys.argv[1:] = ["serve"]
    cli.main()
