"""Why a database cannot be opened. Each message is one line for whoever starts the server."""


class StoreError(Exception):
    """The server cannot start on this database. Credentials never appear in the message."""


class NewerDatabase(StoreError):
    """A newer Fireside migrated it. There is no way back, and guessing would damage it."""

    def __init__(self, database: str, found: int, known: int) -> None:
        super().__init__(
            f"The database {database} was written by a newer Fireside (schema {found}; this one knows {known}). "
            "Upgrade Fireside."
        )


class OlderDatabase(StoreError):
    """It has to be migrated first, which is not for those who come beside a server: it may be an older one."""

    def __init__(self, database: str, found: int, known: int) -> None:
        super().__init__(
            f"The database {database} is of schema {found}, and this Fireside knows {known}. "
            "Start its server on it first, or use the version that serves it."
        )


class DatabaseInUse(StoreError):
    """Another server has it open: two on one SQLite file would not know of each other's people."""

    def __init__(self, database: str) -> None:
        super().__init__(f"The database {database} is open in another Fireside. Stop that one first, or use MongoDB.")
