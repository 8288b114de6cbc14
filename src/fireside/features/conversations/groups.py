"""Groups: what can happen to one, who may do it, and what becomes of it.

Everything that happens to a group is a `GroupChange`, carried by a system message of its log. That row is the commit;
the `Conversation` is what the changes add up to, in the order of the log, on whichever node they are added up. So a
change is checked where it gets its number (`admitted`), against what all changes below that number have made of the
group: who was put out a moment before puts nobody out any more.

Who may do what (`MAY`): members leave; admins change what the group says of itself, add people, and remove those who
are not admins; the owner does all of that to everybody, and gives roles. There is one owner. When they leave, the
longest-standing admin owns it, or else the longest-standing member; nothing is left ownerless but an empty group.
"""

from typing import Annotated, Final

import msgspec

from fireside.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from fireside.core.forms import UserId, meant
from fireside.core.text import require_text
from fireside.features.conversations.service import PLAIN, Conversation, Gone, Info, Member, Role

MAX_MEMBERS = 1024
MAX_TITLE_BYTES, MAX_DESCRIPTION_BYTES, MAX_PICTURE_BYTES = 256, 4096, 1024

MAY: Final[dict[str, frozenset[Role]]] = {
    "change what the group says of itself": frozenset({"owner", "admin"}),
    "add people": frozenset({"owner", "admin"}),
    "remove members": frozenset({"owner", "admin"}),
    "remove admins": frozenset({"owner"}),
    "give roles": frozenset({"owner"}),
    "pin messages": frozenset({"owner", "admin"}),
    "delete others' messages": frozenset({"owner", "admin"}),
    "leave": frozenset({"owner", "admin", "member"}),
}
"""What each role may do in a group."""


Newcomers = Annotated[tuple[UserId, ...], meant("The `_id`s of those who came.")]
LastRev = Annotated[int, meant("The last change that they see.", 7)]


class _Change(msgspec.Struct, frozen=True, tag_field="type", rename="camel", omit_defaults=True):
    """Base of the changes; `type` says which."""

    def admitted(self, conversation: Conversation, actor: str, rev: int) -> "GroupChange":
        """See the function of this name."""
        raise NotImplementedError

    def applied(self, conversation: Conversation, actor: str, seq: int) -> Conversation:
        """See the function of this name."""
        raise NotImplementedError


class GroupCreated(_Change, frozen=True, tag="groupCreated"):
    """Somebody made the group, with these people in it; they own it."""

    title: Annotated[str, meant("What it is called.", "Book club")]
    members: Newcomers = ()
    description: Annotated[str, meant("What it says of itself.")] = ""
    picture: Annotated[str, meant("A reference to its picture.")] = ""
    open_history: Annotated[bool, meant("Whether newcomers see what was said before they came.")] = False

    def admitted(self, conversation: Conversation, actor: str, rev: int) -> "GroupChange":
        if conversation.as_of:
            raise Conflict("There is such a group already.")
        return self

    def applied(self, conversation: Conversation, actor: str, seq: int) -> Conversation:
        members = {actor: Member("owner")} | {each: PLAIN for each in self.members if each != actor}
        info = Info(self.title, self.description, self.picture, self.open_history)
        return msgspec.structs.replace(conversation, members=members, info=info)


class GroupUpdated(_Change, frozen=True, tag="groupUpdated"):
    """The group says something else of itself. What is absent stays."""

    title: Annotated[str | None, meant("What it is called now.", "Book club")] = None
    description: Annotated[str | None, meant("What it says of itself now.")] = None
    picture: Annotated[str | None, meant("A reference to its picture now.")] = None
    open_history: Annotated[bool | None, meant("Whether newcomers see what was said before they came.")] = None

    def admitted(self, conversation: Conversation, actor: str, rev: int) -> "GroupChange":
        require_role(conversation, actor, "change what the group says of itself")
        if self.applied(conversation, actor, 0).info == conversation.info:
            raise Conflict("It says so already.")
        return self

    def applied(self, conversation: Conversation, actor: str, seq: int) -> Conversation:
        assert conversation.info is not None
        said = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        return msgspec.structs.replace(conversation, info=msgspec.structs.replace(conversation.info, **said))


class MembersAdded(_Change, frozen=True, tag="membersAdded"):
    """These came."""

    members: Newcomers

    def admitted(self, conversation: Conversation, actor: str, rev: int) -> "GroupChange":
        require_role(conversation, actor, "add people")
        new = tuple(each for each in dict.fromkeys(self.members) if each not in conversation.members)
        if not new:
            raise Conflict("They are members already.")
        return MembersAdded(new)

    def applied(self, conversation: Conversation, actor: str, seq: int) -> Conversation:
        assert conversation.info is not None
        newcomer = PLAIN if conversation.info.open_history else Member(since=seq - 1)
        members = conversation.members | dict.fromkeys(self.members, newcomer)
        gone = {each: span for each, span in conversation.gone.items() if each not in members}
        return msgspec.structs.replace(conversation, members=members, gone=gone)


