"""Conversations that are awake, in trouble: what may have happened unseen is looked at before anybody builds on it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import pytest

from fireside.core.errors import NotFound, Unavailable
from fireside.features.changes.service import Change
from fireside.features.conversations.activity import Activity
from fireside.features.conversations.mending import SystemRow
from fireside.features.conversations.service import Conversation
from fireside.features.messages.service import Message
from tests.fakes import FakeActivity, FakeChanges, FakeConversations, FakeMessages
from tests.features.whole import ANN, BOB, CAT, Node, World, seqs


@pytest.fixture
async def place(node: Node) -> str:
    """A conversation with three messages, asleep."""
    place = await node.direct(ANN, BOB)
    for _ in range(3):
        await node.say(ANN, place)
    await node.fall_asleep()
    return place


def failing(error: Exception) -> Callable[..., Awaitable[None]]:
    """Cannot keep a group."""

    async def fail(self: FakeConversations, conversation: Conversation, changed: Sequence[str]) -> None:
        raise error

    return fail


async def group_without_bob(world: World, node: Node, monkeypatch: pytest.MonkeyPatch) -> str:
    """A group whose node died when it had put Bob out, and could not keep that: what is kept says that he is in it."""
    group = await node.group(ANN, BOB, CAT)
    await node.do(ANN, "setRole", conversation=group, user=CAT, role="admin")
    with monkeypatch.context() as patched:
        patched.setattr(FakeConversations, "keep", failing(Unavailable("away")))
        await node.do(ANN, "removeMember", conversation=group, user=BOB)
        await world.kill(node)
    return group


class Mending:
    """Holds up the reading of what happened to groups, which `ends` once in this way."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ends: Exception | None = None) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self._ends = ends
        self._system = FakeMessages.system
        monkeypatch.setattr(FakeMessages, "system", lambda store, after: self._read(store, after))

    async def _read(self, store: FakeMessages, after: Mapping[str, int]) -> dict[str, list[SystemRow]]:
        self.begun.set()
        await self.go_on.wait()
        ends, self._ends = self._ends, None
        if ends is not None:
            raise ends
        return await self._system(store, after)


async def row(world: World, place: str) -> Activity:
    return (await world.stores.activity.rows([place]))[place]


