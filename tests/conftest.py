"""Fixtures for all tests, and their order."""

from pathlib import Path

import pytest

pytest_plugins = ["tests.engines", "tests.valkey"]

LONGEST = Path(__file__).with_name("torture")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who takes longest begins first: at the end there would be nothing left to do beside them."""
    items.sort(key=lambda item: LONGEST not in item.path.parents)
