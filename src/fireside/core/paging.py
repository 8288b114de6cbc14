"""Pages. There are no offsets: a page is asked for by the place it starts at."""

from fireside.core.errors import InvalidInput

DEFAULT_LIMIT = 50
MAX_LIMIT = 100


def require_limit(limit: int) -> int:
    """The limit, if it is between 1 and `MAX_LIMIT`.

    Raises:
        InvalidInput: it is not.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput(f"limit must be between 1 and {MAX_LIMIT}.", details={"field": "limit"})
    return limit
