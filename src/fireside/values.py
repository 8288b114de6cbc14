"""What the value of a setting may be: the forms of hosts, origins, addresses and words.

What is wrong raises without a word of its own: those come from the field (see `config`), so that the error and the
reference say the same.
"""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_settings import NoDecode

_HOST = re.compile(r"[A-Za-z0-9_.:-]+")
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")
# Strict about what must be percent-encoded, so that nothing secret can hide in `hosts` or `database`.
MONGO_URI = re.compile(
    r"(?P<scheme>mongodb(\+srv)?://)([^@/?\s]+@)?(?P<hosts>[^@/?\s]+)(/(?P<database>[^@/?\s]*))?(\?[^@\s]*)?"
)
VALKEY_URL = re.compile(
    r"(?P<scheme>(redis|valkey)s?://|unix://)([^@/?\s]*@)?"
    r"(?P<place>(?<!unix://)(\[[0-9a-fA-F:.]+\]|[^@/?\s:]+)(:\d{1,5})?(/\d*)?|/[^@?\s]+)(\?[^@\s]*)?"
)
URL = re.compile(r"https?://[^\s?#]+")


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _require(matches: bool) -> None:
    if not matches:
        raise ValueError


def _host(host: str) -> str:
    _require(_HOST.fullmatch(host) is not None)
    return host


def _origin(origin: str) -> str:
    """Only as browsers write it (lower case, no path): anything else would never match, and nobody would know why."""
    _require(_ORIGIN.fullmatch(origin) is not None)
    return origin


def _proxy(proxy: str) -> str:
    if proxy != "*":
        ipaddress.ip_network(proxy)
    return proxy


def like(form: re.Pattern[str]) -> AfterValidator:
    def check(secret: SecretStr | None) -> SecretStr | None:
        _require(secret is None or form.fullmatch(secret.get_secret_value()) is not None)
        return secret

    return AfterValidator(check)


def _utf8(secret: SecretStr | None) -> SecretStr | None:
    _require(secret is None or secret.get_secret_value().isprintable())
    return secret


Secret = SecretStr | None
Text = Annotated[Secret, AfterValidator(_utf8)]
Host = Annotated[str, AfterValidator(_host)]
Folder = Annotated[Path, AfterValidator(Path.expanduser)]
Environment = Annotated[Literal["development", "production"], BeforeValidator(_lower)]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]
Shown = Annotated[Literal["off", "local", "on"], BeforeValidator(_lower)]
LogFormat = Annotated[Literal["auto", "console", "json"], BeforeValidator(_lower)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_split)]
Proxies = Annotated[tuple[Annotated[str, AfterValidator(_proxy)], ...], NoDecode, BeforeValidator(_split)]
