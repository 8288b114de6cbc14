"""The doctor: looks at everything a server needs before it is started or while it runs, and says what to do.

What must stay true: nothing is changed, made or migrated; and nothing secret is said.
"""

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from importlib.util import find_spec
from typing import Literal, NamedTuple

from fireside.cluster.line import TROUBLES, Lines
from fireside.config import Settings, SettingsError, StartupError, load, misspelt
from fireside.engines import stores_for
from fireside.secret import resolve_secret
from fireside.store.condition import Condition
from fireside.store.errors import StoreError

Status = Literal["ok", "warn", "fail"]

ENOUGH_FILES, FEW_FILES = 10_000, 256
ENOUGH_DISK, LITTLE_DISK = 1024**3, 100 * 1024**2
"""Bytes that are free."""
SOME_SKEW_MS, MUCH_SKEW_MS = 2_000, 60_000


class Finding(NamedTuple):
    """What came of one check. `advice` is empty where there is nothing to do."""

    check: str
    status: Status
    found: str
    advice: str = ""


async def examine(flags: Mapping[str, str]) -> list[Finding]:
    """Every check, with the settings that `serve` would take with these flags."""
    try:
        settings = load(flags)
    except SettingsError as error:
        how = "`fireside config` shows all settings; their reference is docs/settings.md."
        return [Finding("settings", "fail", line, how) for line in str(error).splitlines()]
    return [
        *_settings(settings),
        _signing_key(settings),
        *[finding async for finding in _database(settings)],
        await _bus(settings),
        *_traces(settings),
        _open_files(),
    ]


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _settings(settings: Settings) -> Iterator[Finding]:
    said = [
        *((line, "It counts for nothing: correct or remove it.") for line in misspelt()),
        *((found, advice) for is_so, found, advice in _unwise(settings) if is_so),
    ]
    for found, advice in said:
        yield Finding("settings", "warn", found, advice)
    if not said:
        yield Finding("settings", "ok", f"for {settings.env}")


def _unwise(settings: Settings) -> Iterator[tuple[bool, str, str]]:
    """What is allowed, and hardly meant."""
    public = settings.host not in ("127.0.0.1", "::1", "localhost")
    yield (
        public and not settings.production,
        f"development, and listening on {settings.host}",
        "Set FIRESIDE_ENV=production where others can reach it.",
    )
    yield (
        settings.production and not settings.rate_limits,
        "production without rate limits",
        "Remove FIRESIDE_RATE_LIMITS=off: without limits, passwords can be guessed.",
    )
    yield (
        "*" in settings.trusted_proxies,
        "everybody's word on where they call from is taken",
        "Name the addresses of your proxies in FIRESIDE_TRUSTED_PROXIES instead of *.",
    )
    yield (
        settings.metrics == "on" and settings.metrics_token is None,
        "everybody may read the metrics",
        "Set FIRESIDE_METRICS_TOKEN, or FIRESIDE_METRICS=local.",
    )


def _signing_key(settings: Settings) -> Finding:
    try:
        key = resolve_secret(settings, make=False)
    except (SettingsError, StartupError) as error:
        return Finding("signing key", "fail", str(error), "Without a good key the server does not start.")
    if key.warning:
        return Finding("signing key", "warn", key.origin, f"{key.warning}.")
    file = settings.jwt_secret_file
    if file is not None and os.name == "posix" and file.stat().st_mode & 0o007:
        return Finding("signing key", "warn", f"{file} can be read by everybody on this machine", f"chmod 640 {file}")
    return Finding("signing key", "ok", key.origin)


