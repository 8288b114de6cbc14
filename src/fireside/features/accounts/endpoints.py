"""Accounts on the wire: `/api/users`.

What a form says of a field's rules is for readers of the API: the rules are the service's. Fields that are not ours
are ignored, because existing clients send them. Of others, only the public fields are ever shown.
"""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from fireside.auth.address import network_of
from fireside.auth.bearer import Caller
from fireside.auth.passwords import MAX_BYTES, MIN_BYTES
from fireside.auth.tokens import Tokens
from fireside.core.clock import iso
from fireside.core.forms import ANNA
from fireside.core.measures import counted
from fireside.core.paging import DEFAULT_LIMIT, MAX_LIMIT
from fireside.features.accounts.service import MAX_EMAIL_BYTES, MAX_NAME, MIN_NAME, NAME, Accounts, User
from fireside.features.wire import Responses, Wire

TAKEN: Responses = {409: {"description": "`conflict`: The username is taken."}}
WRONG: Responses = {401: {"description": "`invalid_credentials`: There is no user with this name and password."}}
MISSING: Responses = {404: {"description": "`not_found`: There is no such user."}}

Search = Annotated[
    str,
    Query(
        description="How the names begin, without regard to case.",
        examples=["an"],
        json_schema_extra={"pattern": f"^{NAME}{{1,{MAX_NAME}}}$"},
    ),
]
After = Annotated[
    str,
    Query(
        description="The `next` of the page before; empty for the first.",
        json_schema_extra={"pattern": f"^{NAME}{{0,{MAX_NAME}}}$"},
    ),
]
Limit = Annotated[
    int,
    Query(
        description=f"How many at most: 1 to {MAX_LIMIT}.",
        examples=[50],
        json_schema_extra={"minimum": 1, "maximum": MAX_LIMIT},
    ),
]
UserId = Annotated[str, Path(alias="id", description="The `_id` of a user.", examples=[ANNA])]


class LogIn(Wire):
    """A name and its password."""

    username: str = Field(description="Without regard to case.", examples=["anna"])
    password: str = Field(description="Theirs.", examples=["correct horse battery"], repr=False)


class Registration(Wire):
    """Who somebody wants to be. A username is unique without regard to case; an e-mail address need not be."""

    username: str = Field(
        description=f"{MIN_NAME} to {MAX_NAME} letters, digits, dots, dashes and underscores.",
        examples=["anna"],
        json_schema_extra={"pattern": f"^{NAME}{{{MIN_NAME},{MAX_NAME}}}$"},
    )
    password: str = Field(
        description=f"{MIN_BYTES} to {MAX_BYTES} bytes of UTF-8.",
        examples=["correct horse battery"],
        json_schema_extra={"minLength": MIN_BYTES // 4, "maxLength": MAX_BYTES},
        repr=False,
    )
    email: str = Field(
        description="Nobody else sees it.",
        examples=["anna@example.org"],
        json_schema_extra={"pattern": r"^[^@\s]+@[^@\s]+$", "maxLength": MAX_EMAIL_BYTES},
    )


class Person(Wire):
    """What everyone may know of a user."""

    id: str = Field(alias="_id", description="Who they are, whatever they are called.", examples=[ANNA])
    username: str = Field(description="What they are called.", examples=["anna"])


class Me(Person):
    """What a user may know of themselves."""

    email: str = Field(description="Nobody else sees it.", examples=["anna@example.org"])
    created_at: str = Field(
        description="When they registered.",
        examples=["2026-11-22T09:42:00.123Z"],
        json_schema_extra={"format": "date-time"},
    )


class Myself(Me):
    """A user, and what is set for them."""

    read_receipts: bool = Field(
        description="Whether others see how far you have read, and you see it of others.", examples=[True]
    )


class Welcome(Wire):
    """Somebody who is logged in, and the token to say so."""

    user: Me = Field(description="Who is logged in.")
    token: str = Field(
        description="Send it as `Authorization: Bearer`, and as `auth: {token}` when you connect.",
        examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpZCI6Ii4uLiJ9.c2lnbmF0dXJl"],
    )


class People(Wire):
    """A page of users, by name."""

    users: list[Person] = Field(description="In the order of their names.")
    next: str | None = Field(None, description="The `after` of the next page; absent on the last.")


def routes(accounts: Accounts, tokens: Tokens) -> APIRouter:
    """The routes over these use cases."""
    router = APIRouter(prefix="/api/users", tags=["accounts"])

    @router.post("/register", status_code=201, responses=TAKEN)
    async def register(form: Registration, request: Request) -> Welcome:
        """Register, and be logged in."""
        with counted(accounts.registered):
            user = await accounts.register(form.username, form.password, form.email, _address(request))
        return Welcome(user=_me(user), token=tokens.issue(user.id))

    @router.post("/login", summary="Log in", responses=WRONG)
    async def log_in(form: LogIn, request: Request) -> Welcome:
        """Log in. No such user and a wrong password are answered alike."""
        with counted(accounts.logged_in):
            user = await accounts.log_in(form.username, form.password, _address(request))
        return Welcome(user=_me(user), token=tokens.issue(user.id))

    @router.get("/me", summary="Read who you are", responses=MISSING)
    async def me(caller: Caller) -> Myself:
        """Yourself, and what is set for you."""
        user = await accounts.get(caller.user_id)
        return Myself(**_me(user).model_dump(), read_receipts=user.read_receipts)

    @router.get("", summary="Find users by name", response_model_exclude_none=True)
    async def search(_caller: Caller, search: Search, after: After = "", limit: Limit = DEFAULT_LIMIT) -> People:
        """Those whose names begin so, in the order of their names."""
        found = await accounts.search(search, after, limit)
        return People(users=[_person(user) for user in found.users], next=found.next)

    @router.get("/{id}", summary="Read who somebody is", responses=MISSING)
    async def user(_caller: Caller, user_id: UserId) -> Person:
        """Somebody, as everyone may know them."""
        return _person(await accounts.get(user_id))

    return router


def _address(request: Request) -> str:
    return network_of(request.client.host if request.client else None)


def _person(user: User) -> Person:
    return Person(id=user.id, username=user.username)


def _me(user: User) -> Me:
    return Me(id=user.id, username=user.username, email=user.email, created_at=iso(user.created_at))
