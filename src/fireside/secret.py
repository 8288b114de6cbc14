"""The key that signs tokens: given, or made once and kept. Whoever has it is everyone.

What must stay true:

- In production and with MongoDB the key is given and has at least 32 bytes (RFC 7518 section 3.2: an HS256 key
  is as long as the hash). Several nodes share a database, so none of them may make one of its own.
- A key that is made is complete on disk before it has its name, so that a crash, or two servers starting
  at once, leave one whole key; only its owner can read it.
"""

import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from fireside.config import Settings, SettingsError, StartupError

MIN_BYTES = 32
KEPT_AS = "jwt-secret"
HOW = "`openssl rand -base64 48` makes one"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key, where it came from in words for the banner, and what is wrong with it, if anything."""

    value: str = field(repr=False)
    origin: str
    warning: str | None = None


def resolve_secret(settings: Settings, *, make: bool = True) -> SigningKey:
    """The key to sign tokens with; makes and keeps one where that is allowed. With `make=False` none is made: where
    there would be, its value is empty.

    Raises:
        SettingsError: none was given, or a short one, where a good one must be.
        StartupError: the data folder cannot be written.
    """
    given = _given(settings)
    why = "in production" if settings.production else "with MONGO_URI" if settings.mongo_uri else None
    if given is None:
        if why:
            raise SettingsError(f"JWT_SECRET must be set {why}, to at least {MIN_BYTES} bytes; {HOW}")
        return _kept(settings.data_dir, make)
    if len(given.value.encode()) >= MIN_BYTES:
        return given
    if why:
        raise SettingsError(f"{given.origin} must have at least {MIN_BYTES} bytes {why}; {HOW}")
    return SigningKey(given.value, given.origin, f"{given.origin} is shorter than {MIN_BYTES} bytes: it can be guessed")


def _given(settings: Settings) -> SigningKey | None:
    if settings.jwt_secret is not None:
        return SigningKey(settings.jwt_secret.get_secret_value(), "JWT_SECRET")
    if settings.jwt_secret_file is None:
        return None
    try:
        value = settings.jwt_secret_file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"JWT_SECRET_FILE cannot be read: {error}") from None
    if not value:
        raise SettingsError(f"JWT_SECRET_FILE must not be empty, and {settings.jwt_secret_file} is")
    return SigningKey(value, "JWT_SECRET_FILE")


def _kept(data_dir: Path, make: bool) -> SigningKey:
    path = data_dir / KEPT_AS
    try:
        if not make and not path.exists():
            return SigningKey("", f"made at the first start, in {path}")
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = not path.exists() and _keep(path, secrets.token_urlsafe(48))
        value = path.read_text("utf-8").strip()
        readable = os.name == "posix" and path.stat().st_mode & 0o077
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(f"FIRESIDE_DATA_DIR cannot be used: {error}") from None
    if len(value.encode()) < MIN_BYTES:
        raise StartupError(f"{path} is damaged: delete it to have a new one made (everyone has to log in again)")
    origin = f"{'made now and kept' if made else 'kept'} in {path}"
    return SigningKey(value, origin, f"{path} can be read by others: run chmod 600 {path}" if readable else None)


def _keep(path: Path, value: str) -> bool:
    """Write the key under its name, at once and readable by its owner alone; False if one is there by now."""
    handle, name = tempfile.mkstemp(prefix=f"{KEPT_AS}-", dir=path.parent)  # mode 600, and nobody else's file
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        os.link(name, path)  # unlike a rename, a link never replaces
    except FileExistsError:
        return False
    else:
        return True
    finally:
        Path(name).unlink()
