"""Origins: only whole ones match."""

import pytest

from fireside.core.origins import OriginPolicy

HOST = "chat.example.org"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("https://chat.example.org", True),
        ("https://app.example.org", True),
        ("https://app.example.org.evil.net", False),
        ("https://evil.net/https://app.example.org", False),
        ("http://app.example.org", False),
        ("https://app.example.org:444", False),
        ("https://APP.example.org", False),
        ("https://chat.example.org@evil.net", False),
        ("null", False),
        ("", False),
        ("file://chat.example.org", False),
        ("http://localhost:3000", False),
        ("http://[::1", False),
    ],
)
def test_only_the_servers_own_origin_and_those_named_are_allowed(origin: str | None, allowed: bool) -> None:
    assert OriginPolicy(["https://app.example.org"]).allows(origin, HOST) is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1:5173", True),
        ("http://[::1]:8080", True),
        ("http://localhost.evil.net", False),
        ("http://127.0.0.1.evil.net", False),
        ("http://localhost@evil.net", False),
    ],
)
def test_on_a_laptop_pages_of_the_same_machine_are_allowed_too(origin: str, allowed: bool) -> None:
    assert OriginPolicy(local=True).allows(origin, HOST) is allowed


def test_a_star_allows_every_page() -> None:
    assert OriginPolicy(["*"]).allows("https://anything.net", HOST)
