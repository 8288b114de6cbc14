"""What a host does to the data beside a server that may be running: back it up, give somebody a new password.

Nothing here brings a database up to date: the server that serves it may be an older one.
"""

from pathlib import Path

from fireside.auth.passwords import BcryptHasher
from fireside.config import Settings, StartupError
from fireside.core.clock import now_ms
from fireside.core.errors import ChatError
from fireside.engines import stores_for
from fireside.features.accounts.service import Accounts, LoginFailures, User
from fireside.store import sqlite
from fireside.store.errors import StoreError


def back_up(settings: Settings, to: Path) -> None:
    """Copy the SQLite database to a new file, whole and as of one moment.

    Raises:
        StartupError: it cannot be done; nothing is left behind.
    """
    if settings.mongo_uri is not None:
        raise StartupError("MONGO_URI is set: back up MongoDB with its own tools, such as mongodump --oplog")
    try:
        sqlite.back_up(settings.sqlite_path, to)
    except StoreError as error:
        raise StartupError(str(error)) from None


async def set_password(settings: Settings, username: str, password: str) -> User:
    """Give somebody a new password; who they are.

    Raises:
        StartupError: there is no such user, it is no password, or the database cannot be used.
    """
    stores, hasher = stores_for(settings, beside=True), BcryptHasher(settings.bcrypt_rounds)
    accounts = Accounts(stores.accounts, hasher, LoginFailures(), now_ms, registrations=None)
    try:
        await stores.engine.start()
        return await accounts.set_password(username, password)
    except (ChatError, StoreError) as error:
        raise StartupError(str(error)) from None
    finally:
        await stores.engine.stop()
        hasher.close()
