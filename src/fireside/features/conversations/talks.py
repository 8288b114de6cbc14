"""Talks: the conversations that are awake on this node, and what only their log could tell otherwise.

To write into a conversation is to have it here: its last message, its last change, who is in it. See
`features.conversations.activity` for what being awake means to others.

What must stay true:

- `seq`, `rev` and `conversation` are what this node has seen committed. Another node may have gone further; the unique
  key of the store tells who writes next, and `recount` then reads what was missed.
- What somebody left half done is mended before anybody builds on it: a group is brought up to its system messages
  whenever it was awake elsewhere or the numbers had to be read again.
"""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

from fireside.core.errors import Unavailable
from fireside.features.conversations.activity import Activity, ActivityStore
from fireside.features.conversations.mending import Mending, MessageHeads, who_changed
from fireside.features.conversations.service import Conversation, Conversations, ConversationStore

Shown = Callable[[Mapping[str, int]], Awaitable[dict[str, int]]]
"""Lets messages show the changes above these revs; the last rev of each conversation that is shown then."""

UNCERTAIN_S = 60.0
"""How much longer than others a conversation is kept awake where the outcome of a write is not known."""

Mend = Callable[[Mapping[str, Activity]], Awaitable[None]]
"""Called with conversations whose last node may have died, and the row of each: up to there all was well."""


class Talk:
    """A conversation that is awake here."""

    __slots__ = (
        "at",
        "conversation",
        "dated",
        "is_kept",
        "is_uncertain",
        "rev",
        "seq",
        "shown",
        "told",
        "used_at",
        "writers",
    )

    def __init__(self, conversation: Conversation, activity: Activity, used_at: float) -> None:
        self.conversation = conversation
        self.seq = activity.seq
        self.rev = self.shown = activity.rev
        """The last change that this node has made or heard of, and the last of any that is known to be shown."""
        self.at = activity.at
        self.dated = activity.seq
        """The message `at` is of. Of what another node has stored only the number is known."""
        self.told = activity.seq
        """Up to where everybody was told that it has got."""
        self.used_at = used_at
        self.writers = 0
        """How many are writing into it now."""
        self.is_uncertain = False
        """A write did not come back: it may be there, or come to be there, unseen."""
        self.is_kept = True
        """What the store keeps of the group says as much as this does."""


