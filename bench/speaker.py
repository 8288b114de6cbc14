"""Those who speak to a group, in a process of their own: `python -m bench.speaker`.

On stdin it gets one line of JSON (`Script`) and then says on stdout that it is connected; each further line, `{rounds,
pause_s, at_once}`, is a piece of work, after which it says when each message was sent and acknowledged. Whoever reads
what a thousand members are told would read an acknowledgement late, and the server would be blamed for it.

Times are of the monotonic clock, which all processes share.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypedDict

import uvloop

from bench.client import Mask, SocketClient, connect
from bench.load import OK
from bench.proc import punctual


class Script(TypedDict):
    """Who speaks where. `template` makes a packet of a tag that comes in it three times."""

    port: int
    tokens: list[str]
    template: str
    first: int
    """The tag of the first message."""


@asynccontextmanager
async def speaking(script: Script) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process in which they speak, connected."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.speaker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[1],
        limit=1 << 24,
    )
    try:
        await tell(process, script)
        yield process
    finally:
        process.terminate()
        await process.wait()


async def tell(process: asyncio.subprocess.Process, what: object) -> bytes:
    """A line for the speakers; theirs."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(what).encode() + b"\n")
    async with asyncio.timeout(120):
        answer = await process.stdout.readline()
    if not answer:
        raise RuntimeError("the speakers have broken down")
    return answer


Times = list[tuple[int, float, float]]
"""Of each message its tag, when it was sent and when it was acknowledged."""


class Speaker(SocketClient):
    """One of them."""

    __slots__ = ("_acked", "_sent", "_template", "times")

    def __init__(self, token: str, trouble: list[str], template: bytes) -> None:
        super().__init__(token, trouble)
        self._template = template
        self._sent: dict[int, float] = {}
        self._acked: asyncio.Future[None] | None = None
        self.times: Times = []

    def speak(self, tag: int) -> asyncio.Future[None]:
        """Send one message; done when it is acknowledged."""
        packet = self._template % (tag, tag, tag)
        frame = Mask(len(packet)).frame(packet)
        self._acked = asyncio.get_running_loop().create_future()
        self._sent[tag] = time.perf_counter()
        self.send(frame)
        self.flush()
        return self._acked

    def on_ack(self, data: bytes, start: int, end: int) -> None:
        now = time.perf_counter()
        body = data.find(b"[", start, end)
        if not data.startswith(OK, body):
            self.fail(f"refused: {data[start:end][:300]!r}")
        tag = int(data[start + 2 : body])
        self.times.append((tag, self._sent.pop(tag), now))
        if self._acked and not self._acked.done():
            self._acked.set_result(None)


async def main() -> None:
    script: Script = json.loads(sys.stdin.readline())
    trouble: list[str] = []
    speakers = [Speaker(token, trouble, script["template"].encode()) for token in script["tokens"]]
    for speaker in speakers:
        await connect(speaker, script["port"])
    tag = script["first"]
    print("connected", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        work: dict[str, Any] = json.loads(line)
        with punctual():
            for _ in range(work["rounds"]):
                waiting = []
                for speaker in speakers[: work["at_once"]]:
                    waiting.append(speaker.speak(tag))
                    tag += 1
                async with asyncio.timeout(30):
                    await asyncio.gather(*waiting)
                await asyncio.sleep(work["pause_s"])
        if trouble:
            raise RuntimeError(trouble[0])
        print(json.dumps([each for speaker in speakers for each in speaker.times]), flush=True)
        for speaker in speakers:
            speaker.times = []


if __name__ == "__main__":
    uvloop.run(main())
