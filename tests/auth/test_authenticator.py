"""Turning a token into a caller."""

import pytest

from fireside.auth.authenticator import Authenticator, bearer_token
from fireside.auth.tokens import Tokens
from fireside.core.errors import Unauthorized

USER = "0123456789abcdef01234567"
tokens = Tokens("a secret of tests, at least 32 bytes", 60, lambda: 1_790_000_000_000)


class FakeKnownUsers:
    def __init__(self, *user_ids: str) -> None:
        self.user_ids = user_ids
        self.asked: list[str] = []

    async def exists(self, user_id: str) -> bool:
        self.asked.append(user_id)
        return user_id in self.user_ids


async def test_a_valid_token_of_a_user_says_who_is_calling() -> None:
    claims = await Authenticator(tokens, FakeKnownUsers(USER)).identify(tokens.issue(USER))
    assert claims.user_id == USER


async def test_a_token_of_a_deleted_user_is_refused() -> None:
    with pytest.raises(Unauthorized):
        await Authenticator(tokens, FakeKnownUsers()).identify(tokens.issue(USER))


@pytest.mark.parametrize("token", [None, "", "null", "a.b.c"])
async def test_without_a_valid_token_nobody_is_looked_up(token: str | None) -> None:
    users = FakeKnownUsers(USER)
    with pytest.raises(Unauthorized):
        await Authenticator(tokens, users).identify(token)
    assert users.asked == []


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer a.b.c", "a.b.c"),
        ("bearer a.b.c", "a.b.c"),
        ("BEARER  a.b.c ", "a.b.c"),
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("a.b.c", None),
        ("Basic YTpi", None),
        ("Bearera.b.c", None),
    ],
)
def test_a_bearer_token_is_read_from_its_header(header: str | None, token: str | None) -> None:
    assert bearer_token(header) == token
