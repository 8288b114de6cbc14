"""The wire of messages: their form, the event and the routes. Both wires enter the same use case.

Encoded once: the bytes of a stored message serve the acknowledgement and every device that hears of it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from fireside.auth.bearer import Caller
from fireside.core.clock import iso
from fireside.core.errors import ChatError, Forbidden, NotFound
from fireside.core.events import Call, Event, Form, Publisher, Reply
from fireside.core.paging import DEFAULT_LIMIT, MAX_LIMIT
from fireside.features.conversations.service import Conversation, Conversations
from fireside.features.messages.service import Message, Messages, Stored, require_acceptable
from fireside.features.wire import Responses, Wire, json_answer

_encode = msgspec.json.Encoder().encode

JSON = "application/json"


class MessageForm(Form, frozen=True):
    """A message as clients see it."""

    id: str = msgspec.field(name="_id")
    conversation: str
    seq: int
    sender: str
    recipient: str
    content: str
    timestamp: str
    client_id: str

    @classmethod
    def of(cls, message: Message, conversation: Conversation) -> "MessageForm":
        return cls(
            id=message.id,
            conversation=message.conversation,
            seq=message.seq,
            sender=message.sender,
            recipient=conversation.recipient_of(message.sender),
            content=message.content,
            timestamp=iso(message.sent_at),
            client_id=message.client_id,
        )


class SendMessage(Form, frozen=True):
    """`sendMessage`. `clientId` is the sender's own name for the message: sending again with it is safe, for ever."""

    recipient: str
    content: str
    sender: str | None = None
    client_id: str | None = None


class Sent(Reply, frozen=True, kw_only=True):
    """The message is stored, durably. With a repeated `clientId` it is the first one."""

    message: msgspec.Raw


class NewMessage(Wire):
    """A message for a conversation."""

    content: str = Field(examples=["Hello!"])
    client_id: str | None = Field(None, description="Your own name for the message; makes sending again safe.")


class NewDirectMessage(NewMessage):
    """A message for a person."""

    recipient: str = Field(description="The `_id` of a user.")
    sender: str | None = Field(None, description="Your own `_id`, where given.")


