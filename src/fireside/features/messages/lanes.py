"""Lanes: several message logs side by side, so that a store can work on one batch while the next is made.

A conversation always takes the same lane, so whatever is said in one keeps its order, and so do the promises of
`features.messages.log`, which are about one conversation or about one `client_id`. Between conversations there is no
order, with one lane or with many.
"""

from collections.abc import Sequence

from fireside.features.messages.log import MessageLog
from fireside.features.messages.service import Done, Draft


class Lanes:
    """Implements `Log` with at least one message log. `start()` before the first `append`, `stop()` at the end."""

    def __init__(self, logs: Sequence[MessageLog]) -> None:
        self.logs = logs

    async def start(self) -> None:
        """Begin to write."""
        for log in self.logs:
            await log.start()

    async def stop(self) -> None:
        """Refuse what comes now, settle everything that was accepted, and end."""
        for log in self.logs:
            await log.stop()

    def append(self, draft: Draft, done: Done) -> None:
        """As `MessageLog.append`, in the conversation's lane."""
        self.logs[hash(draft.conversation.id) % len(self.logs)].append(draft, done)
