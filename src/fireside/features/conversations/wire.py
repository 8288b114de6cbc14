"""Conversations as clients see them."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from fireside.core.clock import iso
from fireside.core.forms import ConversationId, Form, Time, UserId, meant
from fireside.features.conversations.service import Conversation, Role, View

SHOWN = 10
"""Of the members of a group, in lists; the rest are a page away."""

RoleName = Annotated[Role, meant("`owner`, `admin` or `member`; in a direct conversation everybody is a `member`.")]


class OneConversation(Form, frozen=True):
    """Which conversation."""

    conversation: ConversationId


class MemberForm(Form, frozen=True):
    """Somebody who is in a conversation."""

    user: UserId
    username: Annotated[str, meant("What they are called.", "anna")]
    role: RoleName = "member"


class ConversationForm(Form, frozen=True):
    """A conversation, as one of its people sees it."""

    id: ConversationId = msgspec.field(name="_id")
    kind: Annotated[
        Literal["direct", "group"], meant("`direct`: of two people, or notes to self; or `group`.", "group")
    ]
    created_at: Time
    members: Annotated[
        tuple[MemberForm, ...],
        meant(f"Who is in it, in the order they came; of a group the first {SHOWN}. Nobody once you have left."),
    ]
    member_count: Annotated[int, meant("How many are in it.", 2)]
    title: Annotated[str | None, meant("What a group is called.", "Book club")] = None
    description: Annotated[str | None, meant("What a group says of itself.")] = None
    picture: Annotated[str | None, meant("A reference to a group's picture.")] = None
    open_history: Annotated[bool, meant("Whether newcomers see what was said in a group before they came.")] = False
    role: Annotated[Role | None, meant("What you are in it; absent once you have left.", "member")] = None
    since: Annotated[int, meant("You see the messages above this seq.", 0)] = 0
    until: Annotated[int | None, meant("You have left it, and see the messages up to this seq.")] = None


def shown(conversation: Conversation) -> list[str]:
    """Whose names a form of it has."""
    return list(conversation.members)[:SHOWN]


def conversation_form(view: View, names: Mapping[str, str]) -> ConversationForm:
    """A conversation as its reader sees it. `names` has those of `shown`."""
    conversation, info = view.conversation, view.conversation.info
    if view.until is not None:
        # What has become of it since then is not theirs to see.
        return ConversationForm(
            id=conversation.id,
            kind=conversation.kind,
            created_at=iso(conversation.created_at),
            members=(),
            member_count=0,
            title=conversation.gone[view.reader].title,
            since=view.since,
            until=view.until,
        )
    return ConversationForm(
        id=conversation.id,
        kind=conversation.kind,
        created_at=iso(conversation.created_at),
        members=tuple(
            MemberForm(user=each, username=names.get(each, ""), role=conversation.members[each].role)
            for each in shown(conversation)
        ),
        member_count=len(conversation.members),
        title=info.title if info else None,
        description=info.description or None if info else None,
        picture=info.picture or None if info else None,
        open_history=info.open_history if info else False,
        role=conversation.members[view.reader].role,
        since=view.since,
    )