# ── the database ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    place = settings.mongo_place or str(settings.sqlite_path)
    try:
        condition = await stores_for(settings).engine.inspect()
    except StoreError as error:
        how = (
            "Is it running, can it be reached from here, and is MONGO_URI right?"
            if settings.mongo_uri
            else "Is it whole, and may the user who runs Fireside read it? If not: restore a backup."
        )
        yield Finding("database", "fail", str(error), how)
        return
    yield _schema(place, condition)
    if condition.version == condition.known:
        for finding in _indexes(condition):
            yield finding
    if not condition.copies and settings.production:
        how = "Make it a replica set (of three, best), so that what is written survives a disk."
        yield Finding("copies", "warn", "a standalone MongoDB keeps everything once", how)
    yield _clock(condition)
    yield _disk(settings, condition)


def _schema(place: str, condition: Condition) -> Finding:
    found = f"{condition.server}, {place}, schema {condition.version}"
    if condition.version > condition.known:
        how = f"A newer Fireside has written it, and this one knows {condition.known}: upgrade Fireside."
        return Finding("database", "fail", found, how)
    if condition.version == 0:
        return Finding("database", "ok", f"{condition.server}, {place}: empty; the first start makes it")
    if condition.version < condition.known:
        how = f"The next start brings it to {condition.known}, and there is no way back: make a backup first."
        return Finding("database", "warn", found, how)
    return Finding("database", "ok", found)


def _indexes(condition: Condition) -> Iterator[Finding]:
    for name, how in condition.missing.items():
        yield Finding("indexes", "fail", f"{name} is missing", how)
    if not condition.missing:
        yield Finding("indexes", "ok", "all there")


def _clock(condition: Condition) -> Finding:
    skew = abs(condition.ahead_ms)
    how = "Let NTP set the clocks: `timedatectl set-ntp true`. Times of messages and the ends of tokens go by them."
    found = f"the database's is {skew / 1000:.1f} s {'ahead' if condition.ahead_ms > 0 else 'behind'}"
    if skew >= SOME_SKEW_MS:
        return Finding("clock", "fail" if skew >= MUCH_SKEW_MS else "warn", found, how)
    return Finding("clock", "ok", "as the database has it")


def _disk(settings: Settings, condition: Condition) -> Finding:
    where = "of the database" if settings.mongo_uri else f"of {settings.data_dir}"
    if condition.disk is None:
        return Finding("disk", "ok", f"{where}: not known")
    free, total = condition.disk
    found = f"{where}: {_size(free)} of {_size(total)} free"
    if free < ENOUGH_DISK:
        return Finding("disk", "fail" if free < LITTLE_DISK else "warn", found, "Make room, or take a larger disk.")
    return Finding("disk", "ok", found)


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


# ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def _bus(settings: Settings) -> Finding:
    if settings.valkey_url is None:
        return Finding("bus", "ok", "none: one process serves everybody")
    try:
        async with Lines(settings.valkey_url.get_secret_value()).open() as line:
            return Finding("bus", "ok", f"{await line.version()}, {settings.valkey_place}")
    except (ValueError, TypeError):
        return Finding("bus", "fail", f"{settings.valkey_place}: no such address", "Correct VALKEY_URL.")
    except TROUBLES as error:
        how = "Is it running, can it be reached from here, and are the user and password of VALKEY_URL right?"
        return Finding("bus", "fail", f"{settings.valkey_place} does not answer: {type(error).__name__}", how)


def _traces(settings: Settings) -> Iterator[Finding]:
    if settings.otel_exporter_otlp_endpoint is not None:
        if find_spec("opentelemetry.sdk") is None:
            yield Finding("traces", "fail", "what sends them is not installed", "pip install 'fireside[otel]'")
        else:
            yield Finding("traces", "ok", "are sent to the collector")


def _open_files() -> Finding:
    try:
        import resource  # not on Windows, where there is no such limit
    except ImportError:
        return Finding("open files", "ok", "no limit")
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return Finding("open files", "ok", "no limit")
    found = f"{limit} at most; each connection is one"
    if limit < ENOUGH_FILES:
        how = "For more connections than that: `ulimit -n 65536`, or `LimitNOFILE=65536` in the unit of systemd."
        return Finding("open files", "fail" if limit < FEW_FILES else "warn", found, how)
    return Finding("open files", "ok", found)
