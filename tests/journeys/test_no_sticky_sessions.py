"""Clients of two workers on one port. Whatever they ask for reaches one or the other, as it happens."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import pytest

from fireside.client import Client, LocalConversation, Message
from fireside.client.connection import Connect, SocketIoConnection
from tests.journeys.conftest import Running
from tests.journeys.people import PATIENCE_S, Device, Json, Person, open_session
from tests.journeys.test_javascript_client import playing
from tests.journeys.workers import COUNT, Workers, lives

TRANSPORTS = (("websocket",), ("polling",), ("polling", "websocket"))
PACE_S = 0.02
"""Between two sends of a client, so that there is not too much to read at the end."""

pytestmark = pytest.mark.timeout(400)
modes = pytest.mark.parametrize("mode", ["default", "polling"])


@pytest.fixture
def running(workers_server: Running) -> Running:
    return workers_server


def node_of(device: Device) -> str:
    """The node that has its session."""
    sid: str = device.client.eio.sid
    return sid.rpartition(".")[2]


@asynccontextmanager
async def elsewhere(person: Person, node: str, mode: str) -> AsyncIterator[Device]:
    """A device of theirs whose session is on another node than this."""
    while True:
        async with person.device(mode, restless=True) as device:
            if node_of(device) != node:
                yield device
                return


@modes
async def test_two_talk_who_are_on_different_workers(ann: Person, bob: Person, mode: str) -> None:
    async with ann.device(mode, restless=True) as anns, elsewhere(bob, node_of(anns), mode) as bobs:
        for number in range(20):
            asked = await anns.send(bob, f"{number}")
            assert await bobs.heard() == asked
            answer = await bobs.send(ann, f"{number}")
            assert await anns.heard() == answer
        at = {"conversation": answer["conversation"], "seq": answer["seq"]}
        assert at["seq"] == 40
        await bobs.call("markRead", at)
        receipt = {"user": bob.id, "delivered": 40, "read": 40}
        while receipt not in (await anns.hears("receiptUpdated"))["receipts"]:
            pass
        here = {"conversation": at["conversation"]}
        for device in (anns, bobs):
            assert (await device.call("openConversation", here))["ok"]
        await bobs.call("setTyping", here)
        await anns.hears("typing", user=bob.id)
        assert anns.client.transport() == ("polling" if mode == "polling" else "websocket")


@modes
@pytest.mark.parametrize("scenario", ["talks", "comesBack", "keepsOrder"])
async def test_the_official_client(ann: Person, bob: Person, scenario: str, mode: str) -> None:
    async with playing(scenario, mode, ann, bob) as program:
        assert await program.finish() == ["done"]


async def test_the_official_client_changes_its_transport(ann: Person, bob: Person) -> None:
    async with playing("upgradesWhileMessagesFlow", "default", ann, bob) as program:
        assert await program.finish() == ["done"]


# ── workers come and go ──────────────────────────────────────────────────────────────────────────────────────────────


async def are_replaced(workers: Workers) -> None:
    old = workers.started
    workers.server.tell(signal.SIGHUP)
    await workers.said("the workers have been replaced")
    assert not any(map(lives, old))


async def lose_one(workers: Workers) -> None:
    os.kill(workers.started[0], signal.SIGKILL)
    await workers.all_serve(COUNT + 1)


@pytest.mark.parametrize("happens", [are_replaced, lose_one])
async def test_whatever_becomes_of_workers_every_send_is_acknowledged_and_nothing_lost_or_doubled(
    workers: Workers, happens: Callable[[Workers], Awaitable[None]]
) -> None:
    url = workers.server.url
    ann, bob = await workers.server.register("ann"), await workers.server.register("bob")
    sent: list[tuple[int, str]] = []
    enough = asyncio.Event()

    async def send_on_and_on(number: int, client: Client, to: Json) -> None:
        while not enough.is_set():
            message = await client.send(f"{number}: {len(sent)}", to=to["user"]["_id"])
            sent.append((message.seq, message.content))
            await asyncio.sleep(PACE_S)

    devices = [
        (Client(url, me["token"], keep=None, connect=over(transports)), me, other)
        for me, other in ((ann, bob), (bob, ann))
        for transports in TRANSPORTS
    ]
    for client, _, _ in devices:
        await client.start()
    sending = [
        asyncio.create_task(send_on_and_on(number, client, other)) for number, (client, _, other) in enumerate(devices)
    ]
    await happens(workers)
    enough.set()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*sending)
    async with Client(url, ann["token"], keep=None) as fresh:
        stored = await everything(fresh, len(sent))
    assert [(each.seq, each.content) for each in stored] == sorted(sent)
    assert [each.seq for each in stored] == list(range(1, len(sent) + 1))
    for client, _, _ in devices:
        assert await everything(client, len(sent)) == stored
        await client.close()


def over(transports: tuple[str, ...]) -> Connect:
    return partial(SocketIoConnection.open, transports=transports, http=partial(open_session, restless=True))


async def everything(client: Client, count: int) -> list[Message]:
    """Its only conversation, as soon as it has so many messages."""
    async with asyncio.timeout(PATIENCE_S):
        while not (local := await settled(client)) or local.seq < count:  # noqa: ASYNC110 - nobody says when it is so
            await asyncio.sleep(0.05)
        while not local.is_whole:
            await client.older(local.id, 100)
    return local.history()


async def settled(client: Client) -> LocalConversation | None:
    await client.settled()
    return next(iter(client.state.conversations.values()), None)
