"""Rows by the million, put into a database while no server has it open.

The one place in here that knows how Fireside keeps things (docs/architecture.md, section 3): sent the ordinary way, a
million messages would take longer than everything that is measured.
"""

import itertools
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, Self

import apsw
import pymongo
from bson import ObjectId
from bson.datetime_ms import DatetimeMS

AT_ONCE = 10_000
CONTENT = "x" * 100
EACH = 5
"""Messages of each conversation elsewhere, and as many reactions."""


class Filling(Protocol):
    """A database that no server has open. `with` it."""

    def lengthen(self, conversation: str, sender: str, first: int, last: int) -> None:
        """Messages of this sender, from one seq to the other, at the end of a conversation that is asleep."""

    def elsewhere(self, count: int) -> None:
        """Conversations of people whom nobody else knows, with messages and changes; the newest there are."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _talks(count: int) -> Iterator[tuple[bytes, list[bytes]]]:
    """A conversation and its two people, so many times."""
    for _ in range(count):
        yield os.urandom(12), sorted((os.urandom(12), os.urandom(12)))


def _slices(rows: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(rows)
    while some := list(itertools.islice(left, AT_ONCE)):
        yield some


class SqliteFilling:
    """The file."""

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(str(path))
        self._connection.pragma("synchronous", "OFF")

    def lengthen(self, conversation: str, sender: str, first: int, last: int) -> None:
        key, who, now = bytes.fromhex(conversation), bytes.fromhex(sender), _now_ms()
        rows = ((key, seq, who, f"{conversation}-{seq}", CONTENT, now, 0, None) for seq in range(first, last + 1))
        with self._connection:
            self._messages(rows)
            self._connection.execute("UPDATE activity SET seq = ?, at = ? WHERE conversation = ?", (last, now, key))

    def elsewhere(self, count: int) -> None:
        now = _now_ms()
        with self._connection:
            stamp: int = self._connection.execute("SELECT last FROM stamps").get
            for talks in _slices(enumerate(_talks(count), stamp + 1)):
                self._others(talks, now)
            self._connection.execute("UPDATE stamps SET last = last + ?", (count,))

    def _others(self, talks: list[tuple[int, tuple[bytes, list[bytes]]]], now: int) -> None:
        run = self._connection.executemany
        keep = "INSERT INTO conversations (id, kind, members, created_at) VALUES (?,'direct',?,?)"
        run(keep, ((key, f'["{one.hex()}","{other.hex()}"]', now) for _, (key, (one, other)) in talks))
        run(
            "INSERT INTO members (user, conversation) VALUES (?,?)",
            ((each, key) for _, (key, people) in talks for each in people),
        )
        run(
            "INSERT INTO activity (conversation, seq, rev, at, stamp) VALUES (?,?,?,?,?)",
            ((key, EACH, EACH, now, stamp) for stamp, (key, _) in talks),
        )
        self._messages(
            (key, seq, one, f"{key.hex()}-{seq}", CONTENT, now, seq, f'{{"reactions":{{"{other.hex()}":"👍"}}}}')
            for _, (key, (one, other)) in talks
            for seq in range(1, EACH + 1)
        )
        run(
            "INSERT INTO changes (conversation, rev, seq, actor, at, token, what) VALUES (?,?,?,?,?,?,?)",
            (
                (key, seq, seq, other, now, os.urandom(8).hex(), '{"type":"reaction","emoji":"👍"}')
                for _, (key, (_, other)) in talks
                for seq in range(1, EACH + 1)
            ),
        )

    def _messages(self, rows: Iterable[tuple[Any, ...]]) -> None:
        names = "conversation, seq, sender, client_id, content, sent_at, rev, state"
        self._connection.executemany(f"INSERT INTO messages ({names}) VALUES (?,?,?,?,?,?,?,?)", rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.pragma("wal_checkpoint(TRUNCATE)")
        self._connection.close()


class MongoFilling:
    """The database."""

    def __init__(self, uri: str) -> None:
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(uri)
        self._database = self._client.get_default_database()

    def lengthen(self, conversation: str, sender: str, first: int, last: int) -> None:
        key, who, now = bytes.fromhex(conversation), ObjectId(sender), DatetimeMS(_now_ms())
        self._insert(
            "messages", (_message(key, seq, who, f"{conversation}-{seq}", now) for seq in range(first, last + 1))
        )
        self._database["activity"].update_one({"_id": ObjectId(key)}, {"$set": {"seq": last, "at": now}})

    def elsewhere(self, count: int) -> None:
        now = DatetimeMS(_now_ms())
        counter = self._database["_meta"].find_one_and_update({"_id": "stamp"}, {"$inc": {"last": count}})
        assert counter
        for talks in _slices(enumerate(_talks(count), counter["last"] + 1)):
            self._others(talks, now)

    def _others(self, talks: list[tuple[int, tuple[bytes, list[bytes]]]], now: DatetimeMS) -> None:
        kept = {"kind": "direct", "createdAt": now}
        self._insert(
            "conversations",
            ({"_id": ObjectId(key), "members": list(map(ObjectId, people)), **kept} for _, (key, people) in talks),
        )
        fresh = {"since": 0, "asOf": 0, "delivered": 0, "read": 0, "shown": 0}
        self._insert(
            "members",
            ({"_id": each + key, "conversation": ObjectId(key), **fresh} for _, (key, two) in talks for each in two),
        )
        moved = {"seq": EACH, "rev": EACH, "at": now, "awake": []}
        self._insert("activity", ({"_id": ObjectId(key), "stamp": stamp, **moved} for stamp, (key, _) in talks))
        said = ((key, seq, one, other) for _, (key, (one, other)) in talks for seq in range(1, EACH + 1))
        messages, changes = [], []
        reaction = {"type": "reaction", "emoji": "👍"}
        for key, seq, one, other in said:
            shown = {"rev": seq, "state": {"reactions": {other.hex(): "👍"}}}
            messages.append(_message(key, seq, ObjectId(one), f"{key.hex()}-{seq}", now) | shown)
            made = {"actor": ObjectId(other), "at": now, "token": os.urandom(8).hex(), "what": reaction}
            changes.append({"_id": _place(key, seq), "of": _place(key, seq), **made})
        self._insert("messages", messages)
        self._insert("changes", changes)

    def _insert(self, collection: str, rows: Iterable[dict[str, Any]]) -> None:
        for some in _slices(rows):
            self._database[collection].insert_many(some, ordered=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.admin.command("fsync")
        self._client.close()


def _place(key: bytes, number: int) -> bytes:
    return key + number.to_bytes(6, "big")


def _message(key: bytes, seq: int, sender: ObjectId, client_id: str, now: DatetimeMS) -> dict[str, Any]:
    return {"_id": _place(key, seq), "sender": sender, "clientId": client_id, "content": CONTENT, "sentAt": now}
