"""Access tokens: JWT, HS256 and nothing else, claim `id` = user id (RFC 7519; checks after RFC 8725).

The algorithm is ours to say, never the token's: `alg: none` and anything but HS256 is refused before a
signature is looked at.

Tokens that are written as ours are, byte for byte, are read here; whatever else is shown goes through PyJWT, which
refuses it or not (docs/adr/0014).
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass

import jwt
import msgspec

from fireside.core.clock import Clock
from fireside.core.errors import TokenExpired, Unauthorized
from fireside.core.ids import is_id

ALGORITHM = "HS256"
MAX_TOKEN_BYTES = 4096

HEADER = urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode() + "."
"""What all tokens of PyJWT and jsonwebtoken begin with that are of this algorithm and name nothing else."""


class _Payload(msgspec.Struct, forbid_unknown_fields=True):
    """What is in a token of ours. What has anything more in it has to be judged by it."""

    id: str
    iat: int
    exp: int


_payload = msgspec.json.Decoder(_Payload)


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
        self._key = secret.encode()
        self._ttl_s = ttl_s
        self._clock = clock

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
        claims = self._read_own(token) or self._verify(token)
        if claims.expires_at <= self._clock():
            raise TokenExpired("The token has expired. Log in again.")
        return claims

    def _read_own(self, token: str) -> Claims | None:
        """What a token says that is written as ours are. None is no judgement: it is for PyJWT to say what is wrong."""
        signed, _, signature = token.rpartition(".")
        if not (signed.startswith(HEADER) and token.isascii()):
            return None
        expected = urlsafe_b64encode(hmac.digest(self._key, signed.encode(), "sha256")).rstrip(b"=")
        if not hmac.compare_digest(expected, signature.encode()):
            return None
        payload = signed[len(HEADER) :]
        try:
            claims = _payload.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except ValueError:
            return None
        return Claims(claims.id, claims.exp * 1000) if is_id(claims.id) else None

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
