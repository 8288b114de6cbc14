"""The wire of messages: the event, the routes and the commands. Both wires enter the same use case."""

from collections.abc import AsyncIterator, Awaitable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from fireside.auth.bearer import Caller as Claims
from fireside.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from fireside.core.events import Call, Caller, Command, Event, Route, WithoutDevice
from fireside.core.forms import (
    ANNA,
    BEN,
    THEIRS,
)
from fireside.features.conversations.service import Conversation, Conversations, View, view_of
from fireside.features.messages import wire
from fireside.features.messages.mentions import Mentions
from fireside.features.messages.posting import Posting
from fireside.features.messages.service import Extra, Message, Messages, require_acceptable, require_client_id
from fireside.features.messages.wire import (
    ForwardMessage,
    Found,
    GetMessages,
    OneMessage,
    Page,
    SendMessage,
    Sent,
)
from fireside.features.wire import Responses, Wire, json_answer

JSON = "application/json"
DIRECT = "/api/chat/messages"
MESSAGES = "/api/conversations/{conversation}/messages"


class NewMessage(Wire):
    """A message for a conversation."""

    content: str = Field(examples=["Hello!"], description="Up to 16 KiB of text.", json_schema_extra={"minLength": 1})
    client_id: str | None = Field(
        None,
        description="Your own name for the message; makes sending again safe.",
        examples=["b1946ac9-1"],
        json_schema_extra={"minLength": 1},
    )
    reply_to: int | None = Field(None, description="The seq of a message there that this one answers.", ge=1)


class NewDirectMessage(NewMessage):
    """A message for a person."""

    recipient: str = Field(description="The `_id` of a user.", examples=[ANNA])
    sender: str | None = Field(None, description="Your own `_id`, where given.")


