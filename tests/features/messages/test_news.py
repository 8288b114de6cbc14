"""News: what is told of the numbers of several messages that leave together."""

import pytest

from fireside.features.conversations.groups import MemberLeft
from fireside.features.conversations.service import Conversation
from fireside.features.conversations.talks import Talks
from fireside.features.messages.news import NUMBER, News
from fireside.features.messages.service import Extra, Message, Stored
from tests.contract.samples import direct
from tests.fakes import FakeMessages
from tests.fakes.peers import FakePeers
from tests.features.talking import Shared

ANN, BOB, EVE = ("a" * 24, "b" * 24, "e" * 24)
HERE, THERE = direct(ANN, BOB), direct(ANN, EVE)


class Node:
    """One that tells others, or hears them."""

    def __init__(self) -> None:
        self.peers = FakePeers()
        self.talks: Talks = Shared().talks(FakeMessages())
        self._news = News(self.talks, self.peers)
        self.peers.is_up = True

    def stores(self, *seqs: int, within: Conversation = HERE, extra: Extra | None = None) -> None:
        """Messages of these numbers."""
        for seq in seqs:
            self._news.sent(Stored(Message(within.id, seq, ANN, str(seq), "hello", 0, extra), within, repeated=False))

    async def heard(self, other: "Node", within: Conversation = HERE) -> int:
        """The number up to which the conversation has got here, after what the other has sent so far."""
        await self.talks.wake([within])
        for topics, kind, body in other.peers.leaving():
            self.peers.say(topics, kind, body)
        return self.talks[within.id].seq


@pytest.fixture
def node() -> Node:
    return Node()


async def test_numbers_that_wait_together_are_told_as_one(node: Node) -> None:
    node.stores(1, 2, 3)
    node.stores(7, within=THERE)
    node.stores(4)
    other = Node()
    await other.talks.wake([HERE, THERE])
    told = node.peers.leaving()
    assert [(sorted(topics), kind) for topics, kind, _ in told] == [([ANN, BOB], NUMBER), ([ANN, EVE], NUMBER)]
    for each in told:
        other.peers.say(*each)
    assert (other.talks[HERE.id].seq, other.talks[THERE.id].seq) == (4, 7)


async def test_what_comes_after_they_have_left_is_told_anew(node: Node) -> None:
    other = Node()
    node.stores(1, 2)
    assert await other.heard(node) == 2
    node.stores(3)
    assert await other.heard(node) == 3


async def test_a_number_that_is_not_the_next_is_told_for_itself(node: Node) -> None:
    """What is between them was stored elsewhere, and may say who has come or gone."""
    node.stores(1, 2, 4)
    assert len(node.peers.leaving()) == 2


async def test_no_number_is_told_before_what_happened_to_the_group_below_it(node: Node) -> None:
    node.stores(1)
    node.stores(2, extra=Extra(system=MemberLeft()))
    node.stores(3)
    assert len([each for each in node.peers.leaving() if each[1] == NUMBER]) == 2


async def test_where_some_were_lost_the_next_is_told_all_the_same(node: Node) -> None:
    other = Node()
    node.stores(1)
    node.peers.lose()
    node.peers.come_back()
    node.stores(2)
    assert await other.heard(node) == 2
