"""Links over a bus that may lose things, and between nodes that may die."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from fireside.cluster import links
from fireside.cluster.links import SILENT_S, WINDOW, BusLink, BusLinks
from tests.fakes.bus import Hub
from tests.realtime.served import eventually


class FakeEnd:
    """Writes down what it is told; `fail` makes it fail."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.lost_times = 0
        self.resumed_times = 0
        self.fail = False

    def received(self, message: bytes) -> None:
        if self.fail:
            raise RuntimeError("a bug of ours")
        self.messages.append(message)

    def resumed(self) -> None:
        self.resumed_times += 1

    def lost(self) -> None:
        self.lost_times += 1


class Node:
    """A node, and the ends of the links that others have opened to it."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.name = name
        self.links = BusLinks(hub.join(name))
        self.links.accept(self._welcome)
        self.greetings: list[bytes] = []
        self.ends: list[FakeEnd] = []
        self.opened: list[BusLink] = []

    def _welcome(self, greeting: bytes, link: BusLink) -> FakeEnd:
        if greeting == b"fail":
            raise RuntimeError("a bug of ours")
        self.greetings.append(greeting)
        self.opened.append(link)
        self.ends.append(FakeEnd())
        return self.ends[-1]


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def one(hub: Hub) -> AsyncIterator[Node]:
    node = Node(hub, "one")
    await node.links.start()
    yield node
    await node.links.stop()


@pytest.fixture
async def two(hub: Hub) -> AsyncIterator[Node]:
    node = Node(hub, "two")
    await node.links.start()
    yield node
    await node.links.stop()


async def opened(one: Node, two: Node) -> tuple[BusLink, FakeEnd, BusLink, FakeEnd]:
    """A link: its side at `one`, and that at `two`."""
    end = FakeEnd()
    link = one.links.open("two", b"hello", end)
    before = len(two.opened)
    await eventually(lambda: len(two.opened) > before)
    return link, end, two.opened[-1], two.ends[-1]


async def test_what_is_written_on_one_side_is_received_on_the_other_in_order(one: Node, two: Node) -> None:
    here, end, there, their_end = await opened(one, two)
    assert two.greetings == [b"hello"]
    for n in range(100):
        here.write(b"%d" % n)
        there.write(b"-%d" % n)
    await eventually(lambda: len(their_end.messages) == len(end.messages) == 100)
    assert their_end.messages == [b"%d" % n for n in range(100)]
    assert end.messages == [b"-%d" % n for n in range(100)]


async def test_what_is_said_in_one_turn_of_the_loop_leaves_as_one_parcel(one: Node, two: Node, hub: Hub) -> None:
    ends = [FakeEnd() for _ in range(10)]
    for end in ends:
        one.links.open("two", b"hello", end).write(b"x" * 10)
    await eventually(lambda: len(two.ends) == 10)
    assert [(sender, node) for sender, node, _ in hub.told] == [("one", "two")]


async def test_both_sides_may_open_links_to_each_other(one: Node, two: Node) -> None:
    here, end, _, their_end = await opened(one, two)
    back, back_end = FakeEnd(), two.links
    link = back_end.open("one", b"and back", back)
    await eventually(lambda: one.ends)
    here.write(b"there")
    link.write(b"here")
    await eventually(lambda: their_end.messages and one.ends[0].messages)
    assert (their_end.messages, one.ends[0].messages) == ([b"there"], [b"here"])
    assert end.messages == back.messages == []


async def test_who_closes_is_heard_after_what_was_written_and_nothing_is_left(one: Node, two: Node) -> None:
    here, end, there, their_end = await opened(one, two)
    here.write(b"the last")
    here.close()
    here.close()
    here.write(b"too late")
    await eventually(lambda: their_end.lost_times)
    assert (their_end.messages, their_end.lost_times, end.lost_times) == ([b"the last"], 1, 0)
    there.write(b"into the void")
    assert not there.writable
    await eventually(lambda: not one.links._peers and not two.links._peers)


async def test_a_node_that_is_not_there_is_a_link_that_is_lost(one: Node) -> None:
    end = FakeEnd()
    link = one.links.open("nobody", b"hello", end)
    link.write(b"x")
    assert end.lost_times == 0, "not before whoever opens it knows it"
    await eventually(lambda: end.lost_times)
    assert not link.writable
    assert not one.links._peers


async def test_a_node_that_dies_takes_its_links_with_it_as_soon_as_something_is_said(
    one: Node, two: Node, hub: Hub
) -> None:
    here, end, _, _ = await opened(one, two)
    other = FakeEnd()
    one.links.open("two", b"hello", other)
    await eventually(lambda: len(two.ends) == 2)
    hub.kill("two")
    here.write(b"x")
    await eventually(lambda: end.lost_times and other.lost_times)
    assert not one.links._peers


async def test_a_node_that_dies_is_missed_though_nothing_is_said(
    one: Node, two: Node, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, end, _, _ = await opened(one, two)
    hub.kill("two")
    monkeypatch.setattr(links, "BEAT_S", 0)
    one.links._look()
    await eventually(lambda: end.lost_times)
    assert not one.links._peers


async def test_a_node_that_is_cut_off_is_given_up_when_it_has_been_silent(
    one: Node, two: Node, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its machine has lost power, say: the bus has not noticed, and says nothing."""
    _, end, _, their_end = await opened(one, two)
    hub.swallow = lambda sender, node: True
    one.links._look()
    assert end.lost_times == 0
    monkeypatch.setattr(links, "SILENT_S", -1)
    one.links._look()
    assert end.lost_times == 1
    assert their_end.lost_times == 0
    two.links._look()
    assert their_end.lost_times == 1