class MemberRemoved(_Change, frozen=True, tag="memberRemoved"):
    """An admin put this one out. `rev`: the last change they see."""

    member: UserId
    rev: LastRev = 0

    def admitted(self, conversation: Conversation, actor: str, rev: int) -> "GroupChange":
        require_role(conversation, actor, "remove members")
        if self.member == actor:
            raise Conflict("You cannot remove yourself; leave instead.")
        if _require_target(conversation, self.member).role != "member":
            require_role(conversation, actor, "remove admins")
        return MemberRemoved(self.member, rev)

    def applied(self, conversation: Conversation, actor: str, seq: int) -> Conversation:
        return _without(self.member, conversation, seq, self.rev)


class MemberLeft(_Change, frozen=True, tag="memberLeft"):
    """The sender of the message left. `rev`: the last change they see."""

    rev: LastRev = 0

    def admitted(self, conversation: Conversation, actor: str, rev: int) -> "GroupChange":
        require_role(conversation, actor, "leave")
        return MemberLeft(rev)

    def applied(self, conversation: Conversation, actor: str, seq: int) -> Conversation:
        return _without(actor, conversation, seq, self.rev)


class RoleChanged(_Change, frozen=True, tag="roleChanged"):
    """This one has another role. Who gives `owner` away becomes an admin."""

    member: UserId
    role: Annotated[Role, meant("What they are now.", "admin")]

    def admitted(self, conversation: Conversation, actor: str, rev: int) -> "GroupChange":
        require_role(conversation, actor, "give roles")
        if self.member == actor:
            raise Conflict("An owner gives the group to somebody else, or leaves.")
        if _require_target(conversation, self.member).role == self.role:
            raise Conflict(f"They are {self.role} already.")
        return self

    def applied(self, conversation: Conversation, actor: str, seq: int) -> Conversation:
        members = dict(conversation.members)
        if self.role == "owner":
            members[actor] = msgspec.structs.replace(members[actor], role="admin")
        members[self.member] = msgspec.structs.replace(members[self.member], role=self.role)
        return msgspec.structs.replace(conversation, members=members)


GroupChange = GroupCreated | GroupUpdated | MembersAdded | MemberRemoved | MemberLeft | RoleChanged


def admitted(
    change: GroupChange, conversation: Conversation, actor: str, rev: int, *, max_members: int = MAX_MEMBERS
) -> GroupChange:
    """The change as it will be kept, if the actor may make it to the group as it is now. `rev`: its last change.

    Raises:
        NotFound: the actor is not in the group, or whom it is about is not.
        Forbidden: their role may not do this.
        Conflict: it is so already, or there would be too many members.
    """
    kept = change.admitted(conversation, actor, rev)
    newcomers = kept.members if isinstance(kept, GroupCreated | MembersAdded) else ()
    if newcomers and len({actor, *conversation.members, *newcomers}) > max_members:
        raise Conflict(f"A group has at most {max_members} members.", details={"maxMembers": max_members})
    return kept


def applied(change: GroupChange, conversation: Conversation, actor: str, seq: int) -> Conversation:
    """What becomes of the group with the change that was committed at `seq`; what is in it already changes nothing."""
    if seq <= conversation.as_of:
        return conversation
    return msgspec.structs.replace(change.applied(conversation, actor, seq), as_of=seq)


def may(conversation: Conversation, user_id: str, what: str) -> bool:
    """Whether their role in this group may do this."""
    member = conversation.members.get(user_id)
    return conversation.kind == "group" and member is not None and member.role in MAY[what]


def require_role(conversation: Conversation, user_id: str, what: str) -> Member:
    """The member, if their role may do this. In a direct conversation both may.

    Raises:
        NotFound: they are not in it.
        Forbidden: their role may not.
    """
    member = conversation.members.get(user_id)
    if member is None:
        raise NotFound("There is no such conversation.")
    if conversation.kind == "group" and member.role not in MAY[what]:
        raise Forbidden(f"Only the {' or an '.join(sorted(MAY[what], reverse=True))} may {what}.")
    return member


def require_info(title: str | None, description: str | None, picture: str | None) -> None:
    """Ask before anything is made of what a group is to say of itself.

    Raises:
        InvalidInput: it cannot say this.
    """
    limits = {"title": MAX_TITLE_BYTES, "description": MAX_DESCRIPTION_BYTES, "picture": MAX_PICTURE_BYTES}
    for field, value in {"title": title, "description": description, "picture": picture}.items():
        if value is not None:
            require_text(field, value, max_bytes=limits[field])
    if title is not None and not title.strip():
        raise InvalidInput("title must not be empty.", details={"field": "title"})


def _require_target(conversation: Conversation, user_id: str) -> Member:
    member = conversation.members.get(user_id)
    if member is None:
        raise NotFound("They are not in this group.")
    return member


def _without(user_id: str, conversation: Conversation, seq: int, rev: int) -> Conversation:
    """The group without this one, who sees nothing after the message that says so."""
    members = dict(conversation.members)
    left = members.pop(user_id)
    if left.role == "owner" and members:
        heir = next((each for each, one in members.items() if one.role == "admin"), next(iter(members)))
        members[heir] = msgspec.structs.replace(members[heir], role="owner")
    title = conversation.info.title if conversation.info else ""
    gone = conversation.gone | {user_id: Gone(left.since, seq, rev, title)}
    return msgspec.structs.replace(conversation, members=members, gone=gone)
