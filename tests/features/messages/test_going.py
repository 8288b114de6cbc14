"""A page that is read in the moment in which its reader goes."""

import pytest
from msgspec.structs import replace

from fireside.features.conversations.groups import GroupChange, GroupUpdated, MemberLeft, MemberRemoved
from fireside.features.conversations.service import Conversation, Member, View
from fireside.features.messages.going import GoingLens
from fireside.features.messages.service import Extra, Message

ANN, BEN = "a" * 24, "b" * 24
GROUP = Conversation("c" * 24, "group", {ANN: Member("owner"), BEN: Member("member")}, created_at=0, as_of=1)


def page(*said: tuple[str, GroupChange | None]) -> list[Message]:
    """Messages from 2 on: who sent each, and what it says to have happened."""
    return [
        Message(GROUP.id, seq, sender, f"client-{seq}", "", 0, None if change is None else Extra(system=change))
        for seq, (sender, change) in enumerate(said, 2)
    ]


async def shown(reader: str, messages: list[Message], as_of: int = 1) -> list[int]:
    view = View(replace(GROUP, as_of=as_of), reader, since=0, until=None, rev=None)
    ((*page,),) = await GoingLens().show([(view, messages)])
    return [message.seq for message in page]


@pytest.mark.parametrize("going", [(BEN, MemberLeft()), (ANN, MemberRemoved(BEN))])
async def test_it_ends_there_for_who_goes_and_for_nobody_else(going: tuple[str, GroupChange]) -> None:
    messages = page((ANN, None), going, (ANN, None), (ANN, MemberLeft()))
    assert await shown(BEN, messages) == [2, 3]
    assert await shown(ANN, messages) == [2, 3, 4, 5]


async def test_who_is_back_by_now_reads_on() -> None:
    messages = page((BEN, MemberLeft()), (ANN, None), (ANN, None))
    assert await shown(BEN, messages, as_of=3) == [2, 3, 4]


async def test_other_news_ends_nothing() -> None:
    messages = page((ANN, GroupUpdated(title="Friends")), (BEN, None))
    assert await shown(BEN, messages) == [2, 3]
