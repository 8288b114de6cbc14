"""Makes several mongods one replica set with two users: `admin`, and `fireside`, which may write its own database.

For compose.yaml. It runs on the machine of the first member, because a set that has no user yet lets in whoever comes
from there. What is done already stays: run it as often as you like, and again after a password has changed.
"""

import os
import time

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

SET = DATABASE = USER = "fireside"
UNAUTHORIZED, NOT_YET_INITIALIZED, USER_EXISTS = 13, 94, 51003
PATIENCE_S, PAUSE_S = 60, 0.2


def main() -> None:
    """Raises whatever is in the way; whoever started it tries again."""
    members = os.environ["MEMBERS"].split(",")
    admin, own = os.environ["MONGO_ADMIN_PASSWORD"], os.environ["MONGO_PASSWORD"]
    port = members[0].rpartition(":")[2]
    with MongoClient[dict[str, object]](f"mongodb://127.0.0.1:{port}/?directConnection=true") as stranger:
        try:
            initiate(stranger.admin, members)
            stranger.admin.command("createUser", "admin", pwd=admin, roles=["root"])
        except OperationFailure as error:
            # There are users by now, so a stranger has nothing more to do.
            if error.code != UNAUTHORIZED:
                raise
    with MongoClient[dict[str, object]](members, replicaSet=SET, username="admin", password=admin) as client:
        let_in(client[DATABASE], own)
    print(f"The replica set {SET} is there: {', '.join(members)}")


def initiate(admin: Database[dict[str, object]], members: list[str]) -> None:
    """Make the set, and wait until this member takes writes."""
    try:
        admin.command("replSetGetStatus")
    except OperationFailure as error:
        if error.code != NOT_YET_INITIALIZED:
            raise
        # The first is preferred, so that it is the one to make users on.
        config = [{"_id": n, "host": host, "priority": 1 if n else 2} for n, host in enumerate(members)]
        admin.command("replSetInitiate", {"_id": SET, "members": config})
    until = time.monotonic() + PATIENCE_S
    while not admin.command("hello")["isWritablePrimary"]:
        if time.monotonic() > until:
            raise TimeoutError(f"{members[0]} does not take writes")
        time.sleep(PAUSE_S)


def let_in(database: Database[dict[str, object]], password: str) -> None:
    """The server's own user, with this password."""
    try:
        database.command("createUser", USER, pwd=password, roles=["readWrite"])
    except OperationFailure as error:
        if error.code != USER_EXISTS:
            raise
        database.command("updateUser", USER, pwd=password)


if __name__ == "__main__":
    main()
