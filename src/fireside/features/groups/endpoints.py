"""The wire of groups: commands. Whoever is in a group hears what happens to it as a `messageReceived` with `system`."""

from fireside.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from fireside.core.events import Caller, Command, Route
from fireside.features.accounts.names import Names
from fireside.features.conversations.groups import (
    GroupChange,
    GroupCreated,
    GroupUpdated,
    MemberLeft,
    MemberRemoved,
    MembersAdded,
    RoleChanged,
    require_info,
)
from fireside.features.conversations.service import Conversation, Conversations, view_of
from fireside.features.conversations.wire import MemberForm, OneConversation, conversation_form, shown
from fireside.features.groups.service import Groups
from fireside.features.groups.wire import (
    AddMembers,
    CreateGroup,
    GetMembers,
    Happened,
    MemberPage,
    RemoveMember,
    SetRole,
    Talk,
    UpdateGroup,
)
from fireside.features.messages import wire


class GroupEndpoints:
    """Commands of groups, and what there is to read of a conversation."""

    def __init__(self, groups: Groups, conversations: Conversations, names: Names) -> None:
        self._groups = groups
        self._conversations = conversations
        self._names = names

    def commands(self) -> tuple[Command, ...]:
        """What clients can do over both wires."""
        one, members = "/api/conversations/{conversation}", "/api/conversations/{conversation}/members"
        change = (NotFound, Forbidden, Conflict)
        return (
            Command(
                "createGroup",
                Route("POST", "/api/conversations", 201),
                CreateGroup,
                self._create,
                Talk,
                (NotFound, Conflict),
            ),
            Command("updateGroup", Route("PATCH", one), UpdateGroup, self._update, Happened, change),
            Command("getMembers", Route("GET", members), GetMembers, self._members, MemberPage, (NotFound,)),
            Command("addMembers", Route("POST", members, 201), AddMembers, self._add, Happened, change),
            Command("removeMember", Route("DELETE", members + "/{user}"), RemoveMember, self._remove, Happened, change),
            Command("setRole", Route("PUT", members + "/{user}/role"), SetRole, self._set_role, Happened, change),
            Command("leaveGroup", Route("POST", one + "/leave"), OneConversation, self._leave, Happened, (NotFound,)),
        )

    async def _create(self, caller: Caller, form: CreateGroup) -> Talk:
        """Make a group.

        You own it. Everybody in it hears of it as its first message.
        """
        group = GroupCreated(form.title, form.members, form.description, form.picture, form.open_history)
        return await self._seen(caller, await self._groups.create(caller, group, form.client_id))

    async def _update(self, caller: Caller, form: UpdateGroup) -> Happened:
        """Change what a group says of itself.

        The owner and admins may.
        """
        require_info(form.title, form.description, form.picture)
        change = GroupUpdated(form.title, form.description, form.picture, form.open_history)
        return await self._change(caller, form.conversation, change)

    async def _members(self, caller: Caller, form: GetMembers) -> MemberPage:
        """Read who is in a conversation, a page at a time."""
        conversation = await self._conversations.require_member(caller.user_id, form.conversation)
        members = list(conversation.members.items())
        if form.after and form.after not in conversation.members:
            raise InvalidInput("The last one of that page has left; begin again.", details={"field": "after"})
        start = next((at + 1 for at, (each, _) in enumerate(members) if each == form.after), 0)
        page = members[start : start + form.limit]
        names = await self._names.of(each for each, _ in page)
        forms = [MemberForm(user=each, username=names.get(each, ""), role=member.role) for each, member in page]
        return MemberPage(members=forms, next=page[-1][0] if start + form.limit < len(members) else None)

    async def _add(self, caller: Caller, form: AddMembers) -> Happened:
        """Add people to a group.

        The owner and admins may. They see what is said from then on, or everything in a group with an open history.
        """
        return await self._change(caller, form.conversation, MembersAdded(form.members))

    async def _remove(self, caller: Caller, form: RemoveMember) -> Happened:
        """Put somebody out of a group.

        Admins may do it to members, the owner to admins too. Whoever is gone keeps what they could see, and hears
        nothing more.
        """
        return await self._change(caller, form.conversation, MemberRemoved(form.user))

    async def _set_role(self, caller: Caller, form: SetRole) -> Happened:
        """Give somebody a role.

        The owner may. There is one: who makes somebody else the owner becomes an admin.
        """
        return await self._change(caller, form.conversation, RoleChanged(form.user, form.role))

    async def _leave(self, caller: Caller, form: OneConversation) -> Happened:
        """Leave a group.

        When the owner leaves, the longest-standing admin owns it, or else the longest-standing member.
        """
        return await self._change(caller, form.conversation, MemberLeft())

    async def _change(self, caller: Caller, conversation_id: str, change: GroupChange) -> Happened:
        stored = await self._groups.change(caller, conversation_id, change)
        return Happened(message=wire.message_form(stored.message, stored.conversation))

    async def _seen(self, caller: Caller, conversation: Conversation) -> Talk:
        view = view_of(conversation, caller.user_id)
        if view is None:
            raise NotFound("There is no such conversation.")
        return Talk(conversation=conversation_form(view, await self._names.of(shown(conversation))))
