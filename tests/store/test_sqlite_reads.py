"""What SQLite reads by: no query that somebody waits for walks through a table."""

import apsw
import pytest
from apsw.ext import query_info

from fireside.store.sqlite import activity, changes, inbox, messages, personal, receipts
from fireside.store.sqlite.schema import MIGRATIONS

QUERIES = {
    f"{module.__name__.rpartition('.')[2]}.{name}": query
    for module in (activity, changes, inbox, messages, personal, receipts)
    for name, query in vars(module).items()
    if name.isupper() and isinstance(query, str) and query.lstrip().startswith(("SELECT", "UPDATE"))
}

# A beginning that each of its users goes on from.
QUERIES["activity.SELECT"] += "WHERE conversation = ?"
PASSED_OVER = ("SCAN stamps", "SCAN (")
"""A table of one row, and what a query has found itself."""


@pytest.fixture(scope="module")
def database() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for migration in MIGRATIONS:
        connection.execute(migration)
    return connection


def test_f4_there_are_queries_to_look_at() -> None:
    assert {"inbox.CHANGED", "inbox.ONE"} <= QUERIES.keys()


@pytest.mark.parametrize("name", QUERIES)
def test_f4_nobody_waits_for_a_walk_through_a_table(database: apsw.Connection, name: str) -> None:
    query = QUERIES[name]
    plan = [
        row[3]
        for row in database.execute(f"EXPLAIN QUERY PLAN {query}", [0] * query_info(database, query).bindings_count)
    ]
    assert plan
    assert not [step for step in plan if step.startswith("SCAN") and not step.startswith(PASSED_OVER)], plan
