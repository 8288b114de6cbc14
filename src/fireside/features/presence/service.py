"""Presence: who is there, and who is typing. Told to those who are looking, and to nobody else.

What must stay true:

- A device looks at the conversations it has open, a handful at most; it hears of the people in those. Nobody is told of
  people they do not share an open conversation with.
- Nothing of it is stored but when somebody was last seen.
- A short absence is none: who is back within seconds was never gone.
- Typing ends by itself, whether or not whoever typed says so.
- Other processes say who comes, goes and types, where somebody looks. It may be lost, and so may they: so who is there
  elsewhere is looked up again and again, and typing ends here as it does there.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from fireside.core.clock import Clock, iso
from fireside.core.ending import ended
from fireside.core.errors import Unavailable
from fireside.core.events import Publisher
from fireside.core.peers import Peers
from fireside.features.conversations.service import Conversation
from fireside.features.presence.typing import Typists
from fireside.features.presence.wire import (
    PRESENCE,
    SAID_OF_SOMEBODY,
    TYPING,
    Present,
    Typing,
    encode,
    open_in,
    present_of,
    seen_of,
)

logger = logging.getLogger(__name__)

OPEN_AT_MOST = 8
"""Conversations a device looks at. Opening one more closes the one opened first."""
PEOPLE_AT_MOST = 256
"""Of larger groups nobody hears who comes and goes, but who is typing they do."""
GONE_AFTER_S = 5.0
LOOK_EVERY_S = 1.0
LOOK_ELSEWHERE_EVERY_S = 8.0
"""At those who are there by other processes. Who is not twice is gone."""


class PresenceStore(Protocol):
    """Port: when people were last seen. Every call may raise `Unavailable`."""

    async def saw(self, seen: Mapping[str, int]) -> None:
        """They were seen then, in UTC milliseconds, unless it was later."""

    async def last_seen(self, user_ids: Sequence[str]) -> dict[str, int]:
        """When; absent who never was."""


class _Open(msgspec.Struct):
    """A conversation that devices look at."""

    conversation: Conversation
    devices: dict[object, str]
    """And whose they are."""


class Presence:
    """Implements `Attendant`. `start()` and `stop()`."""

    def __init__(
        self,
        store: PresenceStore,
        publisher: Publisher,
        clock: Clock,
        peers: Peers,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._peers = peers
        self._monotonic = monotonic
        self._sleep = sleep
        self._open: dict[str, _Open] = {}
        self._looking: dict[object, list[str]] = {}
        self._seen_in: dict[str, set[str]] = {}
        """The open conversations of each person in them."""
        self._devices: dict[str, set[object]] = {}
        self._leaving: dict[str, float] = {}
        self._unsaved: dict[str, int] = {}
        self._elsewhere: set[str] = set()
        """Of those who are seen here, who is there by another process, as far as those who look have been told."""
        self._missing: set[str] = set()
        """Who of them was not the last time."""
        self._look_elsewhere_at = 0.0
        self._task: asyncio.Task[None] | None = None
        peers.on(SAID_OF_SOMEBODY, self._said_of_somebody)
        self._typists = Typists(peers, self._tell_typing, monotonic)

    async def start(self) -> None:
        """Begin to look at the time."""
        self._task = asyncio.create_task(self._look_on(), name="presence")

    async def stop(self) -> None:
        """End; who is still there was last seen now."""
        if self._task is not None:
            await ended(self._task)
        self._unsaved |= dict.fromkeys([*self._devices, *self._leaving], self._clock())
        await self._save()

    # ── coming and going ─────────────────────────────────────────────────────────────────────────────────────────

    def came(self, user_id: str, device: object) -> None:
        devices = self._devices.setdefault(user_id, set())
        devices.add(device)
        if len(devices) == 1:
            present = Present(user=user_id, online=True)
            if self._leaving.pop(user_id, None) is None and user_id not in self._elsewhere:
                self._tell_of(user_id, present)
            # Others may have found them gone.
            self._peers.send([seen_of(user_id)], SAID_OF_SOMEBODY, encode(present))

    def went(self, user_id: str, device: object) -> None:
        for conversation_id in list(self._looking.get(device, ())):
            self.look_away(device, conversation_id)
        devices = self._devices.get(user_id, set())
        devices.discard(device)
        if not devices:
            self._devices.pop(user_id, None)
            self._leaving[user_id] = self._monotonic() + GONE_AFTER_S

    def is_here(self, user_id: str) -> bool:
        """Whether they are there by this process, or were a moment ago."""
        return user_id in self._devices or user_id in self._leaving

    async def of(self, user_ids: Iterable[str], asker: object | None = None) -> list[Present]:
        """Whether these are there. Other devices that look at somebody hear of it, if it is new.

        Raises:
            Unavailable: nobody can say when somebody was.
        """
        people = list(user_ids)[:PEOPLE_AT_MOST]
        unknown = [each for each in people if not self.is_here(each)]
        elsewhere = await self._peers.joined(unknown) if unknown else set()
        self._found(elsewhere, asker)
        away = {each for each in unknown if each not in elsewhere and each not in self._elsewhere}
        seen = (await self._store.last_seen(list(away)) if away else {}) | self._unsaved
        return [
            Present(user=each, online=False, last_seen=iso(seen[each]) if each in seen else None)
            if each in away
            else Present(user=each, online=True)
            for each in people
        ]

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    def look_at(self, device: object, user_id: str, conversation: Conversation) -> None:
        """This device has the conversation open."""
        if device not in self._devices.get(user_id, ()):
            return  # it is gone again
        looking = self._looking.setdefault(device, [])
        if conversation.id in looking:
            looking.remove(conversation.id)
        looking.append(conversation.id)
        opened = self._open.setdefault(conversation.id, _Open(conversation, {}))
        if not opened.devices:
            self._peers.join(open_in(conversation.id))
        opened.devices[device] = user_id
        if opened.conversation is not conversation or len(opened.devices) == 1:
            self._turn_to(opened, conversation)
        if len(looking) > OPEN_AT_MOST:
            self.look_away(device, looking[0])

    def look_away(self, device: object, conversation_id: str) -> None:
        """This device has the conversation open no more."""
        looking = self._looking.get(device, [])
        if conversation_id not in looking:
            return
        looking.remove(conversation_id)
        if not looking:
            del self._looking[device]
        opened = self._open[conversation_id]
        del opened.devices[device]
        if not opened.devices:
            self._peers.leave(open_in(conversation_id))
            self._forget(opened.conversation.members, conversation_id)
            del self._open[conversation_id]

    def turned(self, conversation: Conversation) -> None:
        """Whoever is put out of a group sees nobody there any more."""
        opened = self._open.get(conversation.id)
        if opened is None or opened.conversation.as_of >= conversation.as_of:
            return
        self._turn_to(opened, conversation)
        for device, user_id in list(opened.devices.items()):
            if user_id not in conversation.members:
                self.look_away(device, conversation.id)

    def _turn_to(self, opened: _Open, conversation: Conversation) -> None:
        before, opened.conversation = opened.conversation, conversation
        people = conversation.members.keys() if len(conversation.members) <= PEOPLE_AT_MOST else set[str]()
        for member in people:
            there = self._seen_in.setdefault(member, set())
            if not there:
                self._peers.join(seen_of(member))
            there.add(conversation.id)
        # Who stays is not forgotten in between: whoever is there elsewhere could not be found gone any more.
        self._forget(before.members.keys() - people, conversation.id)

    def _forget(self, people: Iterable[str], conversation_id: str) -> None:
        """They are not looked at in this conversation any more."""
        for member in people:
            there = self._seen_in.get(member)
            if there is not None:
                there.discard(conversation_id)
                if not there:
                    del self._seen_in[member]
                    self._peers.leave(seen_of(member))
                    self._elsewhere.discard(member)
                    self._missing.discard(member)

    # ── typing ───────────────────────────────────────────────────────────────────────────────────────────────────

    def types(self, user_id: str, conversation: Conversation, typing: bool) -> None:
        """Somebody is typing, or is no more."""
        self._typists.types(user_id, conversation.id, typing)

    def _tell_typing(self, said: Typing) -> None:
        opened = self._open.get(said.conversation)
        if opened is None:
            return
        others = [
            device
            for device, whose in opened.devices.items()
            if whose != said.user and whose in opened.conversation.members
        ]
        self._publisher.hand(others, TYPING.name, said)

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def look(self) -> None:
        """Once: who has not come back, here or elsewhere, is gone, and who has stopped typing types no more."""
        self._typists.look()
        now = self._monotonic()
        due = [user_id for user_id, at in self._leaving.items() if at <= now]
        elsewhere = await self._peers.joined(due) if due else set()
        for user_id in due:
            # Who has come back meanwhile is not leaving any more.
            if user_id in self._leaving and self._leaving[user_id] <= now:
                del self._leaving[user_id]
                if user_id not in elsewhere:
                    present = self._gone(user_id)
                    self._peers.send([seen_of(user_id)], SAID_OF_SOMEBODY, encode(present))
                elif user_id in self._seen_in:
                    self._elsewhere.add(user_id)
        if now >= self._look_elsewhere_at:
            self._look_elsewhere_at = now + LOOK_ELSEWHERE_EVERY_S
            await self.look_elsewhere()
        await self._save()

    async def look_elsewhere(self) -> None:
        """Once: tell who has come and gone by other processes, if that was not heard of."""
        if not self._peers.is_up:
            return
        seen = [each for each in self._seen_in if not self.is_here(each)]
        there = await self._peers.joined(seen)
        gone = [each for each in self._elsewhere & self._missing if each not in there and not self.is_here(each)]
        self._missing = self._elsewhere - there
        self._found(there)
        for user_id in gone:
            self._gone(user_id)

    def _found(self, there: set[str], asker: object | None = None) -> None:
        """They are there by other processes. Who looks at them is told before they count as known, or nobody is."""
        for user_id in there - self._elsewhere:
            if user_id in self._seen_in and not self.is_here(user_id):
                self._elsewhere.add(user_id)
                self._tell_of(user_id, Present(user=user_id, online=True), asker)

    def _gone(self, user_id: str) -> Present:
        """They have been there until now."""
        self._elsewhere.discard(user_id)
        self._missing.discard(user_id)
        self._unsaved[user_id] = seen = self._clock()
        present = Present(user=user_id, online=False, last_seen=iso(seen))
        self._tell_of(user_id, present)
        return present

    def _said_of_somebody(self, topics: Sequence[str], body: bytes) -> None:
        present = present_of(body)
        user_id = present.user
        if self.is_here(user_id) or user_id not in self._seen_in:
            return
        self._missing.discard(user_id)
        if present.online:
            self._found({user_id})
        else:
            self._elsewhere.discard(user_id)
            self._tell_of(user_id, present)

    def _tell_of(self, user_id: str, present: Present, but: object | None = None) -> None:
        devices: dict[object, None] = {}
        for conversation_id in self._seen_in.get(user_id, ()):
            opened = self._open[conversation_id]
            devices |= dict.fromkeys(
                each for each, whose in opened.devices.items() if whose != user_id and each is not but
            )
        if devices:
            self._publisher.hand(devices, PRESENCE.name, present)

    async def _save(self) -> None:
        if self._unsaved:
            seen, self._unsaved = self._unsaved, {}
            try:
                await self._store.saw(seen)
            except Unavailable:
                self._unsaved = seen | self._unsaved
                logger.warning("nobody can say now when %d people were last seen", len(self._unsaved))

    async def _look_on(self) -> None:
        while True:
            await self._sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception:
                logger.exception("presence could not be looked after")