async def test_nodes_with_a_link_hear_each_other_though_nothing_is_said(
    one: Node, two: Node, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(one, two)
    hub.told.clear()
    monkeypatch.setattr(links, "BEAT_S", 0)
    before = two.links._peers["one"].heard_at
    one.links._look()
    await eventually(lambda: hub.told)
    assert before <= two.links._peers["one"].heard_at < before + SILENT_S


async def test_a_link_that_has_lost_something_is_lost_on_both_sides(
    one: Node, two: Node, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    here, end, _, their_end = await opened(one, two)
    hub.swallow = lambda sender, node: True
    here.write(b"swallowed")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    hub.swallow = lambda sender, node: False
    here.write(b"what follows")
    await eventually(lambda: end.lost_times and their_end.lost_times)
    assert their_end.messages == []
    assert "lost something" in caplog.text


async def test_a_side_that_has_forgotten_a_link_says_so_to_the_other(one: Node, two: Node) -> None:
    here, end, _, _ = await opened(one, two)
    two.links._peers["one"].links.clear()
    here.write(b"x")
    await eventually(lambda: end.lost_times)
    assert not one.links._peers


@pytest.mark.parametrize("size", [1, 1000, WINDOW])
async def test_who_does_not_read_stops_the_writer_at_the_window(one: Node, two: Node, size: int) -> None:
    here, end, there, their_end = await opened(one, two)
    there.pause_reading()
    written = 0
    while here.writable:
        here.write(b"x" * size)
        written += size
        if written % (100 * size) == 0:
            await asyncio.sleep(0)
    assert WINDOW <= written < WINDOW + size
    await eventually(lambda: sum(map(len, their_end.messages)) == written)
    assert end.resumed_times == 0
    there.resume_reading()
    await eventually(lambda: here.writable)
    assert end.resumed_times == 1


async def test_who_reads_does_not_stop_the_writer(one: Node, two: Node) -> None:
    here, _, _, their_end = await opened(one, two)
    for _ in range(10):
        here.write(b"x" * (WINDOW // 2))
        await eventually(lambda: here.writable)
    await eventually(lambda: len(their_end.messages) == 10)


async def test_a_bug_at_one_end_ends_that_link_and_no_other(
    one: Node, two: Node, caplog: pytest.LogCaptureFixture
) -> None:
    here, end, _, their_end = await opened(one, two)
    other, other_end, _, _ = await opened(one, two)
    their_end.fail = True
    here.write(b"x")
    other.write(b"y")
    await eventually(lambda: end.lost_times)
    await eventually(lambda: two.ends[1].messages == [b"y"])
    assert other_end.lost_times == 0
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


async def test_a_greeting_that_cannot_be_welcomed_is_a_link_that_is_lost(one: Node, two: Node) -> None:
    end = FakeEnd()
    one.links.open("two", b"fail", end)
    await eventually(lambda: end.lost_times)
    assert not one.links._peers
    assert not two.links._peers


async def test_what_is_no_parcel_is_left_aside(
    one: Node, two: Node, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    here, _, _, their_end = await opened(one, two)
    hub.nodes["one"].tell("two", links.KIND, b"\xc1")
    here.write(b"x")
    await eventually(lambda: their_end.messages)
    assert "could not be read" in caplog.text


async def test_a_node_that_stops_closes_its_links(one: Node, two: Node) -> None:
    _, end, _, their_end = await opened(one, two)
    await one.links.stop()
    assert end.lost_times == 1
    await eventually(lambda: their_end.lost_times)
    assert not two.links._peers
