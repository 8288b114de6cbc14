"""What a device has of a conversation, whatever it hears of it, in whatever order."""

import msgspec
import pytest

from fireside.client.local import LocalConversation
from fireside.features.conversations.wire import ConversationForm
from fireside.features.inbox.wire import ItemForm
from fireside.features.messages.wire import MessageForm
from fireside.features.personal.wire import Flags, OwnEntry

AT = "2026-11-22T09:42:00.123Z"


def message(content: str, rev: int = 0) -> MessageForm:
    return MessageForm(
        id="m1", conversation="c", seq=1, sender="ben", content=content, timestamp=AT, client_id="1", rev=rev
    )


@pytest.fixture
def local() -> LocalConversation:
    local = LocalConversation("c", "me")
    about = ConversationForm(id="c", kind="direct", created_at=AT, members=(), member_count=2)
    local.take_item(
        ItemForm(
            conversation=about,
            seq=1,
            rev=0,
            unread=1,
            active_at=AT,
            flags=Flags(),
            receipts=[],
            messages=[message("first")],
            changed=[],
            changed_from=0,
        )
    )
    return local


def hide(local: LocalConversation, n: int, hidden: bool) -> None:
    local.take_own(OwnEntry(n=n, conversation="c", seq=1, hidden=hidden))


def test_of_what_catching_up_brought_nothing_is_asked_again(local: LocalConversation) -> None:
    assert not local.is_stale


def test_an_earlier_state_changes_nothing_also_of_a_message_that_is_hidden(local: LocalConversation) -> None:
    local.take_change(1, message("edited", 1))
    hide(local, 1, True)
    local.take_message(message("first"))
    assert [(each.rev, each.hidden) for each in local.history()] == [(1, True)]


def test_what_comes_hidden_from_before_it_was_shown_again_is_asked_for(local: LocalConversation) -> None:
    hide(local, 1, True)
    hide(local, 2, False)
    before = msgspec.structs.replace(message("", 1), hidden=True)
    local.take_changes([before], 1)
    assert local.bare == {1}
    local.take_page([before], 0)
    assert local.bare == {1}
    local.take_page([message("edited", 1)], 0)
    assert [each.content for each in local.history()] == ["edited"]
    assert not local.bare


def test_what_is_shown_again_is_asked_for_until_it_is_as_it_is_now(local: LocalConversation) -> None:
    hide(local, 1, True)
    local.take_change(1, message("edited", 1))
    hide(local, 2, False)
    local.take_page([message("first")], 0)
    assert local.bare == {1}
    local.take_page([message("edited", 1)], 0)
    assert [each.content for each in local.history()] == ["edited"]
    assert not local.bare
