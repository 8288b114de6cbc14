"""The client as programs use it: what it sends, what it reads to whoever listens, and what it writes down."""

import asyncio
from typing import Any

import pytest

from fireside.client import Client, Lost, Message, Refused
from fireside.client.connection import Connection, Hear
from fireside.client.pauses import FIRST_S, LONGEST_S, Pauses
from fireside.core.forms import Reply
from fireside.features.messages.wire import LONGEST, Page
from tests.client.house import HUNG_S, TURNS, Device, House, at_once
from tests.client.inprocess import InProcessConnection


@pytest.fixture
async def ann(house: House) -> Device:
    return await house.device(await house.user("ann")).start()


@pytest.fixture
async def bob(house: House) -> Device:
    return await house.device(await house.user("bob")).start()


async def until(condition: asyncio.Event) -> None:
    async with asyncio.timeout(HUNG_S):
        await condition.wait()


class Listener:
    """Notes what is read to it; `enough` when that is so much."""

    def __init__(self, device: Device, enough: int) -> None:
        self.read: list[str] = []
        self.enough = asyncio.Event()
        self._enough = enough
        device.client.on_message(self._hear)

    async def _hear(self, message: Message) -> None:
        self.read.append(message.content)
        if len(self.read) >= self._enough:
            self.enough.set()


async def test_what_is_posted_while_there_is_no_line_is_sent_in_order_when_there_is(ann: Device, bob: Device) -> None:
    assert ann.connection is not None
    ann.connection.cut()
    posts = [ann.client.post(f"{number}", to=bob.user) for number in range(5)]
    assert [message.seq for message in await asyncio.gather(*posts)] == [1, 2, 3, 4, 5]
    assert [message.content for message in await asyncio.gather(*posts)] == ["0", "1", "2", "3", "4"]


async def test_a_message_whose_answer_was_lost_is_there_once(ann: Device, bob: Device) -> None:
    assert ann.connection is not None
    await ann.settled()
    ann.connection.unanswered_after = 0
    first = await ann.client.send("once", to=bob.user)
    assert first.seq == 1
    assert (await ann.client.send("next", to=bob.user)).seq == 2


async def test_who_is_refused_is_told_and_what_comes_behind_is_sent(ann: Device, bob: Device) -> None:
    refused = ann.client.post("", to=bob.user)
    stored = ann.client.post("something", to=bob.user)
    with pytest.raises(Refused, match="content") as refusal:
        await refused
    assert refusal.value.code == "invalid_input"
    assert (await stored).seq == 1


async def test_a_message_goes_to_one_place(ann: Device, bob: Device) -> None:
    with pytest.raises(ValueError, match="to whom"):
        ann.client.post("nowhere")
    with pytest.raises(ValueError, match="to whom"):
        ann.client.post("both", to=bob.user, conversation="0" * 24)


async def test_everything_of_others_is_read_out_from_the_first_unread_on(ann: Device, bob: Device) -> None:
    for number in range(60):
        await ann.client.send(f"{number}", to=bob.user)
    await bob.restart(forgetful=True)
    await bob.settled()
    listener = Listener(bob, 61)
    await bob.client.send("mine", to=ann.user)
    await ann.client.send("60", to=bob.user)
    await until(listener.enough)
    assert listener.read == [f"{number}" for number in range(61)]


async def test_who_has_sent_goes_on_among_what_was_unread_from_memory(ann: Device, bob: Device) -> None:
    await bob.settled()
    answering = asyncio.Event()

    @bob.client.on_message
    async def answer(message: Message) -> None:
        await bob.client.send("answer", conversation=message.conversation, client_id=f"re-{message.id}")
        answering.set()
        await asyncio.Event().wait()

    for number in range(3):
        await ann.client.send(f"{number}", to=bob.user)
    await until(answering)
    await bob.restart()
    listener = Listener(bob, 3)
    await until(listener.enough)
    assert listener.read == ["0", "1", "2"]


async def test_what_was_read_out_is_marked_and_not_read_out_again(ann: Device, bob: Device) -> None:
    first = Listener(bob, 3)
    for number in range(3):
        await ann.client.send(f"{number}", to=bob.user)
    await until(first.enough)
    await bob.settled()
    await bob.restart(forgetful=True)
    second = Listener(bob, 1)
    await ann.client.send("after", to=bob.user)
    await until(second.enough)
    assert second.read == ["after"]


