"""The end of a run: all is well again. What fresh clients read is the truth, and everybody is to have it soon."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from random import Random

import aiohttp

from fireside.client import Client, LocalConversation, Lost, Refused
from fireside.torture.devices import Device, Person
from fireside.torture.people import Rest, RestError
from fireside.torture.record import Failed, Held, History, Record, Row, row_of
from fireside.torture.town import Town

LOOK_S = 0.1
AT_ONCE = 8
FRESH_WITHIN_S = 20.0
LONGER = 8
"""Times what was promised is waited for what is late: who reads while others still send judges wrongly."""

Ends = dict[tuple[str, str], int]
"""Up to which number somebody sees a conversation: by user and conversation."""


async def run_dry(unsettled: Collection[object], within_s: float, record: Record) -> bool:
    """Wait until all that was to be sent is settled, and say whether it was in time. If not, that is noted, and what is
    late is waited for."""
    if await _until(lambda: not unsettled, within_s):
        return True
    late = len(unsettled)
    when = "in time" if await _until(lambda: not unsettled, within_s * LONGER) else "at all"
    record.note(Failed(at=record.now, what=f"{late} sends were not settled {when} ({within_s:.0f} s)"))
    return False


async def read_everything(town: Town, url: str, rest: Rest, record: Record, random: Random) -> Ends:
    """What a fresh client of everybody has, and some pages by REST, are noted."""
    ends: Ends = {}
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(person: Person, *, over_rest: bool) -> None:
        async with at_once:
            try:
                ends.update(await _read_all(person, url, rest if over_rest else None, record))
            except (Refused, RestError, aiohttp.ClientError, TimeoutError) as error:
                what = f"a fresh client of {person.id} cannot read everything: {error!r}"
                record.note(Failed(at=record.now, what=what))

    await asyncio.gather(*(one(person, over_rest=random.random() < 0.3) for person in town.people))
    return ends


async def _read_all(person: Person, url: str, rest: Rest | None, record: Record) -> Ends:
    ends: Ends = {}
    asked_at = record.now
    async with Client(url, person.token, keep=None) as client:
        try:
            async with asyncio.timeout(FRESH_WITHIN_S):
                await client.settled()
        except TimeoutError:
            # What it has all the same is of use to know what is wrong.
            record.note(Failed(at=record.now, what=f"a fresh client of {person.id} never has everything"))
        for conversation in list(client.state.conversations):
            await _read_back(client, conversation)
            local = client.state.conversations.get(conversation)
            if local is None or local.about is None:
                continue
            ends[person.id, conversation] = local.seq
            _note_history(
                record, person, local, asked_at, "fresh client", tuple(row_of(each) for each in local.history())
            )
            if rest is not None:
                rows = await rest.history(person, conversation, local.about.since)
                _note_history(record, person, local, asked_at, "REST", rows)
    return ends


async def _read_back(client: Client, conversation: str) -> None:
    """Read into the past until it is whole, or that leads nowhere: then the checker finds what is missing."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FRESH_WITHIN_S):
            while (local := client.state.conversations.get(conversation)) is not None and not local.is_whole:
                first = local.first
                try:
                    await client.older(conversation, 100)
                    if local.first == first:
                        return
                except Lost:
                    continue
                except Refused as refusal:
                    await asyncio.sleep(max(0.5, refusal.retry_after_s))


def _note_history(
    record: Record, person: Person, local: LocalConversation, asked_at: float, how: str, rows: tuple[Row, ...]
) -> None:
    assert local.about is not None
    history = History(
        at=record.now,
        user=person.id,
        how=how,
        asked_at=asked_at,
        conversation=local.id,
        since=local.about.since,
        until=local.about.until,
        rows=rows,
        receipts=tuple((each.user, each.delivered, each.read) for each in local.receipts.values()),
    )
    record.note(history)


async def everybody_has_everything(town: Town, ends: Ends, within_s: float) -> bool:
    """Wait until every device has got as far as the fresh one; whether that was in time."""
    return await _until(lambda: all(_has(device, ends) for device in town.devices), within_s)


def _has(device: Device, ends: Ends) -> bool:
    state = device.client.state
    for (user, conversation), seq in ends.items():
        if user == device.person.id:
            local = state.conversations.get(conversation)
            if local is None or local.seq < seq or state.handled.get(conversation, seq) < seq:
                return False
    return True


async def _until(so: Callable[[], bool], within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            while not so():  # noqa: ASYNC110 - what is waited for is the state of many clients
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        return False
    return True


async def note_devices(town: Town, record: Record) -> None:
    """What the devices have, when each has read back to where its owner came in."""
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(device: Device) -> None:
        for conversation in list(device.client.state.conversations):
            async with at_once:
                await _read_back(device.client, conversation)
            # Where it was told of what is not its owner's, it finds that out when it asks, and forgets it.
            local = device.client.state.conversations.get(conversation)
            if local is None:
                continue
            held = Held(
                at=record.now,
                device=device.name,
                user=device.person.id,
                conversation=conversation,
                rows=tuple(row_of(each) for each in local.history()),
            )
            record.note(held)

    await asyncio.gather(*(one(device) for device in town.devices))
