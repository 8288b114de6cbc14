"""Text that came from outside. It is stored as it came and never interpreted, but it must be text."""

from datetime import datetime

from fireside.core.errors import InvalidInput


def require_text(field: str, value: str, *, max_bytes: int) -> str:
    """The value, if it can be stored and sent again unchanged.

    Refuses NUL (databases and C libraries cut there), lone surrogates (not UTF-8) and more than
    `max_bytes` bytes of UTF-8.

    Raises:
        InvalidInput: names the field and what is wrong with it.
    """
    try:
        size = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError:
        raise InvalidInput(f"{field} is not valid Unicode text.", details={"field": field}) from None
    if "\x00" in value:
        raise InvalidInput(f"{field} must not contain NUL characters.", details={"field": field})
    if size > max_bytes:
        raise too_long(field, size, max_bytes)
    return value


def too_long(field: str, size: int, max_bytes: int) -> InvalidInput:
    """The refusal of a text of so many bytes."""
    return InvalidInput(
        f"{field} is {size} bytes long; at most {max_bytes} are accepted.",
        details={"field": field, "maxBytes": max_bytes},
    )


def require_time(field: str, value: str) -> int:
    """The UTC milliseconds of an ISO 8601 time with an offset, or `Z`.

    Raises:
        InvalidInput: it is none.
    """
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo is None:
            raise ValueError
        return round(time.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{field} must be a time such as 2026-11-22T09:42:00.123Z.", details={"field": field}
        ) from None
