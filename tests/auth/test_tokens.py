"""Tokens: what is accepted, and the long list of what is not."""

import base64
import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fireside.auth.tokens import MAX_TOKEN_BYTES, Claims, Tokens
from fireside.core.errors import TokenExpired, Unauthorized

SECRET = "a secret of tests, at least 32 bytes"
USER = "0123456789abcdef01234567"
NOW_MS = 1_790_000_000_000
TTL_S = 86_400
GOOD: dict[str, Any] = {"id": USER, "exp": NOW_MS // 1000 + TTL_S}

tokens = Tokens(SECRET, TTL_S, lambda: NOW_MS)


def signed(claims: dict[str, Any], secret: str = SECRET, algorithm: str = "HS256", **headers: Any) -> str:
    return jwt.encode(claims, secret, algorithm, headers=headers)


def by_hand(header: dict[str, Any] | bytes, claims: dict[str, Any] | bytes, signature: str = "") -> str:
    def part(value: dict[str, Any] | bytes) -> str:
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    return f"{part(header)}.{part(claims)}.{signature}"


def test_an_issued_token_says_who_is_calling_and_until_when() -> None:
    assert tokens.read(tokens.issue(USER)) == Claims(USER, NOW_MS + TTL_S * 1000)


def test_a_token_of_another_library_is_read() -> None:
    # {"id":"0123456789abcdef01234567","iat":1789999999,"exp":1790086400}, as jsonwebtoken signs it.
    assert tokens.read(signed({"id": USER, "iat": NOW_MS // 1000 - 1, "exp": 1_790_086_400})).user_id == USER


@pytest.mark.parametrize("age_ms", [0, 1, 10**12])
def test_a_token_that_was_good_once_says_so(age_ms: int) -> None:
    late = Tokens(SECRET, TTL_S, lambda: NOW_MS + TTL_S * 1000 + age_ms)
    with pytest.raises(TokenExpired):
        late.read(tokens.issue(USER))


def test_a_token_is_good_until_the_last_millisecond() -> None:
    assert Tokens(SECRET, TTL_S, lambda: NOW_MS + TTL_S * 1000 - 1).read(tokens.issue(USER)).user_id == USER


def verdict(read: Callable[[str], Claims], token: str) -> Claims | str:
    try:
        return read(token)
    except Unauthorized as refusal:
        return refusal.code


@pytest.mark.parametrize("claims", [{"id": USER, "iat": 1, "exp": GOOD["exp"]}, {"id": USER, "iat": 1, "exp": 1}])
def test_a_token_as_we_write_them_needs_no_library(claims: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    token = signed(claims)
    said = verdict(tokens.read, token)
    monkeypatch.delattr(jwt, "decode")
    assert verdict(tokens.read, token) == said


claims = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from([USER, USER.upper(), "x", 7, None]),
        "iat": st.sampled_from([0, NOW_MS, 1.5, "1", None]) | st.integers(),
        "exp": st.sampled_from([GOOD["exp"], 0, 1.5, True, "1", None]) | st.integers(),
        "nbf": st.sampled_from([0, 99_999_999_999]),
        "aud": st.just("another service"),
        "ID": st.just(USER),
    },
)


@given(claims, st.integers(0, 200), st.sampled_from(["", "=", "A", ".", "\n", " ", "é"]), st.booleans())
def test_it_says_what_the_library_says(said: dict[str, Any], place: int, added: str, replaces: bool) -> None:
    """Whatever is in a token, and wherever it has been changed since it was signed."""
    token = by_hand_signed(said)
    for each in (token, token[:place] + added + token[place + replaces :]):
        with patch.object(Tokens, "_read_own", lambda *_: None):
            expected = verdict(tokens.read, each)
        assert verdict(tokens.read, each) == expected


def without(claim: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != claim}


REFUSED: dict[str, Callable[[], str]] = {
    "nothing": lambda: "",
    "no token": lambda: "undefined",
    "two parts": lambda: signed(GOOD).rpartition(".")[0],
    "four parts": lambda: signed(GOOD) + ".AAAA",
    "bad base64": lambda: "!!!." + signed(GOOD).partition(".")[2],
    "lone surrogate": lambda: "\ud800." + signed(GOOD).partition(".")[2],
    "not JSON": lambda: by_hand(b"{", b"{", "AAAA"),
    "JSON too deep": lambda: by_hand(b"[" * 3000, b"{}", "AAAA"),
    "a number too long": lambda: by_hand(b'{"alg":' + b"9" * 2900 + b"}", b"{}", "AAAA"),
    "header is a list": lambda: by_hand(b'["HS256"]', GOOD, "AAAA"),
    "claims are a list": lambda: jwt.api_jws.encode(b"[1]", SECRET, "HS256"),
    "wrong secret": lambda: signed(GOOD, "another secret, as long as the first"),
    "no signature": lambda: signed(GOOD).rpartition(".")[0] + ".",
    "another's claims": lambda: ".".join(
        [signed(GOOD).split(".")[0], signed({**GOOD, "id": "f" * 24}).split(".")[1], signed(GOOD).split(".")[2]]
    ),
    "alg none": lambda: by_hand({"alg": "none"}, GOOD),
    "alg None": lambda: by_hand({"alg": "None", "typ": "JWT"}, GOOD),
    "alg nOnE": lambda: by_hand({"alg": "nOnE"}, GOOD, "AAAA"),
    "no alg": lambda: by_hand({"typ": "JWT"}, GOOD),
    "alg is a list": lambda: by_hand({"alg": ["HS256"]}, GOOD),
    "HS384": lambda: signed(GOOD, SECRET * 2, "HS384"),
    "HS512": lambda: signed(GOOD, SECRET * 2, "HS512"),
    "critical extension": lambda: signed(GOOD, crit=["exp"]),
    "detached payload": lambda: signed(GOOD, b64=False, crit=["b64"]),
    "no exp": lambda: signed(without("exp")),
    "exp is text": lambda: by_hand_signed({**GOOD, "exp": str(GOOD["exp"])}),
    "exp is a float": lambda: by_hand_signed({**GOOD, "exp": 1e20}),
    "exp is true": lambda: by_hand_signed({**GOOD, "exp": True}),
    "exp is null": lambda: by_hand_signed({**GOOD, "exp": None}),
    "not yet": lambda: signed({**GOOD, "nbf": 99_999_999_999}),
    "for somebody else": lambda: signed({**GOOD, "aud": "another service"}),
    "no id": lambda: signed(without("id")),
    "id is an operator": lambda: signed({**GOOD, "id": {"$gt": ""}}),
    "id is a number": lambda: signed({**GOOD, "id": 7}),
    "id is no id": lambda: signed({**GOOD, "id": "../../etc/passwd"}),
}


def by_hand_signed(claims: dict[str, Any]) -> str:
    """PyJWT checks some claims when it writes them; others' libraries do not."""
    return jwt.api_jws.encode(json.dumps(claims).encode(), SECRET, "HS256")


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED.keys())
def test_anything_else_is_refused_and_not_as_expired(make: Callable[[], str]) -> None:
    with pytest.raises(Unauthorized) as refusal:
        tokens.read(make())
    assert refusal.value.code == "unauthorized"


def test_a_huge_token_is_refused_unread() -> None:
    good_but_long = signed({**GOOD, "padding": "x" * MAX_TOKEN_BYTES})
    with pytest.raises(Unauthorized):
        tokens.read(good_but_long)
    with pytest.raises(Unauthorized):
        tokens.read("a" * 1_000_000)


def test_headers_that_name_keys_elsewhere_are_not_followed() -> None:
    naming = signed(GOOD, kid="../../dev/null", jku="http://127.0.0.1:1/keys", x5u="http://127.0.0.1:1/")
    assert tokens.read(naming).user_id == USER, "our own secret signed it, so it is good"
    with pytest.raises(Unauthorized):
        tokens.read(signed(GOOD, "a secret that a key elsewhere gave away", jku="http://127.0.0.1:1/keys"))
