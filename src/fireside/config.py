"""Settings: every knob of the server, what it means, and where its value came from.

Names, defaults, meanings and limits are written once, here; the flags, `fireside config`, the error
messages and `docs/settings.md` are made from them. What must stay true:

- A flag beats the environment, which beats `.env`, which beats the default; an empty variable counts as unset.
- A wrong value ends in one line that names the setting and what is allowed.
- A secret is a `SecretStr` from the moment it is read: no repr, log line, error or table shows it.

Only `cli`, `app` and `secret` import this module; everything else is handed plain values.
"""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args, get_origin

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsConfigDict

from fireside.values import (
    MONGO_URI,
    URL,
    VALKEY_URL,
    Environment,
    Folder,
    Host,
    LogFormat,
    LogLevel,
    Origins,
    Proxies,
    Secret,
    Shown,
    Text,
    like,
)

DOTENV = Path(".env")
PREFIX = "FIRESIDE_"
CONTRACT = frozenset(
    {"port", "mongo_uri", "valkey_url", "jwt_secret", "jwt_secret_file", "otel_exporter_otlp_endpoint"}
)
"""Fields whose names existing deployments know: they carry no prefix."""
SECRET = frozenset({"jwt_secret", "metrics_token"})
"""Fields without a flag: everyone on a machine can read its command lines."""

Source = Literal["flag", "environment", ".env", "default"]


class SettingsError(Exception):
    """A setting is wrong or missing. The message has one line for each and names it."""


class StartupError(Exception):
    """The server cannot start and it is not our bug: the port is taken, the database does not answer. One line."""


def setting_name(field: str) -> str:
    """The name of a field outside: `data_dir` is `FIRESIDE_DATA_DIR`, `port` is `PORT`."""
    return field.upper() if field in CONTRACT else f"{PREFIX}{field.upper()}"


