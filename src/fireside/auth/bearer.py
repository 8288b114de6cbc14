"""The FastAPI dependency that says who is calling: declare a parameter of type `Caller`.

It reads `app.state`: `authenticator` says who it is, `per_user` (a limiter, or None) whether they call too often.
"""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from fireside.auth.authenticator import Authenticator, bearer_token
from fireside.auth.limits import require_patience
from fireside.auth.tokens import Claims
from fireside.core.limits import RateLimiter

# Declares the scheme in the OpenAPI document; reading and refusing is the authenticator's business.
_scheme = HTTPBearer(auto_error=False, description="The token that register and login answer with.")


async def caller_of(request: Request) -> Claims:
    """Who is calling, for whoever has no use for a dependency.

    Raises:
        Unauthorized: nobody that is known.
        RateLimited: they call too often.
    """
    authenticator: Authenticator = request.app.state.authenticator
    per_user: RateLimiter | None = request.app.state.per_user
    claims = await authenticator.identify(bearer_token(request.headers.get("authorization")))
    require_patience(per_user, claims.user_id, "requests")
    return claims


async def _caller(
    request: Request, _documented: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]
) -> Claims:
    return await caller_of(request)


Caller = Annotated[Claims, Depends(_caller)]
