"""Logs: one line for each thing that happened, readable on a desk, JSON where machines read it.

structlog and the standard library's loggers (uvicorn's among them) come out of the same handler, on
stderr. What must stay true: no line carries a token, a credential or a query string (the Engine.IO `sid`
in one is as good as a token while its socket lives). Whoever logs should not pass them in; this is the
net below, and it looks at tracebacks too, which never show local variables.
"""

import logging
import os
import re
import sys
from typing import TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

HIDDEN = (
    (re.compile(r"(?<=[\w/])\?[\w.%~-]+=[^\s\"'<>]*"), "?***"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "***"),
    (re.compile(r"(?i)\b(bearer) +[^\s\"']+"), r"\1 ***"),
    (re.compile(r"\b(mongodb(?:\+srv)?://)[^@\s/]+@"), r"\1***@"),
)
"""What no line may show: query strings, JWTs, bearer tokens, database credentials."""

AT_LEAST_INFO = ("asyncio", "multipart", "pymongo", "websockets")
"""Loggers that print frames, commands or bodies, so other people's words, when debugging is on."""


def configure(level: str, *, json: bool, stream: TextIO | None = None) -> None:
    """Send everything that is logged at `level` (`debug`, `info`, …) or above to the stream, stderr by default."""
    stream = stream or sys.stderr
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _name_uvicorn,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide_secrets,
                structlog.processors.JSONRenderer() if json else _console(stream),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=number, force=True)
    logging.captureWarnings(True)
    for name in AT_LEAST_INFO:
        logging.getLogger(name).setLevel(max(number, logging.INFO))
    # Our own middleware writes the access line, without the query string.
    logging.getLogger("uvicorn.access").disabled = True


def _name_uvicorn(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    # Its general logger is called "uvicorn.error", which alarms people who see it at every start.
    event["logger"] = event["logger"].removesuffix(".error")
    return event


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blot out what `HIDDEN` finds in any text of a line."""
    return {key: _hide(value) if isinstance(value, str) else value for key, value in event.items()}


def _hide(text: str) -> str:
    for pattern, instead in HIDDEN:
        text = pattern.sub(instead, text)
    return text


def _console(stream: TextIO) -> Processor:
    colors = stream.isatty() and "NO_COLOR" not in os.environ
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