async def test_what_cannot_be_handled_holds_nothing_up(
    ann: Device, bob: Device, caplog: pytest.LogCaptureFixture
) -> None:
    done = asyncio.Event()

    @bob.client.on_message
    async def handle(message: Message) -> None:
        if message.content == "bad":
            raise RuntimeError("cannot")
        done.set()

    await ann.client.send("bad", to=bob.user)
    await ann.client.send("good", to=bob.user)
    await until(done)
    assert "a message could not be handled" in caplog.text


async def test_what_is_not_sent_yet_is_written_down_and_sent_another_day(
    house: House, ann: Device, bob: Device
) -> None:
    await ann.client.send("first", to=bob.user)
    await ann.settled()
    assert ann.connection is not None
    ann.connection.unanswered_after = 0
    ann.client.post("unsent", to=bob.user)
    memory = ann.client.remember()
    await ann.stop()
    await ann.start(memory)
    assert (await ann.client.send("last", to=bob.user)).seq == 3
    with pytest.raises(ValueError, match="another user"):
        await house.device(bob.user).start(memory)


async def test_a_client_that_is_not_let_in_says_so_to_whoever_waits(house: House) -> None:
    async def refuse(server: str, token: str, hear: Hear) -> Connection:
        raise Refused("unauthorized", "The token is not valid.")

    eve = await house.user("eve")
    client = Client("", house.token(eve), connect=refuse, sleep=at_once)
    await client.start()
    early = client.post("early", to=eve)
    with pytest.raises(Refused, match="not valid"):
        await client.wait()
    for waits in (client.settled(), early, client.send("late", to=eve), client.call("getMe", Reply)):
        with pytest.raises(Refused, match="not valid"):
            async with asyncio.timeout(HUNG_S):
                await waits
    await client.close()
    later = await house.device(eve).start(client.remember())
    async with asyncio.timeout(HUNG_S):
        last = await later.client.send("last", to=eve)
    page = await later.client.call("getMessages", Page, conversation=last.conversation, after=0)
    assert [message.content for message in page.messages] == ["early", "late", "last"]


async def test_what_is_posted_while_it_logs_in_is_sent_when_it_has(house: House) -> None:
    eve, logged_in = await house.user("eve"), asyncio.Event()

    async def log_in() -> str:
        await logged_in.wait()
        return house.token(eve)

    client = Client("", log_in, connect=Door(house), sleep=at_once)
    starting = asyncio.create_task(client.start())
    post = client.post("early", to=eve)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    logged_in.set()
    await starting
    async with asyncio.timeout(HUNG_S):
        assert (await post).seq == 1
    await client.close()


async def test_who_gives_up_waiting_leaves_nothing_behind(house: House) -> None:
    eve = await house.user("eve")
    async with Client("", house.token(eve), connect=Door(house, *[Lost("away")] * 99), sleep=at_once) as client:
        before = asyncio.all_tasks()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await client.call("getMe", Reply)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() <= before


async def test_whoever_waits_for_a_message_hears_that_the_client_was_closed(ann: Device, bob: Device) -> None:
    assert ann.connection is not None
    ann.connection.unanswered_after = 0
    post = ann.client.post("under way", to=bob.user)
    await ann.client.close()
    with pytest.raises(Lost, match="closed"):
        await post


