"""Logs: one form for everyone's lines, and nothing in them that opens a door."""

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog

from fireside import logs

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJpZCI6IjEifQ.c2lnbmF0dXJl"
Lines = Callable[[], list[dict[str, object]]]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    logging.getLogger("uvicorn.access").disabled = False
    for name in logs.AT_LEAST_INFO:
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def logged(level: str = "info") -> Lines:
    """Set logging up as in production; the lines so far, when called."""
    stream = io.StringIO()
    logs.configure(level, json=True, stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_lines_and_everyone_elses_come_out_alike() -> None:
    lines = logged()
    structlog.contextvars.bind_contextvars(request_id="r1")
    structlog.get_logger("fireside.http").info("answered", status=200)
    logging.getLogger("uvicorn.error").warning("%s connections", 3)
    ours, theirs = lines()
    assert (ours["event"], ours["level"], ours["logger"], ours["status"]) == ("answered", "info", "fireside.http", 200)
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("3 connections", "warning", "uvicorn")
    assert ours["request_id"] == theirs["request_id"] == "r1"
    assert str(ours["timestamp"]).endswith("Z")


def test_less_important_lines_are_left_out() -> None:
    lines = logged("warning")
    structlog.get_logger().info("no")
    logging.getLogger("any").info("no")
    structlog.get_logger().warning("yes")
    assert [line["event"] for line in lines()] == ["yes"]


def test_debugging_does_not_print_what_people_say_to_each_other() -> None:
    lines = logged("debug")
    structlog.get_logger().debug("ours")
    for name in ("websockets.server", "pymongo.command", "asyncio"):
        logging.getLogger(name).debug("< TEXT 'a message'")
    assert [line["event"] for line in lines()] == ["ours"]


def test_uvicorn_writes_no_access_lines() -> None:
    lines = logged("debug")
    logging.getLogger("uvicorn.access").info('"GET /socket.io/?sid=s HTTP/1.1" 200')
    assert lines() == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /socket.io/?EIO=4&sid=Ab_9 HTTP/1.1", "GET /socket.io/?*** HTTP/1.1"),
        ("bad token " + TOKEN, "bad token ***"),
        ("authorization: Bearer abc.def", "authorization: Bearer ***"),
        ("cannot reach mongodb://user:password@host/db", "cannot reach mongodb://***@host/db"),
        ("Really? Yes=no", "Really? Yes=no"),
    ],
)
def test_secrets_are_blotted_out_wherever_they_turn_up(text: str, shown: str) -> None:
    lines = logged()
    structlog.get_logger().error(text, detail=text)
    logging.getLogger("other").error("%s", text)
    ours, theirs = lines()
    assert (ours["event"], ours["detail"], theirs["event"]) == (shown, shown, shown)


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_shows_neither_secrets_nor_local_variables(as_json: bool) -> None:
    stream = io.StringIO()
    logs.configure("info", json=as_json, stream=stream)
    password = "".join(["correct ", "horse"])
    try:
        raise ValueError(TOKEN, len(password))
    except ValueError:
        structlog.get_logger().exception("failed")
    said = stream.getvalue()
    assert "Traceback" in said
    assert "***" in said
    assert TOKEN not in said
    assert password not in said


def test_on_a_desk_a_line_reads_like_one() -> None:
    stream = io.StringIO()
    logs.configure("info", json=False, stream=stream)
    structlog.get_logger("fireside").warning("slow", conversation="c1")
    said = stream.getvalue()
    assert "[warning" in said
    assert "slow" in said
    assert "conversation=c1" in said
    assert "\x1b[" not in said
