"""Access tokens: JWT, HS256 and nothing else, claim `id` = user id (RFC 7519; checks after RFC 8725).

The algorithm is ours to say, never the token's: `alg: none` and anything but HS256 is refused before a
signature is looked at.
"""

from dataclasses import dataclass
from functools import lru_cache

import jwt

from fireside.core.clock import Clock
from fireside.core.errors import TokenExpired, Unauthorized
from fireside.core.ids import is_id

ALGORITHM = "HS256"
MAX_TOKEN_BYTES = 4096
REMEMBERED = 10_000
"""Tokens. Who asks for one thing mostly asks for another."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says."""

    user_id: str
    expires_at: int
    """UTC milliseconds."""


class Tokens:
    """Issues and reads tokens with one secret."""

    def __init__(self, secret: str, ttl_s: int, clock: Clock) -> None:
        self._secret = secret
        self._ttl_s = ttl_s
        self._clock = clock
        # What a good token says does not change; what is no token is looked at each time.
        self._verified = lru_cache(REMEMBERED)(self._verify)

    def issue(self, user_id: str) -> str:
        """A token that says this user is calling, good for the configured time."""
        now_s = self._clock() // 1000
        return jwt.encode({"id": user_id, "iat": now_s, "exp": now_s + self._ttl_s}, self._secret, ALGORITHM)

    def read(self, token: str) -> Claims:
        """The claims of a valid token.

        Raises:
            TokenExpired: it was valid once.
            Unauthorized: it never was, or is not a token at all.
        """
        if len(token) > MAX_TOKEN_BYTES:
            raise Unauthorized("The token is not valid. Log in to get one.")
        claims = self._verified(token)
        if claims.expires_at <= self._clock():
            raise TokenExpired("The token has expired. Log in again.")
        return claims

    def _verify(self, token: str) -> Claims:
        """What a token says that is ours, expired or not.

        Raises:
            Unauthorized: it is not.
        """
        try:
            # The expiry is compared by our own clock.
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                # Nor does a token count as forged where a clock was set back.
                options={"require": ["exp", "id"], "verify_exp": False, "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError):
            raise Unauthorized("The token is not valid. Log in to get one.") from None
        user_id, expires_s = claims["id"], claims["exp"]
        if not (isinstance(user_id, str) and is_id(user_id) and type(expires_s) is int):
            raise Unauthorized("The token is not valid. Log in to get one.")
        return Claims(user_id, expires_s * 1000)