class MessageEndpoints:
    """Events and routes of messages. `publisher` takes what was stored to everybody's devices."""

    def __init__(self, messages: Messages, conversations: Conversations, publisher: Publisher) -> None:
        self._messages = messages
        self._conversations = conversations
        self._publisher = publisher

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────────

    def events(self) -> tuple[Event, ...]:
        """What clients can do over the socket."""
        return (Event("sendMessage", SendMessage, self._send_message),)

    def _send_message(self, call: Call, form: SendMessage) -> Awaitable[None] | None:
        _require_self(call.user_id, form.sender)
        conversation = self._conversations.recall_direct(call.user_id, form.recipient)
        if conversation is None:
            return self._send_first(call, form)
        self._accept(call, conversation, form)
        return None

    async def _send_first(self, call: Call, form: SendMessage) -> None:
        require_acceptable(form.content, form.client_id)
        self._accept(call, await self._conversations.open_direct(call.user_id, form.recipient), form)

    def _accept(self, call: Call, conversation: Conversation, form: SendMessage) -> None:
        def settled(outcome: Stored | ChatError) -> None:
            if isinstance(outcome, ChatError):
                return call.refuse(outcome)
            message = _encoded(outcome)
            call.reply(Sent(message=message))
            self._announce(outcome, message, call.origin)

        self._messages.send(call.user_id, conversation, form.content, form.client_id, settled)

    def _announce(self, stored: Stored, message: msgspec.Raw, origin: object | None) -> None:
        """Everybody's devices hear of the message, the first time, but the one it came from.

        That one has its acknowledgement by then, whatever becomes of this.
        """
        if not stored.repeated:
            self._publisher.publish(stored.conversation.members, "messageReceived", message, origin=origin)

    # ── routes ───────────────────────────────────────────────────────────────────────────────────────────────────

    def routes(self) -> APIRouter:
        """What clients can do over HTTP."""
        router = APIRouter(tags=["messages"])

        @router.get(
            "/api/chat/messages",
            summary="The messages of two people",
            responses=NO_CONVERSATION
            | json_answer(200, "Oldest first, both directions.", {"type": "array", "items": MESSAGE_SCHEMA}),
        )
        async def history(
            caller: Caller,
            sender: Annotated[str, Query(description="A user's `_id`; one of the two is you.")],
            recipient: Annotated[str, Query(description="The other's `_id`.")],
            limit: Annotated[int | None, Query(description="Only so many of the newest. Without it: all.")] = None,
        ) -> Response:
            if caller.user_id not in (sender, recipient):
                raise NotFound("There is no such conversation.")
            other = recipient if caller.user_id == sender else sender
            conversation = await self._conversations.direct_of(caller.user_id, other)
            if limit is not None:
                page = await self._messages.page(conversation, before=None, after=None, limit=limit)
                return Response(_encode(_forms(page, conversation)), media_type=JSON)
            pages = self._messages.all(conversation)
            # Read before the answer begins, so that it can still be a refusal.
            first: list[Message] = await anext(pages, [])
            return StreamingResponse(_stream(first, pages, conversation), media_type=JSON)

        @router.post(
            "/api/chat/messages",
            summary="Write to a person",
            status_code=201,
            responses=NO_USER | NOT_YOU | USED | SENT,
        )
        async def send_direct(caller: Caller, body: NewDirectMessage) -> Response:
            _require_self(caller.user_id, body.sender)
            require_acceptable(body.content, body.client_id)
            return await self._store(
                caller.user_id, await self._conversations.open_direct(caller.user_id, body.recipient), body
            )

        @router.get(
            "/api/conversations/{id}/messages",
            summary="A page of a conversation",
            responses=NO_CONVERSATION
            | json_answer(200, "Oldest first. Fewer than `limit`: there are no more that way.", PAGE_SCHEMA),
        )
        async def page(
            caller: Caller,
            conversation_id: Annotated[str, Path(alias="id")],
            before: Annotated[int | None, Query(description="Those next below this seq.")] = None,
            after: Annotated[int | None, Query(description="Those next above this seq.")] = None,
            limit: Annotated[int, Query(description=f"1 to {MAX_LIMIT}.")] = DEFAULT_LIMIT,
        ) -> Response:
            conversation = await self._conversations.require_member(caller.user_id, conversation_id)
            messages = await self._messages.page(conversation, before=before, after=after, limit=limit)
            return Response(_encode({"messages": _forms(messages, conversation)}), media_type=JSON)

        @router.post(
            "/api/conversations/{id}/messages",
            summary="Write into a conversation",
            status_code=201,
            responses=NO_CONVERSATION | USED | SENT,
        )
        async def send(caller: Caller, conversation_id: Annotated[str, Path(alias="id")], body: NewMessage) -> Response:
            conversation = await self._conversations.require_member(caller.user_id, conversation_id)
            return await self._store(caller.user_id, conversation, body)

        return router

    async def _store(self, sender: str, conversation: Conversation, body: NewMessage) -> Response:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def settled(outcome: Stored | ChatError) -> None:
            # Who has hung up is not answered, but the message is there, and the others hear of it.
            is_awaited = not answer.done()
            if isinstance(outcome, Stored):
                message = _encoded(outcome)
                if is_awaited:
                    status = 200 if outcome.repeated else 201
                    answer.set_result(Response(_encode({"message": message}), status, media_type=JSON))
                self._announce(outcome, message, None)
            elif is_awaited:
                answer.set_exception(outcome)

        self._messages.send(sender, conversation, body.content, body.client_id, settled)
        return await answer


def _require_self(user_id: str, sender: str | None) -> None:
    if sender is not None and sender != user_id:
        raise Forbidden("sender must be yourself; leave it out.", details={"field": "sender"})


def _encoded(stored: Stored) -> msgspec.Raw:
    return msgspec.Raw(_encode(MessageForm.of(stored.message, stored.conversation)))


def _forms(messages: list[Message], conversation: Conversation) -> list[MessageForm]:
    return [MessageForm.of(message, conversation) for message in messages]


async def _stream(
    first: list[Message], pages: AsyncIterator[list[Message]], conversation: Conversation
) -> AsyncIterator[bytes]:
    """A JSON array, a page at a time: a long history is never in memory whole."""
    yield b"[" + _encode(_forms(first, conversation))[1:-1]
    async for page in pages:
        yield b"," + _encode(_forms(page, conversation))[1:-1]
    yield b"]"


NO_CONVERSATION: Responses = {404: {"description": "`not_found`: There is none that is yours."}}
NO_USER: Responses = {404: {"description": "`not_found`: There is no such user."}}
NOT_YOU: Responses = {403: {"description": "`forbidden`: `sender` is somebody else."}}
USED: Responses = {409: {"description": "`conflict`: This `clientId` was used for another message."}}


MESSAGE_SCHEMA: dict[str, Any] = msgspec.json.schema_components([MessageForm])[1]["MessageForm"]
SENT_SCHEMA = {"type": "object", "properties": {"message": MESSAGE_SCHEMA}, "required": ["message"]}
PAGE_SCHEMA = {
    "type": "object",
    "properties": {"messages": {"type": "array", "items": MESSAGE_SCHEMA}},
    "required": ["messages"],
}
SENT: Responses = json_answer(201, "Stored.", SENT_SCHEMA) | json_answer(200, "It had been sent before.", SENT_SCHEMA)
