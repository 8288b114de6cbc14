"""Turning a token into a caller. Both edges ask here, and nowhere else."""

from typing import Protocol

from fireside.auth.tokens import Claims, Tokens
from fireside.core.errors import Unauthorized


class KnownUsers(Protocol):
    """Port: whether a user still exists. Answered from a cache most of the time."""

    async def exists(self, user_id: str) -> bool: ...


class Authenticator:
    """A token counts only as long as its user does."""

    def __init__(self, tokens: Tokens, users: KnownUsers) -> None:
        self._tokens = tokens
        self._users = users

    async def identify(self, token: str | None) -> Claims:
        """Who is calling.

        Raises:
            Unauthorized: no token, an invalid one, or its user is gone. `TokenExpired` where that is why.
        """
        if not token:
            raise Unauthorized("A token is needed: log in, then send it as `Authorization: Bearer <token>`.")
        claims = self._tokens.read(token)
        if not await self._users.exists(claims.user_id):
            raise Unauthorized("The token is not valid. Log in to get one.")
        return claims


def bearer_token(header: str | None) -> str | None:
    """The token of an `Authorization: Bearer <token>` header (RFC 6750 section 2.1), if it is one."""
    scheme, _, token = (header or "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
