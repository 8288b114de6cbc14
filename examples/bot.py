"""A bot: it answers everybody who writes to it, once each, also what was written while it did not run.

pip install "fireside[client]"
python bot.py http://localhost:5000 echo "correct horse battery"     (Echo is an account that is registered)
"""

import asyncio
import sys
from pathlib import Path

from fireside.client import Client, Message, Refused, login


def reply_to(content: str) -> str:
    words = len(content.split())
    return f"That was {words} {'word' if words == 1 else 'words'}."


def read(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def write(file: Path, memory: bytes) -> None:
    file.with_suffix(".new").write_bytes(memory)
    file.with_suffix(".new").replace(file)


async def main(server: str, username: str, password: str) -> None:
    file = Path(f"{username}.memory")
    async with Client(server, login(server, username, password), memory=read(file)) as client:

        @client.on_message
        async def answer(message: Message) -> None:
            # Written down first: killed from here on, it goes on with this message, and what has the same clientId is
            # sent once.
            write(file, client.remember())
            where = {"conversation": message.conversation, "reply_to": message.seq}
            await client.send(reply_to(message.content), client_id=f"re-{message.id}", **where)
            print(f"answered {message.content!r}", flush=True)

        print("ready", flush=True)
        await client.wait()


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:4]))
    except Refused as refused:
        sys.exit(f"{refused} ({refused.code})")
    except KeyboardInterrupt:
        pass
