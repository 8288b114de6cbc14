"""The client: connects and comes back, catches up, asks for what is missing, sends what is to be sent."""

import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Self, TypeVar

import msgspec

from fireside.client.commands import Commands
from fireside.client.connection import Connect, Connection, Lost, Refused, SocketIoConnection, refused
from fireside.client.gaps import Gaps
from fireside.client.marks import Marks
from fireside.client.outbox import Outbox, Outgoing, outgoing
from fireside.client.pauses import Pauses
from fireside.client.reading import Handler, Reading
from fireside.client.state import State
from fireside.core.ending import ended
from fireside.core.forms import Form, Reply
from fireside.features.messages.wire import MessageForm, Page, Sent

logger = logging.getLogger(__name__)

R = TypeVar("R", bound=Reply)

ANSWER_TIMEOUT_S = 20.0
KEPT = 1_000

Token = str | Callable[[], Awaitable[str]]


class Memory(msgspec.Struct):
    """What a client writes down: its state, and what it had still to send."""

    state: State
    outbox: list[Outgoing]


class Client(Commands):
    """A device of a user. `async with` it, or `start()` and `close()`.

    `token` is what logging in gave, or a function that logs in, which is called again when the token has expired, and
    again where it fails, unless with a `Refused` that does not pass: that is the end.
    `memory` is what `remember()` of an earlier client of the same user gave. Of each conversation the newest `keep`
    messages stay here; None keeps all that were ever read.
    """

    def __init__(
        self,
        server: str,
        token: Token,
        *,
        memory: bytes = b"",
        keep: int | None = KEPT,
        connect: Connect = SocketIoConnection.open,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._server = server
        self._token = token
        self._keep = keep
        self._connect = connect
        self._sleep = sleep
        self._memory = msgspec.json.decode(memory, type=Memory) if memory else None
        self._outbox = Outbox(self._send, self._stored, sleep)
        self._marks = Marks(self._mark, sleep)
        self._reading = Reading(self)
        self._listeners: dict[str, list[Callable[[Any], None]]] = {}
        self._connection: Connection | None = None
        self._come_back_in_s = 0.0
        self._online = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._ended: asyncio.Future[None] | None = None

    # ── its life ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Begin: connect, and stay so. What is to be sent can be given from now on.

        Raises:
            ValueError: the memory is somebody else's, or the token is none.
        """
        token = await self._get_token()
        me = _user_of(token)
        if self._memory is not None and self._memory.state.me != me:
            raise ValueError("the memory is of another user")
        self.state = self._memory.state if self._memory is not None else State(me)
        self._gaps = Gaps(self.state, self._ask, self._notice, self._sleep)
        self._ended = asyncio.get_running_loop().create_future()
        for message in self._memory.outbox if self._memory is not None else ():
            self._outbox.add(message)
        gaps = self._gaps
        works = partial(self._stay_connected, token), gaps.fill, gaps.catch_up_again, self._marks.run
        self._tasks = [asyncio.create_task(self._work(work), name="fireside client") for work in works]

    async def close(self) -> None:
        """End. What has not been sent is in `remember()`."""
        await self._outbox.stop()
        await self._reading.stop()
        await ended(*self._tasks)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def wait(self) -> None:
        """Wait until it ends: until it is closed, or is not let in any more.

        Raises:
            Refused: the token is not accepted, and there is no other.
        """
        assert self._ended is not None, "start() comes first"
        await asyncio.shield(self._ended)

    async def settled(self) -> None:
        """Wait until it has everything that it knows to be there, and has told how far it has got.

        Raises:
            Refused: it is not let in.
        """
        assert self._ended is not None, "start() comes first"
        while not (self._gaps.filled.is_set() and self._marks.told.is_set()):
            await self._until(self._gaps.filled)
            await self._until(self._marks.told)

    async def _until(self, event: asyncio.Event) -> None:
        assert self._ended is not None, "start() comes first"
        waiting = asyncio.ensure_future(event.wait())
        either: set[asyncio.Future[Any]] = {waiting, self._ended}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._ended.done():
            await self._ended

    def catch_up(self) -> None:
        """Ask the server whether there is anything that was missed. It is done after each absence, and now and then:
        what nobody tells of is no more than a few minutes late."""
        self._gaps.catch_up()

    def remember(self) -> bytes:
        """All it knows and has still to send, for `memory` of a later one."""
        return msgspec.json.encode(Memory(self.state, self._outbox.pending()))

    # ── what one does ────────────────────────────────────────────────────────────────────────────────────────────

    def post(
        self,
        content: str,
        *,
        to: str | None = None,
        conversation: str | None = None,
        reply_to: int | None = None,
        client_id: str | None = None,
    ) -> "asyncio.Future[MessageForm]":
        """Send a message to a user (`to`) or into a conversation, now or as soon as there is a connection.

        The future has the message as it was stored, or `Refused`. Nobody has to wait for it. Where the client ends
        before that, the future has why, and the message is in `remember()`.

        Raises:
            ValueError: neither or both are named.
        """
        message = outgoing(content, to=to, conversation=conversation, reply_to=reply_to, client_id=client_id)
        return self._outbox.add(message)

    async def send(self, content: str, **where: Any) -> MessageForm:
        """Send a message as `post` does, and wait until it is stored.

        Raises:
            Refused: the server does not take it, or lets this client in no more.
            Lost: the client was closed before it was stored.
        """
        return await asyncio.shield(self.post(content, **where))

    async def call(self, event: str, reply: type[R], **fields: Any) -> R:
        return await self._ask(event, fields, reply)

    async def older(self, conversation: str, limit: int = 50) -> list[MessageForm]:
        """Read on into the past of a conversation: the messages next below those that are here. None: it is whole."""
        local = self.state.conversations[conversation]
        rev = local.rev
        form = {"conversation": conversation, "before": local.first, "limit": limit}
        page = await self._ask("getMessages", form, Page)
        self.state.take_older(local, page.messages, rev)
        self._wake()
        return page.messages

    def mark_read(self, conversation: str, seq: int) -> None:
        """Say, soon, that one has read up to there."""
        self._marks.move("markRead", conversation, seq)

    def on_message(self, handler: Handler) -> Handler:
        """Have this called with every message of others, those of one conversation one after the other.

        Beginning with the first one that has not been read, whether or not this ran when it came: what was handled is
        marked as read. Who is interrupted gets a message again. Whoever sends into a conversation has read it; who is
        to go on in its midst all the same does so from `memory`.
        """
        self._reading.handler = handler
        for conversation in self.state.conversations if self._ended is not None else ():
            self._reading.look(conversation)
        return handler

    def on(self, event: str, listener: Callable[[Any], None]) -> None:
        """Have this called with the body of everything the server tells under this name: `typing`, for one."""
        self._listeners.setdefault(event, []).append(listener)

    # ── connecting ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _stay_connected(self, token: str) -> None:
        pauses, has_expired = Pauses(), False
        while True:
            at_least = 0.0
            try:
                if has_expired:
                    token, has_expired = await self._renewed(), False
                self._connection = await self._connect(self._server, token, self._hear)
                pauses.reset()
                # What came while nobody listened is found by asking; what comes from now on is heard.
                self._online.set()
                self._gaps.catch_up()
                await self._connection.lost()
                at_least, self._come_back_in_s = self._come_back_in_s, 0.0
            except Lost as lost:
                logger.info("cannot connect: %s", lost)
            except Refused as refusal:
                if not refusal.is_passing:
                    if has_expired or isinstance(self._token, str):
                        raise
                    has_expired = True
                at_least = refusal.retry_after_s
            finally:
                self._online.clear()
                if self._connection is not None:
                    await self._connection.close()
                    self._connection = None
            await self._sleep(pauses.next_s(at_least))

    async def _renewed(self) -> str:
        """Log in again. What it fails with may pass, unless it is a refusal."""
        try:
            return await self._get_token()
        except (Lost, Refused):
            raise
        except Exception as error:
            logger.warning("the log-in failed", exc_info=error)
            raise Lost(str(error)) from None

    async def _get_token(self) -> str:
        return self._token if isinstance(self._token, str) else await self._token()

    async def _work(self, work: Callable[[], Awaitable[None]]) -> None:
        """It lasts as long as the client; where it cannot go on, nothing does, and that is for whoever waits."""
        try:
            await work()
        except Exception as error:
            if self._ended is not None and not self._ended.done():
                self._ended.set_exception(error)
                self._ended.exception()
                self._outbox.give_up(error)
                for task in self._tasks:
                    if task is not asyncio.current_task():
                        task.cancel()

    async def _ask(self, event: str, form: Form | dict[str, Any], reply: type[R]) -> R:
        """Ask the server, when there is a connection.

        Raises:
            Lost: no answer came.
            Refused: it says no, or lets this client in no more.
        """
        if self._ended is None:
            await self._online.wait()
        elif not self._online.is_set():
            await self._until(self._online)
        connection = self._connection
        if connection is None:
            raise Lost("the connection is gone")
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                body = await connection.call(event, form)
        except TimeoutError:
            raise Lost("no answer came") from None
        except Lost:
            # Whoever asks next waits for the next connection: asking this one takes no time, so nobody would have any.
            if connection is self._connection:
                self._online.clear()
            raise
        if not body.get("ok"):
            raise refused(body)
        return msgspec.convert(body, reply)

    # ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _hear(self, event: str, body: Any) -> None:
        if event == "serverStopping":
            self._come_back_in_s = body["retryAfterMs"] / 1000
        self.state.hear(event, body)
        self._wake(body.get("conversation") if isinstance(body, dict) else None)
        for listener in self._listeners.get(event, ()):
            listener(body)

    def _wake(self, conversation: str | None = None) -> None:
        self._gaps.look()
        if conversation is not None:
            self._notice(conversation)

    def _notice(self, conversation: str) -> None:
        """Something may be new in this conversation."""
        local = self.state.conversations.get(conversation)
        if local is None or local.about is None:
            return
        mine = local.receipts.get(self.state.me)
        if local.about.until is None and local.seq > (mine.delivered if mine else 0):
            self._marks.move("markDelivered", conversation, local.seq)
        self._reading.look(conversation)
        if self._keep is not None:
            local.forget(self._keep)

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def _send(self, message: Outgoing) -> Sent:
        return await self._ask("sendMessage", message, Sent)

    def _stored(self, message: MessageForm) -> None:
        self.state.take_message(message)
        self._wake(message.conversation)

    async def _mark(self, event: str, conversation: str, seq: int) -> None:
        await self._ask(event, {"conversation": conversation, "seq": seq}, Reply)


def _user_of(token: str) -> str:
    """Whose token it is. The server alone can tell whether it is good."""
    try:
        payload = token.split(".")[1]
        return str(msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["id"])
    except (IndexError, KeyError, ValueError, TypeError):
        raise ValueError("this is no token") from None
