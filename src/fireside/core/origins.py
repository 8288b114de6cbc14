"""Origins: which web pages may talk to this server (RFC 6454, and the Origin checks of RFC 6455 section 10.2).

A browser says where a page came from; everything else need not, and carries a token either way. Compared whole:
no substring, no suffix, no wildcard inside a name, and `null` is nobody.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

ANY = "*"
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


class OriginPolicy:
    """Allows pages of the server itself, those named, and, where `local` is set, any page served from this machine."""

    def __init__(self, allowed: Collection[str] = (), *, local: bool = False) -> None:
        self._allowed = frozenset(allowed)
        self._local = local

    def allows(self, origin: str | None, host: str | None) -> bool:
        """Whether a request with these `Origin` and `Host` headers may go on. No Origin: not a web page."""
        if origin is None or origin in self._allowed or ANY in self._allowed:
            return True
        try:
            page = urlsplit(origin)
            hostname = page.hostname
        except ValueError:
            return False
        if page.scheme not in ("http", "https") or not hostname or page.path or page.query:
            return False
        return page.netloc == host or (self._local and hostname in LOCAL_HOSTS)
