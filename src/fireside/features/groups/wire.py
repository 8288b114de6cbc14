"""Commands of groups as clients give them, and what they are answered."""

from typing import Annotated, Any

from fireside.core.forms import (
    ANNA,
    BEN,
    NOT_EMPTY,
    THEIRS,
    ClientId,
    ConversationId,
    Form,
    Limit,
    Reply,
    UserId,
    meant,
)
from fireside.core.ids import message_id
from fireside.core.paging import DEFAULT_LIMIT
from fireside.features.conversations.groups import MembersAdded
from fireside.features.conversations.service import Role
from fireside.features.conversations.wire import ConversationForm, MemberForm
from fireside.features.messages.wire import MessageForm

NOT_BLANK: dict[str, Any] = {"extra_json_schema": {"pattern": r"\S"}}


Members = Annotated[tuple[UserId, ...], meant("The `_id`s of users.")]


class CreateGroup(Form, frozen=True):
    """A new group."""

    title: Annotated[str, meant("What it is called: up to 256 bytes.", "Book club", **NOT_BLANK)]
    members: Annotated[tuple[UserId, ...], meant("Who is in it besides you: the `_id`s of users.", [ANNA])] = ()
    description: Annotated[str, meant("What it says of itself: up to 4 KiB.")] = ""
    picture: Annotated[str, meant("A reference to its picture: up to 1 KiB.")] = ""
    open_history: Annotated[bool, meant("Whether newcomers see what was said before they came.")] = False
    client_id: Annotated[
        ClientId | None, meant("Your own name for it: making it again with it is safe.", **NOT_EMPTY)
    ] = None


class UpdateGroup(Form, frozen=True):
    """What a group says of itself. What is absent stays."""

    conversation: ConversationId
    title: Annotated[str | None, meant("What it is called: up to 256 bytes.", "Book club", **NOT_BLANK)] = None
    description: Annotated[str | None, meant("What it says of itself: up to 4 KiB.")] = None
    picture: Annotated[str | None, meant("A reference to its picture: up to 1 KiB.")] = None
    open_history: Annotated[bool | None, meant("Whether newcomers see what was said before they came.")] = None


class AddMembers(Form, frozen=True):
    """Who comes to a group."""

    conversation: ConversationId
    members: Members


class RemoveMember(Form, frozen=True):
    """Who is put out of a group."""

    conversation: ConversationId
    user: UserId


class SetRole(Form, frozen=True):
    """Who has which role."""

    conversation: ConversationId
    user: UserId
    role: Annotated[Role, meant("`member`, `admin`, or `owner`: who gives that away becomes an admin.", "admin")]


class GetMembers(Form, frozen=True):
    """Which of the members."""

    conversation: ConversationId
    after: Annotated[str, meant("The `next` of the page before; empty for the first.")] = ""
    limit: Limit = DEFAULT_LIMIT


class Talk(Reply, frozen=True, kw_only=True):
    """A conversation."""

    conversation: Annotated[ConversationForm, meant("The conversation, as you see it.")]


HAPPENED = MessageForm(
    id=message_id(THEIRS, 43),
    conversation=THEIRS,
    seq=43,
    sender=BEN,
    content="",
    timestamp="2026-11-22T09:44:20.789Z",
    client_id="b1946ac9-2",
    system=MembersAdded((ANNA,)),
)
"""For examples."""


class Happened(Reply, frozen=True, kw_only=True):
    """It has happened, and everybody in the group hears of it."""

    message: Annotated[MessageForm, meant("The message that says so.", HAPPENED)]


class MemberPage(Reply, frozen=True, kw_only=True):
    """A page of members."""

    members: Annotated[list[MemberForm], meant("In the order they came.")]
    next: Annotated[str | None, meant("The `after` of the next page; null on the last.")] = None
