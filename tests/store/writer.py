"""A process that writes messages until it is killed, and prints each number after its write has returned."""

import asyncio
import sys
from itertools import count
from pathlib import Path

from fireside.features.messages.service import Message
from fireside.store.sqlite import SqliteEngine, SqliteMessages

CONVERSATION, SENDER, BATCH = "c" * 24, "a" * 24, 5


async def write(path: Path) -> None:
    engine = SqliteEngine(path)
    await engine.start()
    messages = SqliteMessages(engine)
    for first in count(1, BATCH):
        batch = [Message(CONVERSATION, first + n, SENDER, f"{first + n}", "hello", 0) for n in range(BATCH)]
        assert await messages.append(batch) == BATCH
        print(first + BATCH - 1, flush=True)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1])))