@pytest.mark.parametrize("content", ["x" * (LONGEST + 1), "ж" * (LONGEST // 2 + 1)])
async def test_a_message_that_is_too_large_is_refused_before_it_is_sent(ann: Device, bob: Device, content: str) -> None:
    """Were it larger yet the server would cut the connection, again and again."""
    posts = ann.client.post(content, to=bob.user), ann.client.post("next", to=bob.user)
    assert posts[0].done()
    with pytest.raises(Refused, match="at most 16384") as refusal:
        await posts[0]
    assert (refusal.value.code, refusal.value.details["field"]) == ("invalid_input", "content")
    assert (await posts[1]).seq == 1
    assert (await ann.client.send(content[: LONGEST // 2], to=bob.user)).seq == 2


async def test_a_connection_that_is_gone_is_asked_once(house: House) -> None:
    """Being told so takes no time: asked again and again it would leave none for anything else."""
    asked = 0

    class Gone(InProcessConnection):
        async def call(self, event: str, body: Any) -> Any:
            nonlocal asked
            asked += 1
            assert asked < 100
            self.cut()
            raise Lost("it takes nothing any more")

    async def connect(server: str, token: str, hear: Hear) -> Connection:
        kind = InProcessConnection if asked else Gone
        return await kind(house.fireside, hear).accepted(token)

    async with Client("", house.token(await house.user("eve")), connect=connect, sleep=at_once) as client:
        await client.settled()
    assert asked == 1


async def test_who_is_told_that_the_server_stops_comes_back_when_it_was_told(house: House) -> None:
    lines: list[InProcessConnection] = []
    pauses: list[float] = []
    told, back = asyncio.Event(), asyncio.Event()

    async def connect(server: str, token: str, hear: Hear) -> InProcessConnection:
        lines.append(await InProcessConnection(house.fireside, hear).accepted(token))
        if len(lines) == 2:
            back.set()
        return lines[-1]

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    client = Client("", house.token(await house.user("eve")), connect=connect, sleep=sleep)
    client.on("serverStopping", lambda body: told.set())
    async with client:
        await client.settled()
        lines[0].session.peer.leaving(90_000)
        await until(told)
        pauses.clear()
        lines[0].cut()
        await until(back)
    assert any(90 <= pause <= 90 + FIRST_S for pause in pauses)


class LogIn:
    """Logs in as a script says: a refusal, or what else is raised; at its end it has tokens."""

    def __init__(self, house: House, user: str, *script: Exception) -> None:
        self.times = 0
        self._token = house.token(user)
        self._script = list(script)

    async def __call__(self) -> str:
        self.times += 1
        if self.times > 1 and self._script:
            raise self._script.pop(0)
        return self._token


BUSY = Refused("unavailable", "Try again.", {"retryAfterS": 70})


class Door:
    """Connects as a script says, and then as the server does."""

    def __init__(self, house: House, *script: Exception) -> None:
        self._house = house
        self._script = list(script)

    async def __call__(self, server: str, token: str, hear: Hear) -> Connection:
        if self._script:
            raise self._script.pop(0)
        return await InProcessConnection(self._house.fireside, hear).accepted(token)


@pytest.mark.parametrize(
    "script", [(), (Lost("away"),), (BUSY,), (Refused("rate_limited", "Slowly."), OSError("no line"), BUSY)], ids=len
)
async def test_a_token_that_has_run_out_is_asked_for_until_there_is_another(
    house: House, script: tuple[Exception, ...]
) -> None:
    user, pauses = await house.user("eve"), list[float]()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    log_in = LogIn(house, user, *script)
    door = Door(house, Refused("token_expired", "The token has expired."))
    async with Client("", log_in, connect=door, sleep=sleep) as client, asyncio.timeout(HUNG_S):
        await client.send("there again", to=user)
    assert log_in.times == 2 + len(script)
    assert any(pause >= 70 for pause in pauses) == (BUSY in script)


async def test_a_passing_refusal_is_no_reason_to_log_in_again(house: House) -> None:
    user = await house.user("eve")
    log_in = LogIn(house, user)
    door = Door(house, BUSY, Refused("rate_limited", "You have 20 connections already."), BUSY)
    async with Client("", log_in, connect=door, sleep=at_once) as client, asyncio.timeout(HUNG_S):
        await client.send("there again", to=user)
    assert log_in.times == 1


async def test_who_can_log_in_no_more_is_told(house: House) -> None:
    user = await house.user("eve")
    log_in = LogIn(house, user, BUSY, Refused("unauthorized", "Wrong password."))
    door = Door(house, Refused("token_expired", "The token has expired."))
    async with Client("", log_in, connect=door, sleep=at_once) as client:
        with pytest.raises(Refused, match="Wrong password"):
            async with asyncio.timeout(HUNG_S):
                await client.send("never", to=user)


def test_pauses_grow_and_have_an_end() -> None:
    pauses = Pauses(1.0)
    spans = [pauses.next_s() for _ in range(50)]
    assert all(0 <= span <= LONGEST_S for span in spans)
    assert pauses.next_s(5.0) >= 5.0
    pauses.reset()
    assert all(Pauses(1.0).next_s() <= 1.0 for _ in range(100))
