"""Passwords: whose hashes verify, what is too short or too long, and what happens when too many come at once."""

import asyncio
import threading
from collections.abc import Iterator

import bcrypt
import pytest

from fireside.auth.passwords import QUEUE, THREADS, BcryptHasher, require_password
from fireside.core.errors import InvalidInput, Unavailable

# Made by bcryptjs 2.4.3 (`$2a$`) and 3.0 (`$2b$`).
BCRYPTJS = [
    ("correct horse battery", "$2a$04$0AG2k8LaBXcy1x6DgsIAk.XWCPGXDwoQk30ebQYBANpozCCBpoAkS"),
    ("pässwörd-日本", "$2a$04$eUkVx3qlgLRnM7hlpYjYbupO3KqBHwFYNaseFcm4zCIUeWwFEdXtW"),
    ("correct horse battery", "$2b$04$3w3hQrNMpEmsvXpwg7FWbugg00FM5kcLrW8t5Sok2M86WKNcDZNbG"),
    ("pässwörd-日本", "$2b$04$iH8pDZDMox5EPAEhHOfC8OkvyLGjbAx6oaZiFfTcXpCLOH53bOEnq"),
]


@pytest.fixture
def hasher() -> Iterator[BcryptHasher]:
    hasher = BcryptHasher(rounds=4)
    yield hasher
    hasher.close()


@pytest.mark.parametrize(("password", "hashed"), BCRYPTJS)
async def test_hashes_of_bcryptjs_verify(hasher: BcryptHasher, password: str, hashed: str) -> None:
    assert await hasher.verify(password, hashed)
    assert not await hasher.verify(password + "!", hashed)


async def test_a_password_verifies_against_its_hash_and_no_other(hasher: BcryptHasher) -> None:
    hashed = await hasher.hash("a good password")
    assert hashed.startswith("$2b$04$")
    assert await hasher.verify("a good password", hashed)
    assert not await hasher.verify("A good password", hashed)
    assert await hasher.hash("a good password") != hashed, "each has its own salt"


async def test_a_longer_password_does_not_pass_for_its_first_72_bytes(hasher: BcryptHasher) -> None:
    hashed = await hasher.hash("x" * 72)
    assert await hasher.verify("x" * 72, hashed)
    assert not await hasher.verify("x" * 73, hashed)


@pytest.mark.parametrize("nobody", [None, ""])
@pytest.mark.parametrize("password", ["nobody", "", "x" * 10_000, "\ud800", "a\0b"])
async def test_nobodys_password_is_wrong_after_one_comparison(
    hasher: BcryptHasher, monkeypatch: pytest.MonkeyPatch, password: str, nobody: str | None
) -> None:
    compared = []
    checkpw = bcrypt.checkpw

    def counting(secret: bytes, hashed: bytes) -> bool:
        compared.append(hashed)
        return checkpw(secret, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counting)
    assert not await hasher.verify(password, nobody)
    assert [hashed[:7] for hashed in compared] == [b"$2b$04$"]


@pytest.mark.parametrize("password", ["x" * 8, "x" * 72, "é" * 4, "é" * 36, "日本語", "🔥🔥", " " * 8])
def test_eight_to_72_bytes_are_a_password(password: str) -> None:
    assert require_password(password) == password


@pytest.mark.parametrize("password", ["", "x" * 7, "x" * 73, "é" * 3, "é" * 37, "🔥", "日" * 25, "x" * 10_000_000])
def test_fewer_or_more_bytes_are_not(password: str) -> None:
    with pytest.raises(InvalidInput, match="8 to 72 bytes") as refusal:
        require_password(password)
    assert refusal.value.details == {"field": "password", "minBytes": 8, "maxBytes": 72}


@pytest.mark.parametrize("password", ["long enough\0", "long enough\ud800"])
def test_what_is_not_text_is_no_password(password: str) -> None:
    with pytest.raises(InvalidInput, match="password"):
        require_password(password)


async def test_past_the_queue_the_next_one_is_asked_to_come_back(
    hasher: BcryptHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    def slow(secret: bytes, salt: bytes) -> bytes:
        assert go.wait(60)
        return salt

    monkeypatch.setattr(bcrypt, "hashpw", slow)
    waiting = [asyncio.create_task(hasher.hash("a good password")) for _ in range(THREADS + QUEUE)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refusal:
        await hasher.hash("one too many")
    assert refusal.value.retry_after_s
    go.set()
    await asyncio.gather(*waiting)
    await hasher.hash("there is room again")


async def test_who_gives_up_while_waiting_makes_room(hasher: BcryptHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def slow(secret: bytes, hashed: bytes) -> bool:
        assert go.wait(60)
        return True

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    waiting = [asyncio.create_task(hasher.verify("a password", "hash")) for _ in range(THREADS + QUEUE)]
    await asyncio.sleep(0)
    waiting.pop().cancel()
    await asyncio.sleep(0)
    instead = asyncio.create_task(hasher.verify("a password", "hash"))
    await asyncio.sleep(0)
    go.set()
    assert all(await asyncio.gather(instead, *waiting))
