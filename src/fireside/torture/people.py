"""People for a run, made over REST, and what is read over REST: past the bad network, by who does not retry in vain."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any, Self

import aiohttp
import msgspec

from fireside.client import Message
from fireside.torture.devices import Person
from fireside.torture.record import Answered, Asked, Record, Row, row_of

AT_ONCE = 8
PAGE = 100
TIMEOUT_S = 30.0
ATTEMPTS = 40
AGAIN_S = 0.5


class RestError(Exception):
    """The server says no. `code` as on the wire; `retry_after_s` where it says when to come back."""

    def __init__(self, status: int, body: Any) -> None:
        body = body if isinstance(body, dict) else {}
        self.status = status
        self.code = str(body.get("code", ""))
        details = body.get("details")
        self.retry_after_s = float(details.get("retryAfterS", 0)) if isinstance(details, dict) else 0.0
        super().__init__(f"{status} {self.code}: {body.get('error', '')}")


class Rest:
    """The REST wire of a deployment. `async with` it."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def call(self, verb: str, path: str, token: str = "", **given: Any) -> Any:
        """One request; its answer.

        Raises:
            RestError: it is refused.
            aiohttp.ClientError, TimeoutError: there is no answer.
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self._http.request(verb, self._url + path, headers=headers, **given) as response:
            try:
                body = await response.json()
            except ValueError:
                body = None
            if not response.ok:
                raise RestError(response.status, body)
            return body

    async def insist(self, verb: str, path: str, token: str = "", **given: Any) -> Any:
        """The same, again while there is no answer or it is not the time for one."""
        for attempt in range(ATTEMPTS):
            wait = AGAIN_S
            try:
                return await self.call(verb, path, token, **given)
            except RestError as error:
                if error.code not in ("rate_limited", "unavailable") or attempt == ATTEMPTS - 1:
                    raise
                wait = max(wait, error.retry_after_s)
            except (aiohttp.ClientError, TimeoutError):
                if attempt == ATTEMPTS - 1:
                    raise
            await asyncio.sleep(wait)

    async def register(self, count: int) -> Sequence[Person]:
        """So many new people, with names that nobody has."""
        run = secrets.token_hex(4)
        at_once = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> Person:
            name = f"torture-{run}-{number}"
            body = {"username": name, "password": secrets.token_urlsafe(16), "email": f"{name}@example.org"}
            async with at_once:
                answer = await self.insist("POST", "/api/users/register", json=body)
            return Person(answer["user"]["_id"], name, answer["token"])

        return await asyncio.gather(*(one(number) for number in range(count)))

    async def newest(self, person: Person, conversation: str, record: Record) -> None:
        """Read the newest page of a conversation, and note it."""
        question = record.number()
        record.note(Asked(at=record.now, question=question, user=person.id, conversation=conversation))
        try:
            page = await self.call("GET", f"/api/conversations/{conversation}/messages", person.token)
        except RestError as error:
            record.note(Answered(at=record.now, question=question, code=error.code))
        except (aiohttp.ClientError, TimeoutError):
            pass  # no answer says nothing
        else:
            record.note(Answered(at=record.now, question=question, rows=_rows(page["messages"])))

    async def history(self, person: Person, conversation: str, since: int) -> tuple[Row, ...]:
        """All of it that is theirs to see, upwards, page by page."""
        path = f"/api/conversations/{conversation}/messages"
        rows: list[Row] = []
        while True:
            after = rows[-1].seq if rows else since
            page = await self.insist("GET", path, person.token, params={"after": str(after), "limit": str(PAGE)})
            rows += _rows(page["messages"])
            if len(page["messages"]) < PAGE:
                return tuple(rows)


def _rows(messages: list[Any]) -> tuple[Row, ...]:
    return tuple(row_of(each) for each in msgspec.convert(messages, list[Message]))