class MessageEndpoints:
    """Events, routes and commands of messages."""

    def __init__(self, messages: Messages, conversations: Conversations, mentions: Mentions, posting: Posting) -> None:
        self._messages = messages
        self._conversations = conversations
        self._mentions = mentions
        self._posting = posting

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────

    def events(self) -> tuple[Event, ...]:
        """What clients can do over the socket alone."""
        routes = Route("POST", DIRECT, 201), Route("POST", MESSAGES, 201)
        refusals = NotFound, Forbidden, Conflict
        return (Event("sendMessage", SendMessage, self._send_message, Sent, refusals, routes),)

    def _send_message(self, call: Call, form: SendMessage) -> Awaitable[None] | None:
        """Send a message.

        Acknowledged when it is on disk; then everybody else's devices, and your other ones, hear `messageReceived`.
        """
        _require_self(call.user_id, form.sender)
        conversation = self._recall(call.user_id, form.recipient, form.conversation)
        if conversation is None or "@" in form.content:
            return self._send_later(call, form)
        self._accept(call, conversation, form)
        return None

    def _recall(self, user_id: str, recipient: str | None, conversation: str | None) -> Conversation | None:
        """Where it goes, if that is in memory.

        Raises:
            InvalidInput: it goes nowhere, or to two places.
        """
        if recipient is not None and conversation is None:
            return self._conversations.recall_direct(user_id, recipient)
        if conversation is None or recipient is not None:
            raise InvalidInput("Give recipient or conversation, and not both.", details={"field": "recipient"})
        known = self._conversations.recall(conversation)
        return known if known is not None and user_id in known.members else None

    async def _find(self, user_id: str, recipient: str | None, conversation: str | None) -> Conversation:
        """Where it goes; a direct conversation is opened.

        Who has left it is refused by the log, unless they only send again what they sent while they were in it.
        """
        if conversation is not None:
            return (await self._conversations.require_reader(user_id, conversation)).conversation
        assert recipient is not None
        return await self._conversations.open_direct(user_id, recipient)

    async def _send_later(self, call: Call, form: SendMessage) -> None:
        require_acceptable(form.content, form.client_id)
        conversation = await self._find(call.user_id, form.recipient, form.conversation)
        mentions = await self._mentions.of(form.content, conversation)
        self._accept(call, conversation, form, mentions)

    def _accept(
        self, call: Call, conversation: Conversation, form: SendMessage, mentions: tuple[str, ...] = ()
    ) -> None:
        extra = _extra(form.reply_to, mentions)
        self._posting.accept(call, conversation, form.content, form.client_id, extra)

    # ── commands ─────────────────────────────────────────────────────────────────────────────────────────────────

    def commands(self) -> tuple[Command, ...]:
        """What clients can do over both wires."""
        one = MESSAGES + "/{seq}"
        return (
            Command("getMessages", Route("GET", MESSAGES), GetMessages, self._page, Page, (NotFound,)),
            Command("getMessage", Route("GET", one), OneMessage, self._get, Found, (NotFound,)),
            Command(
                "forwardMessage",
                Route("POST", one + "/forward", 201),
                ForwardMessage,
                self._forward,
                Sent,
                (NotFound, Conflict),
            ),
        )

    async def _page(self, caller: Caller, form: GetMessages) -> Page:
        """Read a page of a conversation.

        The newest, or those next below `before`, or those next above `after`. Who has left reads what they could see.
        """
        view = await self._conversations.require_reader(caller.user_id, form.conversation)
        messages = await self._messages.page(view, before=form.before, after=form.after, limit=form.limit)
        return Page(messages=wire.forms(messages, view.conversation))

    async def _get(self, caller: Caller, form: OneMessage) -> Found:
        """Read a message."""
        view = await self._conversations.require_reader(caller.user_id, form.conversation)
        message = await self._messages.get(view, form.seq)
        return Found(message=wire.message_form(message, view.conversation))

    async def _forward(self, caller: Caller, form: ForwardMessage) -> Sent:
        """Forward a message.

        It is a new message of yours, with `forwarded` set.
        """
        view = await self._conversations.require_reader(caller.user_id, form.conversation)
        if (form.to is None) == (form.recipient is None):
            raise InvalidInput("Give recipient or to, and not both.", details={"field": "to"})
        try:
            content = await self._content(view, form.seq)
        except (Conflict, NotFound):
            again = await self._forwarded(caller.user_id, form)
            if again is None:
                raise
            return again
        conversation = await self._find(caller.user_id, form.recipient, form.to)
        stored = await self._posting.post(caller, conversation, content, form.client_id, Extra(forwarded=True))
        return Sent(message=wire.message_form(stored.message, stored.conversation))

    async def _content(self, view: View, seq: int) -> str:
        """What a message says that may be said elsewhere.

        Raises:
            NotFound: there is none for this reader.
            Conflict: it says nothing.
        """
        message = await self._messages.get(view, seq)
        if not message.content:
            raise Conflict("There is nothing to forward: it is deleted, or says what happened to a group.")
        return message.content

    async def _forwarded(self, user_id: str, form: ForwardMessage) -> Sent | None:
        """The answer where it was forwarded while it could be, and is only sent again."""
        client_id = require_client_id(form.client_id)
        message = None if client_id is None else await self._messages.forwarded(user_id, client_id)
        if message is None:
            return None
        conversation = await self._find(user_id, form.recipient, form.to)
        if message.conversation != conversation.id:
            return None
        return Sent(message=wire.message_form(message, conversation))

    # ── routes ───────────────────────────────────────────────────────────────────────────────────────────────────

    def routes(self) -> APIRouter:
        """What is on the REST wire alone: sending, and what existing clients ask for."""
        router = APIRouter(tags=["messages"])

        @router.get(
            DIRECT,
            summary="Read the messages of two people",
            responses=NO_CONVERSATION
            | json_answer(200, "Oldest first, both directions.", {"type": "array", "items": MESSAGE}),
        )
        async def history(
            caller: Claims,
            sender: Annotated[str, Query(description="A user's `_id`; one of the two is you.", examples=[BEN])],
            recipient: Annotated[str, Query(description="The other's `_id`.", examples=[ANNA])],
            limit: Annotated[
                int | None, Query(description="Only so many of the newest. Without it: all.", examples=[50])
            ] = None,
        ) -> Response:
            """Everything they have said to each other, oldest first. One of them is you."""
            if caller.user_id not in (sender, recipient):
                raise NotFound("There is no such conversation.")
            other = recipient if caller.user_id == sender else sender
            conversation = await self._conversations.direct_of(caller.user_id, other)
            view = view_of(conversation, caller.user_id)
            assert view is not None
            if limit is not None:
                page = await self._messages.page(view, before=None, after=None, limit=limit)
                return Response(wire.encode(wire.forms(page, conversation)), media_type=JSON)
            pages = self._messages.all(view)
            # Read before the answer begins, so that it can still be a refusal.
            first: list[Message] = await anext(pages, [])
            return StreamingResponse(_stream(first, pages, conversation), media_type=JSON)

        @router.post(
            DIRECT,
            summary="Write to a person",
            status_code=201,
            responses=NO_USER | NOT_YOU | USED | SENT,
        )
        async def send_direct(caller: Claims, body: NewDirectMessage) -> Response:
            """A message into the conversation you have with them. It is on disk when you have the answer."""
            _require_self(caller.user_id, body.sender)
            require_acceptable(body.content, body.client_id)
            conversation = await self._conversations.open_direct(caller.user_id, body.recipient)
            return await self._store(caller.user_id, conversation, body)

        @router.post(
            MESSAGES,
            summary="Write into a conversation",
            status_code=201,
            responses=NO_CONVERSATION | USED | SENT,
        )
        async def send(
            caller: Claims,
            conversation_id: Annotated[
                str, Path(alias="conversation", description="The `_id` of a conversation.", examples=[THEIRS])
            ],
            body: NewMessage,
        ) -> Response:
            """A message into a conversation that you are in. It is on disk when you have the answer."""
            require_acceptable(body.content, body.client_id)
            conversation = await self._find(caller.user_id, None, conversation_id)
            return await self._store(caller.user_id, conversation, body)

        return router

    async def _store(self, sender: str, conversation: Conversation, body: NewMessage) -> Response:
        extra = _extra(body.reply_to, await self._mentions.of(body.content, conversation))
        caller = WithoutDevice(sender)
        stored = await self._posting.post(caller, conversation, body.content, body.client_id, extra)
        body_out = wire.encode({"message": wire.encoded(stored)})
        return Response(body_out, 200 if stored.repeated else 201, media_type=JSON)


