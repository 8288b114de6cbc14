"""The message log: numbers drafts and writes them in groups. The insert is the commit.

What must stay true:

- A number exists only if its row does. The log proposes the next one; the store's unique key decides. No counter
  is raised first, so a crash leaves no hole and no reader passes a number that appears later.
- Whether somebody may write is decided where the message gets its number: by who is in the group after everything
  below that number. A number that another node took brings its system messages with it before anything is decided
  again. So nothing of one who was put out ever stands above the message that says so.
- One batch is under way at a time and is inserted in order, so nothing a sender sent overtakes anything else of
  theirs, and the numbers a batch proposes for one conversation are contiguous.
- `done` hears of a message only after it is durable. What arrives meanwhile forms the next batch: a lone message
  never waits for company, and the batches grow with the load (group commit).
- Every draft has a `client_id`, unique with its sender in the store for ever. Three things go wrong with a write:
  the number was taken by another node, the message had been sent before, the outcome is unknown (a time-out, a
  lost connection, a failover). All three are mended the same way: look which of the batch are there already, by
  client id; count again how far the conversations have got; renumber the rest and go on. So an unknown outcome is
  never reported as a failure, and sending again is safe.
- Of all who send one message, again and again, one is told that it is new, because that is when the others hear of
  it. So what is found in the store is new, once, if it is what this batch wrote without getting an answer.

Every entry is held in memory until it is settled, and at most `max_waiting` are: past that a send is refused as
`unavailable`, and so is all that waits when the store has taken nothing for `patience_s`. Sending it again, with the
`client_id` in the refusal, is safe whatever became of it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

import msgspec

from fireside.core.batches import Batches, Patience
from fireside.core.errors import ChatError, Conflict, Internal, InvalidInput, NotFound, Unavailable
from fireside.features.conversations import groups
from fireside.features.conversations.service import Conversation
from fireside.features.conversations.talks import Talk, Talks
from fireside.features.messages.service import Done, Draft, Extra, Message, Stored

logger = logging.getLogger(__name__)

BATCH, MAX_BATCH = 256, 1000
"""A batch that long pays for its write. Only where more than twice as many wait does it grow with them: while it is
under way as many again come in, and the store and this process both have something to do."""
MAX_WAITING = 20_000
PATIENCE_S = 15.0


Identity = tuple[str, str, str, int]
"""What tells a message of this batch from one that somebody else sent under the same client id."""


class LogStore(Protocol):
    """What the log needs of a `MessageStore`."""

    async def append(self, messages: Sequence[Message]) -> int: ...

    async def sent(self, keys: Sequence[tuple[str, str]]) -> list[Message]: ...


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A draft on its way to disk, and who waits for it."""

    draft: Draft
    done: Done

    @property
    def key(self) -> tuple[str, str]:
        return self.draft.sender, self.draft.client_id


class Numbered(msgspec.Struct, frozen=True, gc=False):
    """An entry at the place it proposes, and what the conversation is as of it."""

    entry: Entry
    message: Message
    conversation: Conversation
    talk: Talk


