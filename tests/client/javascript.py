"""Devices whose client is the TypeScript one: all of them in one Node, spoken to in JSON lines over pipes.

Their connections are made here, in process, so that what happens to those of other devices can happen to theirs. In
each direction a line is a list: what it is, then its arguments.
"""

import asyncio
import fcntl
import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from fireside.client import Lost, Refused
from fireside.client.client import KEPT
from fireside.client.connection import refused
from fireside.features.conversations.wire import ConversationForm
from fireside.features.messages.wire import MessageForm
from fireside.features.personal.wire import Flags, OwnEntry
from fireside.features.receipts.wire import ReceiptForm
from tests.client.house import HUNG_S, Device, House
from tests.client.inprocess import InProcessConnection
from tests.journeys.programs import NODE

PACKAGE = Path(__file__).parents[2] / "web/packages/client"
MODULES = PACKAGE.parents[1] / "node_modules"
LONGEST_LINE = 1 << 26

encode = msgspec.json.encode


def build() -> None:
    """Make JavaScript of the client, unless it is made. Tests of other processes may be about to run it."""
    config, made = PACKAGE / "tsconfig.build.json", PACKAGE / "dist/.made"
    with config.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        changed = max(path.stat().st_mtime_ns for path in (config, PACKAGE / "src", *PACKAGE.glob("src/*.ts")))
        if not made.exists() or made.stat().st_mtime_ns < changed:
            subprocess.run([NODE, MODULES / "typescript/bin/tsc", "-p", config], check=True)
            made.touch()


class Mirror(msgspec.Struct, rename="camel"):
    """What a device there shows of a conversation: of a `LocalConversation` what tests look at."""

    id: str
    about: ConversationForm | None
    first: int
    seq: int
    rev: int
    unread: int
    flags: Flags
    messages: list[MessageForm]
    receipt_list: list[ReceiptForm] = msgspec.field(name="receipts")
    own_list: list[OwnEntry] = msgspec.field(name="own")

    def history(self) -> list[MessageForm]:
        return self.messages

    @property
    def receipts(self) -> dict[str, ReceiptForm]:
        return {each.user: each for each in self.receipt_list}

    @property
    def own(self) -> dict[int, OwnEntry]:
        return {each.seq: each for each in self.own_list}


