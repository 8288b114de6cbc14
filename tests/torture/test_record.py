"""The record: what is written is what is read."""

from pathlib import Path

from msgspec.structs import replace

from fireside.client import Message
from fireside.features.conversations.groups import GroupChange, MemberLeft, MemberRemoved, MembersAdded
from fireside.torture.check import check
from fireside.torture.record import Record, read, row_of
from tests.torture.story import story


def test_a_record_that_was_written_is_read_and_judged_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    run = story().end()
    record = Record(path)
    for line in run.lines:
        record.note(line)
    record.close()
    lines = list(read(path))
    assert lines == run.lines
    assert check(lines) == []


MESSAGE = Message(id="id", conversation="c", seq=7, sender="ann", content="hello", timestamp="now", client_id="name")


def happened(change: GroupChange) -> tuple[str, tuple[str, ...]]:
    row = row_of(replace(MESSAGE, content="", system=change))
    return row.kind, row.who


def test_of_a_group_the_record_says_what_happened_and_to_whom() -> None:
    assert row_of(MESSAGE).kind == ""
    assert happened(MembersAdded(("bob", "cem"))) == ("membersAdded", ("bob", "cem"))
    assert happened(MemberRemoved("bob", 3)) == ("memberRemoved", ("bob",))
    assert happened(MemberLeft()) == ("memberLeft", ())


def test_texts_that_differ_have_other_digests() -> None:
    assert row_of(MESSAGE).digest == row_of(replace(MESSAGE, seq=8)).digest
    assert row_of(MESSAGE).digest != row_of(replace(MESSAGE, content="hello ")).digest
