"""What a server of version 1 kept, whichever its engine: users, direct conversations and messages."""

from fireside.core.ids import new_id
from fireside.engines import Stores
from fireside.features.conversations.activity import Activity
from fireside.features.inbox.service import InboxRow
from fireside.features.receipts.service import Mark
from tests.contract.samples import direct, run, user


class Version1:
    """Ada's talks with Bob and another, her notes to herself, and a conversation in which nothing was ever written."""

    def __init__(self) -> None:
        self.ada, self.bob = user("Ada"), user("Bob")
        ada, bob = self.ada.id, self.bob.id
        self.begun = [direct(ada, bob), direct(ada, new_id()), direct(ada, ada)]
        self.empty = direct(ada, new_id())
        self.logs = [run(talk.id, 1, length) for talk, length in zip(self.begun, (300, 1, 2), strict=True)]
        self.unread: dict[str, int] = {}
        """By conversation: how many messages came after its people had been given marks."""

    @property
    def conversations(self) -> list[InboxRow]:
        """What Ada finds of it today, by id."""
        far = [Activity(log[-1].conversation, log[-1].seq, 0, log[-1].sent_at, 1) for log in self.logs]
        found = [InboxRow(each, mark=self.marks[each.conversation][self.ada.id]) for each in far]
        return sorted(found, key=lambda row: row.activity.conversation)

    @property
    def marks(self) -> dict[str, dict[str, Mark]]:
        """Everybody's: what was there counts as read, and nobody is shown that."""
        read = {log[0].conversation: len(log) - self.unread.get(log[0].conversation, 0) for log in self.logs}
        return {talk.id: dict.fromkeys(talk.members, Mark(read[talk.id], read[talk.id])) for talk in self.begun}

    async def require_all_in(self, stores: Stores) -> None:
        """Fail unless everything is there, and everybody finds what is theirs."""
        assert await stores.accounts.by_ids([self.ada.id]) == {self.ada.id: self.ada}
        assert await stores.inbox.changed(self.ada.id, -1, "", 100) == self.conversations
        assert await stores.inbox.changed(self.ada.id, 0, "", 100) == self.conversations
        assert await stores.inbox.changed(self.ada.id, await stores.activity.stamp(), "", 100) == []
        assert [row.activity.conversation for row in await stores.inbox.all(self.bob.id)] == [self.begun[0].id]
        kept = {talk.id: talk for talk in (*self.begun, self.empty)}
        assert await stores.conversations.by_ids(list(kept)) == kept
        for log in self.logs:
            assert await stores.messages.after(log[0].conversation, 0, 1000) == log
        assert await stores.receipts.of(list(kept)) == self.marks

    async def require_the_empty_one_in(self, stores: Stores) -> None:
        """Fail unless its people find it once something goes on in it."""
        await stores.activity.wake([self.empty.id], "node")
        for person in self.empty.members:
            found = [row for row in await stores.inbox.all(person) if row.activity.conversation == self.empty.id]
            assert found == [InboxRow(Activity(self.empty.id, awake=("node",)))]