class Settings(BaseSettings):
    """All settings, checked. Made by `load`, which turns what is wrong into a `SettingsError`.

    A field's `description` is its meaning in a sentence; its `title`, where the type does not say it, is what
    its value must be.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", case_sensitive=True, env_ignore_empty=True, alias_generator=setting_name
    )

    port: int = Field(5000, ge=0, le=65535, description="The TCP port to listen on; 0 takes any free one.")
    mongo_uri: Annotated[Secret, like(MONGO_URI)] = Field(
        None,
        title="like mongodb://host:27017/database, with the user name and password percent-encoded",
        description="The MongoDB to keep everything in; without it, SQLite in the data folder.",
    )
    valkey_url: Annotated[Secret, like(VALKEY_URL)] = Field(
        None,
        title="like valkey://host:6379/0, or redis, rediss and unix, with the user name and password percent-encoded",
        description="The Valkey, or Redis 6.2 or newer, by which several processes on one MongoDB are one service.",
    )
    jwt_secret: Text = Field(
        None,
        title="printable text",
        description="The key that signs tokens, at least 32 bytes; required in production and with MongoDB, "
        "otherwise made once and kept in the data folder.",
    )
    jwt_secret_file: Folder | None = Field(
        None, title="a path", description="A file to read `JWT_SECRET` from, instead of setting it."
    )
    host: Host = Field(
        "127.0.0.1",
        title="an IP address or a host name",
        description="The address to listen on; `0.0.0.0` means every interface.",
    )
    data_dir: Folder = Field(
        Path("fireside-data"),
        title="a path",
        description="The folder for the SQLite database and the secret that was made.",
    )
    workers: int = Field(
        1, ge=1, le=256, description="Processes that serve on the port, one a core at most; more than one needs a bus."
    )
    env: Environment = Field(
        "development", description="`production` refuses what is only convenient on a laptop, and logs JSON."
    )
    web: bool = Field(True, description="Whether the web client is served, at `/`; off where the API is all there is.")
    bcrypt_rounds: int = Field(
        12, ge=4, le=16, description="The cost of a password hash; each step doubles the time it takes."
    )
    token_ttl_s: int = Field(
        86_400, ge=1, le=315_360_000, description="How many seconds a token is good for after logging in."
    )
    rate_limits: bool = Field(True, description="Whether callers are slowed down at all; off only for load tests.")
    allowed_origins: Origins = Field(
        (),
        title="origins such as https://chat.example.org, separated by commas, in lower case and without a path",
        description="Whose web pages may call, besides the server's own and, in development, those of this machine; "
        "`*` means everyone's, in development only.",
    )
    trusted_proxies: Proxies = Field(
        (),
        title="IP addresses or networks, separated by commas, or *",
        description="Proxies whose word on the caller's address and scheme is taken (`X-Forwarded-For`, `-Proto`).",
    )
    max_payload: int = Field(
        131_072, ge=1024, le=104_857_600, description="The largest request body or socket message accepted, in bytes."
    )
    backlog_mib: int = Field(
        256,
        ge=1,
        le=1_048_576,
        description="What may wait in a process for sockets that do not read, in MiB. Past it those that have been "
        "behind for longest are closed; they catch up when they come back.",
    )
    ping_interval_s: float = Field(25, ge=0.1, le=3600, description="Seconds between two heartbeats of a socket.")
    ping_timeout_s: float = Field(
        20, ge=0.1, le=3600, description="Seconds a socket may take to answer a heartbeat before it is closed."
    )
    connect_timeout_s: float = Field(
        10,
        ge=0.1,
        le=3600,
        description="Seconds a new socket may take to log in before it is closed, and the head of a request to arrive.",
    )
    events_per_second: int = Field(50, ge=1, le=1_000_000, description="Events a socket may send each second.")
    requests_per_second: int = Field(20, ge=1, le=1_000_000, description="Requests a caller may make each second.")
    handshakes_per_second: int = Field(
        1000, ge=1, le=1_000_000, description="New sockets a process takes each second; others are told to come back."
    )
    connections_per_user: int = Field(20, ge=1, le=1_000_000, description="Sockets a person may have open.")
    connections_per_address: int = Field(
        1000, ge=1, le=1_000_000, description="Sockets an IP address may have open; a whole school may share one."
    )
    max_group_members: int = Field(1024, ge=2, le=100_000, description="How many people a group may have.")
    edit_window_s: int = Field(
        900, ge=0, le=315_360_000, description="How many seconds after sending a message its sender may edit it."
    )
    delete_window_s: int = Field(
        172_800,
        ge=0,
        le=315_360_000,
        description="How many seconds after sending a message its sender may delete it for everyone.",
    )
    log_level: LogLevel = Field("info", description="The least important kind of line that is logged.")
    log_format: LogFormat = Field("auto", description="`auto` is console in development and JSON in production.")
    metrics: Shown = Field(
        "local", description="Who may read `/metrics`: nobody, callers on this machine, or everybody who gets here."
    )
    metrics_token: Text = Field(
        None,
        title="printable text",
        description="With it, whoever sends it as a bearer token may read the metrics, and nobody else.",
    )
    metrics_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        title="a whole number from 1 to 65535",
        description="A port for health and metrics alone, or the next free one: each of several processes on a machine "
        "has its own. Without it they are on the main port.",
    )
    otel_exporter_otlp_endpoint: Annotated[Secret, like(URL)] = Field(
        None,
        title="a URL such as http://localhost:4318",
        description="The OpenTelemetry collector that traces are sent to; needs `fireside[otel]`. Its other `OTEL_…` "
        "variables count too.",
    )

    _sources: dict[str, Source] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.jwt_secret is not None and self.jwt_secret_file is not None:
            raise ValueError("JWT_SECRET and JWT_SECRET_FILE must not both be set: only one of them can count")
        if self.valkey_url is not None and self.mongo_uri is None:
            raise ValueError("VALKEY_URL needs MONGO_URI: several processes cannot share SQLite")
        if self.workers > 1 and (self.mongo_uri is None or self.valkey_url is None):
            raise ValueError("FIRESIDE_WORKERS above 1 needs MONGO_URI and VALKEY_URL: several processes share them")
        if self.production and "*" in self.allowed_origins:
            raise ValueError("FIRESIDE_ALLOWED_ORIGINS must name each origin in production, not *")
        return self

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def log_json(self) -> bool:
        return self.log_format == "json" or (self.log_format == "auto" and self.production)

    @property
    def sqlite_path(self) -> Path:
        """The database file, where there is no MongoDB."""
        return self.data_dir / "fireside.db"

    @property
    def mongo_database(self) -> str:
        """The database that `mongo_uri` names, or `fireside`."""
        return self._mongo_part("database") or "fireside"

    @property
    def mongo_place(self) -> str | None:
        """`mongo_uri` without credentials and options: what may be shown of it."""
        hosts = self._mongo_part("hosts")
        return hosts and f"{self._mongo_part('scheme')}{hosts}/{self.mongo_database}"

    @property
    def valkey_place(self) -> str | None:
        """`valkey_url` without credentials and options: what may be shown of it."""
        found = self.valkey_url and VALKEY_URL.fullmatch(self.valkey_url.get_secret_value())
        return found["scheme"] + found["place"] if found else None

    def _mongo_part(self, part: str) -> str | None:
        found = self.mongo_uri and MONGO_URI.fullmatch(self.mongo_uri.get_secret_value())
        return found[part] if found else None


def load(flags: Mapping[str, str] | None = None, *, env_file: Path = DOTENV) -> Settings:
    """The settings, from flags (keyed by setting name, such as `PORT`), the environment and `.env`.

    Raises:
        SettingsError: something is wrong; one line for each setting.
    """
    given: dict[str, Any] = dict(flags or {})
    try:
        environment = EnvSettingsSource(Settings).env_vars
        dotenv = DotEnvSettingsSource(Settings, env_file=env_file).env_vars
        settings = Settings(_env_file=env_file, **given)
    except ValidationError as error:
        raise SettingsError("\n".join(_line(problem) for problem in error.errors())) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{env_file} cannot be read: {error}") from None
    settings._sources = {
        **dict.fromkeys(dotenv, ".env"),
        **dict.fromkeys(environment, "environment"),
        **dict.fromkeys(given, "flag"),
    }
    return settings


def misspelt(*, env_file: Path = DOTENV) -> list[str]:
    """A line for each `FIRESIDE_` variable that is no setting, with the name that was probably meant."""
    meant = {setting.name.removeprefix(PREFIX): setting.name for setting in every_setting()}
    dotenv = DotEnvSettingsSource(Settings, env_file=env_file).env_vars
    lines = []
    for name in sorted({*os.environ, *dotenv}.difference(meant.values())):
        if name.startswith(PREFIX):
            near = difflib.get_close_matches(name.removeprefix(PREFIX), meant, n=1)
            lines.append(f"{name} is not a setting" + (f"; did you mean {meant[near[0]]}?" if near else ""))
    return lines


class Setting(NamedTuple):
    """What can be said of a setting without reading any."""

    field: str
    name: str
    flag: str | None
    """None for what is secret."""
    default: str
    allowed: str
    meaning: str


class Described(NamedTuple):
    """A setting as it is now; secrets and credentials are masked."""

    name: str
    value: str
    source: Source
    meaning: str


def every_setting() -> list[Setting]:
    """Every setting, the most needed first."""
    return [
        Setting(
            field,
            setting_name(field),
            None if field in SECRET else f"--{field.replace('_', '-')}",
            _shown(info.default),
            _allowed(info),
            info.description or "",
        )
        for field, info in Settings.model_fields.items()
    ]


def describe(settings: Settings) -> list[Described]:
    """Every setting with its value, where that came from and what it means."""
    values = {**dict(settings), "mongo_uri": settings.mongo_place, "valkey_url": settings.valkey_place}
    return [
        Described(
            setting.name,
            _shown(values[setting.field]),
            settings._sources.get(setting.name, "default"),
            setting.meaning,
        )
        for setting in every_setting()
    ]


def _shown(value: object) -> str:
    match value:
        case None:
            return "unset"
        case ():
            return "none"
        case bool():
            return "on" if value else "off"
        case float():
            return f"{value:g}"
        case tuple():
            return ", ".join(value)
        case _:
            return str(value)  # a SecretStr masks itself


def _allowed(info: FieldInfo) -> str:
    """What a value must be, for people: `a whole number from 0 to 65535`."""
    limits: dict[str, Any] = {
        end: getattr(rule, end) for rule in info.metadata for end in ("ge", "le") if hasattr(rule, end)
    }
    if info.title is not None:
        return info.title
    if get_origin(info.annotation) is Literal:
        *others, last = get_args(info.annotation)
        return f"{', '.join(others)} or {last}"
    if info.annotation is bool:
        return "on or off"
    return f"{'a whole number' if info.annotation is int else 'a number'} from {limits['ge']} to {limits['le']}"


def _line(error: ErrorDetails) -> str:
    """One line for one thing that is wrong. A value is repeated only if it is no secret."""
    if not error["loc"]:
        return str(error["ctx"]["error"])
    name = str(error["loc"][0])
    info = next(info for field, info in Settings.model_fields.items() if setting_name(field) == name)
    value = "" if SecretStr in get_args(info.annotation) else f", not {error['input']!r}"
    return f"{name} must be {_allowed(info)}{value}"