async def test_who_comes_while_it_falls_asleep_wakes_it(
    node: Node, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the very turn in which it has fallen asleep, when nobody has been told of that."""
    await node.say(ANN, place)
    conversation = (await node.conversations.get([place]))[place]
    go = asyncio.get_running_loop().create_future()

    async def come() -> None:
        await go
        await node.talks.wake([conversation])

    async def sleep(self: FakeActivity, rows: Sequence[Activity], name: str) -> None:
        await original(self, rows, name)
        go.set_result(None)

    original = FakeActivity.sleep
    monkeypatch.setattr(FakeActivity, "sleep", sleep)
    coming = asyncio.create_task(come())
    await asyncio.sleep(0)
    await node.talks.let_sleep([node.talks[place]])
    await coming
    assert node.talks.get(place) is not None


async def test_after_a_sleep_that_did_not_come_back_its_row_is_not_believed(
    world: World, node: Node, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursor = (await node.do(BOB, "sync"))["cursor"]
    await node.say(ANN, place)

    async def fail(self: FakeActivity, rows: Sequence[Activity], name: str) -> None:
        raise Unavailable("The database is away.")

    await node.settle()
    with monkeypatch.context() as patched:
        patched.setattr(FakeActivity, "sleep", fail)
        with pytest.raises(Unavailable):
            await node.talks.let_sleep([node.talks[place]])
    assert (await row(world, place)).seq == 3
    await node.do(BOB, "reactToMessage", conversation=place, seq=1, emoji="👍")
    assert node.talks[place].seq == 4
    await node.fall_asleep()
    assert (await row(world, place)).seq == 4
    (item,) = (await node.do(BOB, "sync", cursor=cursor))["conversations"]
    assert (item["seq"], seqs(item["messages"])[-1]) == (4, 4)


async def test_what_did_not_fall_asleep_is_put_to_rest_though_nobody_wakes_it(
    world: World, node: Node, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await node.say(ANN, place)

    async def fail(self: FakeActivity, rows: Sequence[Activity], name: str) -> None:
        raise Unavailable("The database is away.")

    with monkeypatch.context() as patched:
        patched.setattr(FakeActivity, "sleep", fail)
        with pytest.raises(Unavailable):
            await node.talks.let_sleep([node.talks[place]])
    await node.keeper.look()
    await node.fall_asleep()
    found = await row(world, place)
    assert (found.seq, found.awake) == (4, ())


async def test_a_node_that_was_away_for_longer_than_its_lease_believes_no_row_of_its_own(
    world: World, node: Node, place: str
) -> None:
    await node.say(ANN, place)
    before = node.talks.node
    node.talks.forget_all()
    assert node.talks.node != before
    await node.do(BOB, "reactToMessage", conversation=place, seq=1, emoji="👍")
    assert node.talks[place].seq == 4
    assert isinstance(world.stores.activity, FakeActivity)
    world.stores.activity.dying.add(before)
    await node.keeper.look()
    await node.fall_asleep()
    found = await row(world, place)
    assert (found.seq, found.rev, found.awake) == (4, 1, ())


async def test_of_a_number_that_another_node_tells_a_group_takes_the_next_one_alone(node: Node) -> None:
    """What is below one that is not the next may say who has come or gone."""
    group = await node.group(ANN, BOB)
    before = node.talks[group].seq
    node.talks.learn_numbers(group, before + 2, before + 3)
    assert node.talks[group].seq == before
    node.talks.learn_numbers(group, before + 1, before + 2)
    assert node.talks[group].seq == before + 2


async def test_between_two_people_any_number_is_taken_and_none_goes_back(node: Node, place: str) -> None:
    node.talks.learn_numbers(place, 10, 10)
    assert node.talks.get(place) is None
    await node.say(ANN, place)
    for heard, known in ((9, 9), (7, 9)):
        node.talks.learn_numbers(place, heard, heard)
        assert node.talks[place].seq == known


@pytest.mark.parametrize("ends", [None, Unavailable("The database is away."), RuntimeError("a bug")])
async def test_nobody_builds_on_a_group_that_is_being_mended(
    world: World, node: Node, monkeypatch: pytest.MonkeyPatch, ends: Exception | None
) -> None:
    heir = await world.node()
    group = await group_without_bob(world, node, monkeypatch)
    mending = Mending(monkeypatch, ends)
    waking = asyncio.create_task(heir.talks.wake((await heir.conversations.get([group])).values()))
    await mending.begun.wait()
    bob = asyncio.create_task(heir.do(BOB, "sendMessage", conversation=group, content="I am still here"))
    cat = asyncio.create_task(heir.do(CAT, "updateGroup", conversation=group, title="Without Bob"))
    for _ in range(100):
        await asyncio.sleep(0)
    early = [each for each in (bob, cat) if each.done()]
    mending.go_on.set()
    assert not early
    assert (await asyncio.gather(waking, return_exceptions=True))[0] is ends
    with pytest.raises(NotFound):
        await bob
    assert (await cat)["message"]["seq"] == 4
    kept = (await world.stores.conversations.by_ids([group]))[group]
    assert (set(kept.members), set(kept.gone), kept.as_of) == ({ANN, CAT}, {BOB}, 4)


async def test_what_is_being_woken_when_the_lease_is_lost_is_woken_again_under_the_new_name(
    world: World, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    heir = await world.node()
    group = await group_without_bob(world, node, monkeypatch)
    mending = Mending(monkeypatch)
    waking = asyncio.create_task(heir.talks.wake((await heir.conversations.get([group])).values()))
    await mending.begun.wait()
    heir.talks.forget_all()
    mending.go_on.set()
    await waking
    assert heir.talks.get(group) is not None
    assert heir.talks.node in (await row(world, group)).awake


@pytest.mark.parametrize("when", ["reading", "writing"])
async def test_a_change_that_is_under_way_when_the_lease_is_lost_is_done(
    node: Node, place: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """And the next one after it: the log goes on."""

    async def append(self: FakeChanges, changes: Sequence[Change]) -> int:
        stored = await write(self, changes)
        node.talks.forget_all()
        return stored

    async def at(self: FakeMessages, places: Sequence[tuple[str, int]]) -> list[Message]:
        found = await read(self, places)
        node.talks.forget_all()
        return found

    write, read = FakeChanges.append, FakeMessages.at
    with monkeypatch.context() as patched:
        if when == "writing":
            patched.setattr(FakeChanges, "append", append)
        else:
            patched.setattr(FakeMessages, "at", at)
        reacting = asyncio.create_task(node.do(BOB, "reactToMessage", conversation=place, seq=1, emoji="👍"))
        for _ in range(20):
            await asyncio.sleep(0)
    async with asyncio.timeout(5):
        assert (await reacting)["rev"] == 1
        assert (await node.do(BOB, "reactToMessage", conversation=place, seq=1, emoji="🎉"))["rev"] == 2


async def test_what_happens_to_a_group_while_the_lease_is_lost_has_happened(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def append(self: FakeMessages, messages: Sequence[Message]) -> int:
        stored = await write(self, messages)
        node.talks.forget_all()
        return stored

    group = await node.group(ANN, BOB)
    write = FakeMessages.append
    with monkeypatch.context() as patched:
        patched.setattr(FakeMessages, "append", append)
        assert (await node.do(ANN, "addMembers", conversation=group, members=[CAT]))["message"]["seq"] == 2
    assert not [each for each in (ANN, BOB, CAT) if node.talks.of(each)]
    assert await node.say(CAT, group) == 3


async def test_a_group_that_cannot_be_kept_for_a_reason_nobody_foresaw_stops_nobody_and_is_kept_later(
    world: World, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = await node.group(ANN, BOB)
    with monkeypatch.context() as patched:
        patched.setattr(FakeConversations, "keep", failing(RuntimeError("a bug")))
        assert (await node.do(ANN, "removeMember", conversation=group, user=BOB))["message"]["seq"] == 2
        assert await node.say(ANN, group) == 3
    await node.fall_asleep()
    assert set((await world.stores.conversations.by_ids([group]))[group].members) == {ANN}


async def test_what_is_being_written_when_the_lease_is_lost_is_looked_after_when_it_is_there(
    node: Node, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has taken the conversation over by then has looked too early."""

    async def append(self: FakeMessages, messages: Sequence[Message]) -> int:
        node.talks.forget_all()
        return await write(self, messages)

    write = FakeMessages.append
    with monkeypatch.context() as patched:
        patched.setattr(FakeMessages, "append", append)
        seq = await node.say(ANN, place)
    assert node.talks.get(place) is None
    await node.keeper.look()
    assert node.talks[place].seq == seq


async def test_a_group_that_could_not_be_kept_before_the_lease_was_lost_is_kept_later(
    world: World, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = await node.group(ANN, BOB)
    with monkeypatch.context() as patched:
        patched.setattr(FakeConversations, "keep", failing(Unavailable("away")))
        assert (await node.do(ANN, "removeMember", conversation=group, user=BOB))["message"]["seq"] == 2
    node.talks.forget_all()
    await node.keeper.look()
    assert set((await world.stores.conversations.by_ids([group]))[group].members) == {ANN}


async def test_a_group_that_goes_on_while_it_is_kept_is_not_kept_by_that(
    world: World, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slowly(self: FakeConversations, conversation: Conversation, changed: Sequence[str]) -> None:
        monkeypatch.setattr(FakeConversations, "keep", failing(Unavailable("away")))
        assert (await node.do(ANN, "removeMember", conversation=group, user=BOB))["message"]["seq"] == 3
        await keep(self, conversation, changed)

    group, keep = await node.group(ANN, BOB, CAT), FakeConversations.keep
    monkeypatch.setattr(FakeConversations, "keep", failing(Unavailable("away")))
    assert (await node.do(ANN, "removeMember", conversation=group, user=CAT))["message"]["seq"] == 2
    monkeypatch.setattr(FakeConversations, "keep", slowly)
    await node.talks.keep(node.talks[group])
    assert not node.talks[group].is_kept
    monkeypatch.setattr(FakeConversations, "keep", keep)
    await node.fall_asleep()
    assert set((await world.stores.conversations.by_ids([group]))[group].members) == {ANN}