def _require_self(user_id: str, sender: str | None) -> None:
    if sender is not None and sender != user_id:
        raise Forbidden("sender must be yourself; leave it out.", details={"field": "sender"})


def _extra(reply_to: int | None, mentions: tuple[str, ...]) -> Extra | None:
    return Extra(reply_to=reply_to, mentions=mentions) if reply_to is not None or mentions else None


async def _stream(
    first: list[Message], pages: AsyncIterator[list[Message]], conversation: Conversation
) -> AsyncIterator[bytes]:
    """A JSON array, a page at a time: a long history is never in memory whole."""
    yield b"[" + wire.encode(wire.forms(first, conversation))[1:-1]
    async for page in pages:
        yield b"," + wire.encode(wire.forms(page, conversation))[1:-1]
    yield b"]"


NO_CONVERSATION: Responses = {404: {"description": "`not_found`: There is none that is yours."}}
NO_USER: Responses = {404: {"description": "`not_found`: There is no such user."}}
NOT_YOU: Responses = {403: {"description": "`forbidden`: `sender` is somebody else."}}
USED: Responses = {409: {"description": "`conflict`: This `clientId` was used for another message."}}

MESSAGE = {"$ref": "#/components/schemas/MessageForm"}
SENT_SCHEMA = {"type": "object", "properties": {"message": MESSAGE}, "required": ["message"]}
SENT: Responses = json_answer(201, "Stored.", SENT_SCHEMA) | json_answer(200, "It had been sent before.", SENT_SCHEMA)
