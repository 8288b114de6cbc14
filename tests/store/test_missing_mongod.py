"""Where there is no mongod its tests are skipped, and where all must run they fail."""

import importlib.util

import pytest

from tests.engines import mongod_binary


@pytest.fixture(autouse=True)
def no_mongod(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("FIRESIDE_TEST_ALL", raising=False)


def test_on_a_desk_they_are_skipped() -> None:
    with pytest.raises(pytest.skip.Exception, match="no mongod here"):
        mongod_binary()


@pytest.mark.parametrize("name", ["CI", "FIRESIDE_TEST_ALL"])
def test_where_all_must_run_they_fail(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(pytest.fail.Exception, match="no mongod here"):
        mongod_binary()
