"""A copy of the database, whole and as of one moment, while a server goes on writing.

It is SQLite's own online backup, in one step and so in one read: what had been committed when it began is in it, and
nothing else. The server does not wait for it; its log cannot be emptied meanwhile, so it grows by what is written.

A copy has its name only once it is on disk and looked through. It is one file, without a log beside it.
"""

import os
import tempfile
from pathlib import Path

import apsw

from fireside.store.errors import StoreError
from fireside.store.sqlite.engine import BUSY_TIMEOUT_MS, require_database


def back_up(path: Path, to: Path) -> None:
    """Copy the database at `path` to a new file, which its owner alone can read.

    Raises:
        StoreError: there is no database, `to` is there already, or the disk is in the way; nothing is left behind.
    """
    require_database(path)
    if to.exists():
        raise _taken(to)
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f"{to.name}-", dir=to.parent)  # mode 600
        os.close(handle)
        part = Path(name)
        _copy(path, part)
        _name(part, to)
    except FileExistsError as error:
        raise _taken(to) from error
    except (OSError, apsw.Error) as error:
        raise StoreError(f"The database {path} cannot be copied to {to}: {error}") from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _taken(to: Path) -> StoreError:
    return StoreError(f"{to} is there already, and a backup replaces nothing.")


def _name(part: Path, to: Path) -> None:
    """Call it `to`, unless something has come there while it was copied: renaming would replace that."""
    try:
        os.link(part, to)
    except FileExistsError:
        raise
    except OSError:
        # A stick's file system, or a network's, has one name for each file: this takes it, or finds it taken.
        to.touch(0o600, exist_ok=False)
        part.rename(to)


def _copy(path: Path, to: Path) -> None:
    source, copy = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY), apsw.Connection(str(to))
    try:
        source.set_busy_timeout(BUSY_TIMEOUT_MS)
        with copy.backup("main", source, "main") as backup:
            backup.step(-1)
        copy.pragma("journal_mode", "DELETE")
        if (trouble := copy.pragma("quick_check")) != "ok":
            raise apsw.CorruptError(str(trouble))
    finally:
        copy.close()
        source.close()
