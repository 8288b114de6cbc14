"""Tasks that somebody owns: kept until they end, their failures logged, cancelled at the end."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from fireside.core.ending import ended

logger = logging.getLogger(__name__)


class Tasks:
    """A set of running tasks."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this to its end."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Cancel what still runs and wait for it."""
        # What has not begun would leave what it is to wait for without anybody who does.
        await asyncio.sleep(0)
        await ended(*self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a task failed", exc_info=task.exception())
