"""Talks on fakes, for the logs that write into them."""

from fireside.features.conversations.mending import MessageHeads
from fireside.features.conversations.service import Conversations
from fireside.features.conversations.talks import Talks
from tests.fakes import FakeActivity, FakeConversations

NOW_MS = 1_700_000_000_123


class Everybody:
    """The port by which conversations ask whether somebody is there: everybody is."""

    async def exists(self, user_id: str) -> bool:
        return True


class Shared:
    """What nodes share, besides the messages."""

    def __init__(self) -> None:
        self.activity = FakeActivity()
        self.conversations = FakeConversations()

    def talks(self, messages: MessageHeads, conversations: Conversations | None = None) -> Talks:
        """The talks of one more node."""
        found = conversations or Conversations(self.conversations, Everybody(), lambda: NOW_MS)
        return Talks(found, self.activity, self.conversations, messages)
