"""Stores in memory, for tests of use cases. They pass the same contract suite as the engines, so they are honest.

Every call lets others run first, as a database would: a use case that checks and then acts is found out here too.
"""

from fireside.engines import Stores
from fireside.store.condition import Condition
from tests.fakes.accounts import FakeAccounts, FakePresence
from tests.fakes.conversations import FakeActivity, FakeConversations, FakeInbox, FakeMembers, FakeReceipts
from tests.fakes.messages import FakeChanges, FakeMessages
from tests.fakes.personal import FakePersonal

__all__ = (
    "FakeAccounts",
    "FakeActivity",
    "FakeChanges",
    "FakeConversations",
    "FakeEngine",
    "FakeInbox",
    "FakeMembers",
    "FakeMessages",
    "FakePersonal",
    "FakePresence",
    "FakeReceipts",
    "in_memory",
)


class FakeEngine:
    """A database that is always there."""

    async def start(self) -> None: ...

    async def ping(self) -> None: ...

    async def inspect(self) -> Condition:
        return Condition("memory", 1, 1)

    def waiting(self) -> dict[str, int]:
        return {}

    async def stop(self) -> None: ...


def in_memory() -> Stores:
    """Every port, in memory."""
    accounts, members = FakeAccounts(), FakeMembers()
    activity = FakeActivity(members)
    return Stores(
        FakeEngine(),
        accounts,
        FakeConversations(members),
        activity,
        FakeMessages(),
        FakeChanges(),
        FakeReceipts(members),
        FakePersonal(),
        FakePresence(accounts),
        FakeInbox(members, activity),
    )