class MessageLog:
    """Writes drafts in groups, in the order they came. `start()` before the first `append`, `stop()` at the end."""

    def __init__(
        self,
        store: LogStore,
        talks: Talks,
        *,
        max_members: int = groups.MAX_MEMBERS,
        max_batch: int = MAX_BATCH,
        max_waiting: int = MAX_WAITING,
        patience_s: float = PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._talks = talks
        self._admitted = partial(groups.admitted, max_members=max_members)
        self._max_batch = max_batch
        self._patience = partial(Patience, patience_s, monotonic, sleep)
        self.stored = 0
        self._batches = Batches("message log", self._commit, self._refuse, self._size, max_waiting)

    async def start(self) -> None:
        """Begin to write."""
        await self._batches.start()

    async def stop(self) -> None:
        """Refuse what comes now, settle everything that was accepted, and end."""
        await self._batches.stop()

    @property
    def batches(self) -> Batches[Entry]:
        """How much waits, and how what does not was written."""
        return self._batches

    def append(self, draft: Draft, done: Done) -> None:
        """Accept a draft behind those before it; `done` is called when it is durable, or known to have no place.

        Whether the sender may write there is looked at again when it gets its number.

        Raises:
            Unavailable: too much is waiting, or the log is stopping. Nothing was accepted.
        """
        if not self._batches.add(Entry(draft, done)):
            raise Unavailable("The server cannot take the message now. Send it again shortly.", retry_after_s=1)

    def _size(self, waiting: int) -> int:
        return min(waiting, self._max_batch, max(BATCH, waiting // 2))

    async def _commit(self, batch: list[Entry]) -> None:
        """Settle every entry, whatever happens. They leave the batch as they are settled."""
        patience = self._patience()
        unanswered: set[Identity] = set()
        in_doubt, size = False, len(batch)
        broken: Entry | None = None
        while batch:
            before = len(batch)
            part, batch[:] = batch[:size], batch[size:]
            try:
                if in_doubt:
                    await self._look_up(part, unanswered)
                await self._write(part, unanswered, looked_up=in_doubt)
            except Unavailable:
                logger.warning("%d messages have to be tried again", len(part))
            except Exception:
                logger.exception("%d messages could not be written", len(part))
                # One breaks the write in a way nobody foresaw. From here on each goes alone: the others must not pay.
                if part == [broken]:
                    self._settle(part.pop(), Internal())
                elif size == 1 and part:
                    # It may be stored all the same: it is looked for once more.
                    broken = part[0]
                size = 1
            finally:
                batch[:0] = part
            in_doubt = True
            if len(batch) < before:
                patience.renew()
            elif patience.is_over:
                logger.error("%d messages are refused: nothing could be written", len(batch) + len(self._batches))
                self._batches.give_up(batch)
            else:
                # The first time at once: a number was taken, or a message had been sent before.
                await patience.pause()

    async def _write(self, part: list[Entry], unanswered: set[Identity], *, looked_up: bool) -> None:
        """Write what can be written; what is left in `part` has to be tried again, renumbered."""
        numbered = await self._number(part, looked_up=looked_up)
        if not numbered:
            return
        messages = [each.message for each in numbered]
        with self._talks.writing({each.talk for each in numbered}):
            try:
                stored = await self._store.append(messages)
            except Exception:
                unanswered.update(map(_identity, messages))
                raise
            if unanswered:
                unanswered.difference_update(map(_identity, messages[:stored]))
            self.stored += stored
            settled, part[:] = numbered[:stored], part[stored:]
            try:
                await self._count(settled)
            finally:
                # Told a moment later: the next batch is on its way to the store first, so neither waits for the other.
                asyncio.get_running_loop().call_soon(self._settle_as_new, settled)

    async def _count(self, settled: Sequence["Numbered"]) -> None:
        """The conversations have got so far."""
        for each in settled:
            # Another node may have gone on already, and been heard.
            each.talk.seq = max(each.talk.seq, each.message.seq)
            each.talk.at, each.talk.dated = each.message.sent_at, each.message.seq
            if each.conversation.as_of > each.talk.conversation.as_of:
                await self._talks.commit(each.talk, each.conversation)

    def _settle_as_new(self, settled: Sequence["Numbered"]) -> None:
        self._talks.moved.update([each.talk.conversation.id for each in settled])
        for each in settled:
            self._settle(each.entry, Stored(each.message, each.conversation, repeated=False))

    async def _number(self, part: list[Entry], *, looked_up: bool) -> list["Numbered"]:
        """The messages with the numbers they propose: each conversation's next ones, in order; `part` begins with them.

        Those whose sender may not write are settled and leave `part`, once it is known that they are not there already:
        what was stored is answered with, also to who may write no more.
        """
        drafts = [entry.draft for entry in part]
        # Who goes keeps what they saw, also what was changed by way of another node.
        revs = await self._talks.last_shown([each.conversation for each in drafts if _says_who_goes(each)])
        await self._talks.wake([each.conversation for each in drafts])
        last: dict[str, Numbered] = {}
        numbered: list[Numbered] = []
        refused: list[Entry] = []
        for entry in part:
            conversation_id = entry.draft.conversation.id
            before = last.get(conversation_id)
            if before is None:
                talk = self._talks[conversation_id]
                self._talks.use(talk)
                conversation, seq = talk.conversation, talk.seq
            else:
                talk, conversation, seq = before.talk, before.conversation, before.message.seq
            try:
                rev = max(talk.rev, revs.get(conversation_id, 0)) if revs else talk.rev
                message, conversation = self._next(entry.draft, conversation, seq + 1, rev)
            except ChatError as refusal:
                if looked_up:
                    self._settle(entry, refusal)
                else:
                    refused.append(entry)
                continue
            last[conversation_id] = each = Numbered(entry, message, conversation, talk)
            numbered.append(each)
        if len(numbered) < len(part):
            part[:] = [*(each.entry for each in numbered), *refused]
        return numbered

    def _next(self, draft: Draft, conversation: Conversation, seq: int, rev: int) -> tuple[Message, Conversation]:
        """The message at its place, and the conversation as of it.

        Raises:
            ChatError: its sender may not write it, as things are there.
        """
        extra = draft.extra
        if extra is not None and extra.system is not None:
            change = self._admitted(extra.system, conversation, draft.sender, rev)
            message = msgspec.structs.replace(draft.at(seq), extra=msgspec.structs.replace(extra, system=change))
            return message, groups.applied(change, conversation, draft.sender, seq)
        member = conversation.members.get(draft.sender)
        if member is None:
            raise NotFound("There is no such conversation.")
        if extra is not None and extra.reply_to is not None and not member.since < extra.reply_to < seq:
            raise InvalidInput("replyTo must be the seq of a message that is there.", details={"field": "replyTo"})
        return draft.at(seq), conversation

    async def _look_up(self, part: list[Entry], unanswered: set[Identity]) -> None:
        """Settle those that are in the store already, and count again how far the others' conversations have got.

        What repeats another of `part` goes to its end: when that one is stored, one more look settles all of them.
        """
        found = {(m.sender, m.client_id): m for m in await self._store.sent([entry.key for entry in part])}
        # Who hears of what happened to a group is who is in it by then.
        await self._talks.recount([m.conversation for m in found.values() if self._is_news(m)])
        firsts: dict[tuple[str, str], Entry] = {}
        echoes = []
        for entry in part:
            message = found.get(entry.key)
            if message is not None:
                talk = self._talks.get(message.conversation)
                conversation = talk.conversation if talk is not None else entry.draft.conversation
                if talk is not None and conversation.kind == "direct":
                    # Of a group there may be more to know below it than its number.
                    talk.seq = max(talk.seq, message.seq)
                is_ours = _identity(message) in unanswered
                self._settle(entry, _found(entry.draft, message, conversation, repeated=not is_ours))
                unanswered.discard(_identity(message))
            elif firsts.setdefault(entry.key, entry) is not entry:
                echoes.append(entry)
        part[:] = [*firsts.values(), *echoes]
        await self._talks.recount(list({entry.draft.conversation.id for entry in part}))

    def _is_news(self, message: Message) -> bool:
        """Whether it says what happened to a group, and is not known here yet."""
        talk = self._talks.get(message.conversation)
        is_system = message.extra is not None and message.extra.system is not None
        return is_system and talk is not None and talk.conversation.as_of < message.seq

    def _refuse(self, entry: Entry) -> None:
        self._settle(entry, _unresolved(entry.draft))

    def _settle(self, entry: Entry, outcome: Stored | ChatError) -> None:
        try:
            entry.done(outcome)
        except Exception:
            # The message is safe; only telling somebody failed, and that must not stop the others.
            logger.exception("nobody could be told that a message was settled")


def _says_who_goes(draft: Draft) -> bool:
    return draft.extra is not None and isinstance(draft.extra.system, groups.MemberRemoved | groups.MemberLeft)


def _identity(message: Message) -> Identity:
    return message.id, message.sender, message.client_id, message.sent_at


def _found(draft: Draft, message: Message, conversation: Conversation, *, repeated: bool) -> Stored | ChatError:
    """The answer where the client id is in the store: that message, unless this one is another."""
    if message.conversation == draft.conversation.id and _is_same(draft, message):
        return Stored(message, conversation, repeated)
    return Conflict(
        "This clientId was used for another message. Give every message its own.", details={"field": "clientId"}
    )


def _is_same(draft: Draft, message: Message) -> bool:
    """Whether it is what was sent, as far as can be told: what it said before it was changed is not there any more.

    What its sender did not say is left out: who is in the group, and what an original says, may be otherwise by now.
    """
    sent, stored = _asked_for(draft.extra), _asked_for(message.extra)
    if sent.system is not None:
        return type(stored.system) is type(sent.system)
    return message.rev > 0 or (sent == stored and (sent.forwarded or draft.content == message.content))


def _asked_for(extra: Extra | None) -> Extra:
    return Extra() if extra is None else msgspec.structs.replace(extra, mentions=())


def _unresolved(draft: Draft) -> Unavailable:
    """It may be stored or not; with its client id, which may be one of ours, sending it again is safe either way."""
    return Unavailable(
        "The server cannot store the message now. Send it again, with this clientId.",
        details={"clientId": draft.client_id},
        retry_after_s=1,
    )
