"""Logging in, over HTTP."""

from collections.abc import Awaitable, Callable

import aiohttp

from fireside.client.connection import Lost, refused

TIMEOUT = aiohttp.ClientTimeout(total=20.0)


def login(server: str, username: str, password: str) -> Callable[[], Awaitable[str]]:
    """What a `Client` takes as its token: logs in when it begins, and again when the token has run out."""

    async def log_in() -> str:
        """The token.

        Raises:
            Lost: the server cannot be reached, or something else answers in its place.
            Refused: it says no.
        """
        body = {"username": username, "password": password}
        try:
            async with (
                aiohttp.ClientSession(server, timeout=TIMEOUT) as http,
                http.post("/api/users/login", json=body) as response,
            ):
                answer = await response.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Lost(str(error)) from None
        match answer:
            case {"token": str(token)}:
                return token
            case {"code": str()}:
                raise refused(answer)
        raise Lost(f"no answer to a log-in: {response.status}")

    return log_in