class Talks:
    """Those that are awake here. `keeper` lets them fall asleep."""

    def __init__(
        self,
        conversations: Conversations,
        store: ActivityStore,
        kept: ConversationStore,
        messages: MessageHeads,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.node = new_node()
        """The name under which this process has conversations awake."""
        self._conversations = conversations
        self._store = store
        self._kept = kept
        self._messages = messages
        self.mending = Mending(messages, conversations, kept)
        self._shown: Shown = _nothing_shown
        self._monotonic = monotonic
        self._awake: OrderedDict[str, Talk] = OrderedDict()
        self._waking: dict[str, asyncio.Future[None]] = {}
        self._people: dict[str, set[str]] = {}
        self._menders: list[Mend] = []
        self._doubtful: set[str] = set()
        """Those that did not fall asleep, as far as is known: their rows may not say how far they have got."""
        self.moved: set[str] = set()
        """Those in which something was committed since somebody last asked; whoever asks empties it."""

    def __len__(self) -> int:
        return len(self._awake)

    def __getitem__(self, conversation_id: str) -> Talk:
        return self._awake[conversation_id]

    def get(self, conversation_id: str) -> Talk | None:
        """The talk, if it is awake here."""
        return self._awake.get(conversation_id)

    def of(self, user_id: str) -> Collection[str]:
        """The conversations of this person that are awake here."""
        return self._people.get(user_id, ())

    def show_changes_with(self, shown: Shown) -> None:
        """Who knows the changes. It is made later, because it writes into conversations, too."""
        self._shown = shown

    def to_mend(self, mend: Mend) -> None:
        """Have this called for what another node may have left half done, before anybody builds on it."""
        self._menders.append(mend)

    def use(self, talk: Talk) -> None:
        """It is not to fall asleep soon."""
        talk.used_at = self._monotonic()
        self._awake.move_to_end(talk.conversation.id)

    @contextmanager
    def writing(self, talks: Collection[Talk]) -> Iterator[None]:
        """Write into these inside it. Where that fails the outcome is unknown, and they stay awake until whatever was
        sent must have arrived."""
        for talk in talks:
            talk.writers += 1
        try:
            yield
        except BaseException:
            for talk in talks:
                talk.is_uncertain = True
                talk.used_at = self._monotonic() + UNCERTAIN_S
            raise
        finally:
            for talk in talks:
                talk.writers -= 1

    async def commit(self, talk: Talk, conversation: Conversation) -> None:
        """The log has brought the group to this state. It counts from now on, and is kept unless the store is down."""
        before = talk.conversation
        self._turn_to(talk, conversation)
        people = who_changed(before, conversation) if talk.is_kept else [*conversation.members, *conversation.gone]
        talk.is_kept = False
        with suppress(Unavailable):
            await self._keep(talk, people)

    def learn(self, conversation: Conversation) -> None:
        """Another node has brought a group to this state, and kept it. It counts here where the group is in memory."""
        talk = self._awake.get(conversation.id)
        if talk is None:
            self._conversations.learn(conversation)
        elif talk.conversation.as_of < conversation.as_of:
            self._turn_to(talk, conversation)
            talk.seq = max(talk.seq, conversation.as_of)

    def learn_numbers(self, conversation_id: str, first: int, last: int) -> None:
        """Another node has stored the messages of these numbers, which say nothing of who is in a group. Where one
        below them is not known here, that one may: then it is found by reading, when it matters."""
        talk = self._awake.get(conversation_id)
        if talk is not None and (talk.conversation.kind == "direct" or first <= talk.seq + 1):
            talk.seq = max(talk.seq, last)

    async def keep(self, talk: Talk) -> None:
        """Keep what could not be kept when it happened.

        Raises:
            Unavailable: it still cannot.
        """
        if not talk.is_kept:
            await self._keep(talk, [*talk.conversation.members, *talk.conversation.gone])

    async def _keep(self, talk: Talk, people: Sequence[str]) -> None:
        conversation = talk.conversation
        await self._kept.keep(conversation, people)
        # What has come of it meanwhile is kept by whoever has brought it about, or is not.
        talk.is_kept = talk.is_kept or talk.conversation is conversation

    async def wake(self, conversations: Iterable[Conversation]) -> None:
        """Return when all of them are awake here.

        Raises:
            Unavailable: the store does not answer; some may be awake.
        """
        # Again after each wait: what was awake may have fallen asleep meanwhile.
        while missing := {each.id: each for each in conversations if each.id not in self._awake}:
            works = (self._waking.get(each) for each in missing)
            # Who awaits what has ended gives nobody a turn, not even what takes it out of here.
            under_way = next((work for work in works if work is not None and not work.done()), None)
            # Shielded: others wait for it too.
            await asyncio.shield(under_way or self._under_way(self._wake(missing), missing))

    async def recheck(self, conversation_ids: Sequence[str]) -> None:
        """Read again all that may have come to be there unseen, and mend what it may have left half done."""
        talks = {each: self._awake[each] for each in conversation_ids if each in self._awake}
        if not talks:
            return
        rows = await self._store.rows(list(talks))
        await self.recount(list(talks))
        for each, rev in (await self._shown({each: talk.rev for each, talk in talks.items()})).items():
            talks[each].rev = max(talks[each].rev, rev)
        for mend in self._menders:
            await mend(rows)

    async def last_shown(self, conversations: Sequence[Conversation]) -> dict[str, int]:
        """Wake these; the last change of each that is shown, by the store: other nodes do not tell of theirs.

        It does not become `rev`: above that the change log looks for what it sent and had no answer to.

        Raises:
            Unavailable: the store does not answer; some may be awake.
        """
        if not conversations:
            return {}
        await self.wake(conversations)
        talks = {each.id: self._awake[each.id] for each in conversations}
        found = await self._shown({each: max(talk.rev, talk.shown) for each, talk in talks.items()})
        for each, talk in talks.items():
            talk.shown = found[each]
        return found

    async def recount(self, conversation_ids: Sequence[str]) -> None:
        """Read again how far these have got: another node may have written into them."""
        if not conversation_ids:
            return
        seqs = await self._messages.heads(conversation_ids)
        talks = [talk for each in conversation_ids if (talk := self._awake.get(each)) is not None]
        for group in (await self.mending.mended(talk.conversation for talk in talks)).values():
            talk = self._awake.get(group.id)
            if talk is not None and talk.conversation.as_of < group.as_of:
                self._turn_to(talk, group)
        for each in conversation_ids:
            talk = self._awake.get(each)
            if talk is not None:
                talk.seq = max(talk.seq, seqs.get(each, 0))

    def quiet(self, before: float, limit: int) -> list[Talk]:
        """Those that nobody has used since, at most so many."""
        found: list[Talk] = []
        for talk in self._awake.values():
            if len(found) == limit or (talk.used_at > before and not talk.is_uncertain):
                break
            if talk.used_at <= before and not talk.writers:
                found.append(talk)
        return found

    async def let_sleep(self, talks: Sequence[Talk]) -> None:
        """Put them to sleep. Who wants to write into one meanwhile waits, and wakes it again.

        Raises:
            Unavailable: they may be awake still; `mend_doubtful` sees to them.
        """
        rows = [Activity(talk.conversation.id, talk.seq, talk.rev, talk.at) for talk in talks]
        undated = [(talk.conversation.id, talk.seq) for talk in talks if talk.dated < talk.seq]
        for row in rows:
            self._drop(row.conversation)
        await asyncio.shield(self._under_way(self._sleep(rows, undated), [row.conversation for row in rows]))

    async def _sleep(self, rows: Sequence[Activity], undated: Sequence[tuple[str, int]]) -> None:
        ids = [row.conversation for row in rows]
        # In doubt first, so that whatever ends this leaves it so.
        self._doubtful.update(ids)
        sent = {each.conversation: each.sent_at for each in await self._messages.at(undated)} if undated else {}
        dated = [msgspec.structs.replace(row, at=sent.get(row.conversation, row.at)) for row in rows]
        await self._store.sleep(dated, self.node)
        self._doubtful.difference_update(ids)

    async def mend_doubtful(self) -> None:
        """Wake those that did not fall asleep, as far as is known; they are put to sleep again when it is time.

        Raises:
            Unavailable: the store does not answer.
        """
        doubtful = [each for each in self._doubtful if each not in self._waking]
        if doubtful:
            await self.wake((await self._conversations.get(doubtful)).values())

    def forget_all(self) -> None:
        """This node's word does not count any more: everything has to be woken again, by a node of another name. What
        the old one had awake is found as that of any node that has died."""
        self.node = new_node()
        self._doubtful.clear()
        for talk in list(self._awake.values()):
            self._drop(talk.conversation.id)
            if talk.writers or not talk.is_kept:
                # What is on its way comes to be there after whoever takes it over has looked.
                self._doubtful.add(talk.conversation.id)
            if not talk.is_kept:
                # Nobody else knows of it: it is mended from what is kept.
                self._conversations.forget(talk.conversation)

    async def _wake(self, missing: Mapping[str, Conversation]) -> None:
        node = self.node
        rows = await self._store.wake(list(missing), node)
        unclear = {each: row for each, row in rows.items() if row.awake != (node,) or each in self._doubtful}
        # In doubt first, so that whatever ends this leaves it so.
        self._doubtful.update(rows)
        seqs = await self._messages.heads(list(unclear)) if unclear else {}
        revs = await self._shown({each: row.rev for each, row in unclear.items()}) if unclear else {}
        known = dict(missing) | await self._conversations.get(list(missing))
        known |= await self.mending.mended(known[each] for each in unclear)
        for mend in self._menders if unclear else ():
            await mend(unclear)
        if node != self.node:
            return  # All was forgotten meanwhile: whoever waits for these wakes them under the new name.
        # Not before: nobody may build on what is not mended.
        for each, row in rows.items():
            self._awake[each] = talk = Talk(known[each], row, self._monotonic())
            self._enter(talk.conversation)
            if each in unclear:
                talk.seq, talk.rev = seqs.get(each, 0), revs[each]
                # What was on its way when a node died may come to be there later.
                talk.is_uncertain, talk.used_at = True, talk.used_at + UNCERTAIN_S
        self._doubtful.difference_update(rows)

    def _turn_to(self, talk: Talk, conversation: Conversation) -> None:
        # What was forgotten while somebody wrote into it is nobody's any more.
        is_awake = self._awake.get(conversation.id) is talk
        if is_awake:
            self._leave(talk.conversation)
        talk.conversation = self._conversations.remember(conversation)
        if is_awake:
            self._enter(talk.conversation)

    def _under_way(self, work: Coroutine[Any, Any, None], conversation_ids: Collection[str]) -> asyncio.Future[None]:
        """Do this; whoever wants to write into one of these waits until it is done."""
        task = asyncio.ensure_future(work)
        self._waking.update(dict.fromkeys(conversation_ids, task))

        def done(ended: asyncio.Future[None]) -> None:
            for each in conversation_ids:
                if self._waking.get(each) is ended:
                    del self._waking[each]
            if not ended.cancelled():
                ended.exception()  # whoever waited has it

        task.add_done_callback(done)
        return task

    def _drop(self, conversation_id: str) -> None:
        talk = self._awake.pop(conversation_id, None)
        if talk is not None:
            self.moved.discard(conversation_id)
            self._leave(talk.conversation)

    def _enter(self, conversation: Conversation) -> None:
        for user_id in conversation.members:
            self._people.setdefault(user_id, set()).add(conversation.id)

    def _leave(self, conversation: Conversation) -> None:
        for user_id in conversation.members:
            self._people[user_id].discard(conversation.id)
            if not self._people[user_id]:
                del self._people[user_id]


def new_node() -> str:
    """A name for a process, never used before."""
    return secrets.token_hex(8)


async def _nothing_shown(after: Mapping[str, int]) -> dict[str, int]:
    return dict(after)