class Node:
    """The process; `start` and `stop`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._numbers = count()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._connections: dict[int, InProcessConnection] = {}
        self._works: set[asyncio.Task[None]] = set()
        self._heard: dict[str, Callable[..., None]] = {
            "answer": self._answered,
            "lost": lambda number, why: self._fail(number, Lost(why)),
            "refused": lambda number, body: self._fail(number, refused(body)),
            "failed": lambda number, why: self._fail(number, AssertionError(why)),
            "connect": lambda number, *args: self._work(self._reply(number, self._connect(*args))),
            "call": lambda number, *args: self._work(self._reply(number, self._call(*args))),
            "close": self._close,
        }
        self.devices: dict[int, JavaScriptDevice] = {}

    async def start(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            NODE, "--no-warnings", PACKAGE / "tests/device.ts", stdin=pipe, stdout=pipe, limit=LONGEST_LINE
        )
        self._work(self._read())

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    def add(self, device: "JavaScriptDevice") -> int:
        """A number for a device."""
        number = next(self._numbers)
        self.devices[number] = device
        return number

    def do(self, device: int, doing: str, *args: object) -> "asyncio.Future[Any]":
        """Have something done by a client, by the name it has there. Raises what is raised there."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._tell("do", number, device, doing, args)
        return answer

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _tell(self, *line: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(encode(line) + b"\n")

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            what, *args = msgspec.json.decode(line)
            self._heard[what](*args)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(AssertionError("Node has ended"))

    def _answered(self, number: int, value: object) -> None:
        answer = self._answers.pop(number)
        if not answer.done():
            answer.set_result(value)

    def _fail(self, number: int, error: Exception) -> None:
        answer = self._answers.pop(number)
        if not answer.done():
            answer.set_exception(error)

    def _work(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    async def _reply(self, number: int, doing: Any) -> None:
        try:
            self._tell("answer", number, await doing)
        except Lost as lost:
            self._tell("lost", number, str(lost))
        except Refused as refusal:
            body = {"code": refusal.code, "error": refusal.error, "details": refusal.details}
            self._tell("refused", number, body)

    async def _connect(self, number: int, device: int, token: str) -> None:
        def hear(event: str, body: object) -> None:
            self._tell("event", number, event, body)

        connection = InProcessConnection(self._house.fireside, hear)
        self._connections[number] = self.devices[device].connection = connection
        self._work(self._watch(number, connection))
        await connection.accepted(token)

    async def _watch(self, number: int, connection: InProcessConnection) -> None:
        await connection.lost()
        self._tell("gone", number)
        del self._connections[number]

    async def _call(self, number: int, event: str, body: object) -> Any:
        connection = self._connections.get(number)
        if connection is None:
            raise Lost("the connection is gone")
        return await connection.call(event, body)

    def _close(self, number: int) -> None:
        if number in self._connections:
            self._connections[number].cut()


class RemoteClient:
    """The methods that tests call of a client there, by their names here; keywords are its last argument."""

    def __init__(self, node: Node, device: int) -> None:
        self._node = node
        self._device = device

    def __getattr__(self, name: str) -> Callable[..., Any]:
        head, *words = name.split("_")
        doing = head + "".join(word.title() for word in words)

        def call(*args: object, **more: object) -> "asyncio.Future[Any]":
            return self._node.do(self._device, doing, *args, *([more] if more else []))

        return call

    async def create_group(self, title: str, members: list[str]) -> ConversationForm:
        """See the Python client."""
        made = await self._node.do(self._device, "createGroup", title, members)
        return msgspec.convert(made, ConversationForm)

    def post(self, content: str, *, client_id: str, **where: str) -> "asyncio.Future[MessageForm]":
        """See the Python client. What is told now is told before whatever comes next."""
        answer = self._node.do(self._device, "post", content, {"clientId": client_id, **where})

        async def stored() -> MessageForm:
            return msgspec.convert(await answer, MessageForm)

        task = asyncio.ensure_future(stored())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return task


class JavaScriptDevice(Device):
    """A device with a client there."""

    def __init__(self, house: House, user: str, keep: int | None, node: Node) -> None:
        super().__init__(house, user, keep)
        self._node = node
        self._number = node.add(self)
        self.client: Any = RemoteClient(node, self._number)
        self._restarts = 0

    async def start(self, memory: bytes = b"") -> "JavaScriptDevice":
        await self._do("start", self._house.token(self.user), self._keep)
        return self

    async def restart(self, *, forgetful: bool = False) -> None:
        """Every other time it has no time to write anything down."""
        self._restarts += 1
        how = "forgetful" if forgetful else ("closed", "killed")[self._restarts % 2]
        await self._do("restart", how, self._house.token(self.user), self._keep)

    async def stop(self) -> None:
        await self._do("stop")
        del self._node.devices[self._number]

    async def settled(self) -> None:
        await self._do("settled")

    async def read_all(self) -> None:
        await self._do("readAll")

    async def conversations(self) -> dict[str, Any]:
        mirrors = msgspec.convert(await self._do("conversations"), list[Mirror])
        return {each.id: each for each in mirrors}

    def _do(self, doing: str, *args: object) -> "asyncio.Future[Any]":
        return asyncio.ensure_future(asyncio.wait_for(self._node.do(self._number, doing, *args), HUNG_S))


class JavaScriptHouse(House):
    """A house in which every device but the fresh ones is one of these."""

    def __init__(self, folder: Path, **given: str) -> None:
        super().__init__(folder, **given)
        self._node = Node(self)

    async def start(self) -> None:
        await super().start()
        await self._node.start()

    async def stop(self) -> None:
        await self._node.stop()
        await super().stop()

    def device(self, user: str, keep: int | None = KEPT) -> Device:
        return JavaScriptDevice(self, user, keep, self._node)

    async def turn(self) -> None:
        await self._node.do(-1, "turn")
