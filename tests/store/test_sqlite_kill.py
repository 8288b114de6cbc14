"""A server that is killed has lost nothing it acknowledged."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fireside.store.errors import DatabaseInUse
from fireside.store.sqlite import SqliteEngine
from tests.engines import SqliteBackend
from tests.store.writer import BATCH, CONVERSATION

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fireside.db"


@pytest.fixture
def writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the database open and writes."""
    command = [sys.executable, "-m", "tests.store.writer", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def acknowledged(writer: subprocess.Popen[str], at_least: int) -> int:
    """Let it write so many, kill it, and return the last number it was sure of."""
    assert writer.stdout is not None
    last = 0
    while last < at_least:
        last = int(writer.stdout.readline())
    writer.kill()
    # What it had printed before it died counts; a line cut short does not.
    complete = [line for line in writer.stdout.readlines() if line.endswith("\n")]
    return int(complete[-1]) if complete else last


@pytest.mark.parametrize("at_least", [BATCH, 200, 2000])
async def test_a_killed_writer_has_kept_all_it_acknowledged(
    writer: subprocess.Popen[str], path: Path, at_least: int
) -> None:
    last = acknowledged(writer, at_least)
    async with SqliteBackend(path).open() as stores:
        kept = [each.seq for each in await stores.messages.after(CONVERSATION, 0, 1_000_000)]
    assert kept == list(range(1, len(kept) + 1))
    # At most the batch that was under way is there besides.
    assert len(kept) in (last, last + BATCH)


async def test_while_one_server_has_the_file_another_is_refused(writer: subprocess.Popen[str], path: Path) -> None:
    assert writer.stdout is not None
    writer.stdout.readline()
    with pytest.raises(DatabaseInUse, match=r"fireside\.db is open in another Fireside"):
        await SqliteEngine(path).start()
    acknowledged(writer, BATCH)
    async with SqliteBackend(path).open() as stores:
        assert await stores.messages.heads([CONVERSATION])
