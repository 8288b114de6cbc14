"""Nobody reads past their own going, also in the moment in which the log has it and this node does not count it yet.

What was said and that somebody went can be stored in one batch, and a page be read between that and the moment in which
the conversation is known to be without them. Then the page itself says where it has to end.
"""

from collections.abc import Sequence

from fireside.features.conversations.groups import MemberLeft, MemberRemoved
from fireside.features.conversations.service import View
from fireside.features.messages.service import Message, Shown


class GoingLens:
    """Ends a page with the message that says its reader to be gone, where the view does not know of that."""

    async def show(self, pages: Sequence[Shown]) -> list[list[Message]]:
        return [_up_to_ones_going(view, messages) for view, messages in pages]


def _up_to_ones_going(view: View, messages: list[Message]) -> list[Message]:
    for place, message in enumerate(messages):
        if message.seq > view.conversation.as_of and _says_to_be_gone(message, view.reader):
            return messages[: place + 1]
    return messages


def _says_to_be_gone(message: Message, reader: str) -> bool:
    system = message.extra.system if message.extra is not None else None
    if isinstance(system, MemberLeft):
        return message.sender == reader
    return isinstance(system, MemberRemoved) and system.member == reader
